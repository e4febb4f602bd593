"""The contract of the table that keeps chains, and one in memory; ``rows.py`` is the one that lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeAlias

from .entries import AuditEntry, AuditHead, AuditQuery

Link: TypeAlias = Callable[[AuditHead], tuple[AuditEntry, AuditHead]]
"""Makes of the end of a chain the next entry and the new end."""


class AuditTable(Protocol):
    """Keeps one chain for each organisation. Thread-safe; for several processes where the catalogue is."""

    def append(self, organisation: str, link: Link) -> AuditEntry:
        """Add what *link* makes of the end of the chain, in one transaction; nobody else adds to it meanwhile.

        What *link* raises passes through, and nothing is added.
        """
        ...

    def entries(self, organisation: str, wanted: AuditQuery) -> tuple[AuditEntry, ...]:
        """Return the entries that are *wanted*, by their numbers."""
        ...

    def chain(self, organisation: str) -> AbstractContextManager[tuple[AuditHead | None, Iterable[AuditEntry]]]:
        """Show the end of the chain, None when there is none, and all its entries in order, as of one instant."""
        ...

    def drop(
        self, organisation: str, older_than: datetime, seal: Callable[[AuditHead], AuditHead]
    ) -> tuple[int, int] | None:
        """Forget the entries before the first one of *older_than* or later; return the numbers of the first and last.

        The new beginning is what *seal* returns. None when there is nothing to forget.
        """
        ...

    def organisations(self) -> tuple[str, ...]:
        """Return the organisations that have a chain, sorted."""
        ...


class MemoryAudit:
    """A table for tests and short-lived programs: it lives as long as the object. Thread-safe."""

    def __init__(self) -> None:
        self._heads: dict[str, AuditHead] = {}
        self._entries: dict[str, list[AuditEntry]] = {}
        self._lock = threading.RLock()

    def append(self, organisation: str, link: Link) -> AuditEntry:
        """Add what *link* makes of the end of the chain."""
        with self._lock:
            head = self._heads.get(organisation) or AuditHead(organisation=organisation)
            entry, self._heads[organisation] = link(head)
            self._entries.setdefault(organisation, []).append(entry)
            return entry

    def entries(self, organisation: str, wanted: AuditQuery) -> tuple[AuditEntry, ...]:
        """Return the entries that are *wanted*."""
        with self._lock:
            found = [entry for entry in self._entries.get(organisation, ()) if wanted.fits(entry)]
        return tuple((found[::-1] if wanted.newest_first else found)[: wanted.limit])

    @contextmanager
    def chain(self, organisation: str) -> Iterator[tuple[AuditHead | None, Iterable[AuditEntry]]]:
        """Show the chain."""
        with self._lock:
            head, entries = self._heads.get(organisation), list(self._entries.get(organisation, ()))
        yield head, entries

    def drop(
        self, organisation: str, older_than: datetime, seal: Callable[[AuditHead], AuditHead]
    ) -> tuple[int, int] | None:
        """Forget the oldest entries."""
        with self._lock:
            kept = self._entries.get(organisation, [])
            count = next((index for index, entry in enumerate(kept) if entry.at >= older_than), len(kept))
            if not count:
                return None
            first, last = kept[0], kept[count - 1]
            head = self._heads[organisation]
            self._heads[organisation] = seal(replace(head, first=last.number + 1, before_first=last.hash))
            del kept[:count]
            return first.number, last.number

    def organisations(self) -> tuple[str, ...]:
        """Return the organisations that have a chain."""
        with self._lock:
            return tuple(sorted(self._heads))
