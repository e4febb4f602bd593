"""How large the pieces are that downloads are read in: all of them together hold a fixed amount of memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ..types import MIB

SMALLEST: Final = 64 * 1024
"""Bytes of a piece however many downloads there are; below it requests and threads cost more than the bytes."""
LARGEST: Final = 8 * MIB
"""Bytes of a piece of a remote service when there are few: each one is a request."""
LOCAL: Final = MIB
"""The same of a disk, where a larger one saves nothing."""

_COPIES: Final = 3
"""One piece is put together from what was read of it, while the server still holds the one before."""


class Windows:
    """Shares memory between the downloads of one process; for one loop."""

    def __init__(self, size: int) -> None:
        """Share *size* bytes."""
        self._size = size
        self._active = 0

    @contextmanager
    def one(self) -> Iterator[Windows]:
        """Count one download more for a ``with`` block."""
        self._active += 1
        try:
            yield self
        finally:
            self._active -= 1

    def window(self, *, remote: bool) -> int:
        """Return the bytes of the next piece of each download, from a *remote* service or a disk."""
        share = self._size // (_COPIES * max(1, self._active))
        return max(SMALLEST, min(LARGEST if remote else LOCAL, share))
