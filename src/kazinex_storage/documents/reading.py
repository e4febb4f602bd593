"""Reading documents: where one is, its bytes, and whether they are what the receipt says. ``operations.py`` calls.

A receipt pins what is read to the version that it recorded, except where the service writes files anew, and its sha256
is what the whole is compared with. ``integrity.py`` tells what the service itself may have done.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import IntegrityError, PreconditionFailedError
from ..keys import DocumentKey
from ..storage.files import ObjectReader
from ..storage.reading import RangeReader
from ..storage.sync import Storage
from ..transport import Exchange
from ..types import ByteRange, ObjectInfo, Progress
from .integrity import is_altered, is_by_service, is_written_anew
from .receipts import StoredDocument
from .searching import Search, relative_key


@dataclass(frozen=True, slots=True, kw_only=True)
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

    def reading(self) -> RangeReader:
        """Return the pull side; see ``DocumentStore.stream``."""
        return self.storage.operations.reading(self.key, if_match=self.info.etag, sha256=self.sha256)

    def get_bytes(self, span: ByteRange) -> Exchange[bytes]:
        """Return the bytes of *span*, the whole compared with the sha256.

        Raises:
            IntegrityError: the whole is not what was uploaded.
            PreconditionFailedError: it was replaced meanwhile.
        """
        operations = self.storage.operations
        return (yield from operations.get_bytes(self.key, span, self.info.etag, sha256=self.sha256))


def locate(search: Search, document: StoredDocument | DocumentKey) -> Exchange[tuple[Storage, str]]:
    """Return the storage that holds a document, and its key there."""
    if isinstance(document, DocumentKey):
        found, _ = yield from search.find(document)
        return found.storage, relative_key(document)
    recorded = yield from search.recorded(document)
    return recorded.storage, relative_key(document.document)


def opening(
    search: Search, document: StoredDocument | DocumentKey, *, accept_rewritten: bool = False
) -> Exchange[Opening]:
    """Look a document up, and refuse it when the service tells already that it is not what the receipt says.

    Raises:
        NotFoundError: it is not stored.
        IntegrityError: another version, size or sha256 than the receipt has.
    """
    if isinstance(document, DocumentKey):
        found, info = yield from search.find(document)
        return Opening(storage=found.storage, key=relative_key(document), info=info, sha256=None)
    storage, key = yield from locate(search, document)
    info = yield from storage.operations.head(key)
    if accept_rewritten and is_by_service(document, info, storage.info.rewrites):
        return Opening(storage=storage, key=key, info=info, sha256=None)
    _check(document, info, storage)
    return Opening(storage=storage, key=key, info=info, sha256=document.sha256)


def download(
    search: Search,
    document: StoredDocument | DocumentKey,
    path: Path,
    on_progress: Progress | None,
    *,
    accept_rewritten: bool = False,
) -> Exchange[ObjectInfo]:
    """Write a document into a file; see ``DocumentStore.download``."""
    storage, key = yield from locate(search, document)
    operations = storage.operations
    if isinstance(document, DocumentKey):
        return (yield from operations.download(key, path, on_progress))
    rewritable = is_written_anew(document, storage.info.rewrites)
    # Where the bytes prove themselves, it does not matter which version they are of.
    if_match = document.etag if document.sha256 is None and not rewritable else None
    try:
        return (yield from operations.download(key, path, on_progress, sha256=document.sha256, if_match=if_match))
    except PreconditionFailedError as error:
        if if_match is None:  # it was replaced meanwhile
            raise
        raise _other_version(document) from error
    except IntegrityError as error:
        if not rewritable or document.sha256 is None:
            raise
        info = yield from operations.head(key)
        if not is_by_service(document, info, storage.info.rewrites):
            raise
        if not accept_rewritten:
            raise _rewritten(document) from error
    # Pinned to what was judged: the next change may be somebody else's.
    return (yield from operations.download(key, path, on_progress, if_match=info.etag))


def _check(receipt: StoredDocument, info: ObjectInfo, storage: Storage) -> None:
    """Refuse what the service itself says is something else than the receipt recorded.

    Raises:
        IntegrityError: it is.
    """
    rewrites = storage.info.rewrites
    if is_altered(receipt, info, rewrites):
        raise IntegrityError(
            f"the receipt says {receipt.size} bytes with sha256 {receipt.sha256}, the service "
            f"{info.size} with {info.sha256}: it was altered after the upload",
            operation="open",
            key=receipt.key,
        )
    if receipt.etag is None or receipt.etag == info.etag:
        return
    if is_by_service(receipt, info, rewrites):
        raise _rewritten(receipt)
    raise _other_version(receipt)


def _other_version(receipt: StoredDocument) -> IntegrityError:
    return IntegrityError(
        "this is another version than the receipt recorded; check(receipt) tells whether its bytes are the same, and "
        "download(receipt) takes them if they are",
        operation="open",
        key=receipt.key,
    )


def _rewritten(receipt: StoredDocument) -> IntegrityError:
    return IntegrityError(
        "these are not the bytes that were uploaded; as far as the service tells, it wrote the file anew itself, as it "
        "does with this kind; compare it with the original, or take it as it is now with accept_rewritten=True",
        operation="open",
        key=receipt.key,
    )
