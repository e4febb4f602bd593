"""Listings of one bucket, page by page: names as callers know them, below the prefix of the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from ...transport import Exchange, Response
from ...types import Folder, ObjectInfo
from .answers import Course, Page, parse_page
from .mapping import map_error
from .objects import Objects

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


class ListedPages(Generic[_Entry]):
    """The pages of one listing. One request each; a page without a legal entry is skipped."""

    def __init__(
        self, objects: Objects, prefix: str, entries: Callable[[Page], Sequence[_Entry]], *, one_level: bool
    ) -> None:
        """List what begins with *prefix*, as the service spells it; *entries* makes the values of a page."""
        self._objects = objects
        self._prefix = prefix
        self._entries = entries
        self._one_level = one_level
        self._token: str | None = None
        self._course = Course()
        self._ended = False

    def next(self) -> Exchange[Sequence[_Entry] | None]:
        """Return the next page, None after the last one.

        Raises:
            UnavailableError: the service gives the same page again and again.
            StorageError: the service refuses.
        """
        while not self._ended:
            signing = yield from self._objects.key()
            response: Response = yield self._objects.protocol.list(
                self._prefix, self._token, signing, one_level=self._one_level
            )
            if response.status != 200:
                raise map_error(response)
            page = parse_page(response.body)
            if page.token is not None:
                self._course.advance(page.token)
            self._token = page.token
            self._ended = page.token is None
            entries = self._entries(page)
            if entries:
                return entries
        return None

    def close(self) -> None:
        """Ask for no further page."""
        self._ended = True
