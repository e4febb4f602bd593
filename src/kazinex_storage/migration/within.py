"""Copying where both ends of a run have their objects in one place: the service does it, and no byte comes here."""

from __future__ import annotations

from dataclasses import replace

from ..errors import AlreadyExistsError, IntegrityError
from ..keys import Prefix
from ..storage.operations import Operations
from ..transport import Exchange
from ..types import ObjectInfo, PutMode
from .endpoints import Endpoint
from .following import Known
from .journal import Entry, EntryState
from .reading import on, sha256_of


def copy_within(source: Endpoint, target: Endpoint, entry: Entry, known: Known, *, full: bool) -> Exchange[Entry]:
    """Copy the object of *entry* from one folder of a place to another one, or find that there is one object alone.

    *full* reads what is there afterwards and compares its sha256.

    Raises:
        NotFoundError: the source has it no more.
        AlreadyExistsError: the target has another object under the key.
        IntegrityError: the bytes are not those that are known.
        StorageError: the service refuses.
    """
    key, view = entry.key, source.storage.operations.context
    old, new = view.scope.full_key(key), target.storage.operations.context.scope.full_key(key)
    state = EntryState.COPIED
    info: ObjectInfo | None = None
    if old == new:
        state = EntryState.SAME
    else:
        whole = Operations(view.within(Prefix(), target.storage.policy))
        try:
            info = yield from on(target, whole.copy(old, new, PutMode.CREATE))
        except AlreadyExistsError:
            state = EntryState.SAME
    here = yield from on(source, source.storage.operations.head(key))
    sha256 = known.sha256 or here.sha256
    if full or state is EntryState.SAME:
        found, info = yield from sha256_of(target, key)
        expected = sha256 if sha256 is not None and old == new else None
        if old != new:
            expected = sha256 or (yield from sha256_of(source, key, here.etag))[0]
        if expected is not None and found != expected:
            if state is EntryState.COPIED:
                yield from target.storage.operations.delete(key)
                raise IntegrityError(f"the copy has sha256 {found}, and {expected} was expected", key=key)
            raise AlreadyExistsError("the target has another object under this key, which was left as it is", key=key)
        sha256 = found
    return replace(
        entry,
        size=here.size,
        etag=here.etag,
        last_modified=here.last_modified,
        state=state,
        sha256=sha256,
        target_etag=info.etag if info is not None else None,
        reason=None,
    )
