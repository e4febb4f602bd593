"""Reads through a cache on a disk: every read asks the service first, and takes from the disk what has not changed.

So what is served is what is there, whoever replaced or removed it in the meantime; what is spared is the bytes, not the
question. Between a storage and its provider; ``disk_cache.py`` is the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..bodies.checksums import Hasher, announce, hasher_of
from ..capabilities import Capability
from ..errors import NotFoundError, NotModifiedError, PreconditionFailedError
from ..keys import ObjectKey
from ..lazy import logger, module
from ..transport import Call, Exchange
from ..types import WHOLE, Buffer, ByteRange, Checksum, ObjectInfo, Sink
from .disk_cache import DiskCache, Entry, Piece
from .operation import Context

if TYPE_CHECKING:
    import secrets
    from datetime import datetime

    from ..lifting import Exchanges
else:
    secrets = module(__name__, "secrets")

_log = logger(__name__)


def cached(context: Context, cache: DiskCache, space: str) -> Context:
    """Return *context* with reads through *cache*, kept apart from those of every other *space*."""
    view = context.within(context.scope.prefix, context.rules.policy)
    # What nobody else can name is nobody else's: the version "1" of one private store is not that of another.
    place = context.info.place or secrets.token_hex(16)
    name = f"{context.info.kind}\x00{place}\x00"
    can = context.info.can(Capability.CONDITIONAL_READ)
    view.exchanges = cast("Exchanges", CachedReads(context.exchanges, cache, (space, name), conditional=can))
    view.read = None  # the plain way into memory knows no cache
    return view


class CachedReads:
    """The exchanges of a provider, with a cache before its reads; all else is passed on."""

    def __init__(self, inner: Exchanges, cache: DiskCache, place: tuple[str, str], *, conditional: bool) -> None:
        """Cache what *inner* reads, in the space and under the name of *place*."""
        self._inner = inner
        self._cache = cache
        self._space, self._name = place
        self._conditional = conditional

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Push *span* as the provider does; one request, without bytes where the version in the cache is current.

        Raises:
            PreconditionFailedError: the object is not the version *if_match*.
        """
        folder = self._cache.folder_of(self._space, self._name + key)
        piece = cast("Piece | None", (yield Call(self._look, folder, span, if_match)))
        tee = _Tee(self._cache, sink)
        if piece is None:
            return (yield from self._kept(self._inner.get(key, span, tee, if_match), tee, folder, span))
        known = piece.info.etag or ""
        try:
            if self._conditional and if_match is None:
                return (yield from self._kept(self._inner.get_changed(key, span, tee, known), tee, folder, span))
            info = yield from self._inner.head(key)
        except NotFoundError:
            yield Call(self._cache.drop, folder)
            raise
        except NotModifiedError as error:
            info = piece.info
            if _is_rewritten(info, error.last_modified):
                info = yield from self._inner.head(key)
        if info.etag == known:
            return (yield from self._served(key, piece, span, sink, info))
        if if_match is not None:
            raise PreconditionFailedError("the object is another version; read it again", key=key)
        return (yield from self._kept(self._inner.get(key, span, tee, None), tee, folder, span))

    def get_changed(self, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str) -> Exchange[ObjectInfo]:
        """Push *span* as the provider does, and keep it."""
        folder, tee = self._cache.folder_of(self._space, self._name + key), _Tee(self._cache, sink)
        return self._kept(self._inner.get_changed(key, span, tee, if_none_match), tee, folder, span)

    def _look(self, folder: Path, span: ByteRange, if_match: str | None) -> Piece | None:
        etag = self._cache.etag(folder)
        if etag is None or (if_match is not None and etag != if_match):
            return None
        return self._cache.find(folder, etag, span.start, span.end)

    def _kept(self, reading: Exchange[ObjectInfo], tee: _Tee, folder: Path, span: ByteRange) -> Exchange[ObjectInfo]:
        """Run *reading*, and keep what went through *tee*."""
        try:
            info = yield from reading
            yield Call(tee.keep, folder, span, info)
        finally:
            tee.discard()
        return info

    def _served(
        self, key: ObjectKey, piece: Piece, span: ByteRange, sink: Sink, info: ObjectInfo
    ) -> Exchange[ObjectInfo]:
        """Push *span* of *piece*, and from the service what the disk has not kept as it was."""
        start, end = span.resolve(info.size)
        announce(sink, info.checksum if span == WHOLE else None)
        blocks = piece.blocks(start, end)
        while start < end:
            block = cast("memoryview | None", (yield Call(_next_of, blocks)))
            if block is None:
                _log.warning("a piece in %r is damaged: the rest of it is read from the service", self._cache)
                yield Call(self._cache.drop, piece.path.parent)
                yield from self._inner.get(key, ByteRange(start=start, end=end), sink, info.etag)
                break
            sink(block)
            start += len(block)
        return info


class _Tee:
    """A sink that also writes what it is given into the cache; that the cache cannot take it stops nothing."""

    def __init__(self, cache: DiskCache, sink: Sink) -> None:
        self._cache = cache
        self._sink = sink
        self._entry: Entry | None = None
        self._given_up = False
        self._hasher: Hasher | None = None
        self._expected: Checksum | None = None

    def expect(self, checksum: Checksum | None) -> None:
        """Learn what the whole is compared with, and tell the sink."""
        self._expected = checksum
        self._hasher = hasher_of(checksum.algorithm) if checksum is not None else None
        announce(self._sink, checksum)

    def __call__(self, buffer: Buffer) -> None:
        self._sink(buffer)
        if self._given_up:
            return
        try:
            entry = self._entry = self._entry or self._cache.begin()
            if entry.size + len(buffer) > self._cache.largest_piece:
                self._give_up()
                return
            entry.write(buffer)
            if self._hasher is not None:
                self._hasher.update(buffer)
        except OSError as error:
            _log.warning("%r keeps nothing more of this object: %s", self._cache, error)
            self._give_up()

    def keep(self, folder: Path, span: ByteRange, info: ObjectInfo) -> None:
        """Publish what was written, if it is all of *span* of the version *info*, and what the service says it is."""
        entry = self._entry
        start, end = span.resolve(info.size)
        if entry is None or self._given_up or info.etag is None or entry.size != end - start:
            return
        found = self._hasher.hexdigest() if self._hasher is not None and entry.size == info.size else None
        if found is not None and self._expected is not None and found != self._expected.value:
            return  # whoever reads it is told
        with suppress(OSError):
            entry.publish(folder, start, info)

    def discard(self) -> None:
        """Forget what was not published."""
        if self._entry is not None:
            self._entry.discard()

    def _give_up(self) -> None:
        self._given_up = True
        self.discard()


def _is_rewritten(info: ObjectInfo, moment: datetime | None) -> bool:
    """Say whether only metadata can have changed: an ETag that is a digest of the bytes stays the same then."""
    known = info.last_modified
    return moment is not None and known is not None and moment.replace(microsecond=0) != known.replace(microsecond=0)


def _next_of(blocks: object) -> memoryview | None:
    try:
        return next(cast("Iterator[memoryview]", blocks), None)
    except OSError:
        return None
