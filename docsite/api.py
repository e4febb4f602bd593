"""The reference of the Python interface, made of the package as it is imported.

It is read at run time, because the classes for asyncio are derived from the blocking ones and stand in no source.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType

import kazinex_storage
from kazinex_storage.values import value

from . import docstrings
from .members import Field, constant_text, fields, is_given, methods
from .signatures import signature, value_of
from .text import code

FOLDER = "api"
ROOT = "kazinex_storage"

GROUPS = (
    ("storage", "Storage", ("storage", "named", "bodies", "types", "transport", "unkeyed", "contract_reading", "lazy")),
    ("documents", "Documents", ("documents",)),
    ("events", "Events", ("documents.events",)),
    ("organisations", "Organisations", ("organisations",)),
    ("verification", "Verification", ("verification",)),
    (
        "keys",
        "Keys, policies and retention",
        ("keys", "filenames", "policy", "file_rules", "retention", "capabilities"),
    ),
    ("encryption", "Encryption", ("encryption",)),
    ("providers", "Providers and their registry", ("contract", "registry")),
    ("syncing", "Synchronisation", ("syncing",)),
    ("errors", "Errors", ("errors",)),
    ("syncing", "Syncing", ("syncing",)),
    ("more", "More", ("",)),
)
"""The pages of what ``kazinex_storage`` itself offers: file, title, and the modules that define it."""

FIRST = ("Storage", "DocumentStore", "DocumentKey", "Organisations", "Resolver", "open_organisations", "StorageError")
"""What a page begins with; the rest follows in the order of the alphabet, a name for asyncio after its twin."""

MODULES = (
    *("organisations", "providers.s3", "providers.azure_blob", "providers.sharepoint", "providers.local"),
    *("providers.memory", "fs", "web", "migration", "monitoring", "transport"),
    *("contract", "lifting", "verbs", "public_access", "testing"),
)
"""Packages that users import from besides."""

INTEGRATIONS = ("starlette", "django", "django_documents", "smart_open", "obstore", "pyarrow")
"""Modules of ``integrations`` that pages tell to import from."""


@value
class Entry:
    """A public name."""

    name: str
    found: object
    module: str
    """From which it is imported."""
    page: str


def entries() -> list[Entry]:
    """Return every public name, those of the package itself first."""
    made = [
        Entry(name=name, found=getattr(kazinex_storage, name), module=ROOT, page=f"{FOLDER}/{_group(name)}.md")
        for name in sorted(kazinex_storage.__all__, key=_rank)
        if not name.startswith("_")
    ]
    for short in [*MODULES, *_integrations()]:
        module = importlib.import_module(f"{ROOT}.{short}")
        page = f"{FOLDER}/{ROOT}.{short}.md"
        made += [
            Entry(name=name, found=getattr(module, name), module=module.__name__, page=page) for name in _names(module)
        ]
    return made


def _rank(name: str) -> tuple[int, str, int]:
    twin = name.removeprefix("Async")
    return (FIRST.index(twin) if twin in FIRST else len(FIRST), twin.lower(), len(name) - len(twin))


@cache
def pages() -> Mapping[str, str]:
    """Return the text of every page of the reference."""
    found = entries()
    reference = Reference(found)
    made = {f"{FOLDER}/index.md": _index(found)}
    for page in dict.fromkeys(entry.page for entry in found):
        made[page] = "\n".join(reference.page(page))
    return made


class Reference:
    """Describes public names, each where it is told first; other pages that have it lead there."""

    def __init__(self, found: list[Entry]) -> None:
        """Describe what was *found*."""
        self._found = found
        self._places = {entry.name: entry for entry in reversed(found)}
        self._public = frozenset(entry.found for entry in found if inspect.isclass(entry.found))
        self._told: dict[type, str] = {}

    def page(self, page: str) -> Iterator[str]:
        """Yield the lines of one page."""
        own = [entry for entry in self._found if entry.page == page]
        module = own[0].module
        title = next((title for file, title, _ in GROUPS if page == f"{FOLDER}/{file}.md"), f"`{module}`")
        yield from ("---", f"title: {title.strip('`').removeprefix(f'{ROOT}.')}", "---", f"# {title}", "")
        if module == ROOT:
            yield from (f"From `{ROOT}`.", "")
        else:
            yield from docstrings.markdown(importlib.import_module(module).__doc__, self._link)
        for entry in own:
            yield from self._described(entry)

    def _described(self, entry: Entry) -> Iterator[str]:
        first = next((each for each in self._found if each.found is entry.found and each.name == entry.name), entry)
        yield from (f"## {entry.name} {{ #{entry.name} }}", "")
        if first is not entry:
            yield from (f"The same as {self._link(entry.name)} of `{first.module}`.", "")
        elif inspect.isclass(entry.found):
            yield from self._class(entry.name, entry.found)
        elif inspect.isroutine(entry.found):
            yield from self._callable(entry.name, entry.found)
        else:
            yield from ("```python", f"{entry.name} = {value_of(entry.found)}", "```", "")
            yield from docstrings.markdown(constant_text(entry.module, entry.name), self._link)

    def _class(self, name: str, found: type) -> Iterator[str]:
        bases = [base.__name__ for base in found.__bases__ if base in self._public or base.__module__ == "builtins"]
        bases = [base for base in bases if base != "object"]
        if bases:
            yield from ("Is a " + ", ".join(self._link(base) for base in bases) + ".", "")
        made = None if is_given(found) else vars(found).get("__init__")
        if made is not None:
            yield from ("```python", signature(name, made), "```", "")
        yield from docstrings.markdown(found.__doc__, self._link)
        if made is not None:
            yield from docstrings.markdown(made.__doc__, self._link)
        yield from _table(list(fields(found)))
        inherited = {self._told[base] for base in found.__mro__ if base in self._told}
        for first in sorted(inherited - {base.__name__ for base in found.__mro__}):
            yield from (f"Has what {self._link(first)} has as well.", "")
        for member, value_ in methods(found, {*self._public, *self._told}):
            yield from self._method(name, member, value_)
        for base in found.__mro__[1:]:
            if base not in self._public and base.__module__.startswith(ROOT) and any(methods(base, ())):
                self._told.setdefault(base, name)

    def _method(self, owner: str, name: str, member: object) -> Iterator[str]:
        yield from (f"### {owner}.{name} {{ #{owner}.{name} }}", "")
        if isinstance(member, property):
            result = str(getattr(member.fget, "__annotations__", {}).get("return", ""))
            yield from ("```python", f"{name}: {result}", "```", "")
            yield from docstrings.markdown(member.__doc__, self._link)
            return
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        yield from self._callable(name, function, prefix=type(member).__name__ if function is not member else "")

    def _callable(self, name: str, function: object, prefix: str = "") -> Iterator[str]:
        decorator = [f"@{prefix}"] if prefix else []
        word = "async " if inspect.iscoroutinefunction(function) else ""
        yield from ("```python", *decorator, word + signature(name, function), "```", "")
        yield from docstrings.markdown(inspect.getdoc(function), self._link)

    def _link(self, name: str) -> str:
        place = self._places.get(name)
        here = name.partition(".")[0]
        place = place or self._places.get(here)
        if place is None:
            return f"`{name}`"
        return f"[`{name}`]({place.page.rpartition('/')[2]}#{name})"


def _table(own: list[Field]) -> Iterator[str]:
    if not own:
        return
    typed = any(each.type for each in own)
    yield from (
        ("| name | type | default | |", "|---|---|---|---|") if typed else ("| name | value | |", "|---|---|---|")
    )
    for each in own:
        default = "" if each.default is inspect.Parameter.empty else code(value_of(each.default))
        text = docstrings.prose(" ".join(each.text.split())).replace("|", "&#124;")
        yield f"| `{each.name}` |" + (f" {code(each.type)} |" if typed else "") + f" {default} | {text} |"
    yield ""


def _index(found: list[Entry]) -> str:
    lines = ["# Python", "", "Every public name, with its first sentence. What is not here may change at any time.", ""]
    for page in dict.fromkeys(entry.page for entry in found):
        own = [entry for entry in found if entry.page == page]
        title = next((title for file, title, _ in GROUPS if page == f"{FOLDER}/{file}.md"), f"`{own[0].module}`")
        file = page.rpartition("/")[2]
        lines += [f"## [{title}]({file})", "", "| name | |", "|---|---|"]
        for entry in own:
            text = docstrings.summary(entry.found.__doc__) if _has_text(entry.found) else ""
            lines.append(f"| [`{entry.name}`]({file}#{entry.name}) | {text.replace('|', '&#124;')} |")
        lines.append("")
    return "\n".join(lines)


def _has_text(found: object) -> bool:
    return inspect.isclass(found) or inspect.isroutine(found)


def _group(name: str) -> str:
    """Return the page of a name of the package itself, by the longest of the modules that define it."""
    module = _origins()[name]
    fitting = [
        (len(prefix), file)
        for file, _, prefixes in GROUPS
        for prefix in prefixes
        if not prefix or module == prefix or module.startswith(f"{prefix}.")
    ]
    return max(fitting)[1]


@cache
def _origins() -> dict[str, str]:
    """Return from which module the package takes each of its names."""
    tree = ast.parse(inspect.getsource(kazinex_storage))
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }


def _names(module: ModuleType) -> list[str]:
    offered = getattr(module, "__all__", None)
    if offered is not None:
        return sorted(name for name in offered if not name.startswith("_"))
    return sorted(
        name
        for name, found in vars(module).items()
        if not name.startswith("_") and getattr(found, "__module__", None) == module.__name__
    )


def _integrations() -> list[str]:
    """Return the modules of the package ``integrations`` that are for others to import."""
    if importlib.util.find_spec(f"{ROOT}.integrations") is None:
        return []
    package = importlib.import_module(f"{ROOT}.integrations")
    found = {each.name for each in pkgutil.iter_modules(package.__path__)}
    return [f"integrations.{name}" for name in INTEGRATIONS if name in found]
