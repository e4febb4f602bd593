"""Copies and moves inside one storage: by the service where it can, else through this process.

``operations.py`` runs these. Keys are full.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial

from ..bodies.body import Spool
from ..bodies.source import Source
from ..capabilities import KEEPS, Capability
from ..errors import AlreadyExistsError, IntegrityError, PreconditionFailedError
from ..keys import ObjectKey
from ..transport import Exchange
from ..types import WHOLE, Checksum, ObjectInfo, PutMode
from .claiming import within_quota
from .contents import check_declared, check_stored_first
from .fetching import Proof
from .guards import guarded
from .operation import Context
from .rules import options_of_copy, with_defaults


def copy_object(context: Context, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
    """Copy; see ``Storage.copy``.

    Raises:
        PolicyError: the name or the size is not allowed.
        StorageError: as in ``Storage.copy``.
    """
    mode, size = yield from _admit(context, source, target, mode)
    write = context.write_of(target)
    if write is None:
        yield from context.rules.check_taken(target)
        copy = partial(_copy, context, source, target, mode)
        return (yield from within_quota(context, (target, mode, size), None, copy))

    def create(_: str | None) -> Exchange[ObjectInfo]:
        copy = partial(_copy, context, source, target, PutMode.CREATE)
        return within_quota(context, (target, PutMode.CREATE, size), write, copy)

    known = partial(_with_sha256, context, target)
    return (yield from guarded(write, None, None, create, lambda: context.exchanges.delete(target), known))


def move_object(context: Context, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
    """Move; see ``Storage.move``.

    Raises:
        AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
        PreconditionFailedError: *source* was replaced while it was copied; both are there.
        RetentionError: something keeps *source*.
    """
    mode, size = yield from _admit(context, source, target, mode)
    if context.guard is not None:
        yield from context.guard.moving(source)
    if not context.info.can(Capability.SERVER_MOVE) and not KEEPS.isdisjoint(
        context.info.capabilities
    ):  # before a copy of what cannot be removed after it
        from .protecting import check_free

        yield from check_free(context.exchanges, source)
    write = context.write_of(target)
    uncounted = context.rules.quota is not None and (yield from context.rules.quota.uncounted([source]))
    move = partial(move_plainly, context, source, target, mode if write is None else PutMode.CREATE)
    if write is None:
        yield from context.rules.check_taken(target)
        info = yield from within_quota(context, (target, mode, size), None, move)
    else:
        info = yield from guarded(
            write,
            None,
            None,
            lambda _: within_quota(context, (target, PutMode.CREATE, size), write, move),
            lambda: _move_back(context, target, source),
            partial(_with_sha256, context, target),
        )
    if context.guard is not None:
        yield from context.guard.removing([source], moved=True)
    if uncounted and context.rules.quota is not None:
        yield from context.rules.quota.forget({source: size})
    return info


def _admit(context: Context, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[tuple[PutMode, int]]:
    """Return the mode in force for the *target*, and the size under a limit, or refuse it.

    The *source* is looked at as well: it may predate the policy, or have been written by other means.
    """
    rules = context.rules
    if source == target:
        raise ValueError(f"copy {context.scope.relative_key(source)!r}: source and target are the same key")
    if rules.creates(target):
        mode = PutMode.CREATE
    if mode is PutMode.CREATE:
        rules.need(Capability.CREATE_ONLY, "a create-only copy")
    rules.check_name(target)
    if rules.policy is None and rules.quota is None:
        return mode, 0
    info = yield from context.exchanges.head(source)
    rules.check_size(info.size)
    if rules.looks_inside:  # its old name may have been that of what it is
        check_declared(rules.policy, target, info.content_type)
        yield from check_stored_first(rules.policy, context.exchanges, info, target)
    return mode, info.size


def _copy(context: Context, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
    if context.info.can(Capability.SERVER_COPY):
        return context.exchanges.copy(source, target, mode)
    return _copy_through(context, source, target, mode)


def _move_back(context: Context, target: ObjectKey, source: ObjectKey) -> Exchange[None]:
    yield from move_plainly(context, target, source, PutMode.CREATE)


def move_plainly(context: Context, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
    """Move what was admitted already; see ``Storage.move``.

    Raises:
        PreconditionFailedError: *source* was replaced while it was copied; both are there.
    """
    if context.info.can(Capability.SERVER_MOVE):
        try:
            return (yield from context.exchanges.move(source, target, mode))
        except AlreadyExistsError:
            if mode is PutMode.CREATE:
                raise
    before = yield from context.exchanges.head(source)
    info = yield from _copy(context, source, target, mode)
    after = yield from context.exchanges.head(source)
    if after.etag != before.etag:
        raise PreconditionFailedError(
            f"the object was replaced while it was copied to {context.scope.relative_key(target)!r}; both are there, "
            "nothing was deleted"
        )
    yield from context.exchanges.delete(source)
    return info


def _with_sha256(context: Context, target: ObjectKey, info: ObjectInfo) -> Exchange[ObjectInfo]:
    """Return *info* with the sha256 of what is there, for a register: read if it could carry one and does not.

    What proved the source may be the checksum that the service verified.
    """
    if info.sha256 is not None or not context.info.can(Capability.METADATA):
        return info
    digest = hashlib.sha256()
    yield from context.exchanges.get(target, WHOLE, digest.update, info.etag)
    return replace(info, checksum=Checksum(algorithm="sha256", value=digest.hexdigest()))


def _copy_through(context: Context, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
    spool = Spool(None, ValueError)
    try:
        proof = Proof(spool.write) if context.info.remote else None  # what is not compares by itself
        info = yield from context.exchanges.get(source, WHOLE, proof or spool.write, None)
        if proof is not None:
            proof.check(info)
        if spool.size != info.size:
            raise IntegrityError(f"{spool.size} of {info.size} bytes arrived; nothing was copied")
        with Source(spool.body(), sha256=info.sha256) as body:
            options = with_defaults(options_of_copy(info, context.info, mode), target)
            if context.info.can(Capability.TAGS):
                options = replace(options, tags=(yield from context.exchanges.tags(source)))
            context.rules.check_size(body.size)
            return context.rules.check_stored(target, body, (yield from context.exchanges.put(target, body, options)))
    finally:
        spool.discard()
