"""docs/features.md: which feature works where, computed from what the providers declare.

``python -m kazinex_storage.testing.features > docs/features.md`` writes the page. A cell is what ``ProviderInfo`` says
of a capability: declared, declared once a field of the settings is set, kept by this library alone, or refused with a
reason. The conformance kit proves what is declared and that the rest is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ..capabilities import Capability
from ..registry import Registry, default_registry
from ..types import MIB, ProviderInfo
from ..values import value
from .feature_rows import COLUMNS, LIBRARY, ROWS, Column, Row

_HEAD: Final = """\
# Features: what works where

Computed by `python -m kazinex_storage.testing.features` from what the providers declare (`ProviderInfo.capabilities`,
`missing`, `ours`); the conformance kit proves both that what is declared works and that the rest is refused before any
request. Each feature leads to a how-to of a few lines, which runs as a test.

- **yes**: the place does it, or this library does it with what the place offers.
- **yes, ours**: this library alone keeps it; whoever reaches the place in another way is not bound by it.
- **with `field`**: once that field of the settings is set.
- **no**, **up to**: for the reason under that number.
"""

_BETWEEN: Final = """
## Why not

"""

_EVERYWHERE: Final = """
## Features of the library

These do not depend on the provider, but for what their pages say.

| feature | how |
|---|---|
"""


@value
class Cell:
    """What a provider says of one capability."""

    text: str
    """As it stands in the table."""
    reason: str | None = None
    """Why it is refused; None where it is not."""


def info_of(column: Column, more: Mapping[str, object] | None = None, *, registry: Registry) -> ProviderInfo:
    """Return what the provider of *column* says of itself, with *more* settings; nothing is asked of any service."""
    settings = registry.parse_settings(column.kind, {**column.settings, **(more or {})})
    provider = registry.open(column.kind, settings)
    try:
        return provider.info
    finally:
        provider.close()


def cells_of(column: Column, *, registry: Registry) -> dict[Capability, Cell]:
    """Return what the provider of *column* says of each capability."""
    plain = info_of(column, registry=registry)
    switched = {
        name: info_of(column, fields, registry=registry).capabilities for name, fields in column.switches.items()
    }
    return {capability: _cell(capability, plain, switched) for capability in Capability}


def _cell(capability: Capability, plain: ProviderInfo, switched: Mapping[str, frozenset[Capability]]) -> Cell:
    if capability in plain.capabilities:
        return Cell(text="yes, ours" if capability in plain.ours else "yes")
    names = [name for name, capabilities in switched.items() if capability in capabilities]
    if names:
        return Cell(text="with " + " or ".join(f"`{name}`" for name in names))
    if capability is Capability.CHECKSUM and plain.carried_sha256_bytes:
        return Cell(text=f"up to {plain.carried_sha256_bytes // MIB} MiB", reason=plain.missing.get(capability, ""))
    if capability is Capability.RESUME and Capability.PARTS in plain.capabilities:
        return Cell(text="yes")  # parts are resumed in any order
    return Cell(text="no", reason=plain.missing.get(capability, ""))


def unexplained(registry: Registry | None = None) -> list[tuple[str, Capability]]:
    """Return what is refused without a reason, as pairs of kind and capability."""
    known = registry if registry is not None else default_registry()
    return [
        (column.kind, capability)
        for column in COLUMNS
        for capability, cell in cells_of(column, registry=known).items()
        if cell.reason == ""
    ]


def page(registry: Registry | None = None) -> str:
    """Return docs/features.md."""
    known = registry if registry is not None else default_registry()
    found = [cells_of(column, registry=known) for column in COLUMNS]
    notes: dict[str, int] = {}
    lines = [_HEAD, _row("feature", *(column.title for column in COLUMNS)), "|---" * (len(COLUMNS) + 1) + "|"]
    lines += [_row(f"[{row.title}]({row.how})", *_texts(row, found, notes)) for row in ROWS]
    lines.append(_BETWEEN.rstrip("\n") + "\n")
    lines += [f"{number}. {reason}" for reason, number in notes.items()]
    lines.append(_EVERYWHERE.rstrip("\n"))
    lines += [_row(f"[{feature.title}]({feature.how})", feature.says) for feature in LIBRARY]
    return "\n".join(lines) + "\n"


def _texts(row: Row, found: Sequence[Mapping[Capability, Cell]], notes: dict[str, int]) -> Iterator[str]:
    for cells in found:
        cell = cells[row.capability]
        if cell.reason is None:
            yield cell.text
        else:
            yield f"{cell.text} ({notes.setdefault(cell.reason, len(notes) + 1)})"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: Iterable[str] = ()) -> None:
    """Write the page to standard output."""
    del arguments
    sys.stdout.write(page())


if __name__ == "__main__":
    main(sys.argv[1:])
