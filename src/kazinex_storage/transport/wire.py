"""The HTTP half of a transport: what the three drivers share to carry requests.

It is light: libcurl is loaded with the first request. Thread-safe and fork-safe.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .exchange import Exchange
from .observe import Observer
from .request import Request, Response
from .retry import RetryPolicy, attempts
from .settings import TransportSettings

if TYPE_CHECKING:
    from .addresses import PublicAddresses
    from .attempt import Attempt
    from .handle import Option
    from .line import Line
    from .session import Session, Sessions
    from .sockets import LoopMultis
    from .stall import Limits


# Each keeps its connections, and what libcurl received into: up to 1 MiB.
_IDLE_SESSIONS: Final = 16
"""Sessions that are kept while nobody uses them."""


class Wire:
    """Settings, policy and observer, and the sessions that are idle."""

    def __init__(
        self, settings: TransportSettings | None, retry: RetryPolicy | None, observer: Observer | None
    ) -> None:
        self.settings = settings if settings is not None else TransportSettings()
        self.policy = retry if retry is not None else RetryPolicy()
        self._observer = observer
        self._sessions: Sessions[Session] | None = None
        self._lines: Sessions[Line] | None = None
        self._crowded = False
        """Whether this process has more descriptors than ``select`` can wait for."""
        self._loops: LoopMultis | None = None
        self._options: tuple[Option, ...] | None = None

    def restricted(self, addresses: PublicAddresses) -> Wire:
        """Return one like this, with connections of its own that go to *addresses* only."""
        return Wire(replace(self.settings, addresses=addresses), self.policy, self._observer)

    def exchange(self, request: Request) -> Exchange[Response]:
        """Return *request* as an exchange of attempts."""
        return attempts(request, self.policy, self._observer)

    @property
    def options(self) -> tuple[Option, ...]:
        """The options of every handle.

        Raises:
            SettingsError: libcurl cannot be used as the settings say.
        """
        if self._options is None:
            from .handle import options_of

            self._options = options_of(self.settings)
        return self._options

    @property
    def limits(self) -> Limits:
        """When an attempt that does not move is ended."""
        from .stall import Limits

        return Limits.of(self.settings)

    def perform(self, attempt: Attempt) -> None:
        """Carry out *attempt* on this thread.

        Raises:
            BaseException: an interrupt; the connection is closed.
        """
        if self._crowded:
            self._watch(attempt)
            return
        lines = self._lines
        if lines is None:
            from .line import Line
            from .session import Sessions

            options, connections, limits = self.options, self.settings.max_connections, self.limits
            lines = self._lines = Sessions(lambda: Line(options, connections, limits), connections)
        line = lines.take()
        try:
            line.perform(attempt)
        except BaseException:
            lines.drop(line)
            raise
        self._crowded = self._crowded or line.blind
        lines.give(line)

    def _watch(self, attempt: Attempt) -> None:
        session = self.take()
        try:
            session.start(attempt)
            while not session.wait(None):
                pass
        except BaseException:
            self.drop(session)
            raise
        self.give(session)

    def take(self) -> Session:
        """Return a session for this thread alone, to be given back or closed.

        Raises:
            SettingsError: libcurl cannot be used as the settings say.
        """
        sessions = self._sessions
        if sessions is None:
            from .session import Session, Sessions

            options, connections, limits = self.options, self.settings.max_connections, self.limits
            # Of two threads that come here at once one loses its list of idle sessions, which is empty.
            sessions = self._sessions = Sessions(lambda: Session(options, connections, limits), _IDLE_SESSIONS)
        session = sessions.take()
        session.keep(self.share())
        return session

    def give(self, session: Session) -> None:
        """Take back a session that has nothing under way."""
        if self._sessions is not None:
            self._sessions.give(session)

    def drop(self, session: Session) -> None:
        """Close a session that is not given back."""
        if self._sessions is not None:
            self._sessions.drop(session)

    def share(self) -> int:
        """Return how many transfers each of the sessions that are lent may have under way at once."""
        lent = self._sessions.lent if self._sessions is not None else 0
        most = self.settings.max_connections
        return most if lent <= 1 else max(1, most // 2 // lent)

    @property
    def loops(self) -> LoopMultis:
        """The multis of asyncio loops.

        Raises:
            SettingsError: libcurl cannot be used as the settings say.
        """
        if self._loops is None:
            from .sockets import LoopMultis

            self._loops = LoopMultis(self.options, self.settings.max_connections, self.limits)
        return self._loops

    def close(self) -> None:
        """Close what is idle; using the wire again opens new connections."""
        for idle in (self._sessions, self._lines):
            if idle is not None:
                idle.close()
        if self._loops is not None:
            self._loops.close()
