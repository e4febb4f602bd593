"""Single blobs of one container, as exchanges. Keys are full keys, as the service spells them.

What makes a write safe to repeat stands here: it carries a random mark, and a writer that is refused looks whether the
blob in its way is its own, because the answer to an earlier attempt may have been lost.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress
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
from ..objectstore.header_text import date_of, etag_of
from .answers import CONTENT_RANGE, checksum_in, parse_object
from .errors import AZURE, BLOB, is_azure, map_error, request_id_of, stranger
from .headers import MARK, METADATA
from .names import encode_metadata_name
from .requests import Protocol, wanted_span

SINGLE_PUT_BYTES: Final = 8 * MIB
"""The largest body that goes in one request."""

_MARK_HEADER: Final = METADATA + encode_metadata_name(MARK)


class Objects:
    """The blobs of one container."""

    def __init__(self, protocol: Protocol) -> None:
        """Send what *protocol* builds."""
        self.protocol = protocol
        """What builds the requests."""

    def put(self, key: str, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write a body of at most ``SINGLE_PUT_BYTES``; one request.

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

    def _put(self, key: str, data: bytes, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        checksum = source.checksum
        sha256 = checksum.value if checksum is not None else hashlib.sha256(data).hexdigest()
        mark = secrets.token_hex(8)
        response: Response = yield self.protocol.put(key, data, sha256, options, mark)
        return (yield from self.written(key, response, len(data), sha256, options, mark))

    def written(
        self, key: str, response: Response, size: int, sha256: str | None, options: PutOptions, mark: str
    ) -> Exchange[ObjectInfo]:
        """Return what the answer to a write means.

        Raises:
            UnavailableError: a condition failed, and whether on our own earlier attempt could not be told.
            StorageError: as in ``StorageProvider.put``.
        """
        if response.status != 201:
            error = map_error(response, key)
            if response.attempts > 1 or isinstance(error, AlreadyExistsError | PreconditionFailedError):
                own = yield from self.own(key, mark)
                if own is not None:
                    return own
            raise self.refused(error, options, response)
        return ObjectInfo(
            key=key,
            size=size,
            etag=etag_of(BLOB.judge(response, (201,), key).headers["etag"]),
            last_modified=date_of(response.headers.get("last-modified") or response.headers.get("date")),
            content_type=options.content_type,
            content_disposition=options.content_disposition,
            cache_control=options.cache_control,
            content_encoding=options.content_encoding,
            content_language=options.content_language,
            metadata=dict(options.metadata),
            checksum=Checksum(algorithm="sha256", value=sha256) if sha256 is not None else None,
        )

    def get(self, key: str, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Push *span* into *sink*; one request, two when it counts from the end or lies behind it.

        Raises:
            IntegrityError: the service sent other bytes than were asked for.
            StorageError: as in ``StorageProvider.get``.
        """
        if span.end is not None and span.end <= span.start:
            return (yield from self.head(key, if_match))
        size: int | None = None
        if span.start < 0:
            found = yield from self.head(key, if_match)
            if found.size == 0:
                return found
            size, if_match = found.size, found.etag
        wanted = wanted_span(span, size)
        counted = _Counted(sink)
        inspect = partial(_check, key, wanted, counted, if_match)
        response: Response = yield self.protocol.get(key, wanted, counted, if_match, inspect)
        if response.status == 416 and is_azure(response.headers):
            return (yield from self.head(key, if_match))
        if response.status == 412 and is_azure(response.headers):
            yield from self.head(key)  # a blob that is gone is no version either, and Azurite says no more than that
        info = parse_object(key, BLOB.judge(response, (200, 206), key).headers)
        start, end = wanted[0], info.size if wanted[1] is None else min(wanted[1], info.size)
        if counted.size != end - start:
            raise IntegrityError("the service sent another part than was asked for; discard what came")
        return info

    def head(self, key: str, if_match: str | None = None) -> Exchange[ObjectInfo]:
        """Look; one request.

        Raises:
            StorageError: as in ``StorageProvider.head``.
        """
        response: Response = yield self.protocol.head(key, if_match)
        return parse_object(key, BLOB.judge(response, key=key).headers)

    def delete(self, key: str) -> Exchange[None]:
        """Remove; one request. A directory, which is no object, stays as long as something is in it.

        Raises:
            StorageError: as in ``StorageProvider.delete``.
        """
        response: Response = yield self.protocol.delete(key)
        with suppress(NotFoundError):
            AZURE.judge(response, (202,), key)

    def own(self, key: str, mark: str) -> Exchange[ObjectInfo | None]:
        """Return the blob when it carries *mark*; None when it carries another one, or when there is none.

        Raises:
            UnavailableError: the service does not say which blob stands there.
        """
        try:
            response = yield from BLOB.send(self.protocol.head(key), key=key)
        except NotFoundError:
            return None
        except StorageError as error:
            raise _untold(key, error) from error
        return parse_object(key, response.headers) if response.headers.get(_MARK_HEADER) == mark else None

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
        forbidden = error.code == "UnauthorizedBlobOverwrite"
        if options.mode is PutMode.CREATE and (forbidden or isinstance(error, PreconditionFailedError)):
            return AlreadyExistsError(
                "an object has that key already; nothing was changed", key=key, request_id=request_id_of(response)
            )
        if isinstance(error, NotFoundError) and options.if_match is not None:
            return _other_version(key)
        if isinstance(error, NotFoundError):
            return UnavailableError(f"the service lost the write ({error.code}); repeat it", key=key, code=error.code)
        return error


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


def _check(
    key: str,
    wanted: tuple[int, int | None],
    counted: _Counted,
    if_match: str | None,
    headers: Mapping[str, str],
) -> None:
    """Refuse what is not the span or the version that was asked for, before its first byte.

    Raises:
        NotFoundError: it is a directory.
        UnavailableError: somebody else than Azure answers.
        IntegrityError: it is another part or another version.
    """
    etag = etag_of(headers.get("etag"))
    if not is_azure(headers) or etag is None:
        raise stranger(Response(status=200, headers=headers), key)
    if if_match is not None and etag != etag_of(if_match):
        raise IntegrityError("the service sent another version than was asked for; nothing of it was taken")
    size = parse_object(key, headers).size
    if counted.size:  # how a download goes on after a break is for the transport to see to
        return
    start, end = wanted[0], size if wanted[1] is None else min(wanted[1], size)
    match = CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    sent = (0, size) if match is None else (int(match[1]), int(match[2]) + 1)
    if sent != (start, end):
        raise IntegrityError("the service sent another part than was asked for; nothing of it was taken")
    if wanted == (0, None):
        counted.expect(checksum_in(headers))


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
