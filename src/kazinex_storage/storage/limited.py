"""Views that are held to a rate: what is done through them waits for its bytes and its requests, together.

Between a storage and its provider. Uploads wait before each request for its bytes; reads are cut into pieces of about a
second, so that one large object keeps to the rate too. ``transport/rates.py`` has the buckets.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from types import GeneratorType
from typing import TYPE_CHECKING, Final, TypeVar, cast

from ..bodies.checksums import announce
from ..keys import ObjectKey, Prefix
from ..transport import BodySlice, Call, Exchange, Many, Request, Wait
from ..transport.fork_lock import ForkLock
from ..transport.rates import Bucket, parse_bandwidth
from ..types import WHOLE, Buffer, ByteRange, Checksum, Folder, ObjectInfo, PutOptions, Sink
from .fetching import known_checksum
from .operation import Context

if TYPE_CHECKING:
    from ..bodies.source import Source
    from ..bodies.stream import Stream
    from ..lifting import Exchanges, Pages

T = TypeVar("T")
_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder, covariant=True)

# Less is not worth a request.
_LEAST_PIECE: Final = 64 * 1024


class Limit:
    """What all that is done through one view may use. Thread-safe and fork-safe."""

    def __init__(
        self, bandwidth: int | None, requests: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Allow *bandwidth* bytes and so many *requests* a second; None is no limit.

        Raises:
            ValueError: a limit is not positive.
        """
        for name, limit in (("bandwidth", bandwidth), ("requests", requests)):
            if limit is not None and not 0 < limit < math.inf:
                raise ValueError(f"{name} is {limit}; give a positive number, or None for no limit")
        self._bytes = Bucket(bandwidth) if bandwidth is not None else None
        self._requests = Bucket(requests) if requests is not None else None
        self._lock = ForkLock()
        self._clock = clock
        self.piece = max(_LEAST_PIECE, bandwidth) if bandwidth is not None else None
        """Bytes to read at once; None is no limit."""

    def taking(self, size: int, requests: int = 0) -> Exchange[None]:
        """Take *size* bytes and so many *requests*, and wait until they are free."""
        with self._lock:
            now = self._clock()
            asked = ((self._bytes, size), (self._requests, requests))
            seconds = max(0.0 if bucket is None else bucket.take(count, now) for bucket, count in asked)
        if seconds > 0:
            yield Wait(seconds)

    def now(self) -> float:
        """Return the time of ``paying``."""
        return self._clock()

    def paying(self, size: int, begun_at: float) -> Exchange[None]:
        """Take *size* bytes that were used since *begun_at*, and wait until they would have been free."""
        with self._lock:
            if self._bytes is not None:
                self._bytes.take(size, begun_at)
        yield from self.taking(1 if size else 0)  # waits for those before it


def limited(context: Context, bandwidth: str | int | None, requests: float | None) -> Context:
    """Return *context* held to *bandwidth* and *requests* a second.

    Raises:
        SettingsError: the bandwidth is no text that means one.
        ValueError: a limit is not positive.
    """
    limit = Limit(parse_bandwidth(bandwidth) if isinstance(bandwidth, str) else bandwidth, requests)
    view = context.within(context.scope.prefix, context.rules.policy)
    exchanges = LimitedExchanges(context, limit)
    view.exchanges = cast("Exchanges", exchanges)
    view.read = None  # a large object would come in one request
    return view


class LimitedExchanges:
    """The exchanges of a provider, held to a limit."""

    def __init__(self, context: Context, limit: Limit) -> None:
        """Hold those of *context* to *limit*."""
        self._context = context
        self._inner = context.exchanges
        self._limit = limit

    def __getattr__(self, name: str) -> object:
        found = getattr(self._inner, name)
        if name in ("put", "put_stream") and not getattr(self._inner, "offers_exchanges", False):
            return self._put_whole if name == "put" else self._put_stream
        return partial(self._held, found) if callable(found) else found

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Push *span* as the provider does, in pieces of a second; one request more for what is larger than one."""
        piece = self._limit.piece
        if piece is not None and span.start >= 0 and span.end is not None and span.end - span.start <= piece:
            yield from self._limit.taking(max(0, span.end - span.start))
            return (yield from self._paced(self._inner.get(key, span, sink, if_match)))
        if piece is None:
            return (yield from self._paced(self._inner.get(key, span, sink, if_match)))
        info = yield from self._paced(self._inner.head(key))
        start, end = span.resolve(info.size)
        if end - start <= piece or info.etag is None:
            yield from self._limit.taking(end - start)
            return (yield from self._paced(self._inner.get(key, span, sink, if_match)))
        if span == WHOLE:
            announce(sink, (yield from self._paced(known_checksum(self._context, key, None, info))))
        for begin in range(start, end, piece):
            part = ByteRange(start=begin, end=min(end, begin + piece))
            yield from self._limit.taking((part.end or 0) - begin)
            info = yield from self._paced(self._inner.get(key, part, sink, if_match or info.etag))
        return info

    def get_changed(self, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str) -> Exchange[ObjectInfo]:
        """Push *span* as the provider does; what comes is counted afterwards, since mostly nothing does."""
        counted = _Counted(sink)
        info = yield from self._paced(self._inner.get_changed(key, span, counted, if_none_match))
        yield from self._limit.taking(counted.size)
        return info

    def scan(self, prefix: Prefix) -> Pages[ObjectInfo]:
        """List as the provider does."""
        return self._pages(self._inner.scan(prefix))

    def children(self, prefix: Prefix) -> Pages[ObjectInfo | Folder]:
        """List as the provider does."""
        return self._pages(self._inner.children(prefix))

    def _put_whole(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write by a provider of blocking calls, once there is room for the whole."""
        yield from self._limit.taking(source.size)
        return (yield from self._paced(self._inner.put(key, source, options)))

    def _put_stream(self, key: ObjectKey, stream: Stream, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write by a provider of blocking calls, and wait for what it read: how much that is, nobody knew before."""
        begun_at = self._limit.now()
        try:
            info = yield from self._paced(self._inner.put_stream(key, stream, options))
        except Exception:  # also one of the producer
            yield from self._limit.paying(stream.size, begun_at)
            raise
        yield from self._limit.paying(stream.size, begun_at)
        return info

    def _pages(self, pages: Pages[_Entry]) -> Pages[_Entry]:
        # The object itself stays: listings look at what else it has.
        setattr(pages, "next", partial(self._held, pages.next))  # noqa: B010  # methods are not assigned to
        return pages

    def _held(self, verb: Callable[..., object], /, *arguments: object) -> object:
        found = verb(*arguments)
        return self._paced(cast("Exchange[object]", found)) if isinstance(found, GeneratorType) else found

    def _paced(self, exchange: Exchange[T]) -> Exchange[T]:
        """Run *exchange*; each of its requests waits for its turn and its body, also of exchanges in it."""
        outcome: object = None
        failure: BaseException | None = None
        while True:
            try:
                command = exchange.send(outcome) if failure is None else exchange.throw(failure)
            except StopIteration as ended:
                return cast(T, ended.value)
            try:
                if isinstance(command, Request):
                    yield from self._limit.taking(_size_of(command), 1)
                elif isinstance(command, Call) and not getattr(self._inner, "offers_exchanges", False):
                    yield from self._limit.taking(0, 1)
                elif isinstance(command, Many):
                    command = Many(map(self._paced, command.exchanges), command.window)
                outcome, failure = (yield command), None
            except GeneratorExit:
                exchange.close()
                raise
            except BaseException as error:  # the exchange decides what becomes of it
                outcome, failure = None, error


class _Counted:
    """A sink that counts what it passes on."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.size = 0
        """Bytes so far."""

    def expect(self, checksum: Checksum | None) -> None:
        """Tell the sink what the whole is compared with."""
        announce(self._sink, checksum)

    def __call__(self, buffer: Buffer) -> None:
        self.size += len(buffer)
        self._sink(buffer)


def _size_of(request: Request) -> int:
    body = request.body
    return 0 if body is None else body.size if isinstance(body, BodySlice) else len(body)
