"""Bulk deletes: one request for 1,000 objects. What is not proved is not deleted."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ...errors import StorageError, UnavailableError, for_each_key
from ...keys import MAX_KEY_CHARACTERS
from ...transport import Exchange, Response
from ..objectstore.deleting import delete_each
from .answers import parse_failures
from .errors import S3, map_error
from .objects import Objects
from .xml import is_fit


def delete_many(objects: Objects, keys: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
    """Remove up to 1,000 objects in one request, and one for each key that XML cannot carry.

    A request that is refused as a whole, or whose response does not say which keys are left, fails for each key. Where
    lock rules keep objects, they are read first: what they cover is not among the keys that are sent.
    """
    locks = objects.requests.target.locks
    if locks is None:
        return (yield from _delete_all(objects, keys))
    from .bucket_locks import BucketLocks

    found = yield from BucketLocks(objects, locks).refusals(keys)
    free = [key for key in keys if key not in found]
    found.update(zip(free, (yield from _delete_all(objects, free)) if free else (), strict=True))
    return [found[key] for key in keys]


def _delete_all(objects: Objects, keys: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
    name_of = objects.requests.codec.name_of
    alone = [key for key in keys if not is_fit(name_of(key))]
    if not alone:
        return (yield from _delete_fit(objects, keys))
    found = dict(zip(alone, (yield from delete_each(objects.delete, alone)), strict=True))
    fit = [key for key in keys if key not in found]
    found.update(zip(fit, (yield from _delete_fit(objects, fit)), strict=True))
    return [found[key] for key in keys]


def _delete_fit(objects: Objects, keys: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
    try:
        return (yield from _delete_batch(objects, keys)) if keys else ()
    except StorageError as error:
        return for_each_key(error, keys)


def _delete_batch(objects: Objects, keys: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
    requests = objects.requests
    folds = requests.target.preset.folds_names
    response = yield from S3.send(requests.delete_many(keys))
    failures = {
        _folded(name, folds): failure
        for name, failure in parse_failures(response.body).items()
        if failure[0] != "NoSuchKey"
    }
    names = [_folded(requests.codec.name_of(key), folds) for key in keys]
    if failures.keys() - set(names):
        raise UnavailableError("the service failed to delete something it was not asked to; see which objects are left")
    return [_failure(key, failures[name]) if name in failures else None for key, name in zip(keys, names, strict=True)]


def _folded(name: str, folds: bool) -> str:
    return unicodedata.normalize("NFC", name) if folds and len(name) <= MAX_KEY_CHARACTERS else name


def _failure(key: str, failure: tuple[str, str]) -> StorageError:
    code, _ = failure
    body = f"<Error><Code>{code}</Code></Error>".encode() if code.isalnum() else b""
    statuses = {"AccessDenied": 403, "InternalError": 500, "SlowDown": 503}
    return map_error(Response(status=statuses.get(code, 500), headers={}, body=body), key)
