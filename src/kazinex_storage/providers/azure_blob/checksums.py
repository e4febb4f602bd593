"""What proves to the service that a body arrived as it was sent: a header that it checks before it stores anything.

Every emulator and proxy knows MD5. CRC-64 is for those who send gibibytes: on one core MD5 reaches 0.6 GiB/s and CRC-64
8 GiB/s, so that 1 GiB takes 3.3 or 1.9 s of processor time (`python -m benchmarks --only azure`). The documentation of
the header names neither the polynomial nor the byte order: it is the CRC-64 of NVMe, little-endian, as Microsoft's
azure-storage-extensions computes it, and as the service does in recorded responses.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Literal, TypeAlias

from ...bodies.part_plan import crc32_of
from ...errors import SettingsError
from ...types import Buffer, Checksum
from ...values import value

BodyChecksum: TypeAlias = Literal["md5", "crc64"]
"""How bodies are proved: the values of the setting ``body_checksum``."""


@value(kw_only=False)
class Proof:
    """The proof of one body."""

    header: tuple[str, str]
    """For the service, which answers 400 when the body differs (``Md5Mismatch``, ``Crc64Mismatch``)."""
    digest: bytes
    """Identifies the bytes of a part of an upload: 16 bytes of MD5, or 4 of CRC-32, which costs next to nothing."""

    @property
    def checksum(self) -> Checksum:
        """What the service verifies."""
        name, text = self.header
        if name == "Content-MD5":
            return Checksum(algorithm="md5", value=self.digest.hex())
        return Checksum(algorithm="crc64nvme", value=b64decode(text)[::-1].hex())


Prover: TypeAlias = Callable[[Buffer], Proof]
"""Reads a whole body in memory and returns its proof."""


def md5_proof(data: Buffer) -> Proof:
    """Return the proof of *data* by MD5."""
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return Proof(("Content-MD5", b64encode(digest).decode()), digest)


def prover_of(checksum: BodyChecksum) -> Prover:
    """Return what proves bodies by *checksum*.

    Raises:
        SettingsError: awscrt, which computes CRC-64, is missing.
    """
    if checksum == "md5":
        return md5_proof
    try:
        from awscrt.checksums import crc64nvme
    except ImportError:
        raise SettingsError(
            "'body_checksum' crc64 is computed by awscrt; pip install 'kazinex-storage[azure-crc64]', or leave it md5"
        ) from None

    def crc64_proof(data: Buffer) -> Proof:
        # learn.microsoft.com/rest/api/storageservices/put-block names the header, and forbids Content-MD5 along with
        # it.
        text = b64encode(crc64nvme(data).to_bytes(8, "little")).decode()
        return Proof(("x-ms-content-crc64", text), b64decode(crc32_of(data)))

    return crc64_proof
