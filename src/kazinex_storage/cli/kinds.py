"""``kinds``: which kinds of providers there are, and which settings each takes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from ..errors import SettingsError
from .command import command_of

if TYPE_CHECKING:
    from ..registry import ProviderKind, Registry, SettingsField


def show_kinds(context: typer.Context) -> None:
    """List the kinds of providers and their settings (* required, ~ secret)."""
    from ..registry import default_registry

    out, registry = command_of(context).out, default_registry()
    documents, rows = [], []
    for kind in registry.kinds():
        fields, error = _fields(registry, kind)
        documents.append(
            {
                "kind": kind.kind,
                "title": kind.title,
                "managed": kind.managed,
                "extra": kind.extra,
                "fields": [asdict(field) for field in fields],
                "error": error,
            }
        )
        marks = [f"{field.name}{'*' * field.required}{'~' * field.secret}" for field in fields]
        rows.append([kind.kind, kind.title, f"not usable: {error}" if error else " ".join(marks) or "none"])
    broken = dict(registry.broken())
    out.table({"kinds": documents, "broken": broken}, ["KIND", "TITLE", "SETTINGS"], rows, "there are no kinds")
    for name, reason in broken.items():
        out.note(f"warning: the kind {name!r} cannot be used: {reason}")


def _fields(registry: Registry, kind: ProviderKind) -> tuple[tuple[SettingsField, ...], str | None]:
    try:
        return registry.fields(kind.kind), None
    except SettingsError as error:  # its extra is not installed; the others are still of interest
        return (), error.message
