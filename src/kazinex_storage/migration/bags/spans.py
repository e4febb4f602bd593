"""The bags of a run as spans of its entries, kept in the facts of the run. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final, cast

from ...values import value

OBJECTS_BAG: Final = "+objects"
"""The bag of what is no document, after the name of the project if there is only one; no project is called so."""
REMOVALS_BAG: Final = "+removals"
"""Likewise the bag of an organisation of which nothing is stored any more."""


@value
class BagSpan:
    """One bag, and the entries that are in it."""

    name: str
    """Its folder."""
    project: str | None
    """Whose documents are in it; None: objects that are no documents."""
    first: int
    """The number of its first entry."""
    last: int
    """That of its last; one less than ``first`` for a bag without payload."""
    objects: int = 0
    """How many entries."""
    bytes: int = 0
    """Of all of them, as far as they were known when it was planned."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {name: getattr(self, name) for name in ("name", "project", "first", "last", "objects", "bytes")}


def read_spans(facts: Mapping[str, object]) -> list[BagSpan]:
    """Return the bags that the *facts* of a run name."""
    found = cast("Sequence[Mapping[str, object]]", facts.get("bags", ()))
    return [
        BagSpan(
            name=cast(str, each["name"]),
            project=cast("str | None", each["project"]),
            first=cast(int, each["first"]),
            last=cast(int, each["last"]),
            objects=cast(int, each["objects"]),
            bytes=cast(int, each["bytes"]),
        )
        for each in found
    ]


def span_of(spans: Sequence[BagSpan], number: int) -> BagSpan:
    """Return the bag of the entry *number*."""
    return spans[bisect_right(spans, number, key=lambda span: span.first) - 1]


class Cutting:
    """Cuts entries, as they come in the order of projects and keys, into bags."""

    def __init__(self, most: int | None, only: str | None = None) -> None:
        """Begin another bag before one has more than *most* bytes; one object may still be larger.

        *only* is the one project of which there are bags.
        """
        self._most = most
        self._only = only or ""
        self.spans: list[BagSpan] = []
        """The bags so far; the last one may still grow."""
        self._number = 0
        self._counts: dict[str | None, int] = {}

    def add(self, project: str | None, size: int) -> None:
        """Add the next entry, of *project* or of what is no document."""
        last = self.spans[-1] if self.spans else None
        if last is not None and last.project == project and (self._most is None or last.bytes + size <= self._most):
            grown = BagSpan(
                name=last.name,
                project=project,
                first=last.first,
                last=self._number,
                objects=last.objects + 1,
                bytes=last.bytes + size,
            )
            self.spans[-1] = grown
        else:
            count = self._counts[project] = self._counts.get(project, 0) + 1
            name = f"{self._only}{OBJECTS_BAG}" if project is None else project
            self.add_bag(name if count == 1 else f"{name}+{count}", project, 1, size)
        self._number += 1

    def add_bag(self, name: str, project: str | None, objects: int = 0, size: int = 0) -> None:
        """Begin a bag of that *name*, without payload unless *objects* says so."""
        last = self._number + objects - 1
        self.spans.append(
            BagSpan(name=name, project=project, first=self._number, last=last, objects=objects, bytes=size)
        )
