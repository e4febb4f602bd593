"""Reads of files through short-lived URLs, which are looked up, and looked up again when they expire."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from ...bodies.checksums import announce
from ...contract_reading import not_modified
from ...errors import IntegrityError, PreconditionFailedError, UnavailableError
from ...transport import Exchange, Response
from ...types import Buffer, ByteRange, ObjectInfo, Sink
from ..objectstore.reading import CONTENT_RANGE
from .answers import Item, info_of
from .errors import map_error
from .library import Library

# Long enough for the spans of a download, short enough that a URL is still good.
_RECENT_S: Final = 60.0
_RECENT: Final = 64
"""Files whose URLs are remembered."""

_URL_EXPIRED: Final = frozenset({401, 403, 404, 410})
_LOOKS: Final = 25
"""Looks that one read takes at most: URLs expire, and a file that others keep replacing is looked at again."""
_REPLACED: Final = 5
"""Versions of a file that a conditional read meets at most."""
_REFUSALS: Final = 3
"""Fresh download URLs that may be refused one after another before the read gives up."""


class FileReads:
    """Reads the files of one library."""

    def __init__(self, library: Library) -> None:
        """Read from *library*."""
        self.library = library
        self._requests = library.requests
        self._recent: OrderedDict[str, tuple[float, Item]] = OrderedDict()

    def get(self, key: str, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Push *span* into *sink*; two requests, and two more for each time that the download URL expires.

        Raises what ``read`` raises.
        """
        path = self.library.path_of(key)
        look = partial(self.library.file, key, path, download=True)
        return (yield from self.read(key, path, look, span, sink, if_match))

    def get_changed(self, key: str, span: ByteRange, sink: Sink, if_none_match: str) -> Exchange[ObjectInfo]:
        """Read as ``get`` does, unless the file is the version *if_none_match*: then it was one request, the look.

        Raises:
            NotModifiedError: it is; the sink was given nothing.
            UnavailableError: others kept replacing it.
            StorageError: as in ``read``.
        """
        path = self.library.path_of(key)
        for _ in range(_REPLACED):
            item = yield from self.library.file(key, path, download=True)
            if item.version is None or item.version == if_none_match:
                raise not_modified(key, if_none_match, item.modified)
            self._remember(path, item)  # what reads the version that was seen looks no second time
            with suppress(PreconditionFailedError):
                return (yield from self.get(key, span, sink, item.version))
        raise UnavailableError("others keep replacing the object; read it again", key=key)

    def read(
        self, key: str, path: str, look: Callable[[], Exchange[Item]], span: ByteRange, sink: Sink, if_match: str | None
    ) -> Exchange[ObjectInfo]:
        """Push *span* of what *look* returns into *sink*; the file is remembered by *path*.

        Raises:
            IntegrityError: the file changed meanwhile, or something else came than was asked for.
            PreconditionFailedError: the object is not the version *if_match*.
            UnavailableError: no URL leads to the whole of it.
            StorageError: *look* fails, or the service refuses.
        """
        taking: _Taking | None = None
        refused = 0
        for _ in range(_LOOKS):
            item = self._recalled(path, if_match) if taking is None else None
            recalled = item is not None
            if item is None:
                item = yield from look()
                self._remember(path, item)
            if taking is None or (taking.size == 0 and taking.item.version != item.version):
                if if_match is not None and item.version != if_match:
                    raise PreconditionFailedError("the object is another version; read it again", key=key)
                taking = _Taking(sink, item, span)
                announce(sink, item.checksum)
            elif taking.item.version != item.version:
                raise IntegrityError("the object was replaced while it was being read; read it again", key=key)
            if not taking.ended:
                before = taking.size
                try:
                    yield from self._download(item, taking, key, sure=not recalled)
                except _OtherVersionError:
                    continue
                refused = 0 if taking.size > before else refused + 1
            if taking.ended:
                if taking.start + taking.size > taking.end > taking.start:
                    raise IntegrityError(
                        f"{taking.size} of {taking.end - taking.start} bytes came; read it again", key=key
                    )
                return info_of(key, taking.item)
            if refused >= _REFUSALS:
                break
        raise UnavailableError("no URL that SharePoint gave leads to the whole object; read it again", key=key)

    def _remember(self, path: str, item: Item) -> None:
        """Keep the URL of a file for the other spans of a download that is under way."""
        self._recent[path] = (time.monotonic(), item)
        while len(self._recent) > _RECENT:
            with suppress(KeyError):  # another thread was faster
                self._recent.popitem(last=False)

    def _recalled(self, path: str, if_match: str | None) -> Item | None:
        """Return the file as it was a moment ago, if that is the version that is asked for."""
        looked_at, item = self._recent.get(path, (0.0, None))
        fresh = item is not None and if_match is not None and time.monotonic() - looked_at < _RECENT_S
        return item if fresh and item is not None and item.version == if_match else None

    def _download(self, item: Item, taking: _Taking, key: str, *, sure: bool) -> Exchange[None]:
        if item.download_url is None:
            raise UnavailableError(
                "SharePoint gives no URL to read the file; it may be scanning it for malware", key=key
            )
        span, before = taking.left, taking.size
        request = self._requests.download(item.download_url, span, taking, partial(_check, item, taking, before, sure))
        response: Response = yield request
        if response.status == 200 and span is not None:
            raise IntegrityError("the service sent the whole file where a part was asked for; discard it", key=key)
        if response.status == 416:
            raise IntegrityError(
                "the object was replaced by a shorter one while it was being read; read it again", key=key
            )
        if response.status not in (200, 206) and response.status not in _URL_EXPIRED:
            raise map_error(response, key)


class _OtherVersionError(Exception):
    """The file was replaced between the look at it and the first byte of it."""


class _Taking:
    """What was read so far of one version of a file."""

    __slots__ = ("_sink", "end", "item", "size", "start")

    def __init__(self, sink: Sink, item: Item, span: ByteRange) -> None:
        self._sink = sink
        self.item = item
        self.size = 0
        self.start, self.end = span.resolve(item.size)

    def __call__(self, buffer: Buffer) -> None:
        self.size += len(buffer)
        self._sink(buffer)

    @property
    def ended(self) -> bool:
        """Whether all is there."""
        return self.start + self.size >= self.end

    @property
    def left(self) -> tuple[int, int] | None:
        """What to ask for; None is the whole file."""
        span = (self.start + self.size, self.end)
        return None if span == (0, self.item.size) else span


def _check(item: Item, taking: _Taking, before: int, sure: bool, headers: Mapping[str, str]) -> None:
    """Refuse what is not the version or the span that was asked for, before its first byte.

    The ETag of a download, where there is one, and that of the item are both eTags; where there is none, only
    an item that was looked at just now is *sure* to be what comes. *before* is how much was taken before this request;
    resuming the request itself after a break is the transport's work.
    """
    etag = headers.get("etag")
    known = etag is not None and etag.startswith('"{') and item.etag is not None
    if not ((known and etag == item.etag) or (not known and sure)):
        if before:
            raise IntegrityError("the object was replaced while it was being read; read it again")
        raise _OtherVersionError
    match = CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    sent = (int(match[1]), int(match[2]) + 1) if match is not None else None
    if taking.left is not None and sent != taking.left:
        raise IntegrityError("the service sent another part than was asked for; nothing of it was taken")
