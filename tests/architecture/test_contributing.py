"""The tour in CONTRIBUTING.md is true: its files exist, its levels and its path are those that are found."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from .path_of_a_put import on_s3, walk_of_a_put
from .test_layers import LEVELS

if TYPE_CHECKING:
    from .conftest import Module

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "kazinex_storage"


def section(heading: str) -> str:
    """Return the text below *heading*, up to the next one."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.split(r"^#+ ", page.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table in a section, without its head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_files_that_the_tour_names_exist() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tour = page.partition("## A tour of the house\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w/*.-]+\.(?:py|md)|\w+/)`", tour))

    assert named
    assert [] == sorted(name for name in named if not [*PACKAGE.glob(name), *ROOT.glob(name)])


def test_the_table_of_levels_is_that_of_the_layering_test() -> None:
    listed = {name: int(level) for level, _, names in rows("The levels") for name in re.findall(r"`([\w.]+)`", names)}

    assert LEVELS == listed


def test_the_path_of_a_put_is_the_one_that_is_walked() -> None:
    listed = [cell.strip("`") for cell, _ in rows("The path of a put")]
    with on_s3() as storage:
        walked = walk_of_a_put(storage).files

    assert listed == [file for file in walked if file in listed]


def test_nothing_is_named_by_a_former_word(modules: dict[str, Module]) -> None:
    former = {name for old, _ in rows("Former words") for name in re.findall(r"`(\w+)`", old)}
    wrong = [
        f"{module.at(node.lineno)}: {node.name}"
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name in former
    ]

    assert former
    assert [] == wrong, "\n".join(wrong)
