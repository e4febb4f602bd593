"""What files of a type begin with. A hint and no proof: what is written on purpose can begin with anything. Pure."""

from __future__ import annotations

from typing import Final

FIRST_BYTES: Final = 1024
"""How many bytes are looked at; a PDF may have something else before its header (ISO 32000-1, annex H.3.4.1)."""

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_COMPOUND: Final = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)  # MS-CFB, 2.2
_TIFF: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

# The signatures of the formats' own specifications; those without one (text, CSV, STL, IGES ...) are not compared.
_SIGNATURES: Final[dict[str, tuple[bytes, ...]]] = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "bmp": (b"BM",),
    "tif": _TIFF,
    "tiff": _TIFF,
    "webp": (b"RIFF",),
    "dwg": (b"AC10", b"AC1.", b"AC2."),
    "ifc": (b"ISO-10303-21", b"\xef\xbb\xbfISO-10303-21"),
    "gz": (b"\x1f\x8b",),
    "7z": (b"7z\xbc\xaf\x27\x1c",),
    "rar": (b"Rar!\x1a\x07",),
    "doc": _COMPOUND,
    "xls": _COMPOUND,
    "ppt": _COMPOUND,
    "msg": _COMPOUND,
    "rvt": _COMPOUND,
    **dict.fromkeys(("zip", "docx", "xlsx", "xlsm", "pptx", "odt", "ods", "odp", "ifczip", "kmz"), _ZIP),
}

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


def fits(extension: str, first: bytes) -> bool:
    """Say whether a file of *extension* may begin with *first*; a type without a signature may, unless as a program.

    Example:
        >>> fits("pdf", b"%PDF-1.7"), fits("pdf", b"MZ"), fits("csv", b"a;b"), fits("csv", b"#!/bin/sh")
        (True, False, True, False)
    """
    if extension == "pdf":
        return b"%PDF-" in first
    signatures = _SIGNATURES.get(extension)
    if signatures is not None:
        return first.startswith(signatures)
    return not first.startswith(_PROGRAMS) or extension in _PROGRAM_TYPES


_PROGRAM_TYPES: Final = frozenset(
    {"exe", "dll", "com", "sys", "so", "dylib", "class", "sh", "py", "bash", "bin", "run"}
)
"""Types that are programs, which an allowlist that names them lets in."""
