"""Whether a stored document is what its receipt says: proved by its bytes, or looked up by its version.

Some services rewrite files after storing them (``ProviderInfo.rewrites``), so different bytes are not always tampering.
Nothing is deleted because of a state. ``operations.py`` and ``reading.py`` are the callers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set as AbstractSet
from datetime import timedelta
from enum import Enum
from typing import Final, Literal, TypeAlias

from ..errors import IntegrityError
from ..lazy import regex
from ..storage.sync import Storage
from ..transport import Exchange
from ..types import Buffer, ObjectInfo
from .receipts import StoredDocument

# SharePoint writes the properties of a library into files within seconds, at times minutes, after they are stored; no
# page names a limit — github.com/OneDrive/onedrive-api-docs/issues/935 (read 2026-08).
REWRITE_WINDOW: Final = timedelta(minutes=15)
"""How long after an upload a change in the name of the uploader can be the service's own."""

# A cTag is "c:{id of the item},number"; the number grows with every change of the content.
_VERSION: Final = regex(r'(?P<item>"?c:\{[^}]+\}),(?P<number>\d{1,18})"?')

Evidence: TypeAlias = Literal["bytes", "version"]
"""What a check goes by."""


class IntegrityState(Enum):
    """What a check of a stored document found."""

    INTACT = "intact"
    """The bytes were read, and they are those that were uploaded."""
    PROVIDER_MUTATED = "provider-mutated"
    """Other bytes, but in a kind of file that the service rewrites; as far as it reports, no other writer did."""
    TAMPERED = "tampered"
    """Other bytes than were uploaded, and nothing says that the service made them."""
    SAME_VERSION = "same-version"
    """The service says that it is the version of the receipt; nothing was read. Only a check by version says so."""
    UNKNOWN = "unknown"
    """The receipt has no sha256 to compare the bytes with, a check by version met another version, or whoever moved the
    document to another provider accepted what its service had made of it."""


def state_of(
    receipt: StoredDocument, info: ObjectInfo, rewrites: AbstractSet[str], sha256: str | None = None
) -> IntegrityState:
    """Compare what a service says of an object with the receipt, and its bytes if they were read.

    Args:
        rewrites: Extensions, in lower case, of files that the service may rewrite.
        sha256: Of the bytes that are there now, when they were read. Without it nothing is ``INTACT``.
    """
    if sha256 is not None and receipt.sha256 is not None:
        if sha256 == receipt.sha256:
            return IntegrityState.INTACT
        return IntegrityState.PROVIDER_MUTATED if is_by_service(receipt, info, rewrites) else IntegrityState.TAMPERED
    if is_altered(receipt, info, rewrites):
        return IntegrityState.TAMPERED
    return IntegrityState.SAME_VERSION if _is_same_version(receipt, info) else IntegrityState.UNKNOWN


def checked(storage: Storage, key: str, receipt: StoredDocument, by: Evidence = "bytes") -> Exchange[IntegrityState]:
    """Read the object *key* of *storage*, or look at its version, and return its state; see ``DocumentStore.check``.

    Raises:
        IntegrityError: not all of it arrived, or two reads of one version differ.
        ValueError: there is no such evidence.
        StorageError: as in ``DocumentStore.check``.
    """
    if by not in ("bytes", "version"):
        raise ValueError(f"a check goes by 'bytes' or by 'version', not by {by!r}")
    rewrites = storage.info.rewrites
    info = yield from storage.operations.head(key)
    if by == "version":
        return state_of(receipt, info, rewrites)
    if receipt.size != info.size and not is_rewritten(receipt, rewrites):
        return IntegrityState.TAMPERED
    if receipt.sha256 is None:
        return IntegrityState.UNKNOWN
    found = yield from _sha256_of(storage, key, info)
    # What was altered on its way here must not be reported as tampering, so it is read a second time.
    if found != receipt.sha256 and found != (yield from _sha256_of(storage, key, info)):
        raise IntegrityError("two reads of one version differ; check it again", operation="check", key=receipt.key)
    return state_of(receipt, info, rewrites, found)


def is_altered(receipt: StoredDocument, info: ObjectInfo, rewrites: AbstractSet[str]) -> bool:
    """Say whether the service reports another size or sha256 than the receipt, for a file that it never rewrites."""
    if is_rewritten(receipt, rewrites):
        return False
    other_sha256 = None not in (receipt.sha256, info.sha256) and receipt.sha256 != info.sha256
    return other_sha256 or receipt.size != info.size


def is_by_service(receipt: StoredDocument, info: ObjectInfo, rewrites: AbstractSet[str]) -> bool:
    """Say whether bytes other than the uploaded ones can be the service's own doing.

    They are when the content is still the version that the service recorded at the end of the upload, or a later
    version of the same file, soon after the upload and in the name of who uploaded. Only for files that the service
    may rewrite. No checksum of the service counts: anyone who can edit a file can make its quickXorHash match.
    """
    if not is_rewritten(receipt, rewrites):
        return False
    if _is_same_version(receipt, info):
        return True
    if not _is_later_version(receipt.etag, info.etag):
        return False
    if receipt.stored_by is None or receipt.stored_by != info.modified_by:
        return False
    if receipt.stored_at is None or info.last_modified is None or receipt.stored_at_by != "service":
        return False
    return receipt.stored_at <= info.last_modified <= receipt.stored_at + REWRITE_WINDOW


def is_first_version(info: ObjectInfo) -> bool:
    """Say whether the content is the one that came to the service, as its ETag numbers versions; False when unknown."""
    found = _VERSION.fullmatch(info.etag or "")
    return found is not None and int(found["number"]) <= 1


def is_rewritten(receipt: StoredDocument, rewrites: AbstractSet[str]) -> bool:
    """Say whether the service may rewrite a file of this kind."""
    name = receipt.document.filename
    return "." in name and name.rpartition(".")[2].lower() in rewrites


def _sha256_of(storage: Storage, key: str, info: ObjectInfo) -> Exchange[str]:
    """Read the version *info* whole; raise IntegrityError where not all of it arrived."""
    digest, size = hashlib.sha256(), 0

    def sink(data: Buffer) -> None:
        nonlocal size
        digest.update(data)
        size += len(data)

    try:
        yield from storage.operations.get(key, sink, if_match=info.etag)
    except IntegrityError:
        # The service keeps a checksum that its own bytes have not: that is what was to be found out.
        if size != info.size:
            raise
    if size != info.size:
        raise IntegrityError(f"{size} of {info.size} bytes arrived; check it again", operation="check", key=key)
    return digest.hexdigest()


def _is_same_version(receipt: StoredDocument, info: ObjectInfo) -> bool:
    return receipt.etag is not None and receipt.etag == info.etag and receipt.size == info.size


def _is_later_version(before: str | None, after: str | None) -> bool:
    """Say whether *after* is the ETag of a later content of the same file; None and other forms never are."""
    old, new = _VERSION.fullmatch(before or ""), _VERSION.fullmatch(after or "")
    return (
        old is not None and new is not None and old["item"] == new["item"] and int(old["number"]) < int(new["number"])
    )
