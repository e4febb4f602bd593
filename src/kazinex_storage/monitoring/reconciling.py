"""Compares what is counted of an organisation with what its providers list, and puts the counts right.

Documents are counted once more from the register; whatever else a listing shows is counted beside them, and sizes that
an earlier release did not record are filled in. Nothing is changed at any provider.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..documents.claims import project_of
from ..documents.quotas import Usage, UsageReport, utc_now
from ..documents.register import RevisionRecord, new_token
from ..documents.searching import places_of
from ..errors import StorageError
from ..lazy import logger
from ..values import value

if TYPE_CHECKING:
    from ..documents.receipts import ResolvedProvider
    from ..organisations import Resolver

_log = logger(__name__)


@value
class Reconciliation:
    """What a comparison found."""

    report: UsageReport
    """What is counted from now on."""
    listed_objects: int = 0
    """Objects that the providers have."""
    listed_bytes: int = 0
    unrecorded: int = 0
    """Objects that no register has: no documents, or left by uploads that were not confirmed."""
    missing: int = 0
    """Documents of the register that were not listed: removed by other means, or at a provider that is gone."""
    sized: int = 0
    """Documents whose size was not known before."""
    unanswered: tuple[str, ...] = ()
    """The ids of providers that did not answer; what is counted of theirs stays as it was."""


class _Place:
    """What one place was found to have, by project."""

    def __init__(self, providers: Sequence[ResolvedProvider]) -> None:
        self.ids = {provider.provider for provider in providers}
        self.first = providers[0].provider
        self.objects, self.bytes = Counter[str](), Counter[str]()

    def others(self, kept: Sequence[Usage]) -> tuple[list[Usage], int]:
        """Return what of it no register has, and how many documents are missing."""
        recorded, recorded_bytes, at, missing = Counter[str](), Counter[str](), utc_now(), 0
        for entry in kept:
            if entry.provider in self.ids:
                recorded[entry.project] += entry.objects
                recorded_bytes[entry.project] += entry.bytes
        found = []
        for project in sorted({*self.objects, *recorded}):
            more, more_bytes = self.objects[project] - recorded[project], self.bytes[project] - recorded_bytes[project]
            missing += max(0, -more)
            found += [
                Usage(
                    project=project,
                    provider=provider,
                    other_objects=max(0, more) if provider == self.first else 0,
                    other_bytes=max(0, more_bytes) if provider == self.first and more > 0 else 0,
                    counted_at=at,
                )
                for provider in sorted(self.ids)
            ]
        return found, missing


def reconcile(resolver: Resolver, organisation: str) -> Reconciliation:
    """List every place of the organisation, and count what is there; see the module.

    One listing of each place, and a few statements. What is uploaded or removed meanwhile may be counted beside the
    documents until the next time; the documents themselves are exact.

    Raises:
        InvalidKeyError: the id is not one.
        StorageError: the catalogue does not answer.
    """
    catalogue = resolver.organisations.catalogue
    unsized = {str(record.document.build()): record for record in catalogue.revisions.unsized(organisation)}
    places, unanswered, sized = list[_Place](), list[str](), 0
    for providers in places_of(resolver.in_order(organisation)):
        place = _Place(providers)
        try:
            for info in providers[0].storage.list():
                key = f"{organisation}/{info.key}"
                project = project_of(key)
                place.objects[project] += 1
                place.bytes[project] += info.size
                record = unsized.pop(key, None)
                if record is not None:
                    sized += _fill_in(resolver, record, info.size)
        except StorageError as error:
            _log.warning("what %s has could not be counted: %s", place.first, error)
            unanswered += sorted(place.ids)
        else:
            places.append(place)
    catalogue.usage.recount(organisation)
    kept = catalogue.usage.usage(organisation)
    compared = [place.others(kept) for place in places]
    others = [entry for found, _ in compared for entry in found]
    catalogue.usage.listed(organisation, others)
    return Reconciliation(
        report=resolver.organisations.usage(organisation),
        listed_objects=sum(place.objects.total() for place in places),
        listed_bytes=sum(place.bytes.total() for place in places),
        unrecorded=sum(entry.other_objects for entry in others),
        missing=sum(missing for _, missing in compared),
        sized=sized,
        unanswered=tuple(unanswered),
    )


def _fill_in(resolver: Resolver, record: RevisionRecord, size: int) -> bool:
    """Record the size of a document, unless someone changes it at this moment; say whether it was done."""
    return resolver.revisions.swap_revision(record, replace(record, size=size, token=new_token()))
