"""What a class offers: its fields, properties and methods, those that come from classes nobody imports as well."""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import importlib.util
import inspect
from collections.abc import Collection, Iterator
from functools import cache

from kazinex_storage.values import value


@value
class Field:
    """An attribute that is given, or a member of an enumeration."""

    name: str
    type: str
    default: object
    """``inspect.Parameter.empty`` when there is none."""
    text: str
    """What stands beneath it."""


def fields(found: type) -> Iterator[Field]:
    """Yield the public fields of a value or the settings of a model, in order."""
    if issubclass(found, enum.Enum):
        texts = documented(found)
        for member in found:
            yield Field(name=member.name, type="", default=member.value, text=texts.get(member.name, ("", ""))[1])
        return
    given = is_given(found)
    bases = found.__mro__[:-1] if given else (found,)
    texts = {name: each for base in bases for name, each in documented(base).items()} | documented(found)
    names = [each.name for each in dataclasses.fields(found)] if dataclasses.is_dataclass(found) else list(texts)
    defaults, descriptions = _defaults(found), _descriptions(found)
    for name in names:
        if name.startswith(("_", "model_")) or name not in texts:
            continue
        kind, text = texts[name]
        text = text or descriptions.get(name) or ""
        if given or text:
            yield Field(name=name, type=kind, default=defaults.get(name, inspect.Parameter.empty), text=text)


def is_given(found: type) -> bool:
    """Say whether instances are made of the fields: of a value, or of settings."""
    return dataclasses.is_dataclass(found) or hasattr(found, "model_fields")


def methods(found: type, told: Collection[type]) -> Iterator[tuple[str, object]]:
    """Yield the public methods and properties of *found* and of its bases, without those that were *told*."""
    seen = set[str]()
    for base in found.__mro__:
        if base is not found and (base in told or not base.__module__.startswith("kazinex_storage")):
            continue
        for name, member in vars(base).items():
            routine = isinstance(member, property | classmethod | staticmethod) or inspect.isroutine(member)
            if routine and name not in seen and not name.startswith(("_", "test_")):
                seen.add(name)
                yield name, member


def documented(found: type) -> dict[str, tuple[str, str]]:
    """Return the type and the text of each annotated name in the body of a class, and of members of enumerations."""
    made: dict[str, tuple[str, str]] = {}
    body = _bodies(found.__module__).get(found.__qualname__, [])
    for at, statement in enumerate(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            made[statement.target.id] = (_kind(statement.annotation), _text_after(body, at))
        elif isinstance(statement, ast.Assign) and issubclass(found, enum.Enum):
            made[ast.unparse(statement.targets[0])] = ("", _text_after(body, at))
    return made


def _kind(annotation: ast.expr) -> str:
    """Return a type as it concerns who reads it: without its validators."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        return ast.unparse(annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation.slice)
    return ast.unparse(annotation)


def _text_after(body: list[ast.stmt], at: int) -> str:
    after = body[at + 1] if at + 1 < len(body) else None
    if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
        return inspect.cleandoc(after.value.value)
    return ""


def constant_text(module: str, name: str) -> str:
    """Return what stands beneath a constant of *module*, or where it comes from."""
    tree = _tree(module)
    for at, statement in enumerate(tree.body):
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return _text_after(tree.body, at)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and any((a.asname or a.name) == name for a in node.names):
            found = importlib.import_module(module)
            package = module if hasattr(found, "__path__") else module.rpartition(".")[0]
            return constant_text(importlib.util.resolve_name("." * node.level + (node.module or ""), package), name)
    return ""


@cache
def _tree(module: str) -> ast.Module:
    try:
        return ast.parse(inspect.getsource(importlib.import_module(module)))
    except (OSError, TypeError, ImportError):
        return ast.Module(body=[], type_ignores=[])


@cache
def _bodies(module: str) -> dict[str, list[ast.stmt]]:
    """Return the bodies of the classes of a module by qualified name."""
    made: dict[str, list[ast.stmt]] = {}

    def below(body: list[ast.stmt], prefix: str) -> None:
        for statement in body:
            if isinstance(statement, ast.ClassDef):
                made[prefix + statement.name] = statement.body
                below(statement.body, f"{prefix}{statement.name}.")

    below(_tree(module).body, "")
    return made


def _descriptions(found: type) -> dict[str, str | None]:
    return {name: each.description for name, each in getattr(found, "model_fields", {}).items()}


def _defaults(found: type) -> dict[str, object]:
    if dataclasses.is_dataclass(found):
        return {
            each.name: each.default for each in dataclasses.fields(found) if each.default is not dataclasses.MISSING
        }
    models = getattr(found, "model_fields", {})
    return {name: each.default for name, each in models.items() if not each.is_required()}
