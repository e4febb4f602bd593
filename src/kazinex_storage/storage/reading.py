"""The pull side: objects window by window, listings page by page, each step an exchange.

A window is one request and its size is the memory that a stream takes.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar, cast
from unicodedata import normalize

from ..bodies.checksums import Hasher, hasher_of
from ..errors import IntegrityError, InvalidKeyError
from ..provider import Pages
from ..transport import Exchange, Transport
from ..types import WHOLE, Buffer, ByteRange, Checksum, Folder, ObjectInfo, Sink
from .fetching import Expected, check_bytes, check_checksum

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)
_Body = TypeVar("_Body")

# Small first, so that the first byte comes soon; each window is four times the one before.
FIRST_WINDOW = 256 * 1024
"""Bytes of the first window of a stream."""
LAST_WINDOW = 8 * 1024 * 1024
"""Bytes that a window grows to."""


class Reading:
    """One span of one version of one object, pulled in windows of growing size."""

    def __init__(
        self,
        get: Callable[[Sink, ByteRange, str | None], Exchange[ObjectInfo]],
        head: Callable[[], Exchange[ObjectInfo]],
        span: ByteRange,
        *,
        expected: Expected | None = None,
        if_match: str | None = None,
    ) -> None:
        """Pull *span*.

        Args:
            expected: Asked after the first window of the whole; what came is compared with its checksum at the end.
            if_match: The version that the first window is pinned to; the others are pinned to that of the first.
        """
        self._get = get
        self._head = head
        self._span = span
        self._window = FIRST_WINDOW
        self._position = max(0, span.start)
        self._end = span.end
        self._if_match = if_match
        self._ask = expected if span == WHOLE else None
        self._expected: Checksum | None = None
        self._hasher: Hasher | None = None
        self.info: ObjectInfo | None = None
        """What the object is; known after the first window."""

    def next(self) -> Exchange[bytes]:
        """Return the next window; empty at the end. One request each.

        Raises:
            NotFoundError: no such key.
            PreconditionFailedError: the object was replaced after the first window.
            IntegrityError: the service delivered less than the object has, or other bytes than were stored.
        """
        if self._span.start < 0 and self.info is None:
            self._know((yield from self._head()))  # the place of a tail follows from the size
        end = self._position + self._window
        span = ByteRange(start=self._position, end=end if self._end is None else min(end, self._end))
        if self.info is not None and span.start >= (self._end or 0):
            return b""
        collected = Collector()
        if_match = self.info.etag if self.info is not None else self._if_match
        info = yield from self._get(collected, span, if_match)
        if self.info is None:
            self._know(info)
            yield from self._expect(info)
        data = collected.value()
        self._position += len(data)
        if not data and self._position < (self._end or 0):
            raise IntegrityError(f"the object ended after {self._position} of {info.size} bytes; read it again")
        if self._hasher is not None and self._expected is not None:
            self._hasher.update(data)
            if self._position == info.size:
                check_checksum(self._expected, self._hasher.hexdigest())
        self._window = min(self._window * 4, LAST_WINDOW)
        return data

    def _expect(self, info: ObjectInfo) -> Exchange[None]:
        if self._ask is not None:
            self._expected = yield from self._ask(info)
            self._hasher = hasher_of(self._expected.algorithm) if self._expected is not None else None

    def _know(self, info: ObjectInfo) -> None:
        self.info = info
        self._position, self._end = self._span.resolve(info.size)


class Listing(Generic[_Entry]):
    """The pages of a listing, with keys relative to a scope."""

    def __init__(
        self,
        pages: Pages[_Entry],
        told: Callable[[Exchange[Sequence[_Entry] | None]], Exchange[Sequence[_Entry] | None]],
        relative: Callable[[_Entry], _Entry],
    ) -> None:
        self.pages = pages
        """Where they come from, with keys that are not relative."""
        self._told = told
        self._relative = relative

    def next(self) -> Exchange[list[_Entry] | None]:
        """Return the next page; None after the last one."""
        page = yield from self._told(self.pages.next())
        return None if page is None else [self._relative(entry) for entry in page]

    def entries(self, run: Callable[[Exchange[list[_Entry] | None]], list[_Entry] | None]) -> Iterator[_Entry]:
        """Yield the entries of all pages, each fetched by *run* when it is needed."""
        try:
            while (page := run(self.next())) is not None:
                yield from page
        finally:
            self.close()

    def close(self) -> None:
        """Release what the listing holds open."""
        self.pages.close()


def below(info: ObjectInfo, scope: int) -> ObjectInfo:
    """Return *info* with its key below a prefix of *scope* characters; a page has thousands and ``replace`` is slow."""
    return ObjectInfo(
        key=info.key[scope:],
        size=info.size,
        etag=info.etag,
        last_modified=info.last_modified,
        content_type=info.content_type,
        content_disposition=info.content_disposition,
        cache_control=info.cache_control,
        content_encoding=info.content_encoding,
        content_language=info.content_language,
        metadata=info.metadata,
        checksum=info.checksum,
        service_checksum=info.service_checksum,
        modified_by=info.modified_by,
    )


class Collector:
    """A sink that keeps what it is given; a single buffer of ``bytes`` is kept as it is."""

    __slots__ = ("_announced", "_expected", "_first", "_rest")

    def __init__(self) -> None:
        self._announced = False
        self._expected: Checksum | None = None
        self._first: bytes | None = None
        self._rest: io.BytesIO | None = None

    def __call__(self, buffer: Buffer) -> None:
        """Take the next bytes."""
        if self._rest is not None:
            self._rest.write(buffer)
        elif self._first is None:
            self._first = buffer if type(buffer) is bytes else bytes(buffer)
        else:
            self._rest = io.BytesIO(self._first)
            self._rest.seek(0, io.SEEK_END)
            self._rest.write(buffer)

    def expect(self, checksum: Checksum | None) -> None:
        """Learn what the whole is compared with."""
        self._announced, self._expected = True, checksum

    def proven(self, info: ObjectInfo) -> bytes:
        """Return everything, which is the whole of an object; *info* was said of it at the end.

        Raises:
            IntegrityError: it is not what was stored, as far as the service keeps a checksum.
        """
        data = self.value()
        check_bytes(data, self._expected if self._announced else info.checksum)
        return data

    def value(self) -> bytes:
        """Return everything in one piece; does not copy."""
        # A BytesIO grows in place and gives away what it holds, where joining buffers would copy everything again.
        return self._rest.getvalue() if self._rest is not None else self._first or b""


class Asked:
    """The exchanges that bring many objects, made one by one, and which key each is for."""

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


class ByteStream(Iterator[bytes]):
    """The bytes of one span of one version, in chunks; also a context manager. Not thread-safe."""

    def __init__(self, reading: Reading, transport: Transport) -> None:
        """Fetch the first chunk of *reading*.

        Raises:
            NotFoundError: no such key.
        """
        self._reading = reading
        self._transport = transport
        self._ahead: bytes | None = transport.run(reading.next())

    @property
    def info(self) -> ObjectInfo:
        """What the object is."""
        return cast(ObjectInfo, self._reading.info)  # known since the first chunk was fetched

    def __next__(self) -> bytes:
        ahead, self._ahead = self._ahead, None
        chunk = ahead if ahead is not None else self._transport.run(self._reading.next())
        if not chunk:
            self._ahead = b""
            raise StopIteration
        return chunk

    def close(self) -> None:
        """End the iteration."""
        self._ahead = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def each_once(
    items: Iterable[tuple[str, _Body]], put: Callable[[str, _Body], Exchange[ObjectInfo]]
) -> Iterator[Exchange[ObjectInfo]]:
    """Yield what *put* makes of each item; an item whose key came before fails, and its body is not read.

    Puts of one call run at the same time, so which of two bodies stays would be a matter of speed.
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
