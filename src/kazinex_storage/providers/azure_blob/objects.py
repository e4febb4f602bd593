"""Single blobs of one container, as exchanges: look, read, write in one request, delete.

``objectstore/writing.py`` says what makes a write safe to repeat: every write carries a token, and a writer that is
refused looks for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from ...bodies.checksums import announce, check_bytes, checksum_of
from ...bodies.source import Source
from ...errors import AlreadyExistsError, IntegrityError, NotFoundError, PreconditionFailedError
from ...transport import Exchange, Response
from ...types import MIB, ByteRange, Checksum, ObjectInfo, PutMode, PutOptions, Sink
from ..objectstore.header_text import date_of, etag_of, info_of
from ..objectstore.reading import CONTENT_RANGE
from ..objectstore.writing import (
    already_exists,
    check_condition,
    find_own_write,
    read_first,
    refused_write,
)
from .answers import checksum_in, parse_object
from .errors import AZURE, BLOB, is_azure, map_error
from .headers import METADATA, WRITE_TOKEN
from .names import encode_metadata_name
from .requests import Requests, wanted_span

SINGLE_PUT_BYTES: Final = 8 * MIB
"""The largest body that goes in one request."""

CHEAP: Final = "crc32"
"""By what a body is hashed as a whole, when what the service verifies is enough: 0.06 s a GiB."""

_TOKEN_HEADER: Final = METADATA + encode_metadata_name(WRITE_TOKEN)


class Objects:
    """The blobs of one container. Its verbs raise what the contract says, and what is added here."""

    def __init__(self, requests: Requests) -> None:
        """Send the requests that *requests* builds."""
        self.requests = requests
        """Builds the requests."""

    def write(self, key: str, source: Source, options: PutOptions, data: bytes | None = None) -> Exchange[ObjectInfo]:
        """Write a body of at most ``SINGLE_PUT_BYTES``; one request. *data* is all of it, if already read."""
        algorithm = source.hashed_by(CHEAP)
        data = source.data() if data is None else data
        if data is None:
            return (yield from read_first(source, partial(self.write, key, source, options), self))
        proof, token = self.requests.prove(data), secrets.token_hex(8)
        checksum = (source.checksum or checksum_of(algorithm, data)) if algorithm == "sha256" else proof.checksum
        kept = checksum if algorithm == "sha256" else None  # the service keeps the other one
        response: Response = yield self.requests.put_blob(key, data, proof, kept, options, token)
        return (yield from self.written(key, response, len(data), checksum, options, token))

    def written(
        self, key: str, response: Response, size: int, checksum: Checksum | None, options: PutOptions, token: str
    ) -> Exchange[ObjectInfo]:
        """Return what the *response* to a write means.

        Raises:
            UnavailableError: a condition failed, and it is unknown whether because of our own earlier attempt.
        """
        if response.status != 201:
            error = map_error(response, key)
            if response.attempts > 1 or isinstance(error, AlreadyExistsError | PreconditionFailedError):
                own = yield from self.find_own_write(key, token)
                if own is not None:
                    return own
            if options.mode is PutMode.CREATE and error.code == "UnauthorizedBlobOverwrite":
                raise already_exists(key, error.request_id)
            raise refused_write(error, options)
        headers = BLOB.judge(response, (201,), key).headers
        return info_of(
            key,
            size,
            options,
            etag=etag_of(headers["etag"]),
            last_modified=date_of(headers.get("last-modified") or headers.get("date")),
            checksum=checksum,
        )

    def get(self, key: str, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Push *span* into *sink*; one request, two when the span counts from the end or begins after it.

        Raises:
            IntegrityError: the service sent bytes other than those asked for.
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
        on_headers = partial(_check, key, wanted, sink, if_match)
        response: Response = yield self.requests.get(key, wanted, sink, if_match, on_headers)
        if response.status == 416 and is_azure(response.headers):
            return (yield from self.head(key, if_match))
        if response.status == 412 and is_azure(response.headers):
            yield from self.head(key)  # 404 if it is gone: Azurite answers 412 then too
        info = parse_object(key, BLOB.judge(response, (200, 206), key).headers)
        start, end = wanted[0], info.size if wanted[1] is None else min(wanted[1], info.size)
        if response.taken != end - start:
            raise IntegrityError("the service sent a different part than was asked for; discard what came")
        return info

    def read(self, key: str, sha256: str | None) -> Exchange[bytes]:
        """Return the whole, compared with *sha256*, or with the checksum that the service keeps; one request.

        Raises:
            IntegrityError: it is another body, or a part.
        """
        response: Response = yield self.requests.read(key)
        info = parse_object(key, BLOB.judge(response, (200, 206), key).headers)
        if len(response.body) != info.size:
            raise IntegrityError("the service sent a part instead of the whole object; discard what came")
        check_bytes(response.body, info.checksum if sha256 is None else Checksum(algorithm="sha256", value=sha256))
        return response.body

    def head(self, key: str, if_match: str | None = None) -> Exchange[ObjectInfo]:
        """Look; one request."""
        response: Response = yield self.requests.head(key, if_match)
        return parse_object(key, BLOB.judge(response, key=key).headers)

    def delete(self, key: str) -> Exchange[None]:
        """Remove; one request. A directory, which is not an object, stays as long as something is in it."""
        response: Response = yield self.requests.delete(key)
        with suppress(NotFoundError):
            AZURE.judge(response, (202,), key)

    def find_own_write(self, key: str, token: str) -> Exchange[ObjectInfo | None]:
        """See ``writing.find_own_write``; one request."""
        looking = BLOB.send(self.requests.head(key), key=key)
        return find_own_write(key, token, looking, _TOKEN_HEADER, parse_object)

    def check(self, key: str, options: PutOptions) -> Exchange[None]:
        """See ``check_condition``; one request under a condition."""
        return check_condition(key, options, self.head(key))


def _check(
    key: str,
    wanted: tuple[int, int | None],
    sink: Sink,
    if_match: str | None,
    headers: Mapping[str, str],
) -> None:
    """Refuse anything but the span and the version that were asked for, before the first byte.

    Raises:
        NotFoundError: it is a directory.
        UnavailableError: the response is not from Azure.
        IntegrityError: it is another part or another version.
    """
    etag = etag_of(headers.get("etag"))
    if not is_azure(headers) or etag is None:
        raise map_error(Response(status=200, headers=headers), key)
    if if_match is not None and etag != etag_of(if_match):
        raise IntegrityError("the service sent a different version than was asked for; none of it was taken")
    size = parse_object(key, headers).size
    start, end = wanted[0], size if wanted[1] is None else min(wanted[1], size)
    match = CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    sent = (0, size) if match is None else (int(match[1]), int(match[2]) + 1)
    if sent != (start, end):
        raise IntegrityError("the service sent a different part than was asked for; none of it was taken")
    if wanted == (0, None):
        announce(sink, checksum_in(headers))
