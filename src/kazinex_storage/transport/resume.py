"""How far a download has got, and how it resumes after a break: the sink never sees a byte twice.

The next attempt asks for the rest with ``Range``, pinned to the same version with ``If-Match``; only a 206 for exactly
that span of that version reaches the sink.
"""

from __future__ import annotations

from typing import Final

from ..errors import IntegrityError, UnavailableError
from ..lazy import regex
from .attempt import Attempt
from .request import Request

_CONTENT_RANGE: Final = regex(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")


class Resumption:
    """What the sink has taken over all attempts of one request."""

    __slots__ = ("_end", "_etag", "_request", "_start", "taken")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._start = 0
        """Where the sink's first byte lies in the object."""
        self._end: int | None = None
        """Where its last byte will lie, plus one; None: unknown."""
        self._etag: str | None = None
        self.taken = 0
        """Bytes that the sink has taken."""

    @property
    def resumable(self) -> bool:
        """Whether the rest can be asked for: a GET of known length with a strong ETag."""
        return self._request.method == "GET" and self._etag is not None and self._end is not None

    def ends(self, attempt: Attempt) -> bool:
        """Say whether *attempt* brought the last announced byte, whatever became of the connection afterwards."""
        return attempt.sinking and self.taken > 0 and self._end is not None and self.taken == self._end - self._start

    def note(self, attempt: Attempt) -> None:
        """Add what *attempt* delivered; the first attempt with data sets what is expected."""
        if not attempt.sinking:
            return
        if not self.taken:
            self._start, self._end = _span(attempt)
            etag = attempt.answer.get("etag", "")
            # A weak ETag does not promise equal bytes (RFC 9110, 8.8.1), so parts cannot be joined by one.
            self._etag = etag if etag.startswith('"') else None
        self.taken += attempt.taken

    def check(self, attempt: Attempt) -> None:
        """Compare the received length with the announced one, after a complete response.

        Raises:
            IntegrityError: it is another length.
        """
        if attempt.sinking and self._end is not None and self.taken != self._end - self._start:
            raise IntegrityError(
                f"{self.taken} of {self._end - self._start} announced bytes came; repeat the download",
                operation=self._request.operation or None,
            )
        if self.taken and attempt.status == 412 and not any(n.lower() == "if-match" for n, _ in self._request.headers):
            raise IntegrityError(
                "the object changed while it was being read; repeat the download",
                operation=self._request.operation or None,
            )

    def next_attempt(self) -> Attempt:
        """Return the attempt that requests what the sink is still missing."""
        if not self.taken or self._end is None or self._etag is None:
            return Attempt(self._request, self._request.headers)
        kept = [(name, value) for name, value in self._request.headers if name.lower() not in ("range", "if-match")]
        span = f"bytes={self._start + self.taken}-{self._end - 1}"
        attempt = Attempt(self._request, (*kept, ("Range", span), ("If-Match", self._etag)), self._goes_on)
        attempt.before = self.taken
        return attempt

    def _goes_on(self, attempt: Attempt) -> None:
        """Refuse a response that is not the rest of the same version.

        Raises:
            UnavailableError: the server sends something other than was requested.
            IntegrityError: it is another version.
        """
        operation = self._request.operation or None
        if attempt.answer.get("etag", self._etag) != self._etag:
            raise IntegrityError("the object changed while it was being read; repeat the download", operation=operation)
        if attempt.status != 206 or _span(attempt) != (self._start + self.taken, self._end):
            raise UnavailableError(
                "the download broke off and the server does not send the rest of it; repeat it", operation=operation
            )


def is_complete(attempt: Attempt) -> bool:
    """Say whether *attempt*, which libcurl calls complete, brought what its answer says that it contains.

    libcurl itself compares with ``Content-Length``, so that only a part needs a look.
    """
    if attempt.status != 206 or not attempt.sinking:
        return True
    start, end = _span(attempt)
    return end is None or attempt.taken == end - start


def _span(attempt: Attempt) -> tuple[int, int | None]:
    """Return the span of the object that a response says it contains."""
    if attempt.status == 206:
        match = _CONTENT_RANGE.fullmatch(attempt.answer.get("content-range", ""))
        return (int(match[1]), int(match[2]) + 1) if match else (0, None)
    length = attempt.answer.get("content-length", "")
    return 0, int(length) if length.isascii() and length.isdigit() else None
