"""Rates that somebody chose: bytes or requests a second, as text and as a bucket of tokens.

A migration holds its workers to them (``migration/rates.py``), and a view of a storage what is done through it
(``storage/limited.py``). The limits of a service need no setting: it says 429, and ``retry.py`` waits.
"""

from __future__ import annotations

import math
from typing import Final

from ..errors import SettingsError
from ..lazy import regex

_BANDWIDTH: Final = regex(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([kKMGT]?)(i?)(B|bit)/s")
_STEPS: Final = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}

# Long enough that requests that come together go together, short enough that no service sees a burst.
_BURST_S: Final = 0.25
"""What was not used is kept for so long."""


def parse_bandwidth(text: str) -> int:
    """Return the bytes a second that *text* means: a number and a unit as "50MB/s", "12.5 MiB/s" or "400Mbit/s".

    Raises:
        SettingsError: it is no such text, or not a whole byte a second.

    Example:
        >>> parse_bandwidth("50MB/s"), parse_bandwidth("1MiB/s"), parse_bandwidth("400Mbit/s")
        (50000000, 1048576, 50000000)
    """
    match = _BANDWIDTH.fullmatch(text.strip())
    if match is None or (match[3] and not match[2]):
        raise SettingsError(f"{text[:40]!r} is no bandwidth; write it as 50MB/s, 12.5MiB/s or 400Mbit/s")
    step = 1024 if match[3] else 1000
    size = int(float(match[1]) * step ** _STEPS[match[2]] / (8 if match[4] == "bit" else 1))
    if size < 1:
        raise SettingsError(
            f"{text[:40]!r} is less than a byte a second; give a larger bandwidth, or none for no limit"
        )
    return size


class Bucket:
    """Tokens that come at a rate; more than there are may be taken, and those who come later wait for them."""

    __slots__ = ("_paid_at", "rate")

    def __init__(self, rate: float, paid_at: float = -math.inf) -> None:
        self.rate = rate
        """Tokens a second."""
        self._paid_at = paid_at
        """When all that was taken has come in."""

    def take(self, count: int, now: float) -> float:
        """Take *count* tokens at the moment *now*; return the seconds to wait before they are used."""
        if not count:
            return 0.0
        wait = max(0.0, self._paid_at - now)
        self._paid_at = max(self._paid_at, now - _BURST_S) + count / self.rate
        return wait

    def at(self, rate: float) -> Bucket:
        """Return one at another *rate*, with the same moment from which on it has tokens again."""
        return Bucket(rate, self._paid_at)
