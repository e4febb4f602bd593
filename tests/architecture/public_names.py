"""Print the public names of the package with their signatures; ``public_names.txt`` holds the accepted ones.

After a change that is meant: ``python tests/architecture/public_names.py > tests/architecture/public_names.txt``
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import sys
from collections.abc import Iterator

MODULES = (
    "kazinex_storage",
    "kazinex_storage.lifting",
    "kazinex_storage.verbs",
    "kazinex_storage.contract",
    "kazinex_storage.providers.local",
    "kazinex_storage.providers.memory",
    "kazinex_storage.public_access",
    "kazinex_storage.organisations",
    "kazinex_storage.testing",
    "kazinex_storage.fs",
)
"""The modules that users may import from; everything else may move."""


def names_of(module: object) -> list[str]:
    """Return what *module* offers: its ``__all__``, else the public classes and functions that it defines."""
    offered = getattr(module, "__all__", None)
    if offered is not None:
        return sorted(offered)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == getattr(module, "__name__", "")
    )


def describe(name: str, value: object) -> Iterator[str]:
    """Yield the lines of one public name."""
    if inspect.isclass(value):
        yield from describe_class(name, value)
    elif inspect.isroutine(value):
        yield f"def {name}{signature(value)}"
    elif isinstance(value, str):
        yield f"{name}: str"
    else:
        yield f"{name}: {type(value).__name__}"


def describe_class(name: str, value: type) -> Iterator[str]:
    """Yield the class and its public members; those that it inherits stand with its bases."""
    bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
    yield f"class {name}({bases})"
    if issubclass(value, enum.Enum):
        for choice in value:
            yield f"    {name}.{choice.name} = {choice.value!r}"
        return
    fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
    for field in fields:
        optional = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        yield f"    {name}.{field.name}: {field.type}{' = ...' if optional else ''}"
    members = vars(value)
    if "__init__" in members and not fields:
        yield f"    {name}{signature(members['__init__'])}"
    for member, found in sorted(members.items()):
        if member.startswith("_") or (fields and member in value.__annotations__):
            continue
        if isinstance(found, property):
            yield f"    {name}.{member}: {returned(found.fget)}"
        elif isinstance(found, classmethod | staticmethod):
            yield f"    {type(found).__name__} {name}.{member}{signature(found.__func__)}"
        elif inspect.isroutine(found):
            kind = "async def" if inspect.iscoroutinefunction(found) else "def"
            yield f"    {kind} {name}.{member}{signature(found)}"


def returned(function: object) -> str:
    return str(getattr(function, "__annotations__", {}).get("return", "?"))


def signature(function: object) -> str:
    """Return the parameters and the result as they are written; defaults of every kind as three dots."""
    found = inspect.signature(function)  # type: ignore[arg-type]  # callers pass routines only
    parts, keyword = [], False
    for parameter in found.parameters.values():
        prefix = ""
        if parameter.kind is parameter.VAR_POSITIONAL:
            prefix, keyword = "*", True
        elif parameter.kind is parameter.VAR_KEYWORD:
            prefix = "**"
        elif parameter.kind is parameter.KEYWORD_ONLY and not keyword:
            parts.append("*")
            keyword = True
        annotation = f": {parameter.annotation}" if parameter.annotation is not parameter.empty else ""
        default = " = ..." if parameter.default is not parameter.empty else ""
        parts.append(f"{prefix}{parameter.name}{annotation}{default}")
    result = f" -> {found.return_annotation}" if found.return_annotation is not found.empty else ""
    return f"({', '.join(parts)}){result}"


def snapshot() -> Iterator[str]:
    """Yield every line."""
    for number, module_name in enumerate(MODULES):
        module = importlib.import_module(module_name)
        if number:
            yield ""
        yield f"# {module_name}"
        for name in names_of(module):
            yield from describe(name, getattr(module, name))


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in snapshot())
