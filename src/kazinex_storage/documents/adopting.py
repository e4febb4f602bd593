"""Adopting: a file that is there, but of which the register keeps no sha256, is read once and recorded as a document.

Files that another program put under the key of a revision, and those that an earlier release or a service without
metadata recorded without a sha256. ``storage/digests.py`` does it for objects that are no documents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from ..errors import AlreadyExistsError, InvalidKeyError, StorageError
from ..keys import DocumentKey
from ..storage.digests import MAX_FAILURES, Adoption, Digests
from ..transport import Exchange
from ..types import Checksum, ObjectInfo
from .patience import Patience
from .receipts import ProviderResolver, ResolvedProvider, StoredDocument, receipt_of
from .register import RevisionRecord, new_token
from .searching import Search, relative_key
from .taken import taken
from .writing import RevisionWrite, is_here


def adopt_document(search: Search, document: DocumentKey, patience: Patience) -> Exchange[StoredDocument]:
    """Read and record; see ``DocumentStore.adopt``.

    Raises:
        NotFoundError: no provider has it.
        AlreadyExistsError: the revision has, or had, another file.
    """
    found, info = yield from search.find(document)
    seen = yield from search.revision(document)
    if seen is not None and (seen.document != document or seen.removal is not None):
        raise taken(document, seen)
    if seen is not None and seen.sha256 is not None and seen.size in (None, info.size):
        return receipt_of(document, found, replace(info, checksum=Checksum(algorithm="sha256", value=seen.sha256)))
    info = yield from Digests(found.storage.operations.context).read(relative_key(document))
    if seen is None:
        yield from RevisionWrite(search, document, found, patience).adopt(info, proven=True)
    else:
        yield from _complete(search, seen, found, info)
    return receipt_of(document, found, info)


def with_recorded_sha256(
    search: Search, document: DocumentKey, found: ResolvedProvider, info: ObjectInfo
) -> Exchange[ObjectInfo]:
    """Return *info* with the sha256 that the register keeps of this file in this place, if it has the same size."""
    seen = yield from search.revision(document)
    if seen is None or seen.sha256 is None or seen.document != document or seen.removal is not None:
        return info
    if seen.size != info.size or not (yield from is_here(search, seen, found)):
        return info
    return replace(info, checksum=Checksum(algorithm="sha256", value=seen.sha256))


def adopt_below(adopt: Callable[[DocumentKey], StoredDocument], resolver: ProviderResolver, prefix: str) -> Adoption:
    """Have *adopt*, ``DocumentStore.adopt``, take every file below *prefix* whose sha256 the register does not keep.

    *prefix* begins with the organisation. Files in several providers are read where ``find`` finds them. What was
    ended goes on where it was: nothing is read again that is recorded. One query for each file.

    Raises:
        StorageError: a provider does not list what it has; what failed for one file is in the result.
    """
    organisation, _, below = prefix.partition("/")
    done, failures = Adoption(), list[StorageError]()
    for found in resolver.in_order(organisation, None):
        if found.error is not None:
            raise found.error
        for info in found.storage.list(below, recursive=True):
            try:
                document = DocumentKey.parse(f"{organisation}/{info.key}")
            except InvalidKeyError:
                continue  # another object, which is no document
            seen = resolver.revisions.revision(document)
            if seen is not None and (seen.sha256 is not None or seen.removal is not None):
                done = replace(done, known=done.known + 1)
                continue
            try:
                size = adopt(document).size
            except StorageError as error:
                failures += [error] if len(failures) < MAX_FAILURES else []
                done = replace(done, failed=done.failed + 1)
                continue
            done = replace(done, hashed=done.hashed + 1, hashed_bytes=done.hashed_bytes + size)
    return replace(done, failures=tuple(failures))


def _complete(search: Search, seen: RevisionRecord, found: ResolvedProvider, info: ObjectInfo) -> Exchange[None]:
    """Add the sha256 to the record of a file that is where it says.

    Raises:
        AlreadyExistsError: it was changed meanwhile, or is of a file in another place or of another size.
    """
    same = seen.size in (None, info.size) and (yield from is_here(search, seen, found))
    after = replace(seen, sha256=info.sha256, size=info.size, recorded_at=datetime.now(UTC), token=new_token())
    if not same or not (yield from search.announced(partial(search.register.swap_revision, seen, after))):
        raise AlreadyExistsError(
            "the register has another file of this revision than the one that was read; look at both",
            operation="adopt",
            key=seen.document.build(),
        )
