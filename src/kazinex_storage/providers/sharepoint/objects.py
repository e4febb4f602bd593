"""Files of one library, as exchanges: look, read, write in one request, delete.

Larger bodies go through ``sessions.py``. A create-only write that is refused looks whether the file in its way is its
own, because the answer to an earlier attempt may have been lost: that it holds the same bytes tells.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, cast

from ..._internal.budget import BUDGET
from ...errors import (
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    PreconditionFailedError,
    StorageError,
    UnavailableError,
)
from ...source import Source
from ...transport import Call, Exchange, Response
from ...types import MIB, Buffer, ByteRange, Checksum, ObjectInfo, PutMode, PutOptions, Sink
from .answers import Item, parse_item
from .folders import make_folders
from .hashing import check_stored, is_same
from .library import Library
from .mapping import map_error
from .protocol import Writing
from .quickxor import QuickXorHash

# Graph takes up to 250 MB in one request; what breaks off begins anew, so larger bodies go in fragments.
SINGLE_PUT_BYTES: Final = 8 * MIB
"""The largest body that goes in one request."""

# Bodies up to here are sent before anybody looks whether something is there: mostly nothing is.
_HOPEFUL_BYTES: Final = 256 * 1024

# Long enough for the spans of a download, short enough that a URL is good yet.
_RECENT_S: Final = 60.0
_RECENT: Final = 64
"""Files whose URLs are remembered."""

_URL_EXPIRED: Final = frozenset({401, 403, 404, 410})
_LOOKS: Final = 25
"""Looks that one read takes at most: URLs expire, and a file that is replaced all the time is looked at anew."""
_REFUSALS: Final = 3
"""Download URLs that are refused one after another, fresh as they are, until that is told."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent: enough to recognise it."""

    size: int
    quickxor: str
    sha256: str | None


class Objects:
    """The files of one library."""

    def __init__(self, library: Library) -> None:
        """Work on *library*."""
        self.library = library
        """Where they are."""
        self._protocol = library.protocol
        self._recent: OrderedDict[str, tuple[float, Item]] = OrderedDict()

    def head(self, key: str) -> Exchange[ObjectInfo]:
        """Look; one request.

        Raises:
            StorageError: as in ``StorageProvider.head``.
        """
        return info_of(key, (yield from self.library.file(key, self.library.path_of(key))))

    def get(self, key: str, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Push *span* into *sink*; two requests, and two more for each time that the download URL expires.

        Raises:
            IntegrityError: other bytes came than the service has a hash for, or the file changed meanwhile.
            PreconditionFailedError: the object is not the version *if_match*.
            UnavailableError: no URL leads to the whole of it.
            StorageError: as in ``StorageProvider.get``.
        """
        path = self.library.path_of(key)
        taking: _Taking | None = None
        refused = 0
        for _ in range(_LOOKS):
            item = self._recalled(path, if_match) if taking is None else None
            recalled = item is not None
            if item is None:
                item = yield from self.library.file(key, path, download=True)
                self._remember(path, item)
            if taking is None or (taking.size == 0 and taking.item.version != item.version):
                if if_match is not None and item.version != if_match:
                    raise PreconditionFailedError("the object is another version; read it again", key=key)
                taking = _Taking(sink, item, span)
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
                taking.check(key)
                return info_of(key, taking.item)
            if refused >= _REFUSALS:
                break
        raise UnavailableError("no URL that SharePoint gave leads to the whole object; read it again", key=key)

    def put(self, key: str, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write a body of at most ``SINGLE_PUT_BYTES``; one request where nothing stands and the folder is there.

        Raises:
            StorageError: as in ``StorageProvider.put``.
        """
        data = source.data()
        if data is not None:
            return (yield from self._put(key, data, source, options))
        yield from BUDGET.take(source.size, source, self)
        try:
            data = cast(bytes, (yield Call(_read_whole, source, cancel=source.cancel)))
            return (yield from self._put(key, data, source, options))
        finally:
            BUDGET.give(source.size, self)

    def delete(self, key: str) -> Exchange[None]:
        """Move the file into the recycle bin; two requests, one when there is none.

        Raises:
            UnavailableError: others replace it all the time.
            StorageError: as in ``StorageProvider.delete``.
        """
        path = self.library.path_of(key)
        drive = yield from self.library.drive()
        for _ in range(3):
            try:
                item: Item = yield from self.library.file(key, path)
            except NotFoundError:
                return
            # Pinned: by now another file, or a folder with all that is in it, could answer to the same path.
            response = yield from self._delete(drive, item)
            if response.status in (200, 204, 404):
                return
            if response.status != 412:
                raise map_error(response, key)
        raise UnavailableError("others write to the same key at the moment; repeat it", key=key)

    def admit(self, key: str, path: str, options: PutOptions) -> Exchange[Writing]:
        """Return how to write to *path*, having looked what stands there; one request.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE`` and something stands there.
            PreconditionFailedError: it is not the version ``if_match``.
            InvalidKeyError: something stands there in another spelling, or a folder.
        """
        found = yield from self.library.look(path)
        content_type = options.content_type or "application/octet-stream"
        if options.if_match is not None and (found is None or found.version != options.if_match):
            raise _other_version(key)
        if found is None:
            return Writing(content_type=content_type)
        self.library.check_spelling(found, key, path)
        if options.mode is PutMode.CREATE:
            raise _exists(key)
        return Writing(
            behaviour="replace", if_match=options.if_match, content_type=content_type, replaced=found.version
        )

    def stored(self, key: str, path: str, response: Response, sent: Sent) -> Exchange[ObjectInfo]:
        """Return what *response*, a success, says that was stored.

        Raises:
            InvalidKeyError: a folder above is spelt in another case, so it was stored there and has been taken back.
            UnavailableError: the same, and it could not be taken back.
            IntegrityError: the service stored something else.
        """
        item = parse_item(response)
        if response.status == 201 and not self.library.is_at(item, path):
            drive = yield from self.library.drive()
            removed = yield from self._delete(drive, item)
            if removed.status not in (200, 204, 404):
                raise UnavailableError(
                    "a folder above is spelt in another case, so SharePoint stored the object there, and refuses to "
                    f"take it back ({removed.status}); delete {item.name!r} there by hand and choose another key",
                    key=key,
                )
        return self.accepted(key, path, item, sent)

    def accepted(self, key: str, path: str, item: Item, sent: Sent) -> ObjectInfo:
        """Return what was stored, having compared it with what was *sent*.

        Raises:
            InvalidKeyError: it is spelt in another case than the key.
            IntegrityError: the service stored something else.
        """
        self.library.check_spelling(item, key, path)
        check_stored(item, sent.size, sent.quickxor)
        found = info_of(key, item)
        if sent.sha256 is None:
            return found
        return replace(found, checksum=Checksum(algorithm="sha256", value=sent.sha256))

    def own(self, path: str, sent: Sent) -> Exchange[Item | None]:
        """Return the file at *path* when it holds what was *sent*; None when it does not, or nobody can tell."""
        try:
            found = yield from self.library.look(path)
        except StorageError:
            return None
        if found is None or not self.library.is_at(found, path) or not is_same(found, sent.size, sent.quickxor):
            return None
        return found

    def refused(self, key: str, path: str, response: Response, options: PutOptions, sent: Sent) -> Exchange[ObjectInfo]:
        """Return what was stored after all, when the answer to it was lost; else raise what *response* means.

        Raises:
            AlreadyExistsError: create-only, and the key exists.
            PreconditionFailedError: the object is not the version ``if_match``.
            UnavailableError: the folder went away.
            StorageError: what else the service says.
        """
        if response.status in (409, 412):
            # Only an earlier attempt of this write can have stored it; else it is another writer's, with equal bytes.
            item = (yield from self.own(path, sent)) if response.attempts > 1 else None
            if item is not None:
                return self.accepted(key, path, item, sent)
            found = yield from self.library.look(path)
            if found is not None and response.status == 409:
                self.library.check_spelling(found, key, path)
        error = map_error(response, key)
        if isinstance(error, NotFoundError | AlreadyExistsError) and options.if_match is not None:
            raise _other_version(key)
        if isinstance(error, NotFoundError):
            raise UnavailableError("the folder went away meanwhile; repeat it", key=key, code=error.code)
        raise error

    def _put(self, key: str, data: bytes, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        path = self.library.path_of(key)
        drive = yield from self.library.drive()
        checksum = source.checksum
        sent = Sent(len(data), quickxor_of(data), checksum.value if checksum is not None else None)
        if options.if_match is None and len(data) <= _HOPEFUL_BYTES:
            writing = Writing(content_type=options.content_type or "application/octet-stream")
        else:
            writing = yield from self.admit(key, path, options)
        response = yield from self._send(drive, path, data, writing)
        if response.status == 404 and writing.if_match is None:
            yield from make_folders(self.library, key, path)
            response = yield from self._send(drive, path, data, writing)
        if response.status == 409 and options.mode is PutMode.REPLACE and writing.behaviour == "fail":
            writing = yield from self.admit(key, path, options)
            response = yield from self._send(drive, path, data, writing)
        if response.status in (200, 201):
            return (yield from self.stored(key, path, response, sent))
        return (yield from self.refused(key, path, response, options, sent))

    def _send(self, drive: str, path: str, data: bytes, writing: Writing) -> Exchange[Response]:
        return (yield from self.library.ask(lambda token: self._protocol.put(token, drive, path, data, writing)))

    def _delete(self, drive: str, item: Item) -> Exchange[Response]:
        return (
            yield from self.library.ask(
                lambda token: self._protocol.delete(token, drive, item.id, if_match=item.etag or item.ctag)
            )
        )

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
            raise UnavailableError("SharePoint gives no URL to read the file; it may be checked for malware", key=key)
        span, before = taking.left, taking.size
        request = self._protocol.download(item.download_url, span, taking, partial(_check_version, item, before, sure))
        response: Response = yield request
        if response.status == 200 and span is not None:
            raise IntegrityError("the service sent the whole file where a part was asked for; discard it", key=key)
        if response.status not in (200, 206) and response.status not in _URL_EXPIRED:
            raise map_error(response, key)


class _OtherVersionError(Exception):
    """The file was replaced between the look at it and the first byte of it."""


class _Taking:
    """What was read so far; a sink that counts, and hashes where there is something to compare with."""

    __slots__ = ("_hash", "_sink", "end", "item", "size", "start")

    def __init__(self, sink: Sink, item: Item, span: ByteRange) -> None:
        self._sink = sink
        self.item = item
        self.start, self.end = span.resolve(item.size)
        self.size = 0
        whole = (self.start, self.end) == (0, item.size)
        self._hash = QuickXorHash() if whole and item.quickxor is not None else None

    def __call__(self, buffer: Buffer) -> None:
        self.size += len(buffer)
        if self._hash is not None:
            self._hash.update(buffer)
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

    def check(self, key: str) -> None:
        """Compare what came with what the service says.

        Raises:
            IntegrityError: it is something else.
        """
        if self.start + self.size != self.end and self.end > self.start:
            raise IntegrityError(f"{self.size} of {self.end - self.start} bytes came; read it again", key=key)
        if self._hash is not None and self._hash.digest().hex() != self.item.quickxor:
            raise IntegrityError("the bytes that came are not those that SharePoint has a hash for; read it again")


def info_of(key: str, item: Item) -> ObjectInfo:
    """Return what *item* is as the object *key*."""
    return ObjectInfo(
        key=key,
        size=item.size,
        etag=item.version,
        last_modified=item.modified,
        content_type=item.content_type,
        checksum=item.checksum,
        service_checksum=item.checksum,
        modified_by=item.modified_by,
    )


def quickxor_of(data: Buffer) -> str:
    """Return the quickXorHash of *data*, in hexadecimal."""
    digest = QuickXorHash()
    digest.update(data)
    return digest.digest().hex()


def _check_version(item: Item, taken: int, sure: bool, headers: Mapping[str, str]) -> None:
    """Compare the version mark of a download, where there is one, with that of the item: both are eTags.

    Where there is none, only an item that was looked at just now is *sure* to be what comes.
    """
    etag = headers.get("etag")
    known = etag is not None and etag.startswith('"{') and item.etag is not None
    if (known and etag == item.etag) or (not known and sure):
        return
    if taken:
        raise IntegrityError("the object was replaced while it was being read; read it again")
    raise _OtherVersionError


def _exists(key: str) -> AlreadyExistsError:
    return AlreadyExistsError("an object has that key already; nothing was changed", key=key)


def _other_version(key: str) -> PreconditionFailedError:
    return PreconditionFailedError("the object is another version, or gone; read it again", key=key)


def _read_whole(source: Source) -> bytes:
    with source.open() as reader:
        return reader.read()
