"""When each provider is verified next, and which process does it: what a catalogue keeps for monitors.

Processes agree by leases: who claims a check that is due has it until a time, and nobody else before that. The table in
memory is for tests and single processes; ``check_rows.py`` keeps it in SQL. ``monitoring/monitor.py`` is the user.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from ..secrecy.pickling import not_pickled
from ..values import value
from .records import ProviderRecord, ProviderStatus


@value
class DueCheck:
    """The next verification of one provider."""

    organisation: str
    provider: str
    """The id of its record."""
    due_at: datetime
    """Aware UTC."""
    failures: int = 0
    """How often in a row it could not be reached."""
    claimed_by: str | None = None
    """The monitor that does it now."""
    claimed_until: datetime | None = None
    """When another one may; aware UTC."""


class CheckTable(Protocol):
    """Keeps one check for each provider that monitors look after. Thread-safe; each method is one transaction.

    They look after providers that were verified or have failed, and not after those that the platform manages: one that
    is PENDING waits for a person.
    """

    def unplanned(self, limit: int) -> tuple[ProviderRecord, ...]:
        """Return some of the providers that have no check yet, at most *limit*."""
        ...

    def plan(self, checks: Sequence[DueCheck]) -> None:
        """Keep *checks* of providers that have none, and forget those of providers that are gone."""
        ...

    def claim(self, owner: str, now: datetime, until: datetime) -> DueCheck | None:
        """Give *owner* the check that has been due longest, until *until*; None when nothing is due that is free."""
        ...

    def finish(self, check: DueCheck) -> bool:
        """Keep when a check is due next, and free it; False when its lease has passed to another one."""
        ...

    def next_due(self) -> datetime | None:
        """Return when the next check is due, or the next lease ends; None when there is none."""
        ...


def is_looked_after(record: ProviderRecord) -> bool:
    """Say whether monitors verify the provider."""
    return record.status is not ProviderStatus.PENDING and not record.managed


@not_pickled("let the other process open the catalogue")
class MemoryChecks:
    """A ``CheckTable`` that lives as long as the object. Thread-safe."""

    def __init__(self, providers: Callable[[], Iterable[ProviderRecord]]) -> None:
        """Look after what *providers* returns."""
        self._providers = providers
        self._lock = threading.Lock()
        self._checks: dict[tuple[str, str], DueCheck] = {}

    def unplanned(self, limit: int) -> tuple[ProviderRecord, ...]:
        """Return some of the providers that have no check yet."""
        with self._lock:
            found = [record for key, record in self._looked_after().items() if key not in self._checks]
            return tuple(found[:limit])

    def plan(self, checks: Sequence[DueCheck]) -> None:
        """Keep *checks* of providers that have none."""
        with self._lock:
            known = {(record.organisation, record.id) for record in self._providers()}
            self._checks = {key: check for key, check in self._checks.items() if key in known}
            for check in checks:
                self._checks.setdefault((check.organisation, check.provider), check)

    def claim(self, owner: str, now: datetime, until: datetime) -> DueCheck | None:
        """Give *owner* the check that has been due longest."""
        with self._lock:
            looked_after = self._looked_after()
            free = [
                check
                for key, check in self._checks.items()
                if key in looked_after
                and check.due_at <= now
                and (check.claimed_until is None or check.claimed_until <= now)
            ]
            if not free:
                return None
            first = min(free, key=lambda check: check.due_at)
            claimed = replace(first, claimed_by=owner, claimed_until=until)
            self._checks[first.organisation, first.provider] = claimed
            return claimed

    def finish(self, check: DueCheck) -> bool:
        """Keep when a check is due next, and free it."""
        key = (check.organisation, check.provider)
        with self._lock:
            kept = self._checks.get(key)
            if kept is None or kept.claimed_by != check.claimed_by or kept.claimed_until != check.claimed_until:
                return False
            self._checks[key] = replace(check, claimed_by=None, claimed_until=None)
            return True

    def next_due(self) -> datetime | None:
        """Return when the next check is due, or the next lease ends."""
        with self._lock:
            looked_after = self._looked_after()
            times = [
                max(check.due_at, check.claimed_until or check.due_at)
                for key, check in self._checks.items()
                if key in looked_after
            ]
        return min(times, default=None)

    def _looked_after(self) -> dict[tuple[str, str], ProviderRecord]:
        return {(record.organisation, record.id): record for record in self._providers() if is_looked_after(record)}
