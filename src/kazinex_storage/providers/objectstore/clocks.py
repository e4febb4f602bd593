"""Clocks that differ. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

# docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, RequestTimeTooSkewed: 15 minutes (read 2026-08);
# signatures for Azure begin that much earlier. The Date header is in whole seconds, and takes time to arrive.
SKEW_S: Final = 14 * 60
"""Seconds by which a clock may be off before it is taken to be the cause."""


def minutes_behind(theirs: datetime | None, now: float) -> int | None:
    """Return how many minutes our clock, at *now*, is behind *theirs*; None when that is tolerable or unknown."""
    if theirs is None or abs(theirs.timestamp() - now) < SKEW_S:
        return None
    return round((theirs.timestamp() - now) / 60)
