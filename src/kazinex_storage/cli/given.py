"""Settings as nested dictionaries, by the names that ``--set`` takes: parts of nested ones are joined by dots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from ..providers.settings.environment import PREFIX
from .exits import UsageError


def set_at(settings: dict[str, object], name: str, value: object) -> None:
    """Set the field *name* to *value*.

    Raises:
        UsageError: it is set as a whole already.
    """
    *parents, last = name.split(".")
    place = settings
    for part in parents:
        below = place.setdefault(part, {})
        if not isinstance(below, dict):
            raise UsageError(f"{name!r} is set as a whole and in part; choose one")
        place = below
    place[last] = value


def get_at(settings: Mapping[str, object], name: str) -> object:
    """Return the field *name*; None where it is not set."""
    place: object = settings
    for part in name.split("."):
        place = place.get(part) if isinstance(place, Mapping) else None
    return place


def has_at(settings: Mapping[str, object], name: str) -> bool:
    """Say whether the field *name* is set."""
    return get_at(settings, name) is not None


def over(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Return *below* with *above* over it, nested settings field by field."""
    result = dict(below)
    for name, given in above.items():
        before = result.get(name)
        both = isinstance(given, Mapping) and isinstance(before, Mapping)
        result[name] = (
            over(cast("Mapping[str, object]", before), cast("Mapping[str, object]", given)) if both else given
        )
    return result


def flat(settings: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield the settings by the names that ``--set`` takes."""
    for name, given in settings.items():
        if isinstance(given, Mapping):
            yield from flat(given, f"{above}{name}.")
        else:
            yield f"{above}{name}", given


def variable_of(kind: str, name: str) -> str:
    """Return the variable of the environment that gives the field *name* of *kind*."""
    return f"{PREFIX}{kind.upper()}_{name.upper().replace('.', '__')}"
