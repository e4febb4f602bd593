"""Single objects of one bucket, as exchanges. Keys are full keys, as the service spells them.

What makes a write safe to repeat stands here: a conditional write carries a random mark, and a writer that is refused
looks whether the object in its way is its own, because the answer to an earlier attempt may have been lost.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final, cast

from ...bodies.checksums import announce
from ...bodies.memory_budget import BUDGET
from ...bodies.source import Source
from ...errors import (
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    PreconditionFailedError,
    StorageError,
    UnavailableError,
)
from ...transport import Call, Exchange, Response
from ...types import MIB, Buffer, ByteRange, Checksum, ObjectInfo, PutMode, PutOptions, Sink
from .answers import checksum_in, parse_object, parse_page
from .errors import already_exists, fault_of, is_page, map_error, request_id_of, stranger
from .headers import MARK, METADATA, date_of, etag_of
from .requests import Headers, Protocol, range_header

SINGLE_PUT_BYTES: Final = 8 * MIB
"""The largest body that goes in one request."""

_REFUSALS: Final = (404, 409, 412)
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")  # RFC 9110, 14.4


class Objects:
    """The objects of one bucket."""

    def __init__(self, protocol: Protocol) -> None:
        """Send what *protocol* builds."""
        self.protocol = protocol
        """What builds the requests."""
        self._conditional = protocol.target.preset.conditional_puts

    def put(self, key: str, source: Source, options: PutOptions, others: Headers = ()) -> Exchange[ObjectInfo]:
        """Write a body of at most ``SINGLE_PUT_BYTES``; one request. The object gets the headers *others* besides.

        Raises:
            StorageError: as in ``StorageProvider.put``.
        """
        data = source.data()
        if data is not None:
            return (yield from self._put(key, data, source, options, others))
        yield from BUDGET.take(source.size, source, self)
        try:
            data = cast(bytes, (yield Call(_read_whole, source, cancel=source.cancel)))
            return (yield from self._put(key, data, source, options, others))
        finally:
            BUDGET.give(source.size, self)

    def _put(self, key: str, data: bytes, source: Source, options: PutOptions, others: Headers) -> Exchange[ObjectInfo]:
        checksum = source.checksum
        sha256 = checksum.value if checksum is not None else hashlib.sha256(data).hexdigest()
        condition = options.mode is PutMode.CREATE or options.if_match is not None
        mark = secrets.token_hex(8) if condition else None
        request = self.protocol.put(key, data, sha256, options, mark)
        if others:
            request = replace(request, headers=(*request.headers, *others))
        response: Response = yield request
        if response.status not in (200, 201, 204):
            own = (yield from self.own(key, mark)) if mark is not None and response.status in _REFUSALS else None
            if own is not None:
                return own
            raise self.refused(map_error(response, key), options, response)
        return ObjectInfo(
            key=key,
            size=len(data),
            etag=_etag(response, key),
            last_modified=date_of(response.headers.get("date")),
            content_type=options.content_type,
            content_disposition=options.content_disposition,
            cache_control=options.cache_control,
            content_encoding=options.content_encoding,
            content_language=options.content_language,
            metadata=options.metadata,
            checksum=checksum or Checksum(algorithm="sha256", value=sha256),
        )

    def get(self, key: str, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Push *span* into *sink*; one request, two when the span lies behind the end.

        Raises:
            IntegrityError: the service sent other bytes than were asked for.
            StorageError: as in ``StorageProvider.get``.
        """
        if span.end is not None and span.end <= span.start:
            return (yield from self.head(key, if_match))
        counted = _Counted(sink)
        whole = range_header(span) is None
        inspect = partial(_announce, counted) if whole else partial(_check_span, span, counted)
        request = self.protocol.get(key, span, counted, if_match, inspect)
        response: Response = yield request
        if response.status == 206 or response.status == 200:
            _etag(response, key)
            info = parse_object(key, response.headers, counted.size)
            # A service or a cache that ignores the range has pushed other bytes than were asked for.
            if response.status == 200 and not whole and span.resolve(info.size) != (0, info.size):
                raise IntegrityError("the service sent the whole object where a part was asked for; discard what came")
            if if_match is not None and info.etag != etag_of(if_match):
                raise IntegrityError("the service sent another version than was asked for; discard what came")
            if response.status == 206:
                start, end = span.resolve(info.size)
                if counted.size != end - start:
                    raise IntegrityError("the service sent another part than was asked for; discard what came")
            return info
        if response.status == 416:
            return (yield from self.head(key, if_match))
        raise map_error(response, key)

    def head(self, key: str, if_match: str | None = None) -> Exchange[ObjectInfo]:
        """Look; one request, two when an answer without a body says 404 and nothing shows that the service gave it.

        Raises:
            StorageError: as in ``StorageProvider.head``.
        """
        return (yield from self.look(key, if_match))[0]

    def checksum(self, key: str, info: ObjectInfo) -> Exchange[Checksum | None]:
        """Return the checksum of the version *info*, which a read of a part of it does not tell; one request.

        None where the service keeps none that can be compared, or refuses to say: then the length is all there is.

        Raises:
            StorageError: the service does not answer.
        """
        if not self.protocol.target.preset.checksums:
            return None
        response: Response = yield self.protocol.head(key, info.etag, checksum=True)
        if response.status >= 500 or response.status == 429:  # whether there is one is not known then
            raise map_error(response, key)
        return checksum_in(response.headers) if response.status == 200 else None

    def look(self, key: str, if_match: str | None = None) -> Exchange[tuple[ObjectInfo, Headers]]:
        """Look as ``head`` does, and return besides what no ``ObjectInfo`` holds, see ``other_headers``.

        Raises:
            StorageError: as in ``StorageProvider.head``.
        """
        response: Response = yield self.protocol.head(key, if_match)
        if response.status != 200:
            if response.status == 404:
                yield from self._confirm_absence(key, response)
            raise map_error(response, key)
        _etag(response, key)
        # R2 leaves the length of objects with Content-Encoding gzip out — rclone#8137; the listing knows it.
        size = None if "content-length" in response.headers else (yield from self._listed_size(key))
        return parse_object(key, response.headers, size), self.protocol.other_headers(response.headers)

    def delete(self, key: str) -> Exchange[None]:
        """Remove; one request.

        Raises:
            StorageError: as in ``StorageProvider.delete``.
        """
        response: Response = yield self.protocol.delete(key)
        if response.status not in (200, 204):
            error = map_error(response, key)
            if not isinstance(error, NotFoundError):
                raise error
        elif is_page(response):
            raise stranger(response, key)

    def own(self, key: str, mark: str) -> Exchange[ObjectInfo | None]:
        """Return the object when it carries *mark*; None when it carries another one, or when there is none.

        Raises:
            UnavailableError: the service does not say which object stands there.
        """
        try:
            response: Response = yield self.protocol.head(key)
        except StorageError as error:
            raise _untold(key, error) from error
        if response.status == 404:
            yield from self._confirm_absence(key, response)
            return None
        if response.status != 200 or "etag" not in response.headers:
            raise _untold(key, map_error(response, key))
        if response.headers.get(METADATA + MARK) != mark:
            return None
        return parse_object(key, response.headers)

    def check(self, key: str, options: PutOptions) -> Exchange[None]:
        """Refuse a write whose condition does not hold now; what cannot be told is left to the write itself.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE`` and the key exists.
            PreconditionFailedError: ``if_match`` and the object is another version or absent.
        """
        try:
            found: ObjectInfo | None = yield from self.head(key)
        except NotFoundError:
            found = None
        except StorageError:
            return
        if options.mode is PutMode.CREATE and found is not None:
            raise AlreadyExistsError("an object has that key already; nothing was changed", key=key)
        if options.if_match is not None and (found is None or found.etag != options.if_match):
            raise _other_version(key)

    def refused(self, error: StorageError, options: PutOptions, response: Response) -> StorageError:
        """Return *error*, which a put under *options* met, as what it means to the caller."""
        key = error.key or ""
        if isinstance(error, PreconditionFailedError) and options.mode is PutMode.CREATE:
            return already_exists(key, response)
        if isinstance(error, NotFoundError) and options.if_match is not None:
            return _other_version(key)
        if isinstance(error, NotFoundError):
            return UnavailableError(f"the service lost the upload ({error.code}); repeat it", key=key, code=error.code)
        return error

    def _confirm_absence(self, key: str, response: Response) -> Exchange[None]:
        """Ask again with a body to judge, unless the service signed its 404: a gateway without a route says it too.

        Raises:
            UnavailableError: nothing proves that the object is absent.
        """
        if request_id_of(response) is not None:
            return
        first = ByteRange(start=0, end=1)
        again: Response = yield self.protocol.get(key, first, _ignored, None)
        if again.status != 404 or fault_of(again.body) is None:
            raise stranger(response, key)

    def _listed_size(self, key: str) -> Exchange[int | None]:
        response: Response = yield self.protocol.list(key, None, one_level=False, most=1)
        if response.status != 200:
            raise map_error(response, key)
        return next((size for name, size, _, _ in parse_page(response.body).objects if name == key), None)


class _Counted:
    """A sink that knows how much it was given."""

    __slots__ = ("_sink", "size")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.size = 0

    def __call__(self, buffer: Buffer) -> None:
        self.size += len(buffer)
        self._sink(buffer)

    def expect(self, checksum: Checksum | None) -> None:
        announce(self._sink, checksum)


def _announce(counted: _Counted, headers: Mapping[str, str]) -> None:
    """Say which checksum a whole object has, before its first byte; after a break the headers are of a part."""
    if not counted.size:
        counted.expect(checksum_in(headers))


def _check_span(span: ByteRange, counted: _Counted, headers: Mapping[str, str]) -> None:
    """Refuse a part that begins elsewhere; how a download goes on after a break is for the transport to see to.

    Raises:
        IntegrityError: it is another part.
    """
    match = _CONTENT_RANGE.match(headers.get("content-range", ""))
    if match is None or counted.size:
        return
    start, end = span.resolve(int(match[3]))
    if (start, end) != (int(match[1]), int(match[2]) + 1):
        raise IntegrityError("the service sent another part than was asked for; nothing of it was taken")


def _ignored(buffer: Buffer) -> None:
    """Take what nobody wants."""


def _etag(response: Response, key: str) -> str | None:
    """Return the version mark, which every S3 service gives: without one it is a sign-in page that says 200.

    Raises:
        UnavailableError: there is none.
    """
    header = response.headers.get("etag")
    if header is None:
        raise stranger(response, key)
    return etag_of(header)


def _untold(key: str, error: StorageError) -> UnavailableError:
    """Return the error for a write that was refused, perhaps because an earlier attempt at it had succeeded."""
    return UnavailableError(
        "the write was refused, and whether the object that stands there is this one could not be told; look at it "
        "before repeating",
        key=key,
        code=error.code,
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
    )


def _other_version(key: str) -> PreconditionFailedError:
    return PreconditionFailedError("the object is another version, or gone; read it again", key=key)


def _read_whole(source: Source) -> bytes:
    with source.open() as reader:
        return reader.read()
