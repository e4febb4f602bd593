"""Clocks that differ. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

# docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, RequestTimeTooSkewed: 15 minutes (read 2026-08); as much
# earlier begin signatures for Azure. The Date header is whole seconds and travels.
SKEW_S: Final = 14 * 60
"""Seconds by which a clock may be off before it is called the cause."""


def minutes_behind(theirs: datetime | None, now: float) -> int | None:
    """Return by how many minutes our clock, at *now*, is behind *theirs*; None when it is near enough or unknown."""
    if theirs is None or abs(theirs.timestamp() - now) < SKEW_S:
        return None
    return round((theirs.timestamp() - now) / 60)
