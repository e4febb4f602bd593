"""Tickets: what a browser, or another client without credentials, needs to send a large file in parts on its own.

``Storage.presign_upload`` makes one for an upload that was begun, ``Storage.complete_upload`` ends it. Plain values.
"""

from __future__ import annotations

from datetime import datetime

from ..json_text import write_json
from ..secrecy.pickling import not_pickled
from ..types import PresignedUrl, UploadState
from ..values import value


@value
class TicketPart:
    """One part of the file, and the request that sends it."""

    number: int
    """From 1."""
    offset: int
    """Bytes before it in the file."""
    size: int
    """Bytes."""
    request: PresignedUrl
    """A PUT; its answer has the ETag of the part."""


@not_pickled("it is as good as a password: hand to_json() to the client that uploads")
@value
class PartsTicket:
    """Every request of one upload in parts. It is a secret until it expires."""

    state: UploadState
    """Stays with the process that made the ticket, to complete or abort the upload."""
    parts: tuple[TicketPart, ...]
    complete: PresignedUrl
    """A POST for clients that end the upload themselves; its body lists the ETags as the service wants it."""
    abort: PresignedUrl
    """A DELETE that throws the parts away."""
    expires_at: datetime
    """Aware UTC."""
    bound: frozenset[str] = frozenset()
    """What the service itself refuses: parts of another ``size``; with ``create``, a key that is taken by the end.
    ``Storage.complete_upload`` checks the rest."""

    def to_json(self) -> str:
        """Return what the client needs as JSON; it holds the signatures and is to be kept like a password."""
        return write_json(
            {
                "expires_at": self.expires_at.isoformat(),
                "bound": sorted(self.bound),
                "parts": [
                    {"number": part.number, "offset": part.offset, "size": part.size, **_request(part.request)}
                    for part in self.parts
                ],
                "complete": _request(self.complete),
                "abort": _request(self.abort),
            }
        )


def _request(url: PresignedUrl) -> dict[str, object]:
    return {"method": url.method, "url": url.url, "headers": dict(url.headers)}
