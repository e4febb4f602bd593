"""Listings of one container, page by page: names as callers know them, below the prefix of the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from ..._internal.course import Course
from ...transport import Exchange, Response
from ...types import Folder, ObjectInfo
from .answers import Page, parse_page
from .mapping import is_azure, map_error, stranger
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
        self._marker: str | None = None
        self._course = Course()
        self._ended = False

    def next(self) -> Exchange[Sequence[_Entry] | None]:
        """Return the next page, None after the last one.

        Raises:
            UnavailableError: the service gives the same page again and again.
            StorageError: the service refuses.
        """
        while not self._ended:
            query = yield from self._objects.query()
            response: Response = yield self._objects.protocol.list(
                self._prefix, self._marker, query, one_level=self._one_level
            )
            if response.status != 200:
                raise map_error(response)
            if not is_azure(response.headers):
                raise stranger(response, None)
            page = parse_page(response.body)
            if page.marker is not None:
                self._course.advance(page.marker)
            self._marker = page.marker
            self._ended = page.marker is None
            entries = self._entries(page)
            if entries:
                return entries
        return None

    def close(self) -> None:
        """Ask for no further page."""
        self._ended = True
