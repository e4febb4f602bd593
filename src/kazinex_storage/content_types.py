"""Content types by file extension: the standard library's own table and the formats of construction, nothing else.

The table of the machine is left out on purpose: one file name must mean one content type everywhere.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from .lazy import module

if TYPE_CHECKING:
    import mimetypes
else:
    mimetypes = module(__name__, "mimetypes")


UNKNOWN = "application/octet-stream"
"""The content type of what has no known extension (RFC 2046 section 4.5.1)."""

# IANA media types registry (iana.org/assignments/media-types, read 2026-11). Not registered: .ifc, for which
# buildingSMART names application/x-step, and .rvt, .rfa, .nwd and .skp, which get a name below their maker's. Python's
# own table has some of these from 3.13 or 3.14 on, and others never: here one name means one type on every version.
_MORE = {
    # archives and compressed files
    ".7z": "application/x-7z-compressed",
    ".gz": "application/gzip",
    ".bz2": "application/x-bzip2",
    ".xz": "application/x-xz",
    ".zst": "application/zstd",
    ".rar": "application/vnd.rar",
    ".zip": "application/zip",
    # pictures and films
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jp2": "image/jp2",
    ".svg": "image/svg+xml",
    ".mkv": "video/x-matroska",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    # office, letters and notes
    ".docm": "application/vnd.ms-word.document.macroEnabled.12",
    ".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    ".xlsb": "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
    ".pptm": "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".msg": "application/vnd.ms-outlook",
    ".eml": "message/rfc822",
    ".rtf": "application/rtf",
    ".vsdx": "application/vnd.ms-visio.drawing",
    ".mpp": "application/vnd.ms-project",
    ".epub": "application/epub+zip",
    # drawings, models and surveys
    ".dwg": "image/vnd.dwg",
    ".dxf": "image/vnd.dxf",
    ".ifc": "application/x-step",
    ".ifczip": "application/zip",
    ".step": "model/step",
    ".stp": "model/step",
    ".dwf": "model/vnd.dwf",
    ".rvt": "application/vnd.autodesk.revit",
    ".rfa": "application/vnd.autodesk.revit",
    ".nwd": "application/vnd.autodesk.navisworks",
    ".skp": "application/vnd.sketchup.skp",
    ".ifcxml": "application/xml",
    ".bcf": "application/zip",
    ".bcfzip": "application/zip",
    ".stl": "model/stl",
    ".obj": "model/obj",
    ".gltf": "model/gltf+json",
    ".glb": "model/gltf-binary",
    ".3mf": "model/3mf",
    ".las": "application/vnd.las",
    ".laz": "application/vnd.laszip",
    ".geojson": "application/geo+json",
    ".gml": "application/gml+xml",
    ".kml": "application/vnd.google-earth.kml+xml",
    ".kmz": "application/vnd.google-earth.kmz",
    ".gpkg": "application/geopackage+sqlite3",
    # data
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".jsonl": "application/jsonl",
    ".toml": "application/toml",
    ".arrow": "application/vnd.apache.arrow.file",
    ".parquet": "application/vnd.apache.parquet",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


@functools.cache
def _table() -> mimetypes.MimeTypes:
    table = mimetypes.MimeTypes()
    for extension, content_type in _MORE.items():
        table.add_type(content_type, extension)
    return table


@functools.lru_cache(maxsize=1024)
def _by_extension(extension: str) -> str:
    return _table().types_map[True].get(extension, UNKNOWN)


def guess_content_type(name: str) -> str:
    """Return the content type of the last extension of *name*, else ``application/octet-stream``."""
    stem, dot, extension = name.rpartition("/")[2].rpartition(".")
    return _by_extension(f".{extension.lower()}") if dot and stem else UNKNOWN


def extension_of(filename: str) -> str:
    """Return the last extension in lower case without the dot; empty when there is none.

    ``plan.pdf.exe`` is ``exe``; ``.profile`` and ``plan.`` have none. Trailing blanks and dots do not hide an
    extension (Windows drops them): ``evil.exe. `` is ``exe``.
    """
    stem, dot, extension = filename.rstrip(" .").rpartition(".")
    return extension.strip().casefold() if dot and stem else ""


def extensions_of(content_type: str) -> tuple[str, ...]:
    """Return the extensions, without their dots, that mean *content_type*; the inverse of ``guess_content_type``.

    ``image/*`` stands for every type of that kind.

    Example:
        >>> extensions_of("application/zip"), "png" in extensions_of("image/*")
        (('bcf', 'bcfzip', 'ifczip', 'zip'), True)
    """
    wanted = content_type.strip().lower()
    table = _table().types_map[True]
    if wanted.endswith("/*"):
        kind = wanted.removesuffix("*")
        return tuple(sorted(name.removeprefix(".") for name, found in table.items() if found.lower().startswith(kind)))
    return tuple(sorted(name.removeprefix(".") for name, kind in table.items() if kind.lower() == wanted))


# What programs call types that the table calls otherwise: names from before registration, and what Windows with Office
# says of CSV files. Types that no extension means are left alone: they say nothing that could be compared.
_ALSO: Final = {
    "application/vnd.ms-excel": ("csv", "tsv"),
    "text/plain": ("*text",),
    "text/xml": ("ifcxml", "gml", "kml", "xml", "svg"),
    "application/xml": ("gml", "kml", "svg"),
    "application/json": ("geojson", "gltf"),
    "application/zip": tuple("docx xlsx pptx docm xlsm pptm odt ods odp kmz 3mf epub vsdx".split()),  # noqa: SIM905
    "application/step": ("ifc", "step", "stp"),
    "model/step": ("ifc",),
    "application/msword": ("rtf", "docx"),
    "image/jpeg": ("jfif",),
    "audio/mp4": ("mp4",),
    "video/mp4": ("m4a", "m4v"),
}

TEXT_TYPES: Final = frozenset(
    "txt text csv tsv json geojson jsonl xml ifcxml gml kml yaml yml toml md markdown log ini cfg conf html htm xhtml "  # noqa: SIM905
    "css svg ics vcf eml rst tex srt sql step stp ifc obj gltf dxf p21 asc xyz pts nc gcode".split()
)
"""Extensions of types whose files are text."""

_GENERIC: Final = frozenset({UNKNOWN, "binary/octet-stream", "application/force-download", "application/x-download"})


def agrees(extension: str, content_type: str) -> bool:
    """Say whether a file of *extension* may be declared as *content_type*: it means that extension, or says nothing.

    Example:
        >>> agrees("pdf", "application/pdf"), agrees("pdf", "text/html"), agrees("csv", "text/plain; charset=utf-8")
        (True, False, True)
    """
    declared = content_type.partition(";")[0].strip().lower()
    own = _by_extension(f".{extension}").lower() if extension else UNKNOWN
    if not declared or declared in _GENERIC or declared == own:
        return True
    means = extensions_of(declared)
    if not means or extension in means:
        return True
    also = _ALSO.get(declared, ())
    if extension in also or ("*text" in also and (extension in TEXT_TYPES or own == UNKNOWN)):
        return True
    return own == UNKNOWN and not declared.startswith(_ACTIVE)


_ACTIVE: Final = ("text/html", "application/xhtml", "image/svg", "text/javascript", "application/javascript")
"""Types that a browser runs."""
