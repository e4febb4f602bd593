"""The pull side: objects window by window, listings page by page, each step an exchange.

A window is one request and its size is the memory that a stream takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast

from ..bodies.checksums import Collector, Hasher, check_checksum, hasher_of
from ..errors import IntegrityError
from ..transport import Exchange, Transport
from ..types import WHOLE, ByteRange, Checksum, Folder, ObjectInfo
from .fetching import known_checksum
from .operation import Context

if TYPE_CHECKING:
    from ..lifting import Pages
    from ..transport.ahead import Ahead

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)

# Small first, so that the first byte comes soon; each window is four times the one before.
FIRST_WINDOW = 256 * 1024
"""Bytes of the first window of a stream."""
LAST_WINDOW = 8 * 1024 * 1024
"""Bytes that a window grows to."""

FIRST_SHARE = 0.5
"""The part of the first page that is read before the second one is asked for: who reads less pays for one request."""

# Looking after the next page costs 2 us; 64 KiB of it, which a socket holds at first, are some 200 entries.
_BETWEEN = 100
"""Entries that are read before the next page is looked after."""


class RangeReader:
    """One span of one version of one object, pulled in windows of growing size."""

    def __init__(
        self, context: Context, key: str, span: ByteRange, *, if_match: str | None = None, sha256: str | None = None
    ) -> None:
        """Pull *span* of the object *key*, which is relative.

        Args:
            context: What holds the object.
            key: Its key there.
            span: What to pull.
            if_match: The version that the first window is pinned to; the others are pinned to that of the first.
            sha256: What the whole has to have; without it, what a remote service keeps counts.

        Raises:
            InvalidKeyError: the key is not legal.
        """
        self._context = context
        self._key = key
        self._full_key = context.scope.full_key(key)
        self._span = span
        self._window = FIRST_WINDOW
        self._position = max(0, span.start)
        self._end = span.end
        self._if_match = if_match
        self._sha256 = sha256
        self._expected: Checksum | None = None
        self._hasher: Hasher | None = None
        self.info: ObjectInfo | None = None
        """What the object is; known after the first window."""

    def next(self, at_most: int = LAST_WINDOW) -> Exchange[bytes]:
        """Return the next window; empty at the end. One request each.

        Args:
            at_most: Bytes of the window, where memory is scarcer than requests.

        Raises:
            NotFoundError: no such key.
            PreconditionFailedError: the object was replaced after the first window.
            IntegrityError: the service delivered less than the object has, or other bytes than were stored.
        """
        context, key = self._context, self._full_key
        if self._span.start < 0 and self.info is None:
            # The place of a tail follows from the size.
            self._know((yield from context.run("head", self._key, context.exchanges.head(key))))
        end = self._position + min(self._window, at_most)
        span = ByteRange(start=self._position, end=end if self._end is None else min(end, self._end))
        if self.info is not None and span.start >= (self._end or 0):
            return b""
        collected = Collector()
        if_match = self.info.etag if self.info is not None else self._if_match
        info = yield from context.run("get", self._key, context.exchanges.get(key, span, collected, if_match))
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
        if self._span == WHOLE:
            self._expected = yield from known_checksum(self._context, self._full_key, self._sha256, info)
            self._hasher = hasher_of(self._expected.algorithm) if self._expected is not None else None

    def _know(self, info: ObjectInfo) -> None:
        self.info = info
        self._position, self._end = self._span.resolve(info.size)


class Listing(Generic[_Entry]):
    """The pages of a listing, with keys relative to a scope."""

    def __init__(self, context: Context, pages: Pages[_Entry]) -> None:
        self._context = context
        self.pages = pages
        """Where they come from."""
        from ..lifting import RelativePages  # reading an object does without

        self._is_relative = isinstance(pages, RelativePages)
        if isinstance(pages, RelativePages):
            pages.cut = len(context.scope.prefix)

    def next(self) -> Exchange[list[_Entry] | None]:
        """Return the next page; None after the last one."""
        page = yield from self._context.run("list", None, self.pages.next())
        scope = self._context.scope
        if page is not None and scope.hidden is not None:
            page = scope.shown(page, is_relative=self._is_relative)
        if page is None or self._is_relative:
            return cast("list[_Entry] | None", page)
        return [self._context.scope.relative(entry) for entry in page]

    def entries(self, transport: Transport) -> Iterator[_Entry]:
        """Yield the entries of all pages. While one is read the next is on its way, where the service said how to ask.

        Of the first page half must have been read: who wants no more than that pays for one request.
        """
        ahead: Ahead[list[_Entry] | None] | None = None
        share = FIRST_SHARE
        try:
            page = transport.run(self.next())
            while page is not None:
                entries = iter(page)
                yield from islice(entries, int(len(page) * share))
                share = 0.0
                if self.is_continued:
                    ahead = transport.ahead(self.next)
                for entry in entries:
                    yield entry
                    yield from islice(entries, _BETWEEN)
                    if ahead is not None:
                        ahead.advance()
                page = transport.run(self.next()) if ahead is None or self.is_closed else ahead.result()
                ahead = None
        finally:
            if ahead is not None:
                ahead.close()
            self.close()

    def close(self) -> None:
        """Release what the listing holds open."""
        self.pages.close()

    @property
    def is_continued(self) -> bool:
        """Whether the next page can be asked for already; False where only asking tells whether there is one."""
        from ..lifting import ContinuedPages

        return isinstance(self.pages, ContinuedPages) and self.pages.is_continued

    @property
    def is_closed(self) -> bool:
        """Whether its storage was closed."""
        return self._context.closed_flag.closed


class ByteStream(Iterator[bytes]):
    """The bytes of one span of one version, in chunks; also a context manager. Not thread-safe."""

    def __init__(self, reader: RangeReader, transport: Transport) -> None:
        """Fetch the first chunk of *reader*.

        Raises:
            NotFoundError: no such key.
        """
        self._reader = reader
        self._transport = transport
        self._ahead: bytes | None = transport.run(reader.next())

    @property
    def info(self) -> ObjectInfo:
        """What the object is."""
        return cast(ObjectInfo, self._reader.info)  # known since the first chunk was fetched

    def __next__(self) -> bytes:
        ahead, self._ahead = self._ahead, None
        chunk = ahead if ahead is not None else self._transport.run(self._reader.next())
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
