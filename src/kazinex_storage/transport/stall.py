"""When an attempt that makes no progress is ended, and what it was waiting for.

libcurl has one limit for a transfer that is too slow, whatever it waits for. The first byte of a response and the rest
of it have separate limits here, and so has what is left of the patience of the request. The drivers ask once a
second, when libcurl wakes them to look at the speed; an attempt that is answered at once is never looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pycurl

from ..values import value

if TYPE_CHECKING:
    from .attempt import Attempt
    from .settings import TransportSettings

# An answer that trickles at 8 bytes/s would hold a connection, and the memory of an upload, for hours; the slowest line
# that anybody sends documents over has a hundred times as much.
LEAST_SPEED: Final = 100
"""The least bytes a second of a transfer that makes progress (CURLOPT_LOW_SPEED_LIMIT)."""

LOOK_S: Final = 0.5
"""The least seconds between two checks of one attempt."""


@value(kw_only=False)
class Limits:
    """Seconds without movement after which an attempt is ended."""

    first_byte_s: float
    idle_s: float

    @classmethod
    def of(cls, settings: TransportSettings) -> Limits:
        """Take them from *settings*."""
        return cls(settings.first_byte_timeout_s, settings.idle_timeout_s)

    def stalled(self, handle: pycurl.Curl, attempt: Attempt) -> str | None:
        """Note how far *attempt* has come on *handle*; return what it timed out waiting for when it is to be ended."""
        elapsed = handle.getinfo(pycurl.TOTAL_TIME_T) / 1e6
        if elapsed - attempt.looked_s < LOOK_S:
            return None
        sent = handle.getinfo(pycurl.SIZE_UPLOAD_T)
        moved = int(sent + handle.getinfo(pycurl.SIZE_DOWNLOAD_T) + handle.getinfo(pycurl.HEADER_SIZE))
        if moved - attempt.moved >= LEAST_SPEED * (elapsed - attempt.looked_s):
            attempt.moved_s = elapsed
        attempt.moved, attempt.looked_s = moved, elapsed
        silent = elapsed - attempt.moved_s
        if attempt.head:
            limit, wanted = self.idle_s, "the rest of the answer"
        elif sent < attempt.size:
            limit, wanted = self.idle_s, "the server to take the body"
        else:
            limit, wanted = self.first_byte_s, "the first byte of the answer"
        if attempt.patience_s is not None:
            limit = min(limit, attempt.patience_s)
        return f"waited {silent:.0f} s for {wanted}" if silent >= limit else None
