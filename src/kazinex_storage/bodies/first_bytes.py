"""What files of a type begin with. A hint and no proof: what is written on purpose can begin with anything. Pure.

``fits`` asks for the signature of a type, ``contradicts`` only refuses what is recognised as another one.
"""

from __future__ import annotations

from typing import Final

from ..content_types import TEXT_TYPES

FIRST_BYTES: Final = 1024
"""How many bytes are looked at; a PDF may have something else before its header (ISO 32000-1, annex H.3.4.1)."""

_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # MS-CFB, 2.2

# The signatures of the formats' own specifications, with the extensions of the files that begin so; each has at least
# three bytes, so that ordinary text is not taken for one. Office files under a password are compound files
# (MS-OFFCRYPTO), and Office writes RTF and HTML as .doc and .xls.
_TYPES: Final[tuple[tuple[str, tuple[bytes, ...], frozenset[str]], ...]] = tuple(
    (name, signatures, frozenset(extensions.split()))
    for name, signatures, extensions in (
        ("PDF", (b"%PDF-",), "pdf ai"),
        ("PNG", (b"\x89PNG\r\n\x1a\n",), "png apng"),
        ("JPEG", (b"\xff\xd8\xff",), "jpg jpeg jpe jfif"),
        ("GIF", (b"GIF87a", b"GIF89a"), "gif"),
        ("TIFF", (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"), "tif tiff dng nef cr2 arw geotiff"),
        (
            "ZIP",
            (b"PK\x03\x04", b"PK\x05\x06"),
            "zip docx docm dotx xlsx xlsm xlsb xltx pptx pptm potx ppsx vsdx odt ods odp odg",
        ),
        (
            "ZIP",
            (b"PK\x03\x04", b"PK\x05\x06"),
            "ifczip bcf bcfzip kmz 3mf epub dwfx jar apk dyn gsz pln bpn usdz nwd rvz",
        ),
        (
            "compound file",
            (_COMPOUND,),
            "doc dot xls xlt ppt pot pps msg msi msp mpp pub vsd vss rvt rfa rte rft dgn max",
        ),
        (
            "compound file",
            (_COMPOUND,),
            "docx docm xlsx xlsm xlsb pptx pptm sldprt sldasm slddrw ipt iam idw ipn wps db",
        ),
        ("DWG", (b"AC10", b"AC1.", b"AC2."), "dwg dwt dws sv$ bak"),
        ("STEP", (b"ISO-10303-21", b"\xef\xbb\xbfISO-10303-21"), "ifc step stp p21"),
        ("gzip", (b"\x1f\x8b\x08",), "gz tgz svgz emz wmz rds"),
        ("7-Zip", (b"7z\xbc\xaf\x27\x1c",), "7z"),
        ("RAR", (b"Rar!\x1a\x07",), "rar cbr"),
        ("RTF", (b"{\\rtf",), "rtf doc"),
        ("Photoshop", (b"8BPS",), "psd psb"),
        ("WebP, AVI or WAV", (b"RIFF",), "webp avi wav"),
        ("Ogg", (b"OggS",), "ogg oga ogv opus"),
        ("FLAC", (b"fLaC",), "flac"),
        ("Matroska", (b"\x1a\x45\xdf\xa3",), "mkv webm mka"),
        ("bzip2", (b"BZh1", b"BZh9"), "bz2 tbz2"),
        ("xz", (b"\xfd7zXZ\x00",), "xz txz"),
        ("Zstandard", (b"\x28\xb5\x2f\xfd",), "zst"),
        ("SQLite", (b"SQLite format 3\x00",), "gpkg sqlite sqlite3 db mbtiles"),
        ("Parquet", (b"PAR1",), "parquet"),
        ("LAS", (b"LASF",), "las laz"),
        ("E57", (b"ASTM-E57",), "e57"),
        ("glTF", (b"glTF",), "glb"),
        ("JPEG 2000", (b"\x00\x00\x00\x0cjP  \r\n\x87\n",), "jp2 jpx j2k"),
        ("DWF", (b"(DWF V",), "dwf"),
        ("PostScript", (b"%!PS",), "ps eps ai"),
        ("font", (b"wOFF", b"wOF2", b"OTTO"), "woff woff2 otf"),
    )
)
_REQUIRED: Final[dict[str, tuple[bytes, ...]]] = {
    "bmp": (b"BM",),
    "rar": (b"Rar!\x1a\x07",),
    "gz": (b"\x1f\x8b",),
    **{
        extension: signatures
        for name, signatures, _ in _TYPES
        for extension in {
            "PNG": ("png",),
            "JPEG": ("jpg", "jpeg"),
            "GIF": ("gif",),
            "TIFF": ("tif", "tiff"),
            "WebP, AVI or WAV": ("webp",),
            "DWG": ("dwg",),
            "STEP": ("ifc",),
            "7-Zip": ("7z",),
        }.get(name, ())
    },
    **dict.fromkeys(("doc",), (_COMPOUND, b"{\\rtf")),
    **dict.fromkeys(("xls", "ppt", "msg", "rvt"), (_COMPOUND,)),
    **dict.fromkeys(("docx", "xlsx", "xlsm", "pptx"), (b"PK\x03\x04", b"PK\x05\x06", _COMPOUND)),
    **dict.fromkeys(("zip", "odt", "ods", "odp", "ifczip", "kmz"), (b"PK\x03\x04", b"PK\x05\x06")),
}
"""What files of a type have to begin with; of types that are not here (text, CSV, STL, IGES ...) that is not known."""

# Programs, whatever they are called: Windows, Linux, macOS (both byte orders, and universal), and scripts by #!.
_PROGRAMS: Final = (
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"#!",
)
_PAGES: Final = (b"<!doctype html", b"<html", b"<script", b"<?php")
_PAGE_TYPES: Final = frozenset(
    "html htm xhtml mht php phtml xml svg md markdown eml doc xls hta aspx jsp".split()  # noqa: SIM905
)
_PROGRAM_TYPES: Final = frozenset(
    "exe dll com sys so dylib class sh py bash zsh csh ksh bin run scr cpl ocx efi pl rb command cgi".split()  # noqa: SIM905
)
"""Types that are programs, which an allowlist that names them lets in."""

_SIGNED: Final = frozenset().union(*(extensions for _, _, extensions in _TYPES), _REQUIRED)
_HEADER: Final = 64  # of a program for DOS, whose fields text does not fill with zeros


def fits(extension: str, first: bytes) -> bool:
    """Say whether a file of *extension* may begin with *first*; a type without a signature may, unless as a program.

    Example:
        >>> fits("pdf", b"%PDF-1.7"), fits("pdf", b"MZ"), fits("csv", b"a;b"), fits("csv", b"#!/bin/sh")
        (True, False, True, False)
    """
    if extension == "pdf":
        return b"%PDF-" in first
    signatures = _REQUIRED.get(extension)
    if signatures is not None:
        return first.startswith(signatures)
    return not first.startswith(_PROGRAMS) or extension in _PROGRAM_TYPES


def contradicts(extension: str, first: bytes) -> str | None:
    """Return what *first* is recognised as, where that is another type than *extension*; None where it may be that.

    What is not recognised contradicts nothing, and an extension that is not known is only refused programs and pages.

    Example:
        >>> contradicts("pdf", b"MZ" + bytes(62)), contradicts("png", b"%PDF-1.7"), contradicts("pdf", b"a drawing")
        ('a program', 'PDF', None)
    """
    if _is_program(first):
        return None if extension in _PROGRAM_TYPES else "a program"
    if extension == "pdf" and b"%PDF-" in first:
        return None
    head = first.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower()
    if head.startswith(_PAGES):
        return "a page or script" if extension in _SIGNED and extension not in _PAGE_TYPES else None
    found = [name for name, signatures, extensions in _TYPES if first.startswith(signatures)]
    if not found or (extension not in _SIGNED and extension not in TEXT_TYPES):
        return None
    own = any(extension in extensions and first.startswith(signatures) for _, signatures, extensions in _TYPES)
    return None if own else found[0]


def _is_program(first: bytes) -> bool:
    if first.startswith(b"MZ"):
        return b"\x00" in first[:_HEADER]
    if first.startswith(b"#!"):
        return first[2:].lstrip(b" ").startswith(b"/")
    return first.startswith(_PROGRAMS)
