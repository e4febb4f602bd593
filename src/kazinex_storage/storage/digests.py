"""The sha256 of objects that cannot carry one: kept in a small record beside them, and computed once by ``adopt``.

An object that was put with its sha256 carries it where the service keeps metadata. Elsewhere, and for objects that
others wrote, a record below ``.kazinex/sha256/`` says it of one version; what replaces that version has none. Keys are
full. docs/adr/0069 has the reasons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, cast

from ..bodies.body import BytesBody
from ..bodies.source import Source
from ..errors import NotFoundError, ReadOnlyError, StorageError
from ..json_text import parse_json, write_json
from ..keys import ObjectKey
from ..lazy import logger
from ..transport import Exchange, Many, Outcome
from ..types import WHOLE, Checksum, ObjectInfo, PutOptions
from ..values import value
from .operation import Context, operation, unscoped_operation
from .reading import Listing

RECORDS: Final = ".kazinex/sha256/"
"""The folder of the records, in the first folder of the keys that they are of."""

MAX_FAILURES: Final = 100
"""Failures that a result of ``adopt`` lists."""

_log = logger(__name__)
_VERSION: Final = 1
_OPTIONS: Final = PutOptions(content_type="application/json")

OnAdopted = Callable[[str, str], object]
"""Called with the key and the sha256 of each object that was hashed."""


@value
class Adoption:
    """What ``adopt`` did."""

    hashed: int = 0
    """Objects that were read and whose sha256 is recorded now."""
    hashed_bytes: int = 0
    known: int = 0
    """Objects whose sha256 was known."""
    failed: int = 0
    """Objects that could not be read or recorded; the next call tries them again."""
    failures: tuple[StorageError, ...] = ()
    """Why, of the first hundred."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        counts = {"hashed": self.hashed, "hashed_bytes": self.hashed_bytes, "known": self.known, "failed": self.failed}
        return {**counts, "failures": [str(error) for error in self.failures]}


class Digests:
    """What is known of the bytes of one storage."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        """Work with what *context* says."""
        self.context = context
        """Provider, prefix and rules."""

    @operation("sha256")
    def known(self, key: ObjectKey) -> Exchange[str | None]:
        """Return the sha256 that is known; see ``Storage.sha256``."""
        info = yield from self.context.exchanges.head(key)
        return info.sha256 if info.sha256 is not None else (yield from recorded(self.context, key, info))

    @unscoped_operation("adopt")
    def adopt(self, prefix: str, on_adopted: OnAdopted | None) -> Exchange[Adoption]:
        """Hash what has no sha256; see ``Storage.adopt``."""
        context = self.context
        listing = Listing(context, context.exchanges.scan(context.scope.full_prefix(prefix)))
        counts, sizes, failures = {"hashed": 0, "known": 0, "failed": 0}, 0, list[StorageError]()
        while (page := (yield from listing.next())) is not None:
            keys = [info.key for info in page if not _is_record(info.key)]
            outcomes = yield Many(map(self.adopt_one, keys), context.info.concurrency)
            for key, outcome in zip(keys, cast("list[Outcome[tuple[str, int] | None]]", outcomes), strict=True):
                error = outcome.error
                if isinstance(error, NotFoundError):
                    continue  # removed since it was listed
                if isinstance(error, ReadOnlyError) or (error is not None and not isinstance(error, StorageError)):
                    raise error
                if error is not None:
                    counts["failed"] += 1
                    failures += [error] if len(failures) < MAX_FAILURES else []
                elif (found := outcome.result()) is None:
                    counts["known"] += 1
                else:
                    counts["hashed"] += 1
                    sizes += found[1]
                    if on_adopted is not None:
                        on_adopted(key, found[0])
        return Adoption(**counts, hashed_bytes=sizes, failures=tuple(failures))

    @operation("adopt")
    def read(self, key: ObjectKey) -> Exchange[ObjectInfo]:
        """Read the object and return what it is, with the sha256 of the bytes that came."""
        info = yield from self.context.exchanges.head(key)
        found = yield from hashed(self.context, key, info)
        return replace(info, checksum=Checksum(algorithm="sha256", value=found))

    @operation("adopt")
    def adopt_one(self, key: ObjectKey) -> Exchange[tuple[str, int] | None]:
        """Hash one object and record that, and return its sha256 and size; None when it was known."""
        context = self.context
        info = yield from context.exchanges.head(key)
        if info.sha256 is not None or (yield from recorded(context, key, info)) is not None:
            return None
        found = yield from hashed(context, key, info)
        yield from record(context, key, info, found)
        return found, info.size

    def keep_of(self, key: ObjectKey, info: ObjectInfo, *, look: bool) -> Exchange[None]:
        """Record the sha256 of an object that was put with one, unless it carries it; *look* asks whether it does.

        A record that cannot be written is logged and no error: the object is stored.
        """
        if info.sha256 is None:
            return
        try:
            if look and (yield from self.context.exchanges.head(key)).sha256 is not None:
                return
            yield from record(self.context, key, info, info.sha256)
        except StorageError as error:
            where = self.context.scope.relative_key(key)
            _log.warning("%s: its sha256 is not recorded, adopt() does it: %s", where, error)


def hashed(context: Context, key: ObjectKey, info: ObjectInfo) -> Exchange[str]:
    """Read the version *info* and return its sha256.

    Raises:
        PreconditionFailedError: it was replaced meanwhile.
    """
    digest = hashlib.sha256()
    yield from context.exchanges.get(key, WHOLE, digest.update, info.etag)
    return digest.hexdigest()


def record(context: Context, key: ObjectKey, info: ObjectInfo, sha256: str) -> Exchange[None]:
    """Record the *sha256* of the version *info*; one request."""
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    text = {"version": _VERSION, "key": key, "size": info.size, "etag": info.etag, "sha256": sha256, "at": moment}
    with Source(BytesBody(write_json(text).encode())) as source:
        yield from context.exchanges.put(_record_of(key), source, _OPTIONS)


def recording(context: Context, key: ObjectKey, put: Exchange[ObjectInfo]) -> Exchange[ObjectInfo]:
    """Do *put*, whose sha256 was asked for; record it where the object may not carry it and no register keeps it."""
    info = yield from put
    if info.size > context.info.carried_sha256_bytes and context.write_of(key) is None:
        yield from Digests(context).keep_of(key, info, look=context.rules.keeps_metadata)
    return info


def recorded(context: Context, key: ObjectKey, info: ObjectInfo) -> Exchange[str | None]:
    """Return the sha256 that is recorded of the version *info*; None without a record of just that. One request."""
    data = bytearray()
    try:
        yield from context.exchanges.get(_record_of(key), WHOLE, data.extend, None)
        found = parse_json(bytes(data))
    except (NotFoundError, ValueError):
        return None
    if not isinstance(found, dict) or info.etag is None:
        return None
    says = (found.get("version"), found.get("key"), found.get("size"), found.get("etag"))
    sha256 = found.get("sha256")
    return sha256 if says == (_VERSION, key, info.size, info.etag) and isinstance(sha256, str) else None


def _record_of(key: ObjectKey) -> ObjectKey:
    folder, slash, _ = key.partition("/")
    return ObjectKey(f"{folder + slash if slash else ''}{RECORDS}{hashlib.sha256(key.encode()).hexdigest()}")


def _is_record(key: str) -> bool:
    return key.startswith(RECORDS) or f"/{RECORDS}" in key
