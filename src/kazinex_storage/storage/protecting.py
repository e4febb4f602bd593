"""The one place that asks what keeps an object before a verb changes it.

It stands before the verbs of a provider that declares retention or holds. Services that keep versions refuse only to
destroy the version, not to hide it behind another one or a delete marker, so this is done for all of them, unless the
provider says that it refuses by itself. Keys are full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from ..errors import NotFoundError, StorageError
from ..keys import ObjectKey
from ..transport import Exchange, Many, Outcome
from ..types import PresignOptions, PutMode, PutOptions, UploadState

if TYPE_CHECKING:
    from ..bodies.source import Source
    from ..lifting import Exchanges

_CONCURRENCY: Final = 16
"""Keys of one bulk delete that are asked for at once."""


class AskingFirst:
    """The verbs of a provider; those that would change an object ask first what keeps it."""

    def __init__(self, exchanges: Exchanges) -> None:
        """Stand before *exchanges*."""
        self._exchanges = exchanges

    def __getattr__(self, name: str) -> object:
        """Return the verb *name*, or what else the provider has."""
        found = getattr(self._exchanges, name)
        changed = _CHANGED.get(name)
        return found if changed is None else partial(self._ask, found, changed)

    def delete_many(self, keys: Sequence[ObjectKey]) -> Exchange[Sequence[StorageError | None]]:
        """Remove those that nothing keeps; the others are refused one by one. One request more for each key."""
        checks = (check_free(self._exchanges, key) for key in keys)
        outcomes = cast("list[Outcome[None]]", (yield Many(checks, _CONCURRENCY)))
        free = [key for key, outcome in zip(keys, outcomes, strict=True) if outcome.error is None]
        removed = iter((yield from self._exchanges.delete_many(free)) if free else ())
        results = list[StorageError | None]()
        for outcome in outcomes:
            if outcome.error is not None and not isinstance(outcome.error, StorageError):
                raise outcome.error
            results.append(next(removed) if outcome.error is None else outcome.error)
        return results

    def _ask(
        self, verb: Callable[..., Exchange[object]], changed: Callable[..., Sequence[str]], *arguments: object
    ) -> Exchange[object]:
        keys = changed(*arguments)
        return self._free(keys, verb, arguments) if keys else verb(*arguments)

    def _free(
        self, keys: Sequence[str], verb: Callable[..., Exchange[object]], arguments: tuple[object, ...]
    ) -> Exchange[object]:
        for key in keys:
            yield from check_free(self._exchanges, ObjectKey(key))
        return (yield from verb(*arguments))


def asking_first(exchanges: Exchanges) -> Exchanges:
    """Return *exchanges*, each of which asks before it changes what is there."""
    return cast("Exchanges", AskingFirst(exchanges))


def check_free(exchanges: Exchanges, key: ObjectKey) -> Exchange[None]:
    """Refuse a change of the object *key* while something keeps it; an absent one is free. One request.

    Raises:
        RetentionError: something does.
    """
    try:
        found = yield from exchanges.protection(key)
    except NotFoundError:
        return
    if found.keeps(datetime.now(UTC)):
        raise found.refusal(key)


def _by_put(key: str, _: Source, options: PutOptions) -> Sequence[str]:
    return () if options.mode is PutMode.CREATE else (key,)


def _by_copy(_: str, target: str, mode: PutMode) -> Sequence[str]:
    return () if mode is PutMode.CREATE else (target,)


def _by_move(source: str, target: str, mode: PutMode) -> Sequence[str]:
    return (source,) if mode is PutMode.CREATE else (source, target)


def _by_upload(key: str, _size: int, options: PutOptions, _sha256: str | None) -> Sequence[str]:
    return () if options.mode is PutMode.CREATE else (key,)


def _by_completion(state: UploadState, _: object) -> Sequence[str]:
    return () if state.mode is PutMode.CREATE else (state.key,)


def _by_url(key: str, options: PresignOptions) -> Sequence[str]:
    replaces = options.method == "PUT" and options.mode is not PutMode.CREATE
    return (key,) if options.upload is None and (replaces or options.method == "DELETE") else ()


_CHANGED: Final[Mapping[str, Callable[..., Sequence[str]]]] = {
    "put": _by_put,
    "put_stream": _by_put,
    "presign_post": lambda key, _: (key,),
    "delete": lambda key: (key,),
    "copy": _by_copy,
    "move": _by_move,
    "begin_upload": _by_upload,
    "resume_upload": _by_completion,
    "complete_upload": _by_completion,
    "presign": _by_url,
    "restore": lambda key, _version: (key,),
    "purge": lambda key: (key,),
}
"""Which keys a call of a verb changes that may have an object, from its arguments: a create-only one changes none."""
