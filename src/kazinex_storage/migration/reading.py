"""How the source of a copy is read: whole into memory, or piece by piece as a body, always one version of it."""

from __future__ import annotations

import hashlib
from typing import Final, TypeVar, cast

from ..bodies.checksums import check_bytes
from ..errors import IntegrityError, StorageError
from ..storage.reading import Collector, RangeReader
from ..storage.sync import Storage
from ..transport import Exchange, Through
from ..types import WHOLE, Buffer, ByteRange, ObjectInfo
from .endpoints import Endpoint
from .rates import Pace

_T = TypeVar("_T")

# Four large objects at once and the parts that are on their way are then some 100 MiB.
_WINDOW: Final = 4 * 1024 * 1024
"""Bytes that one request for a piece of a large object fetches at most."""


class SourceFailedError(StorageError):
    """The source could not be read while the target was written; ``ObjectBody.failure`` says why."""


def read_whole(end: Endpoint, key: str, if_match: str | None) -> Exchange[tuple[bytes, ObjectInfo, str]]:
    """Return a small object, what it is, and its sha256, compared with the checksum that the service keeps of it.

    One request.

    Raises:
        NotFoundError: no such key; ``PreconditionFailedError``: it is not the version *if_match*.
        IntegrityError: the bytes are not those that were stored.
    """
    context, collected = end.storage.operations.context, Collector()
    get = context.exchanges.get(context.scope.full_key(key), WHOLE, collected, if_match)
    info = yield from on(end, context.run("get", key, get))
    data = collected.value()
    if len(data) != info.size:
        raise IntegrityError(f"{len(data)} of {info.size} bytes arrived; read it again", key=key)
    sha256 = hashlib.sha256(data).hexdigest()
    if context.info.remote and info.sha256 is None:
        check_bytes(data, info.checksum)
    return data, info, sha256


def sha256_of(end: Endpoint, key: str, if_match: str | None = None) -> Exchange[tuple[str, ObjectInfo]]:
    """Return the sha256 of what is there, and what it is; one request, and nothing of it is kept in memory.

    Raises:
        NotFoundError: no such key; ``PreconditionFailedError``: it is not the version *if_match*.
        IntegrityError: not all of it came.
    """
    digest, size = hashlib.sha256(), 0

    def sink(data: Buffer) -> None:
        nonlocal size
        digest.update(data)
        size += len(data)

    context = end.storage.operations.context
    get = context.exchanges.get(context.scope.full_key(key), WHOLE, sink, if_match)
    info = yield from on(end, context.run("get", key, get))
    if size != info.size:
        raise IntegrityError(f"{size} of {info.size} bytes arrived; read it again", key=key)
    return digest.hexdigest(), info


def on(end: Endpoint, exchange: Exchange[_T]) -> Exchange[_T]:
    """Run *exchange* over the connections of *end*, whatever carries what it is a part of."""
    if end.storage.operations.context.carrier is not None:  # it goes there by itself
        return exchange
    return _through(end, exchange)


def _through(end: Endpoint, exchange: Exchange[_T]) -> Exchange[_T]:
    return cast(_T, (yield Through(end.storage.transport, exchange)))


class ObjectBody:
    """A large object of a storage as a body: each reader fetches pieces of the version that was looked at."""

    start = 0

    def __init__(self, storage: Storage, key: str, info: ObjectInfo, pace: Pace | None = None) -> None:
        """Read the version *info* of *key*, as fast as *pace* lets this process."""
        self._storage, self._key, self._etag = storage, key, info.etag
        self._pace = pace or Pace()
        self.size = info.size
        """Bytes."""
        self.failure: StorageError | None = None
        """What the source answered when it could not be read."""

    def open(self, offset: int) -> _Pieces:
        """Return a reader from *offset*."""
        operations = self._storage.operations
        return _Pieces(self, operations.range_reader(self._key, ByteRange(start=offset), if_match=self._etag))

    def fetch(self, reader: RangeReader) -> bytes:
        """Return the next piece of *reader*, on this thread.

        Raises:
            SourceFailedError: the source does not give it.
        """
        pace, run = self._pace, self._storage.transport.run
        try:
            if not pace.limited:
                return run(reader.next(_WINDOW))
            size = pace.piece(_WINDOW)
            # A part that is sent has two of these pieces or more, so its request is counted once at least.
            run(pace.taking(size, source=1, target=1))
            return run(reader.next(size))
        except StorageError as error:
            self.failure = error
            raise SourceFailedError(error.message, retryable=error.retryable) from error

    def descriptor(self) -> None:
        """Return None: no file holds the bytes."""

    def changed(self) -> None:
        """Return None: every piece is of one version."""

    def close(self) -> None:
        """Do nothing: nothing is open between two pieces."""


class _Pieces:
    """Reads the pieces of one object in order."""

    def __init__(self, body: ObjectBody, reader: RangeReader) -> None:
        self._body, self._reader = body, reader
        self._piece = memoryview(b"")

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of *buffer*; 0 is the end."""
        if not self._piece:
            self._piece = memoryview(self._body.fetch(self._reader))
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def close(self) -> None:
        """Let go of the piece in hand."""
        self._piece = memoryview(b"")
