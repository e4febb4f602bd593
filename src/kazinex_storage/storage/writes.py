"""Writing and removing objects of one storage, under the rules of its guard.

``operations.py`` runs these; the rules that both share are private to the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from ..errors import BulkError, IntegrityError, StorageError, for_each_key
from ..keys import ObjectKey
from ..transport import Exchange, Many, Outcome
from ..types import Capability, ObjectInfo, Progress, PutMode, PutOptions
from .admission import Body, completed
from .guards import guarded

if TYPE_CHECKING:
    from .operations import Operations

# S3, R2, Supabase: at most 1,000 keys in one DeleteObjects request.
DELETE_BATCH = 1000
"""Keys that one bulk delete carries."""


def put_object(
    operations: Operations, key: str, body: Body, options: PutOptions, sha256: str | None, on_progress: Progress | None
) -> Exchange[ObjectInfo]:
    """Write the whole of *body*; see ``Storage.put``.

    Raises:
        StorageError: as in ``Storage.put``; what is guarded may be taken.
    """
    full = operations._full(key)
    options = operations._admitted(full, options)
    write = operations.guard.writing(full) if operations.guard is not None else None
    if write is None:
        yield from operations._check_taken(full)
        return (yield from put_unguarded(operations, full, body, options, sha256, on_progress))
    created = replace(options, mode=PutMode.CREATE)

    def put(demanded: str | None) -> Exchange[ObjectInfo]:
        return put_unguarded(operations, full, body, created, demanded, on_progress)

    return (yield from guarded(write, body, sha256, put, lambda: operations._exchanges.delete(full)))


def put_unguarded(
    operations: Operations,
    full: ObjectKey,
    body: Body,
    options: PutOptions,
    sha256: str | None,
    on_progress: Progress | None,
) -> Exchange[ObjectInfo]:
    """Write *body* as the *options* say, which are judged already; no guard is asked.

    Raises:
        IntegrityError: the service stored something else.
    """
    operations._admission.check_name(full.name)
    source = yield from operations._admission.source(body, sha256, on_progress)
    try:
        info = yield from operations._exchanges.put(full, source, completed(options, full))
        if info.size != source.size and full.name.rpartition(".")[2].lower() not in operations.info.rewrites:
            raise IntegrityError(f"the service stored {info.size} of {source.size} bytes")
        known = info.sha256 is not None or source.checksum is None
        return operations._relative(info if known else replace(info, checksum=source.checksum))
    finally:
        if source is not body:
            source.close()


def delete_object(operations: Operations, key: str) -> Exchange[None]:
    """Remove the object; see ``Storage.delete``."""
    full = operations._full(key)
    if operations.guard is not None:
        yield from operations.guard.removing([full])
    yield from operations._exchanges.delete(full)


def delete_objects(operations: Operations, keys: Iterable[str]) -> Exchange[None]:
    """Remove many objects; see ``Storage.delete_many``.

    Raises:
        BulkError: some could not be removed.
    """
    full = [operations._full(key) for key in keys]
    if operations.guard is not None:
        yield from operations.guard.removing(full)
    failures: list[Exception] = []
    if operations.info.can(Capability.BULK_DELETE):
        batches = [full[start : start + DELETE_BATCH] for start in range(0, len(full), DELETE_BATCH)]
        exchanges = (operations._told("delete", None, operations._exchanges.delete_many(batch)) for batch in batches)
        outcomes = cast(
            "list[Outcome[Sequence[StorageError | None]]]", (yield Many(exchanges, operations.info.concurrency))
        )
        for batch, outcome in zip(batches, outcomes, strict=True):
            refusal = outcome.error
            if refusal is not None and not isinstance(refusal, StorageError):
                raise refusal
            errors = for_each_key(refusal, batch) if refusal is not None else filter(None, outcome.result())
            failures.extend(operations._explain(error, "delete", None) for error in errors)
    else:
        single = (
            operations._told("delete", key[len(operations._scope) :], operations._exchanges.delete(key)) for key in full
        )
        singles = cast("list[Outcome[None]]", (yield Many(single, operations.info.concurrency)))
        failures.extend(outcome.error for outcome in singles if outcome.error is not None)
    BulkError.raise_for(failures, len(full), "delete_many")
