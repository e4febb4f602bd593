"""Requests and responses: what a protocol module yields, and what it is sent.

Plain values without I/O. A protocol module builds a complete URL and its headers; the transport authorises, sends,
retries and measures. Read next: ``retry.py`` (what happens to a request), ``handle.py`` (how libcurl is told of it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..secrecy.pickling import not_pickled
from ..types import Sink
from .auth import Auth
from .gate import Gate


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BodySlice:
    """A part of a source: the bytes from ``offset`` up to ``offset + size``."""

    source: ReplayableBody
    offset: int
    """Bytes before it in the source."""
    size: int


@not_pickled("send no requests, but what they are made from")
@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as a command; its outcome is the ``Response`` to the last attempt, whatever its status."""

    method: str
    url: str = field(repr=False)
    """Complete and percent-encoded. It may hold a signature: it is never logged with its query."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | BodySlice | None = None
    sink: Sink | None = None
    """Takes the body of a 200 or 206 as it comes, each byte once, over all attempts. Other bodies are collected."""
    auth: Auth | None = field(default=None, repr=False)
    """Who authorises it, asked before each attempt; the headers, the URL and the body hold nothing of that."""
    idempotent: bool = True
    """False: a repeat could do harm, so it is sent once."""
    refusals: frozenset[int] = frozenset()
    """Statuses that say that nothing was begun: after them it is sent again all the same."""
    once: bool = False
    """Sent once, because the caller asks what became of it before it sends it again. For bodies that are slices."""
    operation: str = ""
    """For errors, logs and observers."""
    retry_statuses: frozenset[int] = frozenset()
    """Statuses that are passing for this request, besides those that are for all."""
    status_of_body: Callable[[bytes], int] | None = None
    """Returns the status that the body of a 200 means. S3 answers 200 before it knows how a long operation ends."""
    on_headers: Callable[[Mapping[str, str]], None] | None = None
    """Looks at the headers of an answer before the sink is given its first byte, and raises to refuse it."""
    late: Callable[[Response], object] | None = field(default=None, repr=False)
    """Takes the answer when the caller was interrupted or cancelled meanwhile. A request that has it is not broken off
    at once: what it makes has a name that only the answer gives, and could not be thrown away without.
    """
    patience_s: float | None = None
    """Seconds that it may go unanswered in all, when the policy allows more: for cleaning up after a failure."""
    gate: Gate | None = field(default=None, repr=False)
    """What it passes before each attempt, together with all others of the same client."""


@not_pickled("send what was read from it")
@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The answer of a server."""

    status: int
    """Of HTTP, 200 to 599."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; values decoded as ISO 8859-1; repeated headers joined with a comma.

    Not shown, because a URL in them may be good by itself.
    """
    body: bytes = field(default=b"", repr=False)
    """What did not go to the sink; it may hold such a URL as well, or a token."""
    attempts: int = 1
    """How often it was tried; above 1 an earlier attempt may have had its effect already.

    Below that libcurl repeats what a kept connection lost before any answer came (RFC 9112, 9.3.1). Where the request
    is not signed that is noticed and counted; where it is, it is not.
    """
