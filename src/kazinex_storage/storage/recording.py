"""How an upload in parts consults the guard of its storage: before it completes, and once it is an object.

``uploads.py`` uses these.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..bodies.part_upload import sha256_of
from ..bodies.source import Source
from ..errors import AlreadyExistsError, FileTypeRefusedError, IntegrityError, StorageError
from ..keys import ObjectKey
from ..lazy import module
from ..transport import Call, Exchange
from ..types import WHOLE, ObjectInfo, UploadState
from .claiming import give_back
from .contents import check_source, check_stored_first
from .guards import Write, keep_existing
from .operation import Context
from .quota import PARTS_LIFETIME, Claim
from .signed import remove_version

if TYPE_CHECKING:
    import hashlib
else:
    hashlib = module(__name__, "hashlib")


def ask_guard(context: Context, own: UploadState, source: Source, *, resumed: bool = False) -> Exchange[None]:
    """Ask the policy and the guard, before anything is sent, whether *source* may become the object.

    Raises:
        AlreadyExistsError: the key is taken.
        FileTypeRefusedError: its first bytes are of another type.
    """
    yield from check_source(context.rules.policy, ObjectKey(own.key), source)
    write = context.write_of(ObjectKey(own.key))
    if write is None:
        return
    demanded = yield from write.before(own.sha256, resumed=resumed)
    if demanded is None or own.sha256 is not None:  # a sha256 of the state is compared before the end
        return
    if (yield Call(sha256_of, source, cancel=source.cancel)) != demanded:
        raise write.taken()


def ask_guard_unseen(context: Context, write: Write, own: UploadState) -> Exchange[None]:
    """Ask before parts sent by others become the object; where the key is taken they are discarded.

    Raises:
        AlreadyExistsError: the key is taken.
    """
    try:
        if (yield from write.before(own.sha256)) is not None:
            raise write.taken()  # its own bytes may come back, but these were not seen here
    except AlreadyExistsError:
        yield from context.exchanges.abort_upload(ObjectKey(own.key), own.upload_id)
        raise


def claim_parts(context: Context, key: ObjectKey, size: int, reservation: str = "") -> Exchange[Claim | None]:
    """Claim room for an upload in parts, or for longer under the *reservation* that it has; None without quotas.

    Raises:
        QuotaExceededError: there is none.
    """
    if context.rules.quota is None:
        return None
    claim = context.rules.quota.claim(key, reservation)
    yield from claim.reserve(size, PARTS_LIFETIME)
    return claim


def claimed(context: Context, key: ObjectKey, size: int, begin: Exchange[UploadState]) -> Exchange[UploadState]:
    """Claim room for an upload, *begin* it, and return its state with the claim.

    Raises:
        QuotaExceededError: there is none.
    """
    claim = yield from claim_parts(context, key, size)
    try:
        state = yield from begin
    except StorageError:
        yield from give_back(claim)
        raise
    return state if claim is None else replace(state, reservation=claim.id)


def unclaimed(context: Context, key: ObjectKey, upload: UploadState) -> Exchange[None]:
    """Give the room of an upload back that is thrown away."""
    if upload.reservation and context.rules.quota is not None:
        yield from give_back(context.rules.quota.claim(key, upload.reservation))


def prove(context: Context, own: UploadState, found: ObjectInfo, sha256: str) -> Exchange[None]:
    """Read the uploaded object back where it is recorded for good, or nothing says what it is made of.

    A client, or another process that resumed the same upload, may have sent other bytes.

    Raises:
        IntegrityError: it has.
    """
    if found.sha256 is not None and context.write_of(ObjectKey(own.key)) is None:
        return  # which was compared
    digest = hashlib.sha256()
    yield from context.exchanges.get(ObjectKey(own.key), WHOLE, digest.update, found.etag)
    if digest.hexdigest() != sha256:
        raise IntegrityError("the upload was completed with other bytes than these; look at the object")


def keep(context: Context, own: UploadState, info: ObjectInfo, *, proven: bool) -> Exchange[ObjectInfo]:
    """Make the uploaded object permanent, under the policy and the guard; otherwise remove it.

    Raises:
        AlreadyExistsError: the key is taken, or another write was faster.
        FileTypeRefusedError: its bytes, which were not seen here, begin as those of another type.
    """
    key = ObjectKey(own.key)
    write = context.write_of(key, own.reservation)
    if not proven:
        try:
            yield from check_stored_first(context.rules.policy, context.exchanges, info, key)
        except FileTypeRefusedError:
            if write is None or not (yield from write.recorded()):  # what is recorded was allowed on its day
                yield from remove_version(context, key, info)
            raise
    if write is None:
        if context.rules.quota is not None and own.reservation:
            yield from context.rules.quota.claim(key, own.reservation).keep(info.size, 1)
        if proven and context.rules.digest == "sha256":
            from .digests import Digests

            yield from Digests(context).keep_of(key, info, look=True)
        return info
    undo = partial(remove_version, context, key, info)
    return (yield from keep_existing(write, info, proven=proven, undo=undo))
