"""quickXorHash, the only checksum that SharePoint promises, as fast as Python's big integers, or numpy if it is loaded.

It is a ring of 160 bits: byte *i* is XORed in at bit 11 x *i*, and at the end the length. Bytes 160 apart meet the
same bits, so the data is first XORed into 160 columns, as integers of thousands of bytes at a time.
learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash (read 2026-08)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from ..lazy import module
from ..types import Buffer

if TYPE_CHECKING:
    import base64
else:
    base64 = module(__name__, "base64")


_BITS: Final = 160
_SHIFT: Final = 11
_COLUMNS: Final = 160
"""Bytes after which the pattern repeats: the least n with 11 x n divisible by 160."""

_COLUMN_BITS: Final = 8 * _COLUMNS

# A power of two of rows, so that they can be halved. More of them make long buffers faster (bytes become an integer at
# 1.5 GB/s by 1,280, 2.4 GB/s by 65,536), but then short buffers pay for the halving. One core of an AMD EPYC, CPython
# 3.11, median of 5: buffers of 64 KiB 1.7 GB/s, 256 KiB 2.1, 1 MiB 2.2, 10 MiB 2.3; of 4 KiB 0.7.
_BLOCK_BYTES: Final = 128 * _COLUMNS

# Ten times as fast, and without the GIL, which the thread that sends waits for (ADR 0045).
_NUMPY_BYTES: Final = 256 * 1024
"""Shorter buffers are not worth the calls."""


class QuickXorHash:
    """One quickXorHash over the bytes it is given, in order. Not thread-safe; without numpy it holds the GIL."""

    __slots__ = ("_columns", "size")

    def __init__(self) -> None:
        self.size = 0
        """Bytes taken so far."""
        self._columns = 0

    def update(self, buffer: Buffer) -> None:
        """Take *buffer*, of any length."""
        view = memoryview(buffer).cast("B")
        rows, done = _rows_by_numpy(view) if len(view) >= _NUMPY_BYTES else (0, 0)
        for start in range(done, len(view), _BLOCK_BYTES):
            rows ^= int.from_bytes(view[start : start + _BLOCK_BYTES], "little")
        # The first byte belongs into the column that follows the last one taken.
        self._columns ^= _rotated(_folded(rows), 8 * (self.size % _COLUMNS))
        self.size += len(view)

    def digest(self) -> bytes:
        """Return the 20 bytes of the hash of what was taken so far; more may be taken afterwards."""
        ring = 0
        for column, byte in enumerate(self._columns.to_bytes(_COLUMNS, "little")):
            ring ^= byte << (_SHIFT * column % _BITS)
        ring = ring & ((1 << _BITS) - 1) ^ ring >> _BITS
        ring ^= self.size << (_BITS - 64)
        return ring.to_bytes(_BITS // 8, "little")

    def hexdigest(self) -> str:
        """Return the hash in hexadecimal."""
        return self.digest().hex()

    def base64(self) -> str:
        """Return the hash as Graph writes it, in ``file.hashes.quickXorHash``."""
        return base64.b64encode(self.digest()).decode()


def _rows_by_numpy(view: memoryview) -> tuple[int, int]:
    """XOR the whole blocks of *view* and return the result and how many bytes they are: none unless numpy is loaded.

    It is never imported here: that takes as long as it saves on a body of 190 MiB.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(numpy, "bitwise_xor") or not hasattr(numpy, "frombuffer"):
        return 0, 0  # or it is being imported at this moment
    size = len(view) - len(view) % _BLOCK_BYTES
    blocks = numpy.frombuffer(view[:size], dtype="u8").reshape(-1, _BLOCK_BYTES // 8)
    return int.from_bytes(numpy.bitwise_xor.reduce(blocks, axis=0).tobytes(), "little"), size


def _folded(rows: int) -> int:
    """XOR the rows of columns in *rows* into one."""
    bits = 8 * _BLOCK_BYTES
    while bits > _COLUMN_BITS:
        bits //= 2
        if rows.bit_length() > bits:
            rows = rows >> bits ^ rows & ((1 << bits) - 1)
    return rows


def _rotated(columns: int, bits: int) -> int:
    columns <<= bits
    return columns >> _COLUMN_BITS ^ columns & ((1 << _COLUMN_BITS) - 1)
