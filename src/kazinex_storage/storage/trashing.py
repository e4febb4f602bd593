"""The steps of deleting into the trash of a storage, and of what is done with it after that, as exchanges.

``history.py``, ``operations.py`` and ``bulk.py`` run these; ``trash.py`` says what the trash is. Keys are full.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from ..capabilities import KEEPS, Capability
from ..errors import AlreadyExistsError, NotFoundError, StorageError
from ..keys import ObjectKey
from ..transport import Exchange, Many, Outcome
from ..types import ObjectInfo, PutMode
from ..versions import DeletedObject
from .claiming import size_of
from .copies import move_plainly
from .operation import Context
from .trash import Trash


def discard(context: Context, trash: Trash, key: ObjectKey) -> Exchange[None]:
    """Move the object to the trash; silent when there is none. As many requests as a move.

    Raises:
        InvalidKeyError: its key is too long for that.
        RetentionError: something keeps it where it is.
    """
    if not trash.takes(key):
        return (yield from context.exchanges.delete(key))
    name = trash.name(key, context.info.max_key_bytes)
    if not KEEPS.isdisjoint(context.info.capabilities):  # before a copy of what cannot be removed after it
        from .protecting import check_free

        yield from check_free(context.exchanges, key)
    try:
        yield from move_plainly(context, key, name, PutMode.REPLACE)
    except NotFoundError:
        return


def discard_each(context: Context, trash: Trash, keys: Sequence[ObjectKey]) -> Exchange[list[Exception]]:
    """Move many objects to the trash, as many at once as pays off; return what went wrong."""
    relative = context.scope.relative_key
    moves = (context.run("delete", relative(key), discard(context, trash, key)) for key in keys)
    outcomes = cast("list[Outcome[None]]", (yield Many(moves, context.info.concurrency)))
    return [outcome.error for outcome in outcomes if outcome.error is not None]


def deleted_below(context: Context, trash: Trash, prefix: str) -> Exchange[list[DeletedObject]]:
    """Return what the trash holds of keys that begin with *prefix*, the latest first; one request a page."""
    pages = context.exchanges.scan(trash.below(prefix))
    found = list[DeletedObject]()
    try:
        while (page := (yield from pages.next())) is not None:
            found += filter(None, map(trash.parse, page))
    finally:
        pages.close()
    return sorted(found, key=lambda one: one.version, reverse=True)


def bring_back(context: Context, trash: Trash, key: ObjectKey, version: str | None) -> Exchange[ObjectInfo]:
    """Move what was deleted last, or exactly *version*, back to its *key*; one listing, and a move.

    Raises:
        NotFoundError: the trash does not hold it.
        AlreadyExistsError: the key names an object.
    """
    one = yield from latest(context, trash, key, version)
    mode = PutMode.CREATE if context.info.can(Capability.CREATE_ONLY) else PutMode.REPLACE
    if mode is PutMode.REPLACE and (yield from size_of(context, key)) is not None:
        raise AlreadyExistsError("an object has that key; nothing was brought back")
    return (yield from move_plainly(context, trash.named(one), key, mode))


def latest(context: Context, trash: Trash, key: ObjectKey, version: str | None) -> Exchange[DeletedObject]:
    """Return what was deleted last under *key*, or exactly *version*.

    Raises:
        NotFoundError: the trash does not hold it.
    """
    return chosen((yield from deleted_below(context, trash, f"{key}/")), key, version)


def chosen(found: Sequence[DeletedObject], key: ObjectKey, version: str | None) -> DeletedObject:
    """Return what of *found* was deleted last under *key*, or is exactly *version*.

    Raises:
        NotFoundError: it is not among them.
    """
    for one in found:  # what was deleted below the key was listed as well
        if one.key == key and version in (None, one.version):
            return one
    raise NotFoundError("nothing that was deleted is kept under that key", key=key)


def purge(context: Context, trash: Trash, key: ObjectKey) -> Exchange[None]:
    """Remove the object, and all that the trash holds of its key, for good."""
    yield from context.exchanges.delete(key)
    for one in (yield from _kept_of(context, trash, key)):
        yield from context.exchanges.delete(trash.named(one))


def sweep_trash(
    context: Context, trash: Trash, now: datetime, *, dry_run: bool
) -> Exchange[tuple[int, tuple[StorageError, ...]]]:
    """Remove what was kept for long enough below the scope of *context*; return how much, and what failed.

    One request a page, and one for each object that is removed.
    """
    found = yield from deleted_below(context, trash, context.scope.prefix)
    over = [one for one in found if one.expires_at is not None and one.expires_at <= now]
    if dry_run or not over:
        return len(over), ()
    removals = (
        context.run("delete", context.scope.relative_key(one.key), context.exchanges.delete(trash.named(one)))
        for one in over
    )
    outcomes = cast("list[Outcome[None]]", (yield Many(removals, context.info.concurrency)))
    failures = [outcome.error for outcome in outcomes if outcome.error is not None]
    for error in failures:
        if not isinstance(error, StorageError):
            raise error
    return len(over), tuple(error for error in failures if isinstance(error, StorageError))


def _kept_of(context: Context, trash: Trash, key: ObjectKey) -> Exchange[list[DeletedObject]]:
    found = yield from deleted_below(context, trash, f"{key}/")
    return [one for one in found if one.key == key]  # what was deleted below the key was listed as well
