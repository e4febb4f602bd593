"""Credentials that the caller's own function returns, for those that a catalogue does not keep.

What such a function raises says nothing here but the name of its class: its text may hold what it was to return.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from ...errors import SettingsError, StorageError, UnavailableError
from ...secrecy.masking import Masked
from ...secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ...transport.fork_lock import ForkLock
from ...values import value

_T = TypeVar("_T")

RENEW_S: Final = 60.0
"""Seconds before the end of what was returned at which the function is called again."""


@not_pickled(SEND_A_FILE_SYSTEM)
@value
class AccessToken:
    """An access token of Microsoft Entra, for the service that it is used with."""

    token: str = field(repr=False)
    expires_at: datetime
    """Aware."""


GivenTokens: TypeAlias = Callable[[], AccessToken]
"""Returns a token that is good now; it may block."""


def returned(source: Callable[[], _T], kind: type[_T]) -> _T:
    """Return what *source* does, which has to be a *kind*.

    Raises:
        StorageError: *source* raised it.
        UnavailableError: *source* raised something else.
        SettingsError: it returned something else.
    """
    try:
        found = source()
    except StorageError:
        raise
    except Exception as error:  # the function is the caller's, and asks whatever it likes
        failure = type(error).__name__
    else:
        if isinstance(found, kind):
            return found
        raise SettingsError(
            f"the function that gives credentials returned {type(found).__name__}; return {kind.__name__}"
        )
    raise UnavailableError(f"the function that gives credentials failed ({failure}); look at what it asks")


@not_pickled(SEND_A_FILE_SYSTEM)
class CalledTokens:
    """A ``TokenSource`` over a function. Thread-safe; of many threads that need a token, one calls it."""

    def __init__(self, source: GivenTokens, clock: Callable[[], float] = time.time) -> None:
        """Call *source* when there is no token that is good for a minute more."""
        self._source = source
        self._clock = clock
        self._lock = ForkLock()
        self._found: AccessToken | None = None

    @property
    def at_hand(self) -> str | None:
        """A token that is good for a minute more."""
        found = self._found
        if found is None or found.expires_at.timestamp() - RENEW_S <= self._clock():
            return None
        return Masked(found.token)

    def __call__(self) -> str:
        """Return a token.

        Raises:
            StorageError: the function fails, or returns something else.
        """
        with self._lock:
            token = self.at_hand
            if token is None:
                self._found = returned(self._source, AccessToken)
                token = Masked(self._found.token)
            return token

    def invalidate(self, token: str) -> None:
        """Forget *token*, which the service did not accept."""
        with self._lock:
            if self._found is not None and self._found.token == token:
                self._found = None
