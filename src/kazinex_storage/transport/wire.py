"""The HTTP half of a transport: what the three drivers share to carry requests.

It is light: libcurl is loaded with the first request. Thread-safe and fork-safe.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from .exchange import Exchange
from .fork_lock import ForkLock, leak_after_fork
from .observe import Observer
from .request import Request, Response
from .retry import attempts, first_attempt, plain_response
from .retry_policy import RetryPolicy
from .settings import TransportSettings

if TYPE_CHECKING:
    from .addresses import PublicAddresses
    from .attempt import Attempt
    from .handle import Option
    from .lane import Gates
    from .line import Line
    from .session import Session
    from .sockets import LoopMultis
    from .stall import Limits

_S = TypeVar("_S", bound="Session | Line")

# Each keeps its connections, and what libcurl received into: up to 1 MiB.
_IDLE_SESSIONS: Final = 16
"""The most idle sessions that are kept."""


class Kept:
    """What wires over the same connections share: the sessions and lines that are idle, and those of loops."""

    def __init__(self) -> None:
        self.sessions: IdlePool[Session] | None = None
        self.lines: IdlePool[Line] | None = None
        self.making = ForkLock()
        """Held when a pool is set: of threads that make the first one at once, all take the same."""
        self.crowded = False
        """Whether this process has more descriptors than ``select`` can handle."""
        self.loops: LoopMultis | None = None
        self.options: tuple[Option, ...] | None = None
        self.ahead: Kept | None = None
        """The connections of what goes on while its caller does something else; see ``another``."""
        self.gates: Gates | None = None
        """Where the requests of runs meet all others; None while there were no runs."""


class Wire:
    """Settings, policy and observer, and the sessions that are idle."""

    def __init__(
        self, settings: TransportSettings | None, retry: RetryPolicy | None, observer: Observer | None
    ) -> None:
        self.kept = Kept()
        """Its connections."""
        self.owner: object = None
        """Whose requests it carries; None: anybody's. Each owner has a share of the connections, see ``shares.py``."""
        self.behind = False
        """Whether its requests are those of runs, which let others go first; the owner is a ``Behind`` then."""
        self.family: tuple[object, object] = (object(), None)
        """Equal for wires that differ in their connections alone: one does for what is to go through the other."""
        self.settings = settings if settings is not None else TransportSettings()
        self.policy = retry if retry is not None else RetryPolicy()
        self._observer = observer
        self.first: Callable[[Request], Attempt | None] = partial(first_attempt, self.policy)
        """Returns the first attempt of a request, to be sent at once; None: ``exchange`` has to send it."""
        self.plain: Callable[[Attempt], Response | None] = partial(plain_response, self.policy, observer)
        """Returns the response to a first attempt; None: ``exchange`` has to go on from it."""

    def restricted(self, addresses: PublicAddresses | None, ca_file: str | None) -> Wire:
        """Return one like this, with separate connections that go to *addresses* only and trust *ca_file*."""
        known = self.settings
        settings = replace(known, addresses=addresses or known.addresses, ca_file=ca_file or known.ca_file)
        made = Wire(settings, self.policy, self._observer)
        made.owner, made.family = self.owner, (made.family[0], self.owner)
        return made.background() if self.behind else made

    def another(self) -> Wire:
        """Return one like this, with separate connections: the same ones for all that share those of this one."""
        kept = self.kept
        with kept.making:
            kept.ahead = kept.ahead or Kept()
            kept.ahead.gates = kept.gates
        made = copy(self)
        made.kept = kept.ahead
        return made

    def owned(self, owner: object) -> Wire:
        """Return one over the same connections, for what *owner* does."""
        made = copy(self)
        made.owner, made.family = owner, (self.family[0], owner)
        return made.background() if self.behind else made

    def background(self) -> Wire:
        """Return one over the same connections, whose requests let those of others go first."""
        from .lane import Gates
        from .shares import Behind

        kept, owner = self.kept, self.owner
        with kept.making:
            gates = kept.gates = kept.gates or Gates()
            if kept.ahead is not None:
                kept.ahead.gates = gates
        made = copy(self)
        made.owner = owner if isinstance(owner, Behind) else Behind(owner)
        made.family, made.behind = (self.family[0], made.owner), True
        made.first = partial(gates.lane(made.owner).straight, self.policy)
        return made

    def exchange(self, request: Request, first: Attempt | None = None) -> Exchange[Response]:
        """Return *request* as an exchange of attempts, of which the *first* may have been sent."""
        gates = self.kept.gates
        lane = None if gates is None else gates.lane(self.owner)
        return attempts(request, self.policy, self._observer, first, lane)

    @property
    def options(self) -> tuple[Option, ...]:
        """The options of every handle.

        Raises:
            SettingsError: libcurl cannot be used as the settings say.
        """
        kept = self.kept
        if kept.options is None:
            from .handle import options_of

            kept.options = options_of(self.settings)
        return kept.options

    @property
    def limits(self) -> Limits:
        """When an attempt that makes no progress is ended."""
        from .stall import Limits

        return Limits.of(self.settings)

    def perform(self, attempt: Attempt) -> None:
        """Carry out *attempt* on this thread.

        Raises:
            BaseException: an interrupt; the connection is closed.
        """
        kept = self.kept
        if kept.crowded:
            self._watch(attempt)
            return
        lines = kept.lines
        if lines is None:
            from .line import Line

            options, connections, limits = self.options, self.settings.max_connections, self.limits
            made = IdlePool(lambda: Line(options, connections, limits), connections)
            with kept.making:
                lines = kept.lines = kept.lines or made
        line = lines.take()
        try:
            line.perform(attempt)
        except BaseException:
            lines.drop(line)
            raise
        kept.crowded = kept.crowded or line.blind
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
        """Return a session for this thread only, to be given back or dropped.

        Raises:
            SettingsError: libcurl cannot be used as the settings say.
        """
        kept = self.kept
        sessions = kept.sessions
        if sessions is None:
            from .session import Session

            options, connections, limits = self.options, self.settings.max_connections, self.limits
            made = IdlePool(lambda: Session(options, connections, limits), _IDLE_SESSIONS)
            with kept.making:
                sessions = kept.sessions = kept.sessions or made
        session = sessions.take(self.owner)
        session.keep(self.share())
        return session

    def give(self, session: Session) -> None:
        """Take back a session with no transfer in progress."""
        if self.kept.sessions is not None:
            self.kept.sessions.give(session)

    def drop(self, session: Session) -> None:
        """Close a session instead of taking it back."""
        if self.kept.sessions is not None:
            self.kept.sessions.drop(session)

    def share(self) -> int:
        """Return how many concurrent transfers each session of the owner may have: owners share, and their sessions.

        Those of runs have half of what bulk work has, and take nothing from it.
        """
        sessions, most = self.kept.sessions, self.settings.max_connections
        if self.behind:
            owners, mine = sessions.owners(self.owner) if sessions is not None else (1, 1)
            return max(1, most // 4 // owners // mine)
        if sessions is None or sessions.lent <= 1:
            return most
        owners, mine = sessions.owners(self.owner)
        return max(1, most // 2 // owners // mine)

    @property
    def loops(self) -> LoopMultis:
        """The multis of asyncio loops.

        Raises:
            SettingsError: libcurl cannot be used as the settings say.
        """
        if self.kept.loops is None:
            from .sockets import LoopMultis

            self.kept.loops = LoopMultis(self.options, self.settings.max_connections, self.limits)
        return self.kept.loops

    def close(self) -> None:
        """Close what is idle; using the wire again opens new connections."""
        for kept in filter(None, (self.kept, self.kept.ahead)):
            for idle in (kept.sessions, kept.lines):
                if idle is not None:
                    idle.close()
            if kept.loops is not None:
                kept.loops.close()


class IdlePool(Generic[_S]):
    """Sessions or lines: those that are idle, the last used first, and those in use. Thread-safe and fork-safe."""

    def __init__(self, make: Callable[[], _S], idle: int) -> None:
        """Lend what *make* makes, and keep up to *idle* of them when not in use."""
        self._make = make
        self._most_idle = idle
        self._idle: deque[_S] = deque()
        self._lent: dict[_S, object] = {}
        self._pid = os.getpid()

    @property
    def lent(self) -> int:
        """How many are in use."""
        return len(self._lent)

    def owners(self, owner: object) -> tuple[int, int]:
        """Return how many owners use some, and how many *owner* does, which counts as one that does.

        Those of runs are counted among themselves, and all others without them.
        """
        from .shares import Behind

        behind = isinstance(owner, Behind)
        owners = [each for each in self._lent.copy().values() if isinstance(each, Behind) is behind]
        return len({*owners, owner}), max(1, owners.count(owner))

    def take(self, owner: object = None) -> _S:
        """Return one for this thread only, for what *owner* does.

        Raises:
            SettingsError: libcurl cannot be used as the settings say.
        """
        if self._pid != os.getpid():
            self._forget()
        try:
            session = self._idle.pop()
        except IndexError:
            session = self._make()
        self._lent[session] = owner
        return session

    def give(self, session: _S) -> None:
        """Take back one with no transfer in progress; surplus ones are closed."""
        if self._pid != os.getpid():
            leak_after_fork(session)
            return
        self._lent.pop(session, None)
        if len(self._idle) < self._most_idle:
            self._idle.append(session)
        else:
            session.close()

    def drop(self, session: _S) -> None:
        """Close one instead of taking it back."""
        self._lent.pop(session, None)
        session.close()

    def close(self) -> None:
        """Close the connections of idle sessions."""
        if self._pid != os.getpid():
            self._forget()
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

    def _forget(self) -> None:
        inherited, self._idle = self._idle, deque()
        lent, self._lent = self._lent, {}
        leak_after_fork(lent)
        self._pid = os.getpid()
        for session in inherited:
            leak_after_fork(session)
