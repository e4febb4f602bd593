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
    folder = ROOT / "src" / PACKAGE
    files = {short_name(path.relative_to(folder)): path for path in sorted(folder.rglob("*.py"))}
    return {name: parse(name, path, frozenset(files)) for name, path in files.items()}


def short_name(path: Path) -> str:
    parts = list(path.with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) or PACKAGE


def parse(name: str, path: Path, known: frozenset[str]) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = tuple(imports_of(tree, "" if package == PACKAGE else package, known, typing_only=False))
    return Module(name=name, path=path, text=text, tree=tree, imports=found)


def imports_of(node: ast.AST, package: str, known: frozenset[str], *, typing_only: bool) -> list[Import]:
    """Return what *node* imports, wherever it stands: functions and branches count too."""
    found: list[Import] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            targets = [ours(alias.name, known) for alias in child.names]
            found += [Import(target=target, line=child.lineno, typing_only=typing_only) for target in targets]
        elif isinstance(child, ast.ImportFrom):
            base = absolute(child, package)
            targets = [ours(f"{base}.{alias.name}" if base else alias.name, known) for alias in child.names]
            found += [Import(target=target, line=child.lineno, typing_only=typing_only) for target in targets]
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            body, rest = ast.Module(child.body, []), ast.Module(child.orelse, [])
            found += imports_of(body, package, known, typing_only=True)
            found += imports_of(rest, package, known, typing_only=typing_only)
        else:
            found += imports_of(child, package, known, typing_only=typing_only)
    return found


def absolute(statement: ast.ImportFrom, package: str) -> str:
    if statement.level == 0:
        return statement.module or ""
    parts = [PACKAGE, *(package.split(".") if package else [])]
    base = parts[: len(parts) - (statement.level - 1)]
    return ".".join([*base, *([statement.module] if statement.module else [])])


def ours(dotted: str, known: frozenset[str]) -> str:
    """Return the short name of the module of ours that *dotted* lies in, else *dotted* itself."""
    if dotted != PACKAGE and not dotted.startswith(f"{PACKAGE}."):
        return dotted
    short = dotted.removeprefix(PACKAGE).removeprefix(".")
    while short and short not in known:
        short = short.rpartition(".")[0]
    return short or PACKAGE
