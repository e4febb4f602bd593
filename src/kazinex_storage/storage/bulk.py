"""Many objects in one call: puts, reads and deletes that run at the same time. ``operations.py`` runs these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar, cast
from unicodedata import normalize

from ..capabilities import Capability
from ..errors import BulkError, InvalidKeyError, RetentionError, StorageError, for_each_key
from ..keys import ObjectKey
from ..transport import Exchange, Many, Outcome, Transport
from ..types import ObjectInfo
from .operation import Context

_Body = TypeVar("_Body")

# S3, R2, Supabase: at most 1,000 keys in one DeleteObjects request.
DELETE_BATCH = 1000
"""Keys that one bulk delete carries."""


class KeyedExchanges:
    """The exchanges that fetch many objects, made one by one, with the key of each."""

    def __init__(self, keys: Iterable[str], get: Callable[[str], Exchange[bytes]]) -> None:
        """Ask *get* for each of *keys* when its turn comes."""
        self._keys = keys
        self._get = get
        self._under_way: dict[int, str] = {}

    def __iter__(self) -> Iterator[Exchange[bytes]]:
        for index, key in enumerate(self._keys):
            self._under_way[index] = key
            yield self._get(key)

    def key_of(self, index: int) -> str:
        """Return the key of the exchange with that index, which has ended."""
        return self._under_way.pop(index)


def arriving(
    keys: Iterable[str], get: Callable[[str], Exchange[bytes]], transport: Transport, most: int
) -> Iterator[tuple[str, Outcome[bytes]]]:
    """Yield (key, outcome) of each of *keys* as it arrives, *most* at once; see ``Storage.get_many``."""
    exchanges = KeyedExchanges(keys, get)
    for index, outcome in transport.run_many(exchanges, most):
        yield exchanges.key_of(index), outcome


def each_once(
    items: Iterable[tuple[str, _Body]], put: Callable[[str, _Body], Exchange[ObjectInfo]]
) -> Iterator[Exchange[ObjectInfo]]:
    """Yield what *put* makes of each item; an item whose key came before fails, and its body is not read.

    Puts of one call run concurrently, so which of two bodies wins would be a race.
    """
    seen: set[str] = set()
    for key, body in items:
        name = normalize("NFC", str(key))
        yield put(key, body) if name not in seen else _refuse_twice(key)
        seen.add(name)


def _refuse_twice(key: str) -> Exchange[ObjectInfo]:
    raise InvalidKeyError(
        "the call puts this key twice; the first is done, give each its own", operation="put", key=key
    )
    yield  # makes an exchange of it


def delete_objects(context: Context, keys: Iterable[str]) -> Exchange[None]:
    """Remove many objects; see ``Storage.delete_many``.

    Raises:
        BulkError: some could not be removed.
    """
    full = [context.scope.full_key(key) for key in keys]
    if context.rules.quota is not None:
        from .claiming import removing

        return (yield from removing(context, full, _delete_all(context, full)))
    yield from _delete_all(context, full)


def _delete_all(context: Context, full: Sequence[ObjectKey]) -> Exchange[None]:
    free, kept = (full, list[Exception]()) if context.guard is None else (yield from _unkept(context, full))
    failures = yield from _removed(context, free)
    BulkError.raise_for([*kept, *failures], len(full), "delete_many")


def _unkept(context: Context, full: Sequence[ObjectKey]) -> Exchange[tuple[Sequence[ObjectKey], list[Exception]]]:
    """Return the keys that the guard lets go, and the refusals of the others."""
    free, refusals = list[ObjectKey](), list[Exception]()
    for key in full:
        try:
            if context.guard is not None:
                yield from context.guard.removing([key])
        except RetentionError as error:
            refusals.append(context.explain(error, "delete", None))
        else:
            free.append(key)
    return free, refusals


def _removed(context: Context, full: Sequence[ObjectKey]) -> Exchange[list[Exception]]:
    if context.trash is not None and context.trash.always:
        from .trashing import discard_each

        return discard_each(context, context.trash, full)
    bulk = context.info.can(Capability.BULK_DELETE)
    return _delete_in_batches(context, full) if bulk else _delete_each(context, full)


def _delete_in_batches(context: Context, keys: Sequence[ObjectKey]) -> Exchange[list[Exception]]:
    batches = [keys[start : start + DELETE_BATCH] for start in range(0, len(keys), DELETE_BATCH)]
    exchanges = (context.run("delete", None, context.exchanges.delete_many(batch)) for batch in batches)
    outcomes = cast("list[Outcome[Sequence[StorageError | None]]]", (yield Many(exchanges, context.info.concurrency)))
    failures: list[Exception] = []
    for batch, outcome in zip(batches, outcomes, strict=True):
        refusal = outcome.error
        if refusal is not None and not isinstance(refusal, StorageError):
            raise refusal
        errors = for_each_key(refusal, batch) if refusal is not None else filter(None, outcome.result())
        failures.extend(context.explain(error, "delete", None) for error in errors)
    return failures


def _delete_each(context: Context, keys: Sequence[ObjectKey]) -> Exchange[list[Exception]]:
    exchanges = (context.run("delete", context.scope.relative_key(key), context.exchanges.delete(key)) for key in keys)
    outcomes = cast("list[Outcome[None]]", (yield Many(exchanges, context.info.concurrency)))
    return [outcome.error for outcome in outcomes if outcome.error is not None]
