"""The reference of settings, made of the registry: every field of every kind, as the wizard and the page ask for it."""

from __future__ import annotations

from collections.abc import Iterator

from kazinex_storage.providers.settings.fields import SettingsField
from kazinex_storage.registry import ProviderKind, default_registry

from .docstrings import prose
from .text import code

PAGE = "settings.md"

_HEAD = """\
# Settings of every kind

As `kazinex-storage setup`, `provider add --set NAME=VALUE` and the page Settings > Storage take them. In Python they
are the fields of the settings model. Without a value, a variable of the environment counts: `KAZINEX_STORAGE_`, the
kind and the field in capitals, such as `KAZINEX_STORAGE_R2_ACCOUNT_ID`; parts of nested settings are joined by two
underscores there.
**Secrets** are sealed in the catalogue, never shown, and no part of a URL.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *(line for kind in default_registry().kinds() for line in _kind(kind))])


def _kind(kind: ProviderKind) -> Iterator[str]:
    yield from (f"## {kind.title}", "", f"Kind `{kind.kind}`.", "")
    if kind.schemes:
        yield from ("URLs: " + ", ".join(f"`{scheme}://`" for scheme in kind.schemes) + ".", "")
    yield from ("| field | | what it is |", "|---|---|---|")
    for field in default_registry().fields(kind.kind):
        if field.asked:
            yield f"| {code(field.name)} | {_needed(field)} | {_text(field)} |"
    yield ""


def _needed(field: SettingsField) -> str:
    words = [word for word, said in (("required", field.required), ("secret", field.secret)) if said]
    if field.default not in (None, ""):
        words.append(
            f"default {code(str(field.default).lower() if isinstance(field.default, bool) else str(field.default))}"
        )
    return ", ".join(words)


def _text(field: SettingsField) -> str:
    parts = [prose(" ".join(field.summary.split()))]
    if field.choices:
        parts.append("One of " + ", ".join(code(choice) for choice in field.choices) + ".")
    if field.where:
        parts.append(f"Where: {prose(field.where)}.")
    if field.example:
        parts.append(f"Such as {code(field.example)}.")
    return " ".join(part for part in parts if part).replace("|", "&#124;")
