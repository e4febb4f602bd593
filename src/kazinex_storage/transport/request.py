"""Requests and responses: what a protocol module yields, and what it is sent.

Plain values without I/O. A protocol module builds a complete URL and its headers; the transport authorises, sends,
retries and measures. Read next: ``retry.py`` (what happens to a request), ``handle.py`` (how libcurl is set up for it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Protocol

from ..secrecy.pickling import not_pickled
from ..types import Sink
from ..values import value
from .auth import Auth
from .gate import Gate
from .observe import Observer


class BodyReader(Protocol):
    """Reads a body in order. One that has it in memory may offer ``view(size)``, which returns the bytes uncopied."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of *buffer*; 0 is the end."""
        ...

    def close(self) -> None:
        """Release the reader."""
        ...


class ReplayableBody(Protocol):
    """What can be read from any offset, again and again: a ``Source``."""

    def open(self, offset: int = 0) -> BodyReader:
        """Return a reader from *offset*."""
        ...


@value
class BodySlice:
    """A part of a source: the bytes from ``offset`` up to ``offset + size``."""

    source: ReplayableBody
    offset: int
    """Bytes before it in the source."""
    size: int


@not_pickled("send no requests, but what they are made from")
@value
class Request:
    """One HTTP request as a command; its outcome is the ``Response`` to the last attempt, whatever its status."""

    method: str
    url: str = field(repr=False)
    """Complete and percent-encoded. It may hold a signature: it is never logged with its query."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | BodySlice | None = field(default=None, repr=False)
    """A batch may hold what authorises each of its parts."""
    sink: Sink | None = None
    """Takes the body of a 200 or 206 as it comes, each byte once, over all attempts. Other bodies are collected."""
    whole: bool = False
    """The body of a 200 is wanted in ``Response.body``, however long it is; after a break it goes on as with a sink.
    For a GET without a sink and without ``Range``.
    """
    auth: Auth | None = field(default=None, repr=False)
    """Authorises it, asked before each attempt; headers and URL contain no credentials."""
    idempotent: bool = True
    """False: a repeat could do harm, so it is sent once."""
    refusals: frozenset[int] = frozenset()
    """Statuses that mean nothing was started: after them it is sent again all the same."""
    once: bool = False
    """Sent once, because the caller checks the outcome before resending it. For bodies that are slices."""
    operation: str = ""
    """For errors, logs and observers."""
    retry_statuses: frozenset[int] = frozenset()
    """Statuses that are transient for this request, in addition to the usual ones."""
    status_of_body: Callable[[bytes], int] | None = None
    """Returns the status that the body of a 200 means. S3 answers 200 before it knows how a long operation ends."""
    on_headers: Callable[[Mapping[str, str]], None] | None = None
    """Checks the headers of the response that the first byte of the sink comes from, before it does; raises to refuse
    it. How a download goes on after a break is checked by the transport itself.
    """
    late: Callable[[Response], object] | None = field(default=None, repr=False)
    """Receives the response when the caller was interrupted or cancelled in the meantime. Such a request is not aborted
    at once: only the response names what it created, which could not be removed otherwise.
    """
    patience_s: float | None = None
    """Total seconds that it may go unanswered, when the policy allows more: for cleaning up after a failure."""
    gate: Gate | None = field(default=None, repr=False)
    """The gate that it shares with all requests of the same client."""
    notice: Observer | None = field(default=None, repr=False)
    """Is shown each attempt, like the observer of the transport."""


@not_pickled("send what was read from it")
@value
class Response:
    """The response of a server."""

    status: int
    """Of HTTP, 200 to 599."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; values decoded as ISO 8859-1; repeated headers joined with a comma.

    Not shown, because a URL in them may itself be a credential.
    """
    body: bytes = field(default=b"", repr=False)
    """What did not go to the sink; it may also contain such a URL, or a token."""
    taken: int = 0
    """Bytes that the sink took, over all attempts."""
    attempts: int = 1
    """How often it was sent; above 1 an earlier attempt may already have taken effect.

    Underneath, libcurl resends what an idle connection lost before any response (RFC 9112, 9.3.1). That is detected and
    counted.
    """
