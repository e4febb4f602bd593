"""What a prefix holds beside its keys, seen and removed in the scope of one storage. No operation of ``Storage``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ._internal.unkeyed import Unkeyed, UnkeyedExchanges, UnkeyedPages, UnkeyedRemover
from .errors import BulkError, InvalidKeyError, StorageError
from .keys import Prefix
from .transport import Call, Exchange
from .types import Folder, ObjectInfo

if TYPE_CHECKING:
    from .operations import Operations
    from .pulls import Listing

_Kind = TypeVar("_Kind", bound=ObjectInfo | Folder)

_AT_ONCE = 1000


def unkeyed_in(operations: Operations, listing: Listing[_Kind]) -> list[Unkeyed]:
    """Return what *listing*, of *operations*, left out so far; keys are relative to the scope."""
    pages = listing.pages
    if not isinstance(pages, UnkeyedPages):
        return []
    scope = operations._scope
    found = (replace(one, key=one.key[len(scope) :]) for one in pages.unkeyed if one.key.startswith(scope))
    return [one for one in found if one.key]


def can_delete_unkeyed(operations: Operations) -> bool:
    """Say whether the provider may hold what no key names, and removes it."""
    return isinstance(operations._exchanges, UnkeyedExchanges)


def remove_unkeyed(operations: Operations, prefix: str) -> Exchange[None]:
    """Remove what no key names below *prefix*, where the provider does so by itself.

    Raises:
        StorageError: something could not be removed.
    """
    provider = operations._provider
    if isinstance(provider, UnkeyedRemover):
        yield from operations._told("delete", None, _called(provider, operations._full_prefix(prefix)))


def delete_marker(operations: Operations, key: str) -> Exchange[None]:
    """Remove what stands for the folder *key* under just this name, if there is such a thing and nothing is in it.

    Raises:
        StorageError: it could not be removed.
    """
    exchanges = operations._exchanges
    if isinstance(exchanges, UnkeyedExchanges):
        yield from operations._told("delete", key, exchanges.delete_marker(operations._full(key)))


def delete_unkeyed(operations: Operations, found: Sequence[Unkeyed]) -> Exchange[None]:
    """Remove *found*, deepest first.

    A name with ``.`` or ``..`` for a segment is never sent: a service or proxy that resolves it reaches another object.

    Raises:
        BulkError: some could not be removed; it lists their errors.
    """
    exchanges = operations._exchanges
    if not isinstance(exchanges, UnkeyedExchanges):
        return
    # A directory of a hierarchical namespace can be removed once it is empty, so each level waits for the one below.
    levels: dict[int, list[Unkeyed]] = {}
    for one in found:
        if _is_unsafe(one.name):
            continue
        levels.setdefault(one.key.count("/"), []).append(one)
    failures: list[Exception] = [
        operations._explain(_unsafe(one), "delete", one.key) for one in found if _is_unsafe(one.name)
    ]
    for depth in sorted(levels, reverse=True):
        level = levels[depth]
        for start in range(0, len(level), _AT_ONCE):
            batch = level[start : start + _AT_ONCE]
            deleting = exchanges.delete_unkeyed([one.name for one in batch])
            for one, error in zip(batch, (yield from operations._told("delete", None, deleting)), strict=True):
                if error is not None:
                    error.key = one.key
                    failures.append(operations._explain(error, "delete", one.key))
    BulkError.raise_for(failures, len(found), "delete")


def _called(provider: UnkeyedRemover, prefix: Prefix) -> Exchange[None]:
    yield Call(provider.remove_unkeyed, prefix)


def _is_unsafe(name: str) -> bool:
    return not {".", ".."}.isdisjoint(name.split("/"))


def _unsafe(one: Unkeyed) -> StorageError:
    return InvalidKeyError(
        "a segment of its name is '.' or '..', which leads elsewhere on the way to some services; remove it with the "
        "tool that made it",
        key=one.key,
    )
