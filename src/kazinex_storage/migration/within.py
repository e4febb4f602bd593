"""Copying by the service, where both ends are in one place or in two that it copies between: no byte comes here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol, cast, runtime_checkable

from ..errors import AlreadyExistsError, IntegrityError
from ..keys import ObjectKey, Prefix
from ..storage.operations import Operations
from ..transport import Exchange
from ..types import ObjectInfo, PutMode
from .endpoints import Endpoint
from .following import Known
from .journal import Entry, EntryState
from .reading import on, sha256_of

MODIFIED: Final = "kazinex-modified"
"""The metadata that keeps when the object was last changed on the source, as ISO 8601 in UTC."""


@runtime_checkable
class PeerCopier(Protocol):
    """What a provider of exchanges adds whose service copies to it from other places that the same key opens."""

    def reaches(self, peer: object) -> bool:
        """Say whether it copies from the place of the provider *peer*, as far as settings tell."""
        ...

    def copy_from(
        self, peer: object, source: ObjectKey, target: ObjectKey, more: Mapping[str, str]
    ) -> Exchange[ObjectInfo]:
        """Create a copy of *source*, with *more* metadata where it has none of that name; atomic like a put.

        Raises:
            NotFoundError: there is no *source*; ``AlreadyExistsError``: *target* exists.
        """
        ...


def is_reached(source: Endpoint, target: Endpoint) -> bool:
    """Say whether the service of *target* copies from *source* by itself."""
    provider = target.storage.operations.context.provider
    return isinstance(provider, PeerCopier) and provider.reaches(source.storage.operations.context.provider)


def copy_within(
    source: Endpoint, target: Endpoint, entry: Entry, known: Known, *, full: bool, one_place: bool
) -> Exchange[Entry]:
    """Have the service copy the object of *entry*, or find that both keys name one object of *one_place*.

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
    if itself := one_place and old == new:
        state = EntryState.SAME
    else:
        try:
            info = yield from _copied(source, target, entry, (old, new), one_place)
        except AlreadyExistsError:
            state = EntryState.SAME
    here = yield from on(source, source.storage.operations.head(key))
    sha256 = known.sha256 or here.sha256
    if full or state is EntryState.SAME:
        found, info = yield from sha256_of(target, key)
        expected = sha256
        if expected is None and not itself:
            expected, _ = yield from sha256_of(source, key, here.etag)
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


def _copied(
    source: Endpoint, target: Endpoint, entry: Entry, keys: tuple[ObjectKey, ObjectKey], one_place: bool
) -> Exchange[ObjectInfo]:
    """Have the service copy one full key to the other."""
    view, context = source.storage.operations.context, target.storage.operations.context
    if one_place:
        whole = Operations(view.within(Prefix(), target.storage.policy))
        return (yield from on(target, whole.copy(*keys, PutMode.CREATE)))
    more = {MODIFIED: entry.last_modified.isoformat()} if entry.last_modified is not None else {}
    copy = cast(PeerCopier, context.provider).copy_from(view.provider, *keys, more)
    return (yield from on(target, context.run("copy", entry.key, copy)))
