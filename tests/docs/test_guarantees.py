"""Each promise of the README leads to its page, and each test that the page names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guarantees.md"

_TEST = re.compile(r"`((?:tests|testing)/[\w/]+\.py)::([\w:]+)`")


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the tests that a module defines, those in classes as ``Class::test`` as well."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {node.name}
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    found |= {inner.name, f"{node.name}::{inner.name}"}
    return frozenset(found)


def resolved(path: str) -> Path:
    """Return the file: ``testing/`` is the conformance kit."""
    return ROOT / path if path.startswith("tests/") else ROOT / "src" / "kazinex_storage" / path


def test_every_test_that_a_promise_names_is_there() -> None:
    named = _TEST.findall(PAGE.read_text())

    missing = [
        f"{path}::{name}"
        for path, name in named
        if not resolved(path).is_file() or name not in names_in(resolved(path))
    ]

    assert [] == missing
    assert len(named) > 40


def test_every_promise_has_tests_and_limits() -> None:
    sections = PAGE.read_text().split("\n## ")[1:]

    assert [] == [section.partition("\n")[0] for section in sections if not _TEST.search(section)]
    assert [] == [section.partition("\n")[0] for section in sections if "**Limits.**" not in section]


def test_every_sentence_one_can_rely_on_leads_to_its_promise() -> None:
    readme = (ROOT / "README.md").read_text()
    promises = readme.partition("## What you can rely on\n")[2].partition("\n## ")[0].partition("\n|")[0]
    bullets = re.findall(r"^- (?:.|\n  )+", promises, re.MULTILINE)
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^## (.+)$", PAGE.read_text(), re.MULTILINE)
    }

    led = [re.findall(r"docs/guarantees\.md#([\w-]+)", bullet) for bullet in bullets]

    assert len(bullets) >= 6
    assert [] == [bullet for bullet, found in zip(bullets, led, strict=True) if not found]
    assert set() == {anchor for found in led for anchor in found} - anchors
