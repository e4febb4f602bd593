"""One file name means one content type, on every version of Python and every machine."""

from __future__ import annotations

import re

import pytest

from kazinex_storage.content_types import UNKNOWN, guess_content_type

KNOWN = {
    "a.webp": "image/webp",
    "a.7z": "application/x-7z-compressed",
    "a.gz": "application/gzip",
    "a.xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    "a.msg": "application/vnd.ms-outlook",
    "a.dwg": "image/vnd.dwg",
    "a.DXF": "image/vnd.dxf",
    "a.ifc": "application/x-step",
    "a.rvt": "application/vnd.autodesk.revit",
    "model.tar.gz": "application/gzip",
    "a.pdf": "application/pdf",
}


@pytest.mark.parametrize(("name", "expected"), KNOWN.items(), ids=KNOWN)
def test_usual_files_of_a_project_have_their_types(name: str, expected: str) -> None:
    assert expected == guess_content_type(f"acme/bridge/{name}")
    assert re.fullmatch(r"[a-z]+/[A-Za-z0-9.+-]+", expected)


@pytest.mark.parametrize("name", ["a", ".gz", "a.unknown-kind", "a.", "a.gz/b"])
def test_a_name_without_a_known_extension_has_the_general_type(name: str) -> None:
    assert UNKNOWN == guess_content_type(name)
