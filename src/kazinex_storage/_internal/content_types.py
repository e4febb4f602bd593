"""Content types by file extension: the standard library's own table and the formats of construction, nothing else.

The table of the machine is left out on purpose: one file name must mean one content type everywhere.
"""

from __future__ import annotations

import functools
import mimetypes

UNKNOWN = "application/octet-stream"
"""The content type of what has no known extension (RFC 2046 section 4.5.1)."""

# IANA media types registry (iana.org/assignments/media-types, read 2026-08), except for .ifc and .rvt, which have no
# registration: buildingSMART names application/x-step for IFC files.
_MORE = {
    ".dwg": "image/vnd.dwg",
    ".dxf": "image/vnd.dxf",
    ".ifc": "application/x-step",
    ".ifczip": "application/zip",
    ".step": "model/step",
    ".stp": "model/step",
    ".md": "text/markdown",
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
    """Return the content type that the last extension of *name* stands for, else ``application/octet-stream``."""
    stem, dot, extension = name.rpartition("/")[2].rpartition(".")
    return _by_extension(f".{extension.lower()}") if dot and stem else UNKNOWN
