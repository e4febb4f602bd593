"""Reading documents: one opened version, and whether it is what the receipt says. ``operations.py`` calls.

A receipt pins what is read to the version that it recorded, except where the service rewrites files, and its sha256
is what the whole is compared with. ``integrity.py`` says what the service itself may have done.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from ..errors import IntegrityError
from ..storage.files import ObjectReader
from ..storage.reading import RangeReader
from ..storage.sync import Storage
from ..transport import Exchange
from ..types import WHOLE, ByteRange, ObjectInfo
from ..values import value
from .integrity import is_altered, is_by_service
from .receipts import StoredDocument


@value
class Opening:
    """One version of one document, and what its bytes are compared with."""

    storage: Storage
    key: str
    """Below the organisation."""
    info: ObjectInfo
    sha256: str | None
    """What the whole has to have; None when nothing is recorded, or when what the service made of it is accepted."""

    def reader(self) -> ObjectReader:
        """Return the raw file; see ``DocumentStore.open``."""
        return ObjectReader(self.storage, self.key, info=self.info, sha256=self.sha256)

    def range_reader(self, span: ByteRange = WHOLE) -> RangeReader:
        """Return the pull side of *span*; see ``DocumentStore.stream``."""
        if span != WHOLE:
            return self.span_reader(span)
        return self.storage.operations.range_reader(self.key, if_match=self.info.etag, sha256=self.sha256)

    def span_reader(self, span: ByteRange) -> RangeReader:
        """Return the pull side of *span* of this version; nothing proves its bytes."""
        return self.storage.operations.range_reader(self.key, span, self.info.etag)

    def get_bytes(self, span: ByteRange) -> Exchange[bytes]:
        """Return the bytes of *span*, the whole compared with the sha256.

        Raises:
            IntegrityError: the whole is not what was uploaded.
            PreconditionFailedError: it was replaced meanwhile.
        """
        operations = self.storage.operations
        return (yield from operations.get_bytes(self.key, span, self.info.etag, sha256=self.sha256))

    def read_ranges(self, spans: Sequence[ByteRange], gap: int) -> Exchange[list[bytes]]:
        """Return the bytes of every span of this version; nothing proves them.

        Raises:
            PreconditionFailedError: it was replaced meanwhile.
        """
        return self.storage.operations.read_ranges(self.key, spans, gap, self.info.etag)


def check_version(receipt: StoredDocument, info: ObjectInfo, rewrites: AbstractSet[str]) -> None:
    """Refuse what the service itself says is something else than the receipt recorded.

    Raises:
        IntegrityError: it is.
    """
    if is_altered(receipt, info, rewrites):
        raise _refused(
            receipt,
            f"the receipt says {receipt.size} bytes with sha256 {receipt.sha256}, the service "
            f"{info.size} with {info.sha256}: it was altered after the upload",
        )
    if receipt.etag is None or receipt.etag == info.etag:
        return
    if is_by_service(receipt, info, rewrites):
        raise rewritten(receipt)
    raise other_version(receipt)


def other_version(receipt: StoredDocument) -> IntegrityError:
    """Return the error for bytes of another version than the recorded one."""
    return _refused(
        receipt,
        "this is another version than the receipt recorded; check(receipt) says whether its bytes are the same, and "
        "download(receipt) takes them if they are",
    )


def rewritten(receipt: StoredDocument) -> IntegrityError:
    """Return the error for a file that the service itself has rewritten."""
    return _refused(
        receipt,
        "these are not the bytes that were uploaded; as far as the service reports, it rewrote the file itself, as it "
        "does with this kind; compare it with the original, or take it as it is now with accept_rewritten=True",
    )


def _refused(receipt: StoredDocument, message: str) -> IntegrityError:
    return IntegrityError(message, operation="open", key=receipt.key)
