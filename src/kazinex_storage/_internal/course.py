"""Listings that must advance: what notices that pages come again. Pure."""

from __future__ import annotations

from ..errors import UnavailableError


def stuck() -> UnavailableError:
    """Return the error for a listing whose pages come again, without end."""
    return UnavailableError("a listing of the service does not advance; look at the endpoint and at proxies")


class Course:
    """Notices when the pages of a listing come again, however many lie between; remembers one mark at a time.

    It is Brent's way to find a cycle: the mark that is kept moves on after 1, 2, 4, 8 ... steps.
    """

    __slots__ = ("_kept", "_left", "_steps")

    def __init__(self) -> None:
        self._kept: object = None
        self._left = self._steps = 1

    def advance(self, mark: object) -> None:
        """Go on to the page that *mark* names.

        Raises:
            UnavailableError: the listing has been there before.
        """
        if mark == self._kept:
            raise stuck()
        self._left -= 1
        if not self._left:
            self._kept, self._steps = mark, self._steps * 2
            self._left = self._steps
