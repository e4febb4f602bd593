"""How the source of a copy is read: whole into memory, or piece by piece as a body, always one version of it."""

from __future__ import annotations

import hashlib
from typing import Final, TypeVar, cast

from ..bodies.checksums import Collector, check_bytes, check_checksum, hasher_of
from ..errors import IntegrityError, StorageError
from ..storage.fetching import known_checksum
from ..storage.sync import Storage
from ..transport import Exchange, Through
from ..types import MIB, WHOLE, Buffer, ByteRange, Checksum, ObjectInfo
from .endpoints import Endpoint
from .rates import Pace

_T = TypeVar("_T")

# Four large objects at once, and the parts of them that are on their way, are then some 100 MiB.
_WINDOW: Final = 4 * MIB
"""Bytes that are fetched at once for a caller that takes little at a time."""
_DIRECT: Final = MIB
"""Callers that take this much at once, as parts do, have it put where they want it."""


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


def large_body(end: Endpoint, key: str, pace: Pace) -> Exchange[tuple[ObjectBody, ObjectInfo]]:
    """Return a large object as a body, and what it is; one request, two where only asking gives its checksum.

    Raises:
        NotFoundError: no such key.
    """
    if pace.limited:
        yield from pace.taking(source=1)
    info = yield from on(end, end.storage.operations.head(key))
    context = end.storage.operations.context
    checksum = yield from on(end, known_checksum(context, context.scope.full_key(key), None, info))
    return ObjectBody(end.storage, key, info, pace, checksum), info


class ObjectBody:
    """A large object of a storage as a body: each reader fetches pieces of the version that was looked at."""

    start = 0
    is_fetched = True
    """What provides it again is a transfer."""

    def __init__(
        self, storage: Storage, key: str, info: ObjectInfo, pace: Pace, checksum: Checksum | None = None
    ) -> None:
        """Read the version *info* of *key*, as fast as *pace* lets this process; the whole is to have *checksum*."""
        self._storage, self._key, self._etag, self._pace = storage, key, info.etag, pace
        self._full_key = storage.operations.context.scope.full_key(key)
        self.checksum = checksum if checksum is not None and checksum.algorithm != "sha256" else None
        """What the service keeps of the whole; the sha256 is compared by the source that is made of this."""
        self.size = info.size
        """Bytes."""
        self.failure: StorageError | None = None
        """What the source answered when it could not be read."""

    def open(self, offset: int) -> _Pieces:
        """Return a reader from *offset*."""
        return _Pieces(self, offset)

    def fetch(self, start: int, buffer: memoryview) -> int:
        """Fill *buffer*, or the beginning of it, from byte *start* on, and return how far; one request on this thread.

        Raises:
            SourceFailedError: the source does not give it.
        """
        pace, run, context = self._pace, self._storage.transport.run, self._storage.operations.context
        size = min(len(buffer), self.size - start)
        try:
            if pace.limited:
                size = pace.piece(size)
                # A part that is sent has a few of these pieces, so its request is counted once at least.
                run(pace.taking(size, source=1, target=1))
            into = _Into(buffer[:size])
            span = ByteRange(start=start, end=start + size)
            run(context.run("get", self._key, context.exchanges.get(self._full_key, span, into, self._etag)))
        except StorageError as error:
            raise self.failed(error) from error
        if into.filled < size:
            ended = f"the object ended after {start + into.filled} of {self.size} bytes; read it again"
            raise self.failed(IntegrityError(ended, key=self._key))
        return size

    def failed(self, error: StorageError) -> SourceFailedError:
        """Keep why the source cannot be read, and return what whoever reads it is told."""
        self.failure = error
        return SourceFailedError(error.message, retryable=error.retryable)

    def descriptor(self) -> None:
        """Return None: no file holds the bytes."""

    def changed(self) -> None:
        """Return None: every piece is of one version."""

    def close(self) -> None:
        """Do nothing: nothing is open between two pieces."""


class _Into:
    """A sink that fills a buffer."""

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer
        self.filled = 0

    def __call__(self, data: Buffer) -> None:
        end = self.filled + len(data)
        self._buffer[self.filled : end] = data
        self.filled = end


class _Pieces:
    """Reads the pieces of one object in order, into the buffers of the caller where those are large."""

    def __init__(self, body: ObjectBody, offset: int) -> None:
        self._body, self._position = body, offset
        self._window: memoryview | None = None
        self._left = memoryview(b"")
        expected = body.checksum if offset == 0 else None
        self._hasher = hasher_of(expected.algorithm) if expected is not None else None

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of *buffer*; 0 is the end.

        Raises:
            SourceFailedError: the source does not give it, or the whole has another checksum.
        """
        if not self._left and self._position < self._body.size:
            if len(buffer) >= _DIRECT:
                return self._fetched(buffer)
            if self._window is None:
                self._window = memoryview(bytearray(min(_WINDOW, self._body.size)))
            self._left = self._window[: self._fetched(self._window)]
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        """Let go of the piece in hand."""
        self._left, self._window = memoryview(b""), None

    def _fetched(self, buffer: memoryview) -> int:
        body = self._body
        count = body.fetch(self._position, buffer)
        self._position += count
        if self._hasher is not None and body.checksum is not None:
            self._hasher.update(buffer[:count])
            if self._position == body.size:
                try:
                    check_checksum(body.checksum, self._hasher.hexdigest())
                except IntegrityError as error:
                    raise body.failed(error) from error
        return count
