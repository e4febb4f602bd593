"""Claiming the folder of a bag: the file that says whose bag it is comes first, created and never replaced.

So of two exports that begin at once, one has the folder, and the other is refused before it has written anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...capabilities import Capability
from ...documents.receipts import ResolvedProvider
from ...errors import AlreadyExistsError, NotFoundError
from ...json_text import parse_own_json, write_json
from ...types import PutMode, PutOptions
from ...version import __version__
from ..journal import Run
from .places import BagPlace
from .spans import BagSpan
from .tags import EXPORT

# Facts of an export have a line or two for each provider.
_MOST_BYTES: Final = 1024 * 1024


def claim_bags(place: BagPlace, run: Run, spans: Sequence[BagSpan], providers: Sequence[ResolvedProvider]) -> None:
    """Claim the folder of each bag for *run*; those that are claimed for it already are left alone.

    Raises:
        AlreadyExistsError: there is something in the folder of one; nothing was written.
    """
    free = [span for span in spans if not _is_ours(place, run, span)]
    for span in free:
        if place.holds(f"{span.name}/"):
            raise _taken(place, span)
    storage = place.storage
    mode = PutMode.CREATE if storage.info.can(Capability.CREATE_ONLY) else PutMode.REPLACE
    for number, span in enumerate(free):
        facts = write_json(_facts(run, span, providers), indent=2)
        try:
            storage.put(f"{span.name}/{EXPORT}", f"{facts}\n".encode(), PutOptions(mode=mode))
        except AlreadyExistsError as error:
            if not _is_ours(place, run, span):
                storage.delete_many(f"{each.name}/{EXPORT}" for each in free[:number])
                raise _taken(place, span) from error


def _is_ours(place: BagPlace, run: Run, span: BagSpan) -> bool:
    """Say whether the folder of *span* is claimed for *run*."""
    storage, key = place.storage, f"{span.name}/{EXPORT}"
    try:
        if storage.head(key).size > _MOST_BYTES:
            return False
        facts = parse_own_json(storage.get_bytes(key))
    except (NotFoundError, ValueError):
        return False
    return isinstance(facts, dict) and (facts.get("run"), facts.get("begun_at")) == (run.id, run.begun_at.isoformat())


def _taken(place: BagPlace, span: BagSpan) -> AlreadyExistsError:
    return AlreadyExistsError(
        f"there is something in {place.name!r} under the name {span.name!r} already; bags are never written over, so "
        "export to another place",
        operation="export",
        key=span.name,
    )


def _facts(run: Run, span: BagSpan, providers: Sequence[ResolvedProvider]) -> dict[str, object]:
    """Return what a bag says of its export; of providers nothing that is secret."""
    return {
        "format": 1,
        "bag": span.name,
        "project": span.project,
        "organisation": run.organisation,
        "run": run.id,
        "begun_at": run.begun_at.isoformat(),
        "begun_by": run.begun_by,
        "software": f"kazinex-storage {__version__}",
        "providers": [
            {
                "id": provider.provider,
                "kind": provider.kind,
                "label": provider.label,
                "location": provider.storage.info.location if provider.error is None else None,
                "chosen": provider.chosen,
            }
            for provider in providers
        ],
    }
