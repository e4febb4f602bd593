"""Copies and moves inside one storage: by the service where it can, else through this process.

``operations.py`` runs these; the rules that both share are private to the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..bodies.body import Spool
from ..bodies.source import Source
from ..errors import AlreadyExistsError, IntegrityError, PreconditionFailedError
from ..keys import ObjectKey
from ..provider import MoveExchanges
from ..transport import Exchange
from ..types import WHOLE, Capability, ObjectInfo, PutMode, PutOptions
from .admission import kept_by
from .guards import guarded
from .writes import put_unguarded

if TYPE_CHECKING:
    from .operations import Operations


def copy_object(operations: Operations, source: str, target: str, mode: PutMode) -> Exchange[ObjectInfo]:
    """Copy; see ``Storage.copy``.

    Raises:
        PolicyError: the name or the size is not allowed.
        StorageError: as in ``Storage.copy``.
    """
    origin, goal, mode = _pair(operations, source, target, mode)
    yield from _check_size(operations, origin)
    write = operations.guard.writing(goal) if operations.guard is not None else None
    if write is None:
        yield from operations._check_taken(goal)
        return (yield from _copy(operations, origin, goal, mode))

    def put(_: str | None) -> Exchange[ObjectInfo]:
        return _copy(operations, origin, goal, PutMode.CREATE)

    return (yield from guarded(write, None, None, put, lambda: operations._exchanges.delete(goal)))


def move_object(operations: Operations, source: str, target: str, mode: PutMode) -> Exchange[ObjectInfo]:
    """Move; see ``Storage.move``.

    Raises:
        AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
        PreconditionFailedError: *source* was replaced while it was copied; both are there.
    """
    origin, goal, mode = _pair(operations, source, target, mode)
    yield from _check_size(operations, origin)
    guard = operations.guard
    write = guard.writing(goal) if guard is not None else None
    if write is None:
        yield from operations._check_taken(goal)
        info = yield from _move(operations, origin, goal, mode)
    else:
        info = yield from guarded(
            write,
            None,
            None,
            lambda _: _move(operations, origin, goal, PutMode.CREATE),
            lambda: _back(operations, goal, origin),
        )
    if guard is not None:
        yield from guard.removing([origin], moved=True)
    return info


def _copy(operations: Operations, origin: ObjectKey, goal: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
    if operations.info.can(Capability.SERVER_COPY):
        return operations._relative((yield from operations._exchanges.copy(origin, goal, mode)))
    return (yield from _copy_through(operations, origin, goal, mode))


def _back(operations: Operations, goal: ObjectKey, origin: ObjectKey) -> Exchange[None]:
    yield from _move(operations, goal, origin, PutMode.CREATE)


def _move(operations: Operations, origin: ObjectKey, goal: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
    if operations.info.can(Capability.SERVER_MOVE):
        mover = cast(MoveExchanges, operations._exchanges)
        try:
            return operations._relative((yield from mover.move(origin, goal, mode)))
        except AlreadyExistsError:
            if mode is PutMode.CREATE:
                raise
    before = yield from operations._exchanges.head(origin)
    info = yield from _copy(operations, origin, goal, mode)
    after = yield from operations._exchanges.head(origin)
    if after.etag != before.etag:
        raise PreconditionFailedError(
            f"the object was replaced while it was copied to {goal.removeprefix(operations._scope)!r}; both are there, "
            "nothing was deleted"
        )
    yield from operations._exchanges.delete(origin)
    return info


def _pair(operations: Operations, source: str, target: str, mode: PutMode) -> tuple[ObjectKey, ObjectKey, PutMode]:
    origin, goal = operations._full(source), operations._full(target)
    if origin == goal:
        raise ValueError(f"copy {source!r}: source and target are the same key")
    if operations._creates(goal):
        mode = PutMode.CREATE
    if mode is PutMode.CREATE:
        operations._need(Capability.CREATE_ONLY, "a create-only copy")
    operations._admission.check_name(goal.name)
    return origin, goal, mode


def _check_size(operations: Operations, origin: ObjectKey) -> Exchange[None]:
    """Refuse to give another key to more than the policy allows: it may have come before the policy, or past us."""
    if operations.policy is not None:
        operations._admission.check_size((yield from operations._exchanges.head(origin)).size)


def _copy_through(operations: Operations, origin: ObjectKey, goal: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
    spool = Spool(None, ValueError)
    try:
        info = yield from operations._exchanges.get(origin, WHOLE, spool.write, None)
        if spool.size != info.size:
            raise IntegrityError(f"{spool.size} of {info.size} bytes arrived; nothing was copied")
        with Source(spool.body(), sha256=info.sha256) as body:
            options = kept_by(operations.info, PutOptions.of(info, mode))
            return (yield from put_unguarded(operations, goal, body, options, None, None))
    finally:
        spool.discard()
