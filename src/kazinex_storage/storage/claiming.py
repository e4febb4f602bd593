"""The steps around a write where there are quotas: claim the room, write, count it; and what removals give back.

``operations.py``, ``copies.py`` and ``bulk.py`` use these. Keys are full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from ..errors import NotFoundError, StorageError
from ..keys import ObjectKey
from ..lazy import logger
from ..transport import Exchange, Many, Outcome
from ..types import ObjectInfo, PutMode
from .guards import Write
from .operation import Context
from .quota import Claim, lifetime_of

_log = logger(__name__)


def within_quota(
    context: Context,
    target: tuple[ObjectKey, PutMode, int],
    write: Write | None,
    put: Callable[[], Exchange[ObjectInfo]],
) -> Exchange[ObjectInfo]:
    """Claim room for the *target* (key, mode, size), *put* it, and count it unless *write* has it recorded.

    Raises:
        QuotaExceededError: there is no room; nothing was sent.
    """
    key, mode, size = target
    rule = context.rules.quota
    claim = write.claim if write is not None else rule.claim(key) if rule is not None else None
    if claim is None:
        return (yield from put())
    replaced = None
    if write is None and mode is not PutMode.CREATE:
        replaced = yield from size_of(context, key)
    yield from claim.reserve(size, lifetime_of(size))
    try:
        info = yield from put()
    except BaseException:
        yield from give_back(claim)
        raise
    if write is None:
        yield from counted(claim.keep(info.size - (replaced or 0), 1 if replaced is None else 0))
    return info


def give_back(claim: Claim | None) -> Exchange[None]:
    """Release *claim*; should that fail, it expires by itself."""
    if claim is None:
        return
    try:
        yield from claim.release()
    except StorageError as error:
        _log.warning("the room that a write had reserved stays reserved until it expires: %s", error)


def removing(context: Context, keys: Sequence[ObjectKey], remove: Exchange[None]) -> Exchange[None]:
    """Run *remove*, and count those of *keys* no longer that no register counts; one HEAD each, many at once."""
    rule = context.rules.quota
    if rule is None:
        return (yield from remove)
    uncounted = yield from rule.uncounted(keys)
    heads = (size_of(context, key) for key in uncounted)
    outcomes = cast("list[Outcome[int | None]]", (yield Many(heads, context.info.concurrency))) if uncounted else []
    sizes = {key: outcome.value for key, outcome in zip(uncounted, outcomes, strict=True) if outcome.value is not None}
    yield from remove
    yield from counted(rule.forget(sizes))


def counted(count: Exchange[None]) -> Exchange[None]:
    """Run *count*; should it fail, what was done stays done, and the next ``reconcile`` counts it."""
    try:
        yield from count
    except StorageError as error:
        _log.warning("what was written or removed is not counted before it is reconciled: %s", error)


def size_of(context: Context, key: ObjectKey) -> Exchange[int | None]:
    """Return the size of an object, None when there is none."""
    try:
        return (yield from context.exchanges.head(key)).size
    except NotFoundError:
        return None
