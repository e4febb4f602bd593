"""Keys that services are known to mangle: reserved and encoded characters, Unicode, length, depth."""

from __future__ import annotations

AWKWARD_GROUPS: dict[str, tuple[str, ...]] = {
    "signs in a name": tuple(f"mark {character} here" for character in " +%;=&'()*!~@:,#?[]{}|^`\"<>$"),
    "signs in a folder": tuple(f"folder {character} here/file" for character in "+%;=&#?:[]|"),
    "signs alone": tuple("+%;=&'()*!~@:,#?[]{}|^`\"<>$-_"),
    "parts of URLs": (
        "percent%20encoded",
        "percent%2Fslash",
        "percent%25percent",
        "percent%zz",
        "100%",
        "plus+and space",
        "a=b&c=d",
        "a?versionId=1",
        "a#fragment",
    ),
    "spaces and dots": (
        " leading space",
        "trailing space ",
        "folder ending in space /file",
        "two  spaces",
        ".hidden",
        "..two-dots",
        "...",
        "trailing.dot.",
        "folder./file",
        "dots..inside",
    ),
    "names with a meaning": (
        "~",
        "~user",
        "-rf",
        "--help",
        "CON",
        "nul.txt",
        "desktop.ini",
        "Thumbs.db",
        "_vti_cnf/file",
        "~$lock.docx",
        "null",
        "None",
        "0",
    ),
    "scripts": (
        "Plan Müller.pdf",
        "Ångström/Äpfel/ß.txt",
        "図面/平面図.dwg",
        "План/Лист 1.pdf",
        "خطة.pdf",
        "תוכנית.pdf",
        "emoji 🏗️ crane.png",
        "👩‍👩‍👧‍👦",
        "\N{NO-BREAK SPACE}no-break space",
        "zero\N{ZERO WIDTH SPACE}width",
        "\N{OHM SIGN} is normalised",
        "e\N{COMBINING ACUTE ACCENT}te\N{COMBINING ACUTE ACCENT} decomposed.pdf",
        "\N{MATHEMATICAL BOLD CAPITAL A} beyond the basic plane",
    ),
    "long and deep": (
        "a" * 200,
        "ü" * 100,
        "/".join("abcdefghijklmnopqrstuvwxyz"),
        "/".join(["deep"] * 40),
    ),
}
"""Legal keys by what is awkward about them; a provider holds every one of them, unless its harness says otherwise."""

AWKWARD_KEYS: tuple[str, ...] = tuple(key for keys in AWKWARD_GROUPS.values() for key in keys)
"""All of them."""

ILLEGAL_KEYS: tuple[str, ...] = (
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/..",
    "a/../b",
    "a/./b",
    "./a",
    "a\\b",
    "..\\a",
    "a\x00b",
    "a\nb",
    "a\x7fb",
    "a\x85b",
    "a\ud800b",
    "a" * 1025,
    "ü" * 513,
)
"""No keys at all; they are refused before any request."""
