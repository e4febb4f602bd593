"""Single objects of one bucket, as exchanges: look, read, write in one request, delete.

``objectstore/writing.py`` says what makes a write safe to repeat: here a conditional write carries a token, and a
writer that is refused looks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ...bodies.checksums import announce, check_bytes, checksum_of
from ...errors import IntegrityError, NotFoundError
from ...lazy import module
from ...transport import Exchange, Response
from ...types import MIB, WHOLE, ByteRange, Checksum, ObjectInfo, PutMode, PutOptions, Sink
from ..objectstore.header_text import info_of
from ..objectstore.reading import check_span, ignore
from ..objectstore.sending import OK
from ..objectstore.writing import check_condition, find_own_write, read_first, refused_write
from .answers import checksum_in, parse_object, parse_page
from .errors import S3, S3_OBJECTS, S3_REMOVALS, fault_of, map_error, request_id_of, unexpected_response
from .headers import METADATA, WRITE_TOKEN, date_of, etag_of
from .requests import Headers, Requests

if TYPE_CHECKING:
    import secrets

    from ...bodies.source import Source
else:
    secrets = module(__name__, "secrets")


SINGLE_PUT_BYTES: Final = 8 * MIB
"""The largest body that goes in one request."""

_WRITTEN: Final = (200, 201, 204)
_REMOVED: Final = (200, 204)
_DATA: Final = (200, 206)
_REFUSALS: Final = (404, 409, 412)


class Objects:
    """The objects of one bucket. Its verbs raise what the contract says, and what is added here."""

    def __init__(self, requests: Requests) -> None:
        """Send the requests that *requests* builds."""
        self.requests = requests
        """Builds the requests."""

    def write(
        self, key: str, source: Source, options: PutOptions, others: Headers = (), data: bytes | None = None
    ) -> Exchange[ObjectInfo]:
        """Write a body of at most ``SINGLE_PUT_BYTES``; one request. *others* are further headers of the object.

        *data* is all of *source*, if already read.
        """
        # Elsewhere the payload is signed by its sha256, so that nothing would be saved.
        data = source.data(self.requests.bound_checksum) if data is None else data
        if data is None:
            return (yield from read_first(source, partial(self.write, key, source, options, others), self))
        checksum = source.checksum or checksum_of(source.hashed_by(None), data)
        condition = options.mode is PutMode.CREATE or options.if_match is not None
        token = secrets.token_hex(8) if condition else None
        request = self.requests.put_object(key, data, checksum, options, token)
        if others:
            request = replace(request, headers=(*request.headers, *others))
        response: Response = yield request
        if response.status not in _WRITTEN:
            if token is not None and response.status in _REFUSALS:
                own = yield from self.find_own_write(key, token)
                if own is not None:
                    return own
            raise refused_write(map_error(response, key), options)
        headers = response.headers
        if "etag" not in headers:
            raise unexpected_response(response, key)
        return info_of(
            key,
            len(data),
            options,
            etag=etag_of(headers["etag"]),
            last_modified=date_of(headers.get("date")),
            checksum=checksum,
        )

    def get(self, key: str, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Push *span* into *sink*; one request, two when the span begins after the end.

        Raises:
            IntegrityError: the service sent bytes other than those asked for.
        """
        whole = span is WHOLE or span == WHOLE
        if not whole and span.end is not None and span.end <= span.start:
            return (yield from self.head(key, if_match))
        known: list[Checksum | None] = []
        on_headers = partial(_announce, sink, known) if whole else partial(check_span, span)
        response: Response = yield self.requests.get(key, span, sink, if_match, on_headers)
        if response.status == 416:
            return (yield from self.head(key, if_match))
        headers = S3_OBJECTS.judge(response, _DATA, key).headers
        info = parse_object(key, headers, response.taken, known)
        # A service or a cache that ignores the range has sent bytes other than those asked for.
        if response.status == 200 and not whole and span.resolve(info.size) != (0, info.size):
            raise IntegrityError(
                "the service sent the whole object instead of the part that was asked for; discard what came"
            )
        if if_match is not None and info.etag != etag_of(if_match):
            raise IntegrityError("the service sent a different version than was asked for; discard what came")
        if response.status == 206:
            start, end = span.resolve(info.size)
            if response.taken != end - start:
                raise IntegrityError("the service sent a different part than was asked for; discard what came")
        return info

    def read(self, key: str, sha256: str | None) -> Exchange[bytes]:
        """Return the whole, compared with *sha256*, or with the checksum that the service keeps; one request.

        Raises:
            IntegrityError: it is another body, or a part.
        """
        response: Response = yield self.requests.read(key)
        headers, data = response.headers, response.body
        if response.status != 200 or "etag" not in headers:  # a part, or no object at all
            S3_OBJECTS.judge(response, _DATA, key)
            if len(data) != parse_object(key, headers).size:
                raise IntegrityError("the service sent a part instead of the whole object; discard what came")
        check_bytes(data, checksum_in(headers) if sha256 is None else Checksum(algorithm="sha256", value=sha256))
        return data

    def head(self, key: str, if_match: str | None = None) -> Exchange[ObjectInfo]:
        """Look; one request, two after a 404 without a body that nothing shows to be from the service."""
        response: Response = yield self.requests.head(key, if_match)
        headers = response.headers
        if response.status == 200 and "etag" in headers and "content-length" in headers:
            return parse_object(key, headers)
        return (yield from self._judged(key, response))

    def checksum(self, key: str, info: ObjectInfo) -> Exchange[Checksum | None]:
        """Return the checksum of the version *info*, which reading a part of it does not give; one request.

        None where the service has none that can be compared, or refuses: then there is only the length to compare.
        """
        if not self.requests.target.preset.checksums:
            return None
        response: Response = yield self.requests.head(key, info.etag, checksum=True)
        if response.status >= 500 or response.status == 429:  # it is unknown whether there is one
            raise map_error(response, key)
        return checksum_in(response.headers) if response.status == 200 else None

    def look(self, key: str, if_match: str | None = None) -> Exchange[tuple[ObjectInfo, Headers, bool]]:
        """Look as ``head`` does, and also return the headers that an ``ObjectInfo`` has no place for, see
        ``other_headers``, and whether there are tags.
        """
        response: Response = yield self.requests.head(key, if_match)
        info = yield from self._judged(key, response)
        tagged = response.headers.get("x-amz-tagging-count", "0") != "0"
        return info, self.requests.other_headers(response.headers), tagged

    def delete(self, key: str) -> Exchange[None]:
        """Remove; one request."""
        try:
            S3_REMOVALS.judge((yield self.requests.delete(key)), _REMOVED, key)
        except NotFoundError:
            return

    def find_own_write(self, key: str, token: str) -> Exchange[ObjectInfo | None]:
        """See ``writing.find_own_write``; one request, two as for ``head``."""
        return find_own_write(key, token, self._looked(key), METADATA + WRITE_TOKEN, parse_object)

    def check(self, key: str, options: PutOptions) -> Exchange[None]:
        """See ``check_condition``; one request under a condition."""
        return check_condition(key, options, self.head(key))

    def _judged(self, key: str, response: Response) -> Exchange[ObjectInfo]:
        """Return what the *response* to a HEAD says."""
        if response.status == 404:
            yield from self._confirm_absence(key, response)
        headers = S3_OBJECTS.judge(response, OK, key).headers
        # R2 leaves out the length of objects with Content-Encoding gzip — rclone#8137; the listing has it.
        size = None if "content-length" in headers else (yield from self._listed_size(key))
        return parse_object(key, headers, size)

    def _looked(self, key: str) -> Exchange[Response]:
        response: Response = yield self.requests.head(key)
        if response.status == 404:
            yield from self._confirm_absence(key, response)
        return S3_OBJECTS.judge(response, OK, key)

    def _confirm_absence(self, key: str, response: Response) -> Exchange[None]:
        """Ask again for a body to judge, unless the 404 has a request id: a gateway without a route answers 404 too.

        Raises:
            UnavailableError: nothing proves that the object is absent.
        """
        if request_id_of(response) is not None:
            return
        first = ByteRange(start=0, end=1)
        again: Response = yield self.requests.get(key, first, ignore, None)
        if again.status != 404 or fault_of(again.body) is None:
            raise unexpected_response(response, key)

    def _listed_size(self, key: str) -> Exchange[int | None]:
        wanted = self.requests.codec.name_of(key)
        response = yield from S3.send(self.requests.list(wanted, None, one_level=False, most=1), key=key)
        return next((size for name, size, _, _ in parse_page(response.body).objects if name == wanted), None)


def _announce(sink: Sink, known: list[Checksum | None], headers: Mapping[str, str]) -> None:
    """Announce the checksum of a whole object before its first byte, and keep it in *known*."""
    checksum = checksum_in(headers)
    known.append(checksum)
    announce(sink, checksum)
