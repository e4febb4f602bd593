"""Whether a stored document is what its receipt says, judged by marks and, where those cannot tell, by its bytes.

Some services write files anew after they took them (``ProviderInfo.rewrites``), so other bytes are not always
somebody's doing. Nothing is deleted because of a state. ``operations.py`` is the caller.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set as AbstractSet
from datetime import timedelta
from enum import Enum
from typing import Final

from ..errors import IntegrityError
from ..storage import Storage
from ..transport import Exchange
from ..types import Buffer, ObjectInfo
from .receipts import StoredDocument

# SharePoint writes the properties of a library into files within seconds, at times minutes, after they are stored; no
# page names a limit — github.com/OneDrive/onedrive-api-docs/issues/935 (read 2026-08).
REWRITE_WINDOW: Final = timedelta(minutes=15)
"""How long after an upload a change in the name of the uploader can be the service's own."""


class IntegrityState(Enum):
    """What a check of a stored document found."""

    INTACT = "intact"
    """The bytes are those that were uploaded."""
    PROVIDER_MUTATED = "provider-mutated"
    """Other bytes, but of a kind of file that the service writes anew, and as far as it tells by nobody else."""
    TAMPERED = "tampered"
    """Other bytes than were uploaded, and nothing says that the service made them."""


def judge(
    receipt: StoredDocument, info: ObjectInfo, rewrites: AbstractSet[str], sha256: str | None = None
) -> IntegrityState | None:
    """Compare what a service says of an object with the receipt; None when only the bytes can tell.

    Args:
        rewrites: Extensions, in lower case, of files that the service may write anew.
        sha256: Of the bytes that are there now, when they were read; then the answer is never None.
    """
    if sha256 is not None and receipt.sha256 is not None:
        if sha256 == receipt.sha256:
            return IntegrityState.INTACT
        return IntegrityState.PROVIDER_MUTATED if is_by_service(receipt, info, rewrites) else IntegrityState.TAMPERED
    written_anew = _is_written_anew(receipt, rewrites)
    if receipt.sha256 is None:
        if _is_as_recorded(receipt, info):
            return IntegrityState.INTACT
        by_service = is_by_service(receipt, info, rewrites)
        return IntegrityState.PROVIDER_MUTATED if by_service else IntegrityState.TAMPERED
    if not written_anew and (receipt.size != info.size or info.sha256 not in (None, receipt.sha256)):
        return IntegrityState.TAMPERED
    same_version = receipt.etag is not None and receipt.etag == info.etag
    # What is written anew may have been so before the receipt was: the version is that of the receipt either way.
    return IntegrityState.INTACT if same_version and not written_anew else None


def checked(storage: Storage, key: str, receipt: StoredDocument) -> Exchange[IntegrityState]:
    """Look at the object *key* of *storage*, read it where that does not tell, and judge; see ``DocumentStore.check``.

    Raises:
        IntegrityError: not all of it arrived.
        StorageError: as in ``DocumentStore.check``.
    """
    operations, rewrites = storage.operations, storage.info.rewrites
    info = yield from operations.head(key)
    state = judge(receipt, info, rewrites)
    if state is not None:
        return state
    digest, size = hashlib.sha256(), 0

    def sink(data: Buffer) -> None:
        nonlocal size
        digest.update(data)
        size += len(data)

    try:
        yield from operations.get(key, sink, if_match=info.etag)
    except IntegrityError:
        # The service keeps a sha256 that its own bytes have not: that is what was to be found out.
        if info.sha256 is None or size != info.size:
            raise
    if size != info.size:
        raise IntegrityError(f"{size} of {info.size} bytes arrived; check it again", operation="check", key=receipt.key)
    found = digest.hexdigest()
    return judge(receipt, info, rewrites, found) or IntegrityState.TAMPERED


def is_by_service(receipt: StoredDocument, info: ObjectInfo, rewrites: AbstractSet[str]) -> bool:
    """Say whether bytes other than the uploaded ones can be the service's own doing, and nobody else's.

    They are when they are what the service had already recorded at the end of the upload, or when they came soon after
    it in the name of who uploaded. Only for files that the service may write anew.
    """
    if not _is_written_anew(receipt, rewrites):
        return False
    if _is_as_recorded(receipt, info):
        return True
    if receipt.stored_by is None or receipt.stored_by != info.modified_by:
        return False
    if receipt.stored_at is None or info.last_modified is None:
        return False
    return receipt.stored_at <= info.last_modified <= receipt.stored_at + REWRITE_WINDOW


def _is_written_anew(receipt: StoredDocument, rewrites: AbstractSet[str]) -> bool:
    name = receipt.document.filename
    return "." in name and name.rpartition(".")[2].lower() in rewrites


def _is_as_recorded(receipt: StoredDocument, info: ObjectInfo) -> bool:
    """Say whether the service holds what it held when the receipt was written."""
    if receipt.size != info.size:
        return False
    if receipt.etag is not None and receipt.etag == info.etag:
        return True
    return receipt.service_checksum is not None and receipt.service_checksum == info.service_checksum
