"""Reading documents: where one is, its file, and whether that is what the receipt says. ``operations.py`` calls."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

from ..errors import IntegrityError
from ..keys import DocumentKey
from ..storage import Storage
from ..transport import Exchange
from ..types import ObjectInfo, Progress
from .integrity import is_by_service
from .receipts import StoredDocument
from .searching import Search, relative_key


def locate(search: Search, document: StoredDocument | DocumentKey) -> Exchange[tuple[Storage, str]]:
    """Return the storage that holds a document, and its key there."""
    if isinstance(document, DocumentKey):
        found, _ = yield from search.find(document)
        return found.storage, relative_key(document)
    recorded = yield from search.recorded(document)
    return recorded.storage, relative_key(document.document)


def download(
    search: Search, document: StoredDocument | DocumentKey, path: Path, on_progress: Progress | None
) -> Exchange[ObjectInfo]:
    """Write a document into a file; see ``DocumentStore.download``."""
    storage, key = yield from locate(search, document)
    if not isinstance(document, StoredDocument):
        return (yield from storage.operations.download(key, path, on_progress))
    try:
        return (yield from storage.operations.download(key, path, on_progress, sha256=document.sha256))
    except IntegrityError:
        info = yield from storage.operations.head(key)
        # The digest of the service is then what proves the bytes, so there has to be one.
        if info.service_checksum is None or not is_by_service(document, info, storage.info.rewrites):
            raise
    return (yield from storage.operations.download(key, path, on_progress, sha256=None))


def check_receipt(
    document: StoredDocument | DocumentKey, info: ObjectInfo, rewrites: AbstractSet[str] = frozenset()
) -> None:
    """Compare what a service says of an object with the receipt of the document, as far as both say something.

    What the service itself wrote anew, as it may with files of the extensions *rewrites*, passes.

    Raises:
        IntegrityError: the size or the sha256 differs.
    """
    if isinstance(document, DocumentKey):
        return
    altered = None not in (document.sha256, info.sha256) and document.sha256 != info.sha256
    if (altered or document.size != info.size) and not is_by_service(document, info, rewrites):
        raise IntegrityError(
            f"the receipt says {document.size} bytes with sha256 {document.sha256}, the service "
            f"{info.size} with {info.sha256}: it was altered after the upload",
            operation="open",
            key=document.key,
        )
