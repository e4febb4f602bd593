"""Listings that must advance: detecting pages that repeat, or that are all empty. Pure."""

from __future__ import annotations

from typing import Final

from ...errors import UnavailableError

# Services skip over what was deleted, and return pages without an entry meanwhile: S3 and Azure document that.
EMPTY_PAGES: Final = 1_000
"""How many pages in a row may have no entry."""


def not_advancing() -> UnavailableError:
    """Return the error for a listing whose pages repeat endlessly."""
    return UnavailableError("a listing of the service does not advance; check the endpoint and any proxies")


def only_empty_pages() -> UnavailableError:
    """Return the error for an endless listing of empty pages."""
    return UnavailableError(
        f"a listing of the service brought {EMPTY_PAGES:,} pages in a row without an entry; list a narrower "
        "prefix, and check the endpoint and any proxies"
    )


class CycleGuard:
    """Notices when the pages of a listing repeat, however long the cycle; remembers one page marker at a time.

    This is Brent's cycle detection: the marker that is kept is replaced after 1, 2, 4, 8 ... steps.
    """

    __slots__ = ("_empty", "_kept", "_left", "_steps")

    def __init__(self) -> None:
        self._kept: object = None
        self._left = self._steps = 1
        self._empty = 0

    def advance(self, mark: object, *, empty: bool) -> None:
        """Go on to the page that *mark* names; *empty* is whether the one before had no entry.

        Raises:
            UnavailableError: the listing has been there before, or brings nothing but empty pages.
        """
        self._empty = self._empty + 1 if empty else 0
        if self._empty >= EMPTY_PAGES:
            raise only_empty_pages()
        if mark == self._kept:
            raise not_advancing()
        self._left -= 1
        if not self._left:
            self._kept, self._steps = mark, self._steps * 2
            self._left = self._steps
