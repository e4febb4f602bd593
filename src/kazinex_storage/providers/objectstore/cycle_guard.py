"""Listings that must advance: what notices that pages come again, or that nothing is in them. Pure."""

from __future__ import annotations

from typing import Final

from ...errors import UnavailableError

# Services skip over what was deleted, and give pages without an entry meanwhile: S3 and Azure say that they may.
EMPTY_PAGES: Final = 1_000
"""Pages without an entry, one after another, that a listing may have."""


def not_advancing() -> UnavailableError:
    """Return the error for a listing whose pages come again, without end."""
    return UnavailableError("a listing of the service does not advance; look at the endpoint and at proxies")


def only_empty_pages() -> UnavailableError:
    """Return the error for a listing of empty pages, without end."""
    return UnavailableError(
        f"a listing of the service brought {EMPTY_PAGES:,} pages without an entry, one after another; list a narrower "
        "prefix, and look at the endpoint and at proxies"
    )


class CycleGuard:
    """Notices when the pages of a listing come again, however many lie between; remembers one mark at a time.

    It is Brent's way to find a cycle: the mark that is kept moves on after 1, 2, 4, 8 ... steps.
    """

    __slots__ = ("_empty", "_kept", "_left", "_steps")

    def __init__(self) -> None:
        self._kept: object = None
        self._left = self._steps = 1
        self._empty = 0

    def advance(self, mark: object, *, empty: bool) -> None:
        """Go on to the page that *mark* names, after one that was *empty* or not.

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
