"""The sessions of one scheduler: that of its own transport, and those of transports that it runs exchanges through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .session import new_poll

if TYPE_CHECKING:
    from .attempt import Attempt
    from .session import Session
    from .wire import Kept, Wire

# Where sessions cannot be waited for together they are looked at in turn: libcurl's own poll takes as long.
_TURN_S: Final = 0.005
_IN: Final = 1  # POLLIN


class OtherSessions:
    """Sessions of other connections than the scheduler's own, each by what it was taken from."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: dict[Kept, tuple[Session, Wire]] = {}

    def of(self, wire: Wire) -> Session:
        """Return the session over the connections of *wire*.

        Raises:
            SettingsError: libcurl cannot be used as the settings say.
        """
        found = self._taken.get(wire.kept)
        if found is None:
            found = self._taken[wire.kept] = (wire.take(), wire)
        return found[0]

    def active(self) -> list[Session]:
        """Return those with something under way."""
        return [session for session, _ in self._taken.values() if session.active]

    def finish(self) -> None:
        """Give them back."""
        while self._taken:
            _, (session, wire) = self._taken.popitem()
            wire.give(session)

    def drop(self) -> None:
        """Close their connections, once what is wanted even late has had its time.

        Raises:
            BaseException: another interrupt.
        """
        while self._taken:
            _, (session, wire) = self._taken.popitem()
            try:
                session.finish_late()
            finally:
                wire.drop(session)


def wait_for_any(sessions: list[Session], timeout_s: float | None) -> list[Attempt]:
    """Wait until something moves in one of *sessions*, *timeout_s* at most; return the attempts that have ended.

    Raises:
        BaseException: an interrupt.
    """
    poll, together = new_poll(), True
    lefts = [session.left_s() for session in sessions]
    limits = [left for left in (*lefts, timeout_s) if left is not None]
    for session in sessions:
        descriptor = session.fileno()
        together = together and descriptor is not None
        if descriptor is not None:
            poll.register(descriptor, _IN)
    most_s = min(limits) if limits else None
    if not together:
        most_s = _TURN_S if most_s is None else min(most_s, _TURN_S)
    poll.poll(None if most_s is None else max(0.0, most_s) * 1000)
    return [attempt for session in sessions for attempt in session.wait(0)]
