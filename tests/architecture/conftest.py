"""What the tests of the architecture share: every module of the package as text and as a syntax tree."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "kazinex_storage"


@dataclass(frozen=True, kw_only=True)
class Import:
    """One name that a module imports."""

    target: str
    """The module of ours that it comes from, else the full dotted name."""
    line: int
    typing_only: bool
    """Inside ``if TYPE_CHECKING``: known to the type checker alone."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """One module of the package."""

    name: str
    """Dotted, without ``kazinex_storage.``; the package itself is ``kazinex_storage``."""
    path: Path
    text: str
    tree: ast.Module
    imports: tuple[Import, ...] = field(default=())

    def at(self, line: int) -> str:
        """Return where a line is, for messages."""
        return f"{self.path.relative_to(ROOT)}:{line}"


@pytest.fixture(scope="session")
def modules() -> dict[str, Module]:
    """Every module of the package by its short name."""
    return modules_of(ROOT / "src" / PACKAGE)


@pytest.fixture(scope="session")
def benchmarks() -> dict[str, Module]:
    """Every module of the benchmarks by its short name."""
    return modules_of(ROOT / "benchmarks")


def modules_of(folder: Path) -> dict[str, Module]:
    """Return every module of the package in *folder* by its short name."""
    files = {short_name(path, folder): path for path in sorted(folder.rglob("*.py"))}
    return {name: parse(name, path, folder.name, frozenset(files)) for name, path in files.items()}


def short_name(path: Path, folder: Path) -> str:
    parts = list(path.relative_to(folder).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) or folder.name


def parse(name: str, path: Path, package: str, known: frozenset[str]) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    found = tuple(imports_of(tree, Place(path, name, package, known), typing_only=False))
    return Module(name=name, path=path, text=text, tree=tree, imports=found)


class Place:
    """Where an import is written: what its dots count from, and which modules are ours."""

    def __init__(self, path: Path, name: str, package: str, known: frozenset[str]) -> None:
        self.package = package
        self.known = known
        inner = name if path.name == "__init__.py" else name.rpartition(".")[0]
        self.parts = [package, *(inner.split(".") if inner not in ("", package) else [])]

    def absolute(self, statement: ast.ImportFrom) -> str:
        """Return the full name of what *statement* imports from."""
        if statement.level == 0:
            return statement.module or ""
        base = self.parts[: len(self.parts) - (statement.level - 1)]
        return ".".join([*base, *([statement.module] if statement.module else [])])

    def ours(self, dotted: str) -> str:
        """Return the short name of the module of ours that *dotted* lies in, else *dotted* itself."""
        if dotted != self.package and not dotted.startswith(f"{self.package}."):
            return dotted
        short = dotted.removeprefix(self.package).removeprefix(".")
        while short and short not in self.known:
            short = short.rpartition(".")[0]
        return short or self.package


def imports_of(node: ast.AST, place: Place, *, typing_only: bool) -> list[Import]:
    """Return what *node* imports, wherever it stands: functions and branches count too."""
    found: list[Import] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            targets = [place.ours(alias.name) for alias in child.names]
            found += [Import(target=target, line=child.lineno, typing_only=typing_only) for target in targets]
        elif isinstance(child, ast.ImportFrom):
            base = place.absolute(child)
            targets = [place.ours(f"{base}.{alias.name}" if base else alias.name) for alias in child.names]
            found += [Import(target=target, line=child.lineno, typing_only=typing_only) for target in targets]
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            found += imports_of(ast.Module(child.body, []), place, typing_only=True)
            found += imports_of(ast.Module(child.orelse, []), place, typing_only=typing_only)
        else:
            found += imports_of(child, place, typing_only=typing_only)
    return found
