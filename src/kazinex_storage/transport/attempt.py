"""An attempt: one request sent once. The command that a driver carries out, and the record of its outcome.

An exception in a libcurl callback would be printed and lost, so it is kept in ``error``. The sink is called from
the callback all the same: libcurl may read hundreds of megabytes between two returns. Then ``retry.py`` decides.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from ..errors import IntegrityError, SettingsError
from ..types import Buffer
from .auth import NONE
from .limits import NO_LIMIT, larger, most_bytes
from .request import BodyReader, BodySlice, Request, Response
from .status import WEIRD_SERVER_REPLY

# S3 lists 1,000 keys of up to 1,024 bytes, percent-encoded, in one answer: below 8 MiB.
MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""The longest response body that is collected in memory."""

# libcurl's largest upload buffer is 2 MiB (CURLOPT_UPLOAD_BUFFERSIZE); 256 KiB stays in the second-level cache.
UPLOAD_BUFFER_BYTES: Final = 256 * 1024
"""Bytes that are read from a source at a time."""

# Errors of S3, Azure and Graph have a few hundred bytes, pages of proxies some thousands.
MAX_ERROR_BYTES: Final = 256 * 1024
"""Bytes of an error body that are kept."""

LATE_S: Final = 5.0
"""Seconds that a request with ``late`` continues after an interrupt or a cancellation."""

_DATA_STATUSES: Final = (200, 206)
_BLANK: Final = (b"\r\n", b"\n")


class Gathered:
    """A sink that keeps what it is given; a single buffer of ``bytes`` is kept as it is."""

    # Defaults of the class: nothing is set before it differs, and most take one buffer.
    _first: bytes | None = None
    _rest: io.BytesIO | None = None

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
            self._first = None

    def value(self) -> bytes:
        """Return everything in one piece; does not copy."""
        # A BytesIO grows in place and gives away what it holds, where joining buffers would copy everything again.
        return self._rest.getvalue() if self._rest is not None else self._first or b""


class Attempt:
    """One request in flight. Not thread-safe: it belongs to the driver that carries it out."""

    # Defaults of the class, since most attempts never set them: setting all 28 in each took 1.2 us of 60.
    resumes: Callable[[Attempt], None] | None = None
    authorisation = NONE
    status = 0
    code = 0
    """libcurl's error code; 0 is a complete answer."""
    message = ""
    error: BaseException | None = None
    """What the sink, the source or a check raised."""
    taken = 0
    """Bytes given to the sink."""
    before = 0
    """Bytes that earlier attempts gave to it."""
    whole = False
    """Whether libcurl finished it; otherwise it was aborted."""
    refused: str | None = None  # an address that it may not connect to
    repeated = 0
    """How often libcurl has resent it on its own."""
    handle: Any = None
    setup: Any = None
    """What the handle is set up for; see ``handle.Handles``."""
    on_end: Any = None
    """What waits for the end: a task or a future, depending on the driver."""
    owner: object = None
    """In whose share it is; set by the loop."""
    patience_s: float | None = None
    """Seconds without movement after which it is ended, when the settings allow more."""
    sent_at = 0.0
    """When it was sent, by the clock of the policy."""
    moved = 0
    looked_s = moved_s = 0.0
    """Seconds from the beginning: when ``stall.py`` looked last, and saw that something had moved."""
    collected = 0
    """Bytes of the body that did not go to the sink."""
    _left = 0
    _enough = False
    _room = MAX_ERROR_BYTES
    """Bytes that are collected before anybody looks what they are."""
    _large: Gathered | None = None
    """The body of a request for the whole, once it is longer than that."""
    _headers: dict[str, str] | None = None
    _sinking: bool | None = None
    _reader: BodyReader | None = None
    _view: Callable[[int], memoryview] | None = None
    _buffer: memoryview | None = None
    _most = NO_LIMIT

    def __init__(
        self, request: Request, headers: tuple[tuple[str, str], ...], resumes: Callable[[Attempt], None] | None = None
    ) -> None:
        """Send *request* with *headers*.

        *resumes* checks the response before the sink gets anything, and raises when it does not continue where an
        earlier one stopped.
        """
        self.request = request
        self.headers = headers
        self.head: list[bytes] = []
        """Header lines as they came, of every answer (a 100, a proxy's, the final one)."""
        self.chunks: list[bytes] = []
        """The body, when it does not go to the sink and is not large."""
        if resumes is not None:
            self.resumes = resumes
        if request.patience_s is not None:
            self.patience_s = request.patience_s

    @property
    def answer(self) -> Mapping[str, str]:
        """The headers of the final answer, names in lower case."""
        if self._headers is None:
            self._headers = parse_headers(self.head)
        return self._headers

    @property
    def body(self) -> bytes:
        """The body of the answer, as far as it did not go to the sink."""
        if self._large is not None:
            return self._large.value()
        chunks = self.chunks
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def response(self, tried: int) -> Response:
        """Return the answer, to a request that was sent *tried* times."""
        headers, chunks = self._headers, self.chunks
        return Response(
            status=self.status,
            headers=parse_headers(self.head) if headers is None else headers,
            body=chunks[0] if len(chunks) == 1 else self.body,
            taken=self.before + self.taken,
            attempts=tried,
        )

    @property
    def sinking(self) -> bool:
        """Whether the body of the answer goes to the sink."""
        if self._sinking is None:
            request = self.request
            return request.sink is not None and self.status in _DATA_STATUSES and request.method != "HEAD"
        return self._sinking

    @property
    def size(self) -> int:
        """Bytes in the body of the request."""
        body = self.request.body
        return 0 if body is None else body.size if isinstance(body, BodySlice) else len(body)

    @property
    def received(self) -> int:
        """Bytes received, whether they went to the sink or not."""
        return self.taken + self.collected

    def open(self) -> None:
        """Open the slice that is to be sent.

        Raises:
            IntegrityError: the source cannot be read any more.
        """
        self.seek(0, 0)
        size = 1 if self._view is not None else min(UPLOAD_BUFFER_BYTES, max(1, self._left))
        self._buffer = memoryview(bytearray(size))

    def read(self, size: int) -> memoryview | int:
        """Give libcurl the next bytes of the slice; its read callback."""
        try:
            if self._left == 0 or self._reader is None or self._buffer is None:
                return self._buffer[:0] if self._buffer is not None else memoryview(b"")
            if self._view is not None:  # what is in memory need not be copied: 0.1 s/GiB
                found = self._view(min(size, self._left))
                self._left -= len(found)
                return found
            count = self._reader.readinto(self._buffer[: min(size, self._left)])
            self._left -= count
            return self._buffer[:count]
        except BaseException as error:
            self.error = error
            return 0x10000000  # CURL_READFUNC_ABORT

    def seek(self, offset: int, origin: int) -> int:
        """Go back to *offset* of the slice; libcurl's seek callback, for a connection that died before it was used."""
        del origin  # always SEEK_SET — curl.se/libcurl/c/CURLOPT_SEEKFUNCTION.html
        part = cast(BodySlice, self.request.body)
        if self.handle is not None and self.request.once and self._left < part.size:
            return 1  # CURL_SEEKFUNC_FAIL: some of it may have arrived, and so libcurl must not resend it
        try:
            if self._reader is not None:
                self._reader.close()
            self._reader = part.source.open(part.offset + offset)
            self._view = getattr(self._reader, "view", None)
            self._left = part.size - offset
        except BaseException as error:
            self.error = error
            if self.handle is None:
                raise
            return 1  # CURL_SEEKFUNC_FAIL
        return 0

    def write(self, chunk: bytes) -> int | None:
        """Take the next bytes of an answer with data for the sink; libcurl's write callback. -1 stops the transfer."""
        try:
            if self._sinking is None:
                self._judge()
            if not self._sinking:
                return self.collect(chunk)
            self.taken += len(chunk)
            if self.taken > self._most:
                self.taken -= len(chunk)
                raise larger(f"more than the {self._most} bytes that were asked for", self.request.operation or None)
            self.request.sink(chunk)  # type: ignore[misc]  # there is one, see _judge
        except BaseException as error:
            self.error = error
            return -1
        return None

    def collect(self, chunk: bytes) -> int | None:
        """Keep the next bytes of an answer; libcurl's write callback where there is no sink. -1 stops the transfer."""
        try:
            self.chunks.append(chunk)
            self.collected += len(chunk)
            return None if self.collected <= self._room else self._make_room()
        except BaseException as error:
            self.error = error
            return -1

    def pour(self, request: Request) -> None:
        """Give what was collected for the whole to the sink of *request*, which asks for the same."""
        kept = self.chunks if self._large is None else [self._large.value()]
        self.request, self.chunks, self.collected, self._large, self._room = request, [], 0, None, MAX_ERROR_BYTES
        for chunk in kept:
            if self.write(chunk):
                return

    def _make_room(self) -> int | None:
        """Decide what to do with a long body."""
        status = self.status = status_of(self.head)
        if status >= 400:
            self._enough = True
            return -1
        if self.request.whole and status in _DATA_STATUSES:
            large = self._large = self._large or Gathered()
            for chunk in self.chunks:
                large(chunk)
            self.chunks.clear()
            return None
        self._room = MAX_BODY_BYTES
        if self.collected <= MAX_BODY_BYTES:
            return None
        self.error = IntegrityError(
            f"the answer is longer than {MAX_BODY_BYTES} bytes; this is not the service that was expected",
            operation=self.request.operation or None,
        )
        return -1

    def end(self, code: int, message: str) -> None:
        """Record how the transfer ended, and release what it held."""
        self.code, self.message = code, message
        self.handle = None
        if self._reader is not None:
            reader, self._reader, self._view, self._buffer = self._reader, None, None, None
            reader.close()
        head = self.head
        if not self.status:
            self.status = status_of(head)
        if code == 0 and head and head[-1] not in _BLANK and not head_is_whole(head):
            self.code, self.message = WEIRD_SERVER_REPLY, "the headers broke off"  # libcurl takes that for an answer
        if code and self.refused is not None and self.error is None:
            self.error = SettingsError(
                f"the host is at {self.refused}, which may not be connected to from here; name a public service, or "
                "let the operator admit the address",
                operation=self.request.operation or None,
                code="refused",
            )
        if self._enough:
            self.code = 0  # the beginning of an endless error says enough

    def _judge(self) -> None:
        """Decide where the body goes, before its first byte.

        Raises:
            UnavailableError: the answer is not the rest of what broke off.
            IntegrityError: it is the rest of another version, or more than was asked for.
        """
        request, status = self.request, status_of(self.head)
        self.status = status
        if request.sink is None or status not in _DATA_STATUSES or request.method == "HEAD":
            self._sinking = False
            return
        answer = self._headers = parse_headers(self.head)
        if self.resumes is not None:
            self.resumes(self)
        self._most = most_bytes(self.headers, status, answer, request.operation or None)
        if request.on_headers is not None and not self.before:
            request.on_headers(answer)
        self._sinking = True


def head_is_whole(head: list[bytes]) -> bool:
    """Say whether an empty line ends the headers of the last answer; trailers may follow it."""
    return not head or head[-1] in _BLANK or any(line in _BLANK for line in head[_last(head) :])


def status_of(head: list[bytes]) -> int:
    """Return the status of the last answer in *head*, 0 when there is none."""
    if not head:
        return 0
    last = _last(head) if head.count(b"\r\n") > 1 else 0
    parts = head[last].split(None, 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


def parse_headers(head: list[bytes]) -> dict[str, str]:
    """Return the headers of the last answer in *head*; a name that is repeated gets all its values."""
    lines = head if head.count(b"\r\n") == 1 else head[_last(head) :]
    headers: dict[str, str] = {}
    for line in b"".join(lines[1:]).decode("iso-8859-1").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            name, value = name.lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _last(head: list[bytes]) -> int:
    """Return where the last answer begins: after a 100, a 103 or a proxy's own."""
    starts = (index for index in range(len(head) - 1, 0, -1) if head[index].startswith(b"HTTP/"))
    return next(starts, 0)
