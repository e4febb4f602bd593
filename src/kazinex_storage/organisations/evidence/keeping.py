"""What keeps a revision, as lines of the evidence: retentions and holds, set and ended."""

from __future__ import annotations

from collections.abc import Iterator

from ...documents.retentions import KeptRevision
from .lines import Happening


def keeping_lines(
    before: KeptRevision, after: KeptRevision, by: str | None = None, reason: str | None = None
) -> Iterator[Happening]:
    """Yield what differs between *before* and *after*; that a service was told is no line."""
    document, retention = after.document, after.retention
    if retention != before.retention:
        if retention is None:
            yield Happening(kind="lifted", document=document, by=by, reason=reason)
        else:
            said = {
                "until": retention.until.isoformat(),
                "mode": retention.mode.value,
                "by_default": after.by_default,
            }
            yield Happening(kind="retained", document=document, by=by, reason=reason, said=said)
    if after.hold != before.hold:
        if after.hold is None:
            yield Happening(kind="released", document=document, by=by, reason=reason)
        else:
            yield Happening(kind="held", document=document, by=after.hold.by or by, reason=after.hold.reason)
