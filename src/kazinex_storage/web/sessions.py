"""Sessions of ``kazinex-storage serve``: a link that opens the page once, and the cookie that it is exchanged for.

Everything is kept in this process and only as hashes; when it ends, so do all sessions.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from ..values import value
from .access import Caller

LINK_S: Final = 3600.0
"""How long a link that was not used is good, in seconds."""
SESSION_S: Final = 12 * 3600.0
"""How long a session lasts, in seconds."""
MOST_SESSIONS: Final = 100
"""How many sessions there are at a time; the oldest makes way."""


@value
class Opened:
    """A session that has just begun."""

    cookie: str
    """What proves it, as good as a password."""
    caller: Caller


class Sessions:
    """Links and sessions of one process. Thread-safe."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Let everybody who opens a link act as *name*."""
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._links: dict[bytes, float] = {}
        self._callers: dict[bytes, tuple[float, Caller]] = {}

    def new_link(self) -> str:
        """Return a token that ``open`` takes once, within an hour."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._links = _unexpired(self._links, self._clock())
            self._links[_hashed(token)] = self._clock() + LINK_S
        return token

    def open(self, token: str) -> Opened | None:
        """Begin a session with a token of ``new_link``; None when it is unknown, used or too old."""
        with self._lock:
            until = self._links.pop(_hashed(token), None)
            if until is None or until <= self._clock():
                return None
            # A new id each time, never one that the browser brought: no session can be fixed before it begins.
            cookie = secrets.token_urlsafe(32)
            caller = Caller(name=self._name, cookie=True, csrf=secrets.token_urlsafe(32))
            while len(self._callers) >= MOST_SESSIONS:
                del self._callers[next(iter(self._callers))]
            self._callers[_hashed(cookie)] = (self._clock() + SESSION_S, caller)
        return Opened(cookie=cookie, caller=caller)

    def find(self, cookie: str | None) -> Caller | None:
        """Return whose session *cookie* proves; None when it is unknown or over."""
        if not cookie:
            return None
        with self._lock:
            until, caller = self._callers.get(_hashed(cookie), (0.0, None))
        return caller if until > self._clock() else None


def _hashed(text: str) -> bytes:
    """Return what a secret is looked up by: how long that takes says nothing of the secret."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _unexpired(links: Mapping[bytes, float], now: float) -> dict[bytes, float]:
    return {key: until for key, until in links.items() if until > now}
