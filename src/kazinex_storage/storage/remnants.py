"""Objects that no key can name: found, read, copied to a key and removed, in the scope of one storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ..bodies.source import Source
from ..errors import BulkError, IntegrityError, InvalidKeyError, NotSupportedError, StorageError
from ..keys import Prefix
from ..transport import Call, Exchange
from ..types import Folder, ObjectInfo, PutMode, Sink
from ..unkeyed import FolderExchanges, UnkeyedExchanges, UnkeyedPages, UnkeyedRemover
from ..unkeyed import Unkeyed as Unkeyed
from .fetching import Proof
from .rules import options_of_copy

if TYPE_CHECKING:
    from .operations import Operations
    from .reading import Listing
    from .sync import Storage

_Kind = TypeVar("_Kind", bound=ObjectInfo | Folder)

_AT_ONCE = 1000


def unkeyed_in(operations: Operations, listing: Listing[_Kind]) -> list[Unkeyed]:
    """Return what *listing*, of *operations*, left out so far; keys are relative to the scope."""
    pages = listing.pages
    if not isinstance(pages, UnkeyedPages):
        return []
    scope = operations.context.scope.prefix
    found = (replace(one, key=one.key[len(scope) :]) for one in pages.unkeyed if one.key.startswith(scope))
    return [one for one in found if one.key]


def find_unkeyed(storage: Storage, prefix: str = "") -> list[Unkeyed]:
    """Return the objects below *prefix* that no key names, which listings leave out; one request for 1,000 objects.

    Raises:
        StorageError: the service refuses.
    """
    operations = storage.operations
    listing = operations.scan(prefix)

    def whole() -> Exchange[list[Unkeyed]]:
        while (yield from listing.next()) is not None:
            pass
        return [one for one in unkeyed_in(operations, listing) if not one.marks_folder]

    try:
        return storage.transport.run(whole())
    finally:
        listing.close()


def read_unkeyed(storage: Storage, found: Unkeyed, sink: Sink) -> ObjectInfo:
    """Push the bytes of *found*, which ``find_unkeyed`` of the same storage returned, into *sink*.

    Raises:
        InvalidKeyError: it is not below the prefix of the storage, or would lead elsewhere on its way.
        NotSupportedError: the provider holds nothing that no key names.
        StorageError: the service refuses.
    """
    return storage.transport.run(_read(storage.operations, found, sink))


def adopt_unkeyed(storage: Storage, found: Unkeyed, key: str, mode: PutMode = PutMode.CREATE) -> ObjectInfo:
    """Copy *found* to *key*, with its content type and metadata; *found* itself stays.

    The bytes pass through here, under the policy of the storage, as a put does.

    Raises:
        InvalidKeyError: as ``read_unkeyed``.
        AlreadyExistsError: ``PutMode.CREATE`` and *key* exists.
        StorageError: as ``Storage.put``.
    """
    operations = storage.operations

    def copy() -> Exchange[ObjectInfo]:
        spool = operations.spool(key)
        try:
            info = yield from _read(operations, found, spool.write)
            if spool.size != info.size:
                raise IntegrityError(f"{spool.size} of {info.size} bytes arrived; nothing was copied")
            with Source(spool.body(), sha256=info.sha256) as body:
                return (yield from operations.put(key, body, options_of_copy(info, operations.context.info, mode)))
        finally:
            spool.discard()

    return storage.transport.run(copy())


def _read(operations: Operations, found: Unkeyed, sink: Sink) -> Exchange[ObjectInfo]:
    exchanges = operations.context.exchanges
    if not isinstance(exchanges, UnkeyedExchanges):
        raise NotSupportedError("this provider holds nothing that no key names")
    if _is_unsafe(found.name):
        raise _unsafe(found)
    # The value may have been made by hand, or by a storage of another prefix.
    if not found.name.startswith(exchanges.unkeyed_prefix(operations.context.scope.prefix)):
        raise InvalidKeyError("the object is not below the prefix of this storage", key=found.key)
    proof = Proof(sink)
    info = yield from operations.context.run("get", found.key, exchanges.get_unkeyed(found.name, proof))
    proof.check(info)
    return replace(info, key=found.key)


def can_delete_unkeyed(operations: Operations) -> bool:
    """Say whether the provider may hold what no key can name, and can remove it."""
    return isinstance(operations.context.exchanges, UnkeyedExchanges)


def remove_unkeyed(operations: Operations, prefix: str) -> Exchange[None]:
    """Remove what no key can name below *prefix*, where the provider itself can.

    Raises:
        StorageError: something could not be removed.
    """
    provider = operations.context.provider
    if isinstance(provider, UnkeyedRemover):
        yield from operations.context.run(
            "delete", None, _called(provider, operations.context.scope.full_prefix(prefix))
        )


def remove_folders(operations: Operations, prefix: str) -> Exchange[None]:
    """Remove the empty folders below *prefix*, and its own, where folders are real; never the root.

    Raises:
        BulkError: some could not be removed; it lists their errors.
    """
    exchanges = operations.context.exchanges
    if not isinstance(exchanges, FolderExchanges):
        return
    removing = exchanges.remove_folders(operations.context.scope.full_prefix(prefix), itself=bool(prefix))
    errors = yield from operations.context.run("delete", None, removing)
    failures: list[Exception] = [
        operations.context.explain(error, "delete", None) for error in errors if error is not None
    ]
    BulkError.raise_for(failures, len(errors), "delete")


def delete_marker(operations: Operations, key: str) -> Exchange[None]:
    """Remove the marker of the folder *key* that has exactly this name, if there is one and the folder is empty.

    Raises:
        StorageError: it could not be removed.
    """
    exchanges = operations.context.exchanges
    if isinstance(exchanges, UnkeyedExchanges):
        yield from operations.context.run(
            "delete", key, exchanges.delete_marker(operations.context.scope.full_key(key))
        )


def delete_unkeyed(operations: Operations, found: Sequence[Unkeyed]) -> Exchange[None]:
    """Remove *found*, deepest first.

    A name with ``.`` or ``..`` for a segment is never sent: a service or proxy that resolves it reaches another object.

    Raises:
        BulkError: some could not be removed; it lists their errors.
    """
    exchanges = operations.context.exchanges
    if not isinstance(exchanges, UnkeyedExchanges):
        return
    # A directory of a hierarchical namespace can be removed once it is empty, so each level waits for the one below.
    levels: dict[int, list[Unkeyed]] = {}
    for one in found:
        if _is_unsafe(one.name):
            continue
        levels.setdefault(one.key.count("/"), []).append(one)
    failures: list[Exception] = [
        operations.context.explain(_unsafe(one), "delete", one.key) for one in found if _is_unsafe(one.name)
    ]
    for depth in sorted(levels, reverse=True):
        level = levels[depth]
        for start in range(0, len(level), _AT_ONCE):
            batch = level[start : start + _AT_ONCE]
            deleting = exchanges.delete_unkeyed([one.name for one in batch])
            for one, error in zip(batch, (yield from operations.context.run("delete", None, deleting)), strict=True):
                if error is not None:
                    error.key = one.key
                    failures.append(operations.context.explain(error, "delete", one.key))
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
