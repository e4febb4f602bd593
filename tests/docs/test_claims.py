"""What pages name exists: commands, options, variables, files, targets of make, and names of the package.

``test_docs.py`` parses the command lines and runs the marked blocks; this looks at the words in between, which nobody
runs, and at the imports of blocks that are only shown.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from docsite import api, commands
from docsite.text import prose

from kazinex_storage import DocumentStore, Organisations, Resolver, Storage

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        *(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "adr"),
    ]
)
"""Decisions and the changelog speak of what was."""

OTHER_OPTIONS = {"benchmarks.md": "those of `python -m benchmarks`"}
"""Pages whose options in running text are of another program."""

OPTIONS_OF_OTHERS = {"--bwlimit": "rclone", "--ca-cert": "rclone", "--foreground": "fsspec.fuse"}
"""Options that pages name without the program that they are of."""

EXTRAS = {"ray", "dask"}
"""Libraries that a page may need and that are not installed everywhere."""

_SPAN = re.compile(r"`([^`]+)`")
_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]+")
_VARIABLE = re.compile(r"\bKAZINEX_STORAGE_[A-Z][A-Z0-9_]*")
_FILE = re.compile(r"(?:src|tests|docs|examples|benchmarks|docsite)/[\w/.-]+")
_MEMBER = re.compile(r"([A-Z]\w+)\.([a-z]\w*)\b")
_CALL = re.compile(r"^(?:await )?(storage|documents|organisations|resolver)\.([a-z_]+)\(")
_DOTTED = re.compile(r"kazinex_storage(?:\.\w+)+")
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _spans() -> Iterator[tuple[str, str]]:
    """Yield what stands in running text as code, with the page."""
    for page in PAGES:
        for line, plain in prose(page.read_text(encoding="utf-8")):
            for span in _SPAN.findall(line) if plain else ():
                yield page.name, span


@cache
def _source() -> str:
    folders = (ROOT / "src", ROOT / "tests", ROOT / "benchmarks", ROOT / "examples")
    return "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))


def test_commands_in_running_text_exist() -> None:
    known = {*commands.names(), *(name.partition(" ")[0] for name in commands.names())}
    wrong = []
    for page, span in _spans():
        words = span.split()
        if words[0] == "kazinex-storage" and len(words) > 1 and not words[1].startswith("-"):
            named = [word for word in words[1:3] if re.fullmatch(r"[a-z][a-z-]+", word)]
            group = any(name.startswith(f"{words[1]} ") for name in known)
            if named[:1] != words[1:2] or " ".join(named if group else named[:1]) not in known:
                wrong.append(f"{page}: {span}")

    assert [] == wrong


def test_options_in_running_text_exist() -> None:
    known = commands.options()

    wrong = [
        f"{page}: {option} in {span}"
        for page, span in _spans()
        if span.startswith(("-", "kazinex-storage ")) and page not in OTHER_OPTIONS
        for option in _OPTION.findall(span)
        if option not in known and option not in OPTIONS_OF_OTHERS
    ]

    assert [] == wrong


def test_variables_of_the_environment_exist() -> None:
    """By their whole name, or by the prefix of a kind, of a named storage, or of a group that the source spells."""
    groups = tuple(re.findall(r"KAZINEX_STORAGE_[A-Z0-9_]*_(?=[\"*{<])", _source()))
    kinds = tuple(f"KAZINEX_STORAGE_{kind.upper()}_" for kind in ("local", "r2", "s3", "supabase", "sharepoint"))
    known = (*groups, *kinds, "KAZINEX_STORAGE_AZURE_BLOB_")

    wrong = []
    for page in PAGES:
        variables = set(_VARIABLE.findall(page.read_text(encoding="utf-8")))
        named = tuple(each.removesuffix("KIND") for each in variables if each.endswith("_KIND"))  # open_named
        wrong += [
            f"{page.name}: {each}"
            for each in sorted(variables)
            if each not in _source() and not each.endswith("_") and not each.startswith((*known, *named))
        ]

    assert [] == wrong


def test_files_and_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    spans = list(_spans())

    files = [f"{page}: {found}" for page, span in spans for found in _FILE.findall(span) if not (ROOT / found).exists()]
    made = [found for page, span in spans for found in re.findall(r"^make ([a-z-]+)", span) if found not in targets]

    assert [] == [found for found in files if "::" not in found and "*" not in found]
    assert [] == made


def test_members_of_public_classes_exist() -> None:
    places = {entry.name: entry.found for entry in reversed(api.entries())}
    wrong = []
    for page, span in _spans():
        for name, member in _MEMBER.findall(span):
            found = places.get(name)
            if inspect.isclass(found) and not _has(found, member):
                wrong.append(f"{page}: {name}.{member}")

    assert [] == wrong


def test_calls_in_running_text_are_of_methods_that_exist() -> None:
    """By the names that examples give to what they hold."""
    held = {"storage": Storage, "documents": DocumentStore, "organisations": Organisations, "resolver": Resolver}

    wrong = [
        f"{page}: {name}.{method}"
        for page, span in _spans()
        for name, method in _CALL.findall(span)
        if not _has(held[name], method)
    ]

    assert [] == wrong


def test_dotted_names_of_the_package_exist() -> None:
    wrong = [
        f"{page}: {name}" for page, span in _spans() for name in _DOTTED.findall(span) if not _resolves(name.split("."))
    ]

    assert [] == wrong


def test_what_python_blocks_import_from_the_package_is_there() -> None:
    wrong = []
    for page in PAGES:
        for block in _PYTHON.findall(page.read_text(encoding="utf-8")):
            for module, name in _imports(block):
                if module.rpartition(".")[2] not in EXTRAS and not _resolves([*module.split("."), name]):
                    wrong.append(f"{page.name}: from {module} import {name}")

    assert [] == wrong


def test_every_public_name_and_method_stands_in_the_reference() -> None:
    pages = api.pages()

    headings = {page: set(re.findall(r"\{ #([\w.]+) \}", text)) for page, text in pages.items()}

    assert [] == [entry.name for entry in api.entries() if entry.name not in headings[entry.page]]
    assert {"Storage.put", "Storage.tags", "AsyncStorage.put_many", "AsyncStorage.get_bytes"} <= headings[
        "api/storage.md"
    ]


def test_every_command_stands_in_the_reference_with_its_options() -> None:
    pages = commands.pages()
    text = "\n".join(pages.values())

    assert [] == [name for name in commands.names() if f"\n## {name}\n" not in text]
    assert [] == [option for option in commands.options() - {"--help"} if option not in text]
    assert "| 3 | verification failed |" in pages["commands/index.md"]
    assert "| 130 | interrupted |" in pages["commands/index.md"]


@pytest.mark.parametrize(
    ("names", "there"),
    [
        (["kazinex_storage", "Storage"], True),
        (["kazinex_storage", "Storrage"], False),
        (["kazinex_storage", "providers", "s3", "open_r2"], True),
        (["kazinex_storage", "providers", "s4"], False),
    ],
)
def test_a_wrong_name_would_be_noticed(names: list[str], there: bool) -> None:
    assert there is _resolves(names)
    assert not _has(api.Entry, "colour")


def _has(found: object, member: str) -> bool:
    if hasattr(found, member) or member in {*_annotated(found), *getattr(found, "model_fields", {})}:
        return True
    source = inspect.getsource(importlib.import_module(getattr(found, "__module__", "")))
    return re.search(rf"\bself\.{member}(: .+)? = ", source) is not None


def _annotated(found: object) -> set[str]:
    return {name for base in getattr(found, "__mro__", ()) for name in getattr(base, "__annotations__", {})}


def _imports(block: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "kazinex_storage":
            yield from ((node.module or "", alias.name) for alias in node.names)


def _resolves(names: list[str]) -> bool:
    """Say whether *names* lead from the package to a module or to what one holds."""
    found: object = importlib.import_module(names[0])
    for at, name in enumerate(names[1:], start=1):
        inner = getattr(found, name, None)
        if inner is None and inspect.ismodule(found):
            try:
                inner = importlib.import_module(".".join(names[: at + 1]))
            except ModuleNotFoundError:
                return False
        if inner is None:
            return False
        found = inner
    return True
