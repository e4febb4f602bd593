"""The page of diagnoses has everything that a verification can say, in the words of the code."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from docsite import diagnoses, troubleshooting
from docsite.text import slugify

from kazinex_storage.registry import default_registry
from kazinex_storage.types import Diagnosis

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "kazinex_storage"

ELSEWHERE = {
    "verification/reports.py": "takes apart what was said before",
    "web/shown.py": "tells tenants of the platform's own storage to ask support",
}
"""Where a ``Diagnosis`` is made that is none of a verification."""


def test_the_page_is_the_one_that_is_computed() -> None:
    """Else: ``python -m docsite.troubleshooting > docs/troubleshooting.md``."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")

    assert page == troubleshooting.page()


def test_each_place_that_makes_a_diagnosis_is_reached_by_the_page() -> None:
    sites = {(path, line) for path, line in _sites() if path not in ELSEWHERE}
    files = {str(PACKAGE / path): path for path, _ in sites}
    ran: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        path = files.get(frame.f_code.co_filename)
        if path is None:
            return None
        ran.add((path, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        found = list(diagnoses.sections())
    finally:
        sys.settrace(before)

    said = {
        (each.meaning, each.fix) for section in found for symptom in section.symptoms for each in symptom.said.values()
    }
    reached = ran | {site for site, made in _constants() if made <= said}
    assert [] == sorted(f"{path}:{line}" for path, line in sites - reached), "add it to docsite/diagnoses.py"


def test_no_excuse_outlives_its_reason() -> None:
    assert [] == sorted(set(ELSEWHERE) - {path for path, _ in _sites()})


def test_headings_are_told_apart_and_kinds_exist() -> None:
    found = list(diagnoses.sections())
    titles = [section.title for section in found] + [each.title for section in found for each in section.symptoms]
    anchors = [slugify(title, "-") for title in titles]
    kinds = {kind for section in found for symptom in section.symptoms for kind in symptom.said if kind}

    assert [] == sorted({anchor for anchor in anchors if anchors.count(anchor) > 1})
    assert all(default_registry().get(kind) for kind in kinds)


def _sites() -> Iterator[tuple[str, int]]:
    """Yield each call of ``Diagnosis`` in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "Diagnosis(" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "Diagnosis":
                    yield path.relative_to(PACKAGE).as_posix(), node.lineno


def _constants() -> Iterator[tuple[tuple[str, int], set[tuple[str, str]]]]:
    """Yield the calls that are made when a module is imported, each with what it makes."""
    for path in sorted({path for path, _ in _sites()}):
        tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
        names = vars(import_module("kazinex_storage." + path.removesuffix(".py").replace("/", ".")))
        for statement in tree.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                for node in ast.walk(statement):
                    if isinstance(node, ast.Call) and ast.unparse(node.func) == "Diagnosis":
                        made = eval(compile(ast.Expression(node), path, "eval"), names)  # noqa: S307  # of our own source
                        assert isinstance(made, Diagnosis)
                        yield (path, node.lineno), {(made.meaning, made.fix)}
