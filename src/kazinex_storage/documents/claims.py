"""The quotas of one organisation over the writes to one of its providers; a ``storage.quota.QuotaRule``.

A claim becomes a reservation in the catalogue. The register uses it up when it records a document; for what it does not
record, the claim counts the object itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final, cast

from ..keys import DocumentKey, ObjectKey, is_revision
from ..transport import Call, Exchange
from .quotas import Reservation, UsageTable, new_reservation, utc_now
from .register import RevisionRecord, RevisionRegister

# Probes of verifications, parts of direct uploads, marks of ownership.
_OWN: Final = ".kazinex"


class QuotaClaim:
    """The room that one write takes."""

    def __init__(self, usage: UsageTable, place: tuple[str, str, str], reservation: str) -> None:
        """Claim in *usage* for the *place*: organisation, project, provider."""
        self._usage = usage
        self._place = place
        self.id = reservation or new_reservation()
        """Of the reservation."""

    def reserve(self, size: int, lifetime: timedelta) -> Exchange[None]:
        """Reserve room for one object of *size* bytes.

        Raises:
            QuotaExceededError: there is none.
        """
        organisation, project, provider = self._place
        wanted = Reservation(
            id=self.id,
            organisation=organisation,
            project=project,
            provider=provider,
            bytes=size,
            expires_at=utc_now() + lifetime,
        )
        yield Call(self._usage.reserve, wanted)

    def release(self) -> Exchange[None]:
        """Give the room back."""
        yield Call(self._usage.release, self._place[0], self.id)

    def keep(self, size: int, objects: int) -> Exchange[None]:
        """Use the room up for what no register counts."""
        yield Call(partial(self._usage.keep, self._place[0], self.id, objects=objects, size=size))


class OrganisationQuota:
    """Makes the claims of one organisation on one of its providers."""

    def __init__(self, usage: UsageTable, register: RevisionRegister, organisation: str, provider: str) -> None:
        self._usage = usage
        self._register = register
        self._organisation = organisation
        self._provider = provider

    def claim(self, key: ObjectKey, reservation: str = "") -> QuotaClaim:
        """Return a claim for *key*."""
        return QuotaClaim(self._usage, (self._organisation, project_of(key), self._provider), reservation)

    def uncounted(self, keys: Sequence[ObjectKey]) -> Exchange[list[ObjectKey]]:
        """Return those of *keys* that the register does not have as stored."""
        found = []
        for key in keys:
            if is_revision(key):
                document = DocumentKey.parse(key)
                seen = cast("RevisionRecord | None", (yield Call(self._register.revision, document)))
                if seen is not None and seen.document == document and seen.removal is None:
                    continue
            found.append(key)
        return found

    def forget(self, sizes: Mapping[ObjectKey, int]) -> Exchange[None]:
        """Note that objects of these *sizes*, which the register does not have, were removed; one call a project."""
        projects: dict[str, list[int]] = {}
        for key, size in sizes.items():
            projects.setdefault(project_of(key), []).append(size)
        for project, found in projects.items():
            place = (self._organisation, project, self._provider)
            yield Call(partial(self._usage.forget, *place, objects=len(found), size=sum(found)))


def project_of(key: str) -> str:
    """Return the project that the object *key* counts for: the second part of a key of three or more, else none.

    Example:
        >>> project_of("org-1/bridge/DRG-1/P01/plan.pdf"), project_of("org-1/notes.txt")
        ('bridge', '')
    """
    parts = key.split("/", 2)
    return parts[1] if len(parts) == 3 and not parts[1].startswith(_OWN) else ""
