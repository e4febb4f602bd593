"""Every public thing says what it is, in which unit, and what it raises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .conftest import Module

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

UNITS_IN_NAMES = re.compile(r".*(_bytes|_s|seconds|size)")
"""Names that carry their unit; ``size`` is bytes everywhere (STYLE.md)."""

NUMBERS = re.compile(r"\b(int|float|datetime|timedelta|Decimal)\b")

FACADES = {
    "storage.sync": ("Storage",),
    "storage.views": ("StorageViews",),
    "storage.records": ("RecordVerbs",),
    "storage.reading": ("ByteStream",),
    "storage.aio": ("AsyncStorage",),
    "documents.aio": ("AsyncDocumentStore",),
    "documents.store": ("DocumentStore",),
    "contract": ("StorageProvider", "ServerCopier", "Presigner"),
}
"""The classes whose every method can fail, by module."""

CANNOT_RAISE = {
    "Storage.get_many": "errors are in the outcomes",
    "AsyncStorage.get_many": "errors are in the outcomes",
    "StorageViews.with_policy": "makes a view",
    "StorageViews.read_only": "makes a view",
    "StorageViews.cached": "makes a view",
    "AsyncStorage.cached": "makes a view",
    "AsyncStorage.read_only": "makes a view",
    "DocumentStore.read_only": "makes a view",
    "AsyncDocumentStore.read_only": "makes a view",
    "AsyncStorage.with_policy": "makes a view",
    "Storage.close": "closing is silent",
    "AsyncStorage.aclose": "closing is silent",
    "ByteStream.close": "closing is silent",
    "StorageProvider.close": "closing is silent",
    "StorageProvider.delete": "silent when absent; what every method may raise stands in the class",
    "StorageProvider.scan": "what every method may raise stands in the class",
    "StorageProvider.children": "what every method may raise stands in the class",
}
"""Methods of the facades without a section ``Raises:``, and why."""

NOT_FOR_IMPORT = ("testing", "cli")
"""Tests document themselves by their names, commands by their help."""


def is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


def is_library(name: str) -> bool:
    return is_public(name) and name.partition(".")[0] not in NOT_FOR_IMPORT


def public_definitions(module: Module) -> Iterator[tuple[str, ast.ClassDef | Function]]:
    """Yield the public classes, functions and methods of *module* with their dotted names."""

    def below(node: ast.Module | ast.ClassDef, name: str) -> Iterator[tuple[str, ast.ClassDef | Function]]:
        for child in node.body:
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and is_public(child.name):
                yield f"{name}{child.name}", child
                if isinstance(child, ast.ClassDef):
                    yield from below(child, f"{name}{child.name}.")

    return below(module.tree, "")


def raised_names(function: Function) -> set[str]:
    """Return the classes that the body itself raises by name; not those of functions defined in it."""

    def below(node: ast.AST) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
                continue
            if isinstance(child, ast.Raise) and child.exc is not None:
                raised = child.exc.func if isinstance(child.exc, ast.Call) else child.exc
                name = ast.unparse(raised).rpartition(".")[2]
                if name[:1].isupper() and name not in ("StopIteration", "AttributeError"):
                    yield name
            yield from below(child)

    return set(below(function))


def raises_section(docstring: str) -> str:
    match = re.search(r"^Raises:\n((?:[ ]+.*\n?|\n)+)", docstring, re.MULTILINE)
    return match[1] if match else ""


def is_overload(function: ast.ClassDef | Function) -> bool:
    return any(ast.unparse(decorator).endswith("overload") for decorator in function.decorator_list)


def is_property(function: ast.ClassDef | Function) -> bool:
    return any(
        ast.unparse(decorator).rpartition(".")[2] in ("property", "setter") for decorator in function.decorator_list
    )


def fields(body: list[ast.stmt]) -> Iterator[tuple[str, str, int, bool]]:
    """Yield (name, annotation, line, documented) of annotated assignments."""
    for index, statement in enumerate(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            following = body[index + 1] if index + 1 < len(body) else None
            documented = (
                isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
                and isinstance(following.value.value, str)
            )
            yield statement.target.id, ast.unparse(statement.annotation), statement.lineno, documented


def test_every_public_class_function_and_method_is_documented(modules: dict[str, Module]) -> None:
    wrong = []
    for name, module in modules.items():
        if not is_library(name):
            continue
        for found, definition in public_definitions(module):
            if not is_overload(definition) and not ast.get_docstring(definition):
                wrong.append(f"{module.at(definition.lineno)}: {found}")

    assert [] == wrong, "\n".join(wrong)


def test_every_operation_says_what_it_raises(modules: dict[str, Module]) -> None:
    wrong = []
    for name, classes in FACADES.items():
        for found, definition in public_definitions(modules[name]):
            owner, _, method = found.partition(".")
            if owner not in classes or not method or is_overload(definition) or is_property(definition):
                continue
            if found not in CANNOT_RAISE and not raises_section(ast.get_docstring(definition) or ""):
                wrong.append(f"{modules[name].at(definition.lineno)}: {found}")

    assert [] == wrong, "\n".join(wrong)


def test_what_a_public_function_raises_itself_stands_in_its_docstring(modules: dict[str, Module]) -> None:
    wrong = []
    for name, module in modules.items():
        if name.partition(".")[0] in NOT_FOR_IMPORT:
            continue
        for found, definition in public_definitions(module):
            if isinstance(definition, ast.ClassDef):
                continue
            section = raises_section(ast.get_docstring(definition) or "")
            missing = sorted(raised for raised in raised_names(definition) if raised not in section)
            if missing:
                wrong.append(f"{module.at(definition.lineno)}: {found} raises {', '.join(missing)}")

    assert [] == wrong, "\n".join(wrong)


def test_numbers_and_times_of_public_values_have_a_unit(modules: dict[str, Module]) -> None:
    wrong = []
    for name, module in modules.items():
        if not is_library(name):
            continue
        for found, definition in public_definitions(module):
            if not isinstance(definition, ast.ClassDef):
                continue
            for field, annotation, line, documented in fields(definition.body):
                if not is_public(field) or documented or UNITS_IN_NAMES.fullmatch(field):
                    continue
                if NUMBERS.search(annotation):
                    wrong.append(f"{module.at(line)}: {found}.{field}")

    assert [] == wrong, "\n".join(wrong)


def test_public_constants_are_documented(modules: dict[str, Module]) -> None:
    """A constant with a source or a unit; the text stands beneath it."""
    wrong = []
    for name, module in modules.items():
        if not is_library(name):
            continue
        body = module.tree.body
        for index, statement in enumerate(body):
            if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
                continue
            constant = statement.targets[0].id
            if not re.fullmatch(r"[A-Z][A-Z0-9_]{2,}", constant):
                continue
            following = body[index + 1] if index + 1 < len(body) else None
            if not (isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)):
                wrong.append(f"{module.at(statement.lineno)}: {constant}")

    assert [] == wrong, "\n".join(wrong)


def test_no_excuse_outlives_its_reason(modules: dict[str, Module]) -> None:
    existing = {
        found: raises_section(ast.get_docstring(definition) or "")
        for name in FACADES
        for found, definition in public_definitions(modules[name])
    }
    optional = {"AsyncStorage.with_policy"}

    assert [] == [name for name in CANNOT_RAISE if name not in optional and existing.get(name, "gone")]
