"""Checksums that services keep of whole objects: which of them can be computed here, and which of several is compared.

``Collector`` holds a whole object until it is compared. ADR 0011 has the order and its reasons;
``storage/fetching.py`` compares what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from ..errors import IntegrityError
from ..lazy import module
from ..transport.attempt import Gathered
from ..types import Buffer, Checksum, ObjectInfo, Sink
from .part_plan import fastest_crc32

if TYPE_CHECKING:
    import hashlib
else:
    hashlib = module(__name__, "hashlib")


Crc: TypeAlias = Callable[[Buffer, int], int]
"""Returns the CRC of a buffer, continued from the CRC of what came before it."""

# By what each can miss, and where that is nothing in practice, by what it costs (ADR 0011, seconds of one core a GiB).
_STRONGEST_FIRST: Final = ("sha256", "sha1", "crc64nvme", "md5", "quickxor", "crc32c", "crc32")
_CRC_BYTES: Final = {"crc64nvme": 8, "crc32c": 4, "crc32": 4}


class Hasher(Protocol):
    """Takes bytes in order."""

    def update(self, data: Buffer, /) -> object:
        """Take the next bytes."""
        ...

    def hexdigest(self) -> str:
        """Return the checksum of the bytes taken so far, in hexadecimal."""
        ...


class ExpectingSink(Protocol):
    """A sink that wants to know, before its first byte, what the bytes are to be compared with."""

    def __call__(self, buffer: Buffer, /) -> object:
        """Take the next bytes."""
        ...

    def expect(self, checksum: Checksum | None) -> None:
        """Learn the checksum of the whole object; None when none is known, or when the provider compares by itself."""
        ...


def announce(sink: Sink, checksum: Checksum | None) -> None:
    """Say to *sink*, if it asks for it, which *checksum* the service keeps of the object whose bytes follow."""
    expect: Callable[[Checksum | None], None] | None = getattr(sink, "expect", None)
    if expect is not None:
        expect(checksum)


def hasher_of(algorithm: str) -> Hasher | None:
    """Return what computes *algorithm*; None when nothing that is installed does.

    Example:
        >>> hasher_of("md5").hexdigest(), hasher_of("md4")
        ('d41d8cd98f00b204e9800998ecf8427e', None)
    """
    if algorithm in ("sha256", "sha1", "md5"):
        return hashlib.new(algorithm, usedforsecurity=False)
    if algorithm == "quickxor":
        from .quickxor import QuickXorHash  # of SharePoint alone

        return QuickXorHash()
    crc = _crc_of(algorithm)
    return _CrcHasher(crc, _CRC_BYTES[algorithm]) if crc is not None else None


def checksum_of(algorithm: str, data: Buffer) -> Checksum:
    """Return the checksum of *data*, a whole body, by an *algorithm* that ``hasher_of`` knows.

    Raises:
        ValueError: it does not.

    Example:
        >>> checksum_of("crc32", b"%PDF").value
        'd1bec004'
    """
    hasher = hasher_of(algorithm)
    if hasher is None:
        raise ValueError(f"nothing here computes {algorithm!r}")
    hasher.update(data)
    return Checksum(algorithm=algorithm, value=hasher.hexdigest())


def sha256_checksum(value: str | None) -> Checksum | None:
    """Return a sha256 in hexadecimal as a checksum, if it is known."""
    return Checksum(algorithm="sha256", value=value) if value is not None else None


def kept_here(checksum: Checksum | None) -> Checksum | None:
    """Return *checksum* if it is one that providers keep in the metadata of an object: a sha256, or a CRC-32."""
    return checksum if checksum is not None and checksum.algorithm in ("sha256", "crc32") else None


def strongest(found: Mapping[str, str]) -> Checksum | None:
    """Return the one of *found* (values in hexadecimal, by algorithm) that bytes are compared with, if any can be.

    Example:
        >>> strongest({"crc32": "00000000", "md5": "d41d8cd98f00b204e9800998ecf8427e", "md4": "00"}).algorithm
        'md5'
    """
    for algorithm in _STRONGEST_FIRST:
        if algorithm in found and is_computable(algorithm):
            return Checksum(algorithm=algorithm, value=found[algorithm])
    return None


def is_computable(algorithm: str) -> bool:
    """Say whether ``hasher_of`` knows *algorithm*."""
    return algorithm in ("sha256", "sha1", "md5", "quickxor") or _crc_of(algorithm) is not None


def check_bytes(data: Buffer, expected: Checksum | None) -> None:
    """Compare the whole of an object with the checksum that is *expected*, if any that can be computed.

    Raises:
        IntegrityError: they differ.
    """
    hasher = hasher_of(expected.algorithm) if expected is not None else None
    if hasher is not None and expected is not None:
        hasher.update(data)
        check_checksum(expected, hasher.hexdigest())


def check_checksum(expected: Checksum, found: str) -> None:
    """Compare the value *found* with the one that is *expected*.

    Raises:
        IntegrityError: they differ.
    """
    if expected.value != found:
        raise IntegrityError(
            f"the bytes that came have {expected.algorithm} {found}, the object was stored with {expected.value}; "
            "discard them, read it again"
        )


def check_sha256(found: str, wanted: str | None) -> Checksum:
    """Return the sha256 *found* of an object on its way into a file, which must be *wanted*, where that is known.

    Raises:
        IntegrityError: it is another one.
    """
    if wanted is not None and wanted != found:
        raise IntegrityError(
            f"the bytes have sha256 {found}, the object was stored with {wanted}; the file was not written"
        )
    return Checksum(algorithm="sha256", value=found)


def check_expected(expected: Checksum, found: str) -> None:
    """Compare the value *found* of an object on its way into a file with what the service keeps.

    Raises:
        IntegrityError: they differ.
    """
    if found != expected.value:
        raise IntegrityError(
            f"the bytes have {expected.algorithm} {found}, the service says {expected.value}; the file was not written"
        )


class _CrcHasher:
    __slots__ = ("_bytes", "_crc", "_value")

    def __init__(self, crc: Crc, size: int) -> None:
        self._crc = crc
        self._bytes = size
        self._value = 0

    def update(self, data: Buffer, /) -> None:
        self._value = self._crc(data, self._value)

    def hexdigest(self) -> str:
        return self._value.to_bytes(self._bytes, "big").hex()


@cache
def _crc_of(algorithm: str) -> Crc | None:
    if algorithm == "crc32":
        return fastest_crc32()
    if algorithm not in _CRC_BYTES:
        return None
    try:
        from awscrt import checksums
    except ImportError:  # of the extra checksums: neither Python nor isal computes these at a speed that is bearable
        return None
    found: Crc = getattr(checksums, algorithm)
    return found


class Collector(Gathered):
    """A sink that keeps the whole of an object, and what it is compared with."""

    _announced = False
    _expected: Checksum | None = None

    def expect(self, checksum: Checksum | None) -> None:
        """Learn what the whole is compared with."""
        self._announced, self._expected = True, checksum

    def proven(self, info: ObjectInfo) -> bytes:
        """Return everything, which is the whole of an object; *info* was said of it at the end.

        Raises:
            IntegrityError: it is not what was stored, as far as the service keeps a checksum.
        """
        data = self.value()
        check_bytes(data, self._expected if self._announced else info.checksum)
        return data
