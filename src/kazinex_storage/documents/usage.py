"""Quotas, usage and reservations in memory: for tests and short-lived programs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date, datetime

from ..errors import RecordConflictError
from ..secrecy.pickling import not_pickled
from .quotas import Quota, RequestClass, RequestCount, Reservation, Snapshot, Usage, check_room, utc_now


@not_pickled("let the other process open the catalogue")
class MemoryUsage:
    """A ``UsageTable`` that lives as long as the object. Thread-safe."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._usage: dict[str, dict[tuple[str, str], Usage]] = {}
        self._quotas: dict[tuple[str, str | None], Quota] = {}
        self._reservations: dict[tuple[str, str], Reservation] = {}
        self._requests: dict[tuple[str, str, date, RequestClass], RequestCount] = {}
        self._recounted: Callable[[str], Iterable[Usage]] = lambda _: ()

    @property
    def changing(self) -> AbstractContextManager[bool]:
        """Held while the register and the usage change together."""
        return self._lock

    def counted_by(self, recounted: Callable[[str], Iterable[Usage]]) -> None:
        """Let ``recount`` ask *recounted* what the register of an organisation has."""
        self._recounted = recounted

    def usage(self, organisation: str) -> tuple[Usage, ...]:
        """Return what every project takes up."""
        with self._lock:
            found = self._usage.get(organisation, {})
            return tuple(found[place] for place in sorted(found))

    def quotas(self, organisation: str) -> tuple[Quota, ...]:
        """Return the quotas that limit something."""
        with self._lock:
            found = [quota for quota in self._quotas.values() if quota.organisation == organisation and quota.limits]
            return tuple(sorted(found, key=lambda quota: quota.project or ""))

    def quota(self, organisation: str, project: str | None) -> Quota:
        """Return what is set for the organisation or the project."""
        with self._lock:
            return self._quotas.get((organisation, project)) or Quota(organisation=organisation, project=project)

    def set_quota(self, quota: Quota) -> Quota:
        """Put *quota* in the place of the one of its version.

        Raises:
            RecordConflictError: the one that is kept has another version.
        """
        with self._lock:
            if self.quota(quota.organisation, quota.project).version != quota.version:
                raise outdated(quota)
            after = replace(quota, version=quota.version + 1)
            self._quotas[quota.organisation, quota.project] = after
            return after

    def reserve(self, wanted: Reservation) -> bool:
        """Reserve what *wanted* says unless that exceeds a quota."""
        with self._lock:
            quotas = self.quotas(wanted.organisation)
            if not any(quota.project in (None, wanted.project) for quota in quotas):
                return False
            check_room(quotas, self.usage(wanted.organisation), self.reservations(wanted.organisation), wanted)
            self._reservations[wanted.organisation, wanted.id] = wanted
            return True

    def release(self, organisation: str, reservation: str) -> None:
        """Give a reservation back."""
        with self._lock:
            self._reservations.pop((organisation, reservation), None)

    def keep(self, organisation: str, reservation: str, *, objects: int, size: int) -> None:
        """Use a reservation up for objects that no register counts."""
        with self._lock:
            held = self._reservations.pop((organisation, reservation), None)
            if held is not None:
                change = Usage(project=held.project, provider=held.provider, other_objects=objects, other_bytes=size)
                self._add(organisation, change)

    def forget(self, organisation: str, project: str, provider: str, *, objects: int, size: int) -> None:
        """Note that objects that no register counts were removed."""
        with self._lock:
            known = self._usage.get(organisation, {}).get((project, provider))
            if known is not None:
                left = (max(0, known.other_objects - objects), max(0, known.other_bytes - size))
                self._set(organisation, replace(known, other_objects=left[0], other_bytes=left[1]))

    def reservations(self, organisation: str) -> tuple[Reservation, ...]:
        """Return those that have not expired."""
        with self._lock:
            now = self._clock()
            kept = [held for held in self._reservations.values() if held.organisation == organisation]
            return tuple(held for held in kept if held.expires_at > now)

    def settle(self, wanted: Reservation) -> None:
        """Use up the reservation of the id of *wanted*, for what the register counts; held within ``changing``.

        Raises:
            QuotaExceededError: it has expired or never was, and there is no room.
        """
        key = (wanted.organisation, wanted.id)
        held = self._reservations.get(key)
        if held is None or held.expires_at <= self._clock():
            check_room(
                self.quotas(wanted.organisation),
                self.usage(wanted.organisation),
                self.reservations(wanted.organisation),
                wanted,
            )
        self._reservations.pop(key, None)

    def change(self, organisation: str, changes: Iterable[Usage]) -> None:
        """Add *changes* of the register; held within ``changing``."""
        for change in changes:
            self._add(organisation, change)

    def count_requests(self, counts: Sequence[RequestCount]) -> None:
        """Add *counts* to those that are kept."""
        with self._lock:
            for count in counts:
                key = (count.organisation, count.provider, count.day, count.request_class)
                kept = self._requests.get(key)
                self._requests[key] = count if kept is None else added(kept, count)

    def requests(self, organisation: str, since: date) -> tuple[RequestCount, ...]:
        """Return what was asked for on *since* and later."""
        with self._lock:
            found = [each for each in self._requests.values() if each.organisation == organisation]
        chosen = [each for each in found if each.day >= since]
        return tuple(sorted(chosen, key=lambda each: (each.day, each.provider, each.request_class)))

    def of_all(self) -> Snapshot:
        """Return what is kept of all organisations."""
        with self._lock:
            usage = tuple(
                (organisation, entry) for organisation in sorted(self._usage) for entry in self.usage(organisation)
            )
            quotas = sorted(filter(lambda quota: quota.limits, self._quotas.values()), key=_whose)
            totals: dict[tuple[str, str, RequestClass], RequestCount] = {}
            for count in sorted(self._requests.values(), key=lambda count: count.day):
                key = (count.organisation, count.provider, count.request_class)
                totals[key] = added(count, totals[key]) if key in totals else count
            return Snapshot(usage=usage, quotas=tuple(quotas), requests=tuple(totals[key] for key in sorted(totals)))

    def recount(self, organisation: str) -> None:
        """Count what the register has once more."""
        with self._lock:
            counted = {(entry.project, entry.provider): entry for entry in self._recounted(organisation)}
            known = self._usage.setdefault(organisation, {})
            for place in {*known, *counted}:
                before, now = known.get(place), counted.get(place)
                entry = before or Usage(project=place[0], provider=place[1])
                objects, size = (now.objects, now.bytes) if now is not None else (0, 0)
                known[place] = replace(entry, objects=objects, bytes=size)

    def listed(self, organisation: str, others: Sequence[Usage]) -> None:
        """Replace what is known of objects that no register counts."""
        with self._lock:
            for other in others:
                known = self._usage.get(organisation, {}).get((other.project, other.provider), other)
                self._set(
                    organisation,
                    replace(
                        known,
                        other_objects=other.other_objects,
                        other_bytes=other.other_bytes,
                        counted_at=other.counted_at,
                    ),
                )

    def _add(self, organisation: str, change: Usage) -> None:
        place = (change.project, change.provider)
        known = self._usage.get(organisation, {}).get(place) or Usage(project=place[0], provider=place[1])
        self._set(
            organisation,
            replace(
                known,
                objects=known.objects + change.objects,
                bytes=known.bytes + change.bytes,
                other_objects=max(0, known.other_objects + change.other_objects),
                other_bytes=max(0, known.other_bytes + change.other_bytes),
            ),
        )

    def _set(self, organisation: str, entry: Usage) -> None:
        self._usage.setdefault(organisation, {})[entry.project, entry.provider] = entry


def _whose(quota: Quota) -> tuple[str, str]:
    return quota.organisation, quota.project or ""


def added(kept: RequestCount, more: RequestCount) -> RequestCount:
    """Return the sum of two counts of one day."""
    return replace(
        kept,
        requests=kept.requests + more.requests,
        throttled=kept.throttled + more.throttled,
        failed=kept.failed + more.failed,
    )


def outdated(quota: Quota) -> RecordConflictError:
    """Make the error for a quota made from an outdated version."""
    what = f"of the project {quota.project!r}" if quota.project is not None else f"of {quota.organisation!r}"
    return RecordConflictError(
        f"the quota {what} was changed by someone else after version {quota.version}; read it and try again"
    )
