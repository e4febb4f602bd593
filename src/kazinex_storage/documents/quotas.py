"""Quotas and usage: what an organisation and its projects may take up, what they do, and what is reserved.

Values and the one rule that decides; ``usage.py`` keeps them in memory, ``organisations/usage_rows.py`` in SQL. Only
what is recorded in the register of revisions counts as documents; ``other`` is whatever else lies below the prefix.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import field
from datetime import UTC, date, datetime
from typing import Final, Literal, Protocol, TypeAlias

from ..errors import PolicyError, QuotaExceededError
from ..keys import check_identifier
from ..policy import format_bytes
from ..values import value

RequestClass: TypeAlias = Literal["read", "write", "list", "delete", "other"]
"""What a request is counted as; prices and rate limits of services differ by it."""

# SQL keeps both in signed 64-bit columns.
MOST: Final = 2**63 - 1
"""The largest limit: bytes, or objects."""


@value
class Quota:
    """What an organisation, or one of its projects, may take up at most."""

    organisation: str
    project: str | None = None
    """None is the organisation as a whole."""
    max_bytes: int | None = None
    """None is no limit."""
    max_objects: int | None = None
    """None is no limit."""
    version: int = 0
    """Grows with every change; 0 when nothing was ever set."""

    @property
    def limits(self) -> bool:
        """Whether it limits anything."""
        return self.max_bytes is not None or self.max_objects is not None


@value
class Usage:
    """What the documents of one project take up on one provider, and what else there is."""

    project: str
    """Empty for objects that belong to none."""
    provider: str
    """The id of its record, which may be gone."""
    objects: int = 0
    """Documents that the register has as stored."""
    bytes: int = 0
    """Their sizes; those recorded by earlier releases count nothing until they are reconciled."""
    other_objects: int = 0
    """Objects that the register does not have: what the last listing found, and what was written since."""
    other_bytes: int = 0
    counted_at: datetime | None = None
    """When a listing was last compared; aware UTC."""

    @property
    def all_objects(self) -> int:
        """Everything that counts against a quota."""
        return self.objects + self.other_objects

    @property
    def all_bytes(self) -> int:
        """Everything that counts against a quota."""
        return self.bytes + self.other_bytes


def new_reservation() -> str:
    """Return the id of a reservation, which no other one has."""
    return secrets.token_hex(16)


@value
class Reservation:
    """What a write that is under way will take up. It counts until it is used up, given back, or expired."""

    organisation: str
    project: str
    provider: str
    bytes: int
    """The size of what will be stored."""
    objects: int = 1
    """How many objects it will be."""
    expires_at: datetime
    """Aware UTC. What is recorded later than this is checked against the quotas again."""
    id: str = field(default_factory=new_reservation)


@value
class RequestCount:
    """What was asked of one provider on one day."""

    organisation: str
    provider: str
    day: date
    """In UTC."""
    request_class: RequestClass
    requests: int = 0
    """Attempts, repeats included."""
    throttled: int = 0
    """Those answered 429, or 503 with the wish to slow down."""
    failed: int = 0
    """Those without an answer, or answered 5xx, 401 or 403."""


@value
class UsageReport:
    """What an organisation takes up, what it may take up, and what it asked for."""

    organisation: str
    usage: tuple[Usage, ...] = ()
    """By project, then provider."""
    quotas: tuple[Quota, ...] = ()
    """Those in force: of the organisation first, then by project."""
    reserved: tuple[Reservation, ...] = ()
    """Writes under way, where there is a quota."""
    requests: tuple[RequestCount, ...] = ()
    """By day, provider and class."""

    @property
    def objects(self) -> int:
        """Objects of the organisation."""
        return sum(entry.all_objects for entry in self.usage)

    @property
    def bytes(self) -> int:
        """Bytes of the organisation."""
        return sum(entry.all_bytes for entry in self.usage)

    def of_project(self, project: str) -> tuple[int, int]:
        """Return (objects, bytes) of one project."""
        mine = [entry for entry in self.usage if entry.project == project]
        return sum(entry.all_objects for entry in mine), sum(entry.all_bytes for entry in mine)

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        return {
            "organisation": self.organisation,
            "objects": self.objects,
            "bytes": self.bytes,
            "usage": [
                {
                    "project": entry.project,
                    "provider": entry.provider,
                    "objects": entry.objects,
                    "bytes": entry.bytes,
                    "other_objects": entry.other_objects,
                    "other_bytes": entry.other_bytes,
                    "counted_at": entry.counted_at.isoformat() if entry.counted_at is not None else None,
                }
                for entry in self.usage
            ],
            "reserved": {
                "objects": sum(held.objects for held in self.reserved),
                "bytes": sum(held.bytes for held in self.reserved),
            },
            "quotas": [
                {"project": quota.project, "max_bytes": quota.max_bytes, "max_objects": quota.max_objects}
                for quota in self.quotas
            ],
            "requests": [
                {
                    "provider": count.provider,
                    "day": count.day.isoformat(),
                    "class": count.request_class,
                    "requests": count.requests,
                    "throttled": count.throttled,
                    "failed": count.failed,
                }
                for count in self.requests
            ],
        }


@value
class Snapshot:
    """What is kept of all organisations."""

    usage: tuple[tuple[str, Usage], ...] = ()
    """Each with its organisation."""
    quotas: tuple[Quota, ...] = ()
    requests: tuple[RequestCount, ...] = ()
    """All days of a provider and class in one, under the last of them."""


class UsageTable(Protocol):
    """Keeps quotas, usage and reservations of all organisations. Thread-safe; every method is one transaction.

    Documents are counted by ``RevisionRegister.swap_revision``, in the transaction that records them.
    """

    def usage(self, organisation: str) -> tuple[Usage, ...]:
        """Return what every project takes up on every provider, by project, then provider."""
        ...

    def quotas(self, organisation: str) -> tuple[Quota, ...]:
        """Return the quotas that limit something: that of the organisation first, then by project."""
        ...

    def quota(self, organisation: str, project: str | None) -> Quota:
        """Return what is set for the organisation or the project; version 0 when nothing ever was."""
        ...

    def set_quota(self, quota: Quota) -> Quota:
        """Put *quota* in the place of the one of its version, and return it at the next one.

        Raises:
            RecordConflictError: the one that is kept has another version.
        """
        ...

    def reserve(self, wanted: Reservation) -> bool:
        """Reserve what *wanted* says unless that exceeds a quota; say whether there was a quota to ask.

        A reservation of the same id is replaced. The check and the reservation are one transaction: of concurrent
        callers in any number of processes, no more succeed than there is room for.

        Raises:
            QuotaExceededError: there is no room.
        """
        ...

    def release(self, organisation: str, reservation: str) -> None:
        """Give a reservation back; harmless when it is gone."""
        ...

    def keep(self, organisation: str, reservation: str, *, objects: int, size: int) -> None:
        """Use a reservation up: so many more objects and bytes lie there that no register counts.

        Nothing is counted when the reservation is gone: an earlier call did it.
        """
        ...

    def forget(self, organisation: str, project: str, provider: str, *, objects: int, size: int) -> None:
        """Note that objects that no register counts were removed."""
        ...

    def reservations(self, organisation: str) -> tuple[Reservation, ...]:
        """Return those that have not expired."""
        ...

    def count_requests(self, counts: Sequence[RequestCount]) -> None:
        """Add *counts* to those that are kept."""
        ...

    def requests(self, organisation: str, since: date) -> tuple[RequestCount, ...]:
        """Return what was asked for on *since* and later, by day, provider and class."""
        ...

    def of_all(self) -> Snapshot:
        """Return what is kept of all organisations, the requests of all days together; for metrics."""
        ...

    def recount(self, organisation: str) -> None:
        """Count what the register has once more, while nothing of it changes."""
        ...

    def listed(self, organisation: str, others: Sequence[Usage]) -> None:
        """Replace what is known of objects that no register counts by what a listing found, with its time."""
        ...


def check_quota(quota: Quota) -> None:
    """Refuse limits that make no sense.

    Raises:
        PolicyError: one is negative or too large.
        InvalidKeyError: the project is no id.
    """
    if quota.project is not None:
        check_identifier(quota.project, "project")
    for name, most in (("max_bytes", quota.max_bytes), ("max_objects", quota.max_objects)):
        if most is not None and not 0 <= most <= MOST:
            raise PolicyError(f"{name} is {most}; give a whole number from 0 on, or None for no limit")


def check_room(
    quotas: Iterable[Quota], usage: Iterable[Usage], reserved: Iterable[Reservation], wanted: Reservation
) -> None:
    """Refuse what exceeds one of *quotas*, given what is used and *reserved* by others.

    Raises:
        QuotaExceededError: it does.
    """
    used, held = tuple(usage), [other for other in reserved if other.id != wanted.id]
    for quota in quotas:
        if quota.project not in (None, wanted.project):
            continue
        entries = [entry for entry in used if quota.project in (None, entry.project)]
        others = [other for other in held if quota.project in (None, other.project)]
        count = sum(entry.all_objects for entry in entries) + sum(other.objects for other in others)
        size = sum(entry.all_bytes for entry in entries) + sum(other.bytes for other in others)
        check_sums(quota, count, size, wanted)


def check_sums(quota: Quota, objects: int, size: int, wanted: Reservation) -> None:
    """Refuse what exceeds *quota*, given how many objects and bytes are used or reserved by others.

    Raises:
        QuotaExceededError: it does.
    """
    if quota.max_bytes is not None and wanted.bytes > 0 and size + wanted.bytes > quota.max_bytes:
        raise _exceeded(quota, size, quota.max_bytes, wanted.bytes, "bytes")
    if quota.max_objects is not None and wanted.objects > 0 and objects + wanted.objects > quota.max_objects:
        raise _exceeded(quota, objects, quota.max_objects, wanted.objects, "objects")


def _exceeded(quota: Quota, used: int, limit: int, needed: int, unit: str) -> QuotaExceededError:
    whose = f"the project {quota.project!r}" if quota.project is not None else "the organisation"
    show = format_bytes if unit == "bytes" else lambda count: f"{count:,} objects"
    error = QuotaExceededError(
        f"the quota of {whose} is {show(limit)}: {show(used)} are used or being written, and {show(needed)} more do "
        f"not fit; remove documents, or ask who administers {quota.organisation!r} to raise it",
        code="quota",
    )
    error.used, error.limit, error.needed, error.unit = used, limit, needed, unit
    return error


def utc_now() -> datetime:
    """Return the time as reservations keep it; aware UTC."""
    return datetime.now(UTC)
