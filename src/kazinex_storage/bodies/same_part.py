"""Whether a service holds a part already, so that resuming need not send it again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..lazy import module, regex
from ..types import PartInfo
from .part_plan import crc32_of

if TYPE_CHECKING:
    import hashlib
else:
    hashlib = module(__name__, "hashlib")

_MD5: Final = regex(r'"?([0-9a-f]{32})"?')


def same_part(held: PartInfo, data: memoryview) -> PartInfo | None:
    """Return the part *held* by the service if it is *data*; None when it differs, or when that is not known."""
    if held.size != len(data):
        return None
    crc32 = crc32_of(data)
    if held.crc32 is not None:
        return held if held.crc32 == crc32 else None
    # S3, R2: the ETag of a part is its MD5 unless a key of the customer or of KMS encrypts it.
    etag = _MD5.fullmatch(held.etag)
    if etag is not None and etag[1] == hashlib.md5(data, usedforsecurity=False).hexdigest():
        return replace(held, crc32=crc32)
    return None
