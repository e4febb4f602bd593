"""Connections to a service that a person has begun and not yet made a provider of: kept for minutes, used once.

What is kept is a secret (a PKCE verifier, then a refresh token). A text may also be sealed for such a connection, to be
carried through a browser. ``connection_rows.py`` keeps them in SQL.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import field, replace
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from ..errors import SealError
from ..secrecy.masking import Masked
from ..secrecy.pickling import not_pickled
from ..values import value
from .records import now

_TEXTS: Final = 1_000


@not_pickled("it holds a secret")
@value
class PendingConnection:
    """One connection under way."""

    organisation: str
    id: str
    by: str
    """Who began it; nobody else goes on with it."""
    secret: str = field(repr=False)
    """JSON of what the next step needs."""
    expires_at: datetime
    """Aware UTC; it is of no use from then on."""
    version: int = 1
    """Grows with every change."""


class ConnectionTable(Protocol):
    """Keeps connections under way. Thread-safe; every method is one atomic step."""

    def keep(self, record: PendingConnection) -> None:
        """Keep a new one, and forget those that have expired."""
        ...

    def find(self, organisation: str, connection: str) -> PendingConnection | None:
        """Return the one of that id, unless it has expired."""
        ...

    def swap(self, before: PendingConnection, secret: str) -> bool:
        """Replace the secret of *before*, and say whether it was still the one that is kept."""
        ...

    def take(self, organisation: str, connection: str) -> PendingConnection | None:
        """Remove the one of that id and return it, unless it has expired; of concurrent callers one gets it."""
        ...

    def seal(self, organisation: str, connection: str, text: str) -> str:
        """Return *text* so that only this service reads it, and only for that connection."""
        ...

    def open(self, organisation: str, connection: str, sealed: str) -> str:
        """Return the text that ``seal`` was given.

        Raises:
            SealError: it was altered, or sealed for another connection.
        """
        ...


@runtime_checkable
class ConnectingCatalogue(Protocol):
    """What a catalogue adds when it can keep connections."""

    @property
    def connections(self) -> ConnectionTable:
        """Connections under way."""
        ...


@not_pickled("let the other process open the catalogue")
class MemoryConnections:
    """Connections under way in one process."""

    def __init__(self, clock: Callable[[], datetime] = now) -> None:
        """Expire by *clock*."""
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], PendingConnection] = {}
        self._texts: dict[str, tuple[str, str, str]] = {}

    def keep(self, record: PendingConnection) -> None:
        """Keep a new one."""
        with self._lock:
            moment = self._clock()
            self._kept = {key: kept for key, kept in self._kept.items() if kept.expires_at > moment}
            self._kept[record.organisation, record.id] = record

    def find(self, organisation: str, connection: str) -> PendingConnection | None:
        """Return the one of that id."""
        with self._lock:
            kept = self._kept.get((organisation, connection))
            return kept if kept is not None and kept.expires_at > self._clock() else None

    def swap(self, before: PendingConnection, secret: str) -> bool:
        """Replace the secret of *before*."""
        key = (before.organisation, before.id)
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.version != before.version:
                return False
            self._kept[key] = replace(kept, secret=Masked(secret), version=kept.version + 1)
            return True

    def take(self, organisation: str, connection: str) -> PendingConnection | None:
        """Remove the one of that id and return it."""
        with self._lock:
            kept = self._kept.pop((organisation, connection), None)
            return kept if kept is not None and kept.expires_at > self._clock() else None

    def seal(self, organisation: str, connection: str, text: str) -> str:
        """Return a handle of *text*, which stays here."""
        handle = secrets.token_urlsafe(24)
        with self._lock:
            self._texts[handle] = (organisation, connection, Masked(text))
            while len(self._texts) > _TEXTS:
                del self._texts[next(iter(self._texts))]
        return handle

    def open(self, organisation: str, connection: str, sealed: str) -> str:
        """Return the text of that handle.

        Raises:
            SealError: there is none for that connection.
        """
        with self._lock:
            found = self._texts.pop(sealed, None)
        if found is None or found[:2] != (organisation, connection):
            raise SealError("what came back does not belong to this connection")
        return found[2]
