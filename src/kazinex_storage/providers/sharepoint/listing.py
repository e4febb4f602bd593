"""Listings of one library: one level, or a walk through all folders below a prefix.

Pages are followed as Graph links them. Entries whose names no key is spelt like are left out: somebody else put them
there. What the service lists in a folder of another spelling belongs to another key and is left out as well.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar, cast

from ..._internal.course import Course
from ...errors import NotFoundError, UnavailableError
from ...transport import Exchange
from ...types import Folder, ObjectInfo
from .answers import Item, Page, info_of, parse_page
from .library import Library
from .mapping import map_error

_log = logging.getLogger(__name__)

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


class ListedPages(Generic[_Entry]):
    """The pages of one listing. One request each; in a walk, at least one for each folder."""

    def __init__(self, library: Library, prefix: str, *, one_level: bool) -> None:
        """List what begins with *prefix*: one level of it, or everything below."""
        self._library = library
        self._prefix = prefix
        self._one_level = one_level
        self._folders = deque([library.folder_of(prefix)])
        self._folder: str | None = None
        self._link: str | None = None
        self._course = Course()
        self._hidden = 0
        self._doubtful: set[str] = set()
        """Folders without a byte in them."""

    def next(self) -> Exchange[Sequence[_Entry] | None]:
        """Return the next page, None after the last one.

        Raises:
            StorageError: the service refuses.
        """
        while self._link is not None or self._folders:
            page = yield from self._page()
            if page is None:
                continue
            entries: list[ObjectInfo | Folder] = []
            for entry in self._entries(page):
                if not (yield from self._is_hollow(entry)):
                    entries.append(entry)  # noqa: PERF401  # a comprehension cannot yield
            if entries:
                return cast("Sequence[_Entry]", entries)
        if self._hidden:
            _log.warning(
                "%d names in %s are spelt like no key of this library and are left out of the listing",
                self._hidden,
                self._library.target.location,
            )
            self._hidden = 0
        return None

    def close(self) -> None:
        """Ask for no further page."""
        self._folders.clear()
        self._link = None

    def _page(self) -> Exchange[Page | None]:
        library, link = self._library, self._link
        drive = yield from library.drive()
        if link is None:
            folder = self._folder = self._folders.popleft()
            response = yield from library.ask(lambda token: library.protocol.children(token, drive, folder))
        else:
            response = yield from library.ask(lambda token: library.protocol.next_page(token, link))
        self._link = None
        if response.status != 200:
            error = map_error(response)
            if isinstance(error, NotFoundError) and link is not None:
                raise UnavailableError("SharePoint lost a listing before its end; list again", code=error.code)
            if isinstance(error, NotFoundError):  # a folder that is not there has nothing in it
                yield from library.check_alive()
                return None
            found = (yield from library.look(self._folder or "")) if response.status == 400 else None
            if found is not None and found.is_file:
                return None
            raise error
        library.saw()
        page = parse_page(response)
        if page.next_link is not None:
            self._course.advance(page.next_link, empty=not page.items)
        self._link = page.next_link
        return page

    def _entries(self, page: Page) -> list[ObjectInfo | Folder]:
        found: list[ObjectInfo | Folder] = []
        for item in page.items:
            path = f"{self._folder}/{item.name}" if self._folder else item.name
            key = self._library.key_of(path) if self._library.is_at(item, path) else None
            if key is None:
                self._hidden += self._library.is_at(item, path)
                continue
            if item.is_file:
                if key.startswith(self._prefix):
                    found.append(info_of(key, item))
            elif item.is_folder:
                self._enter(item, key, path, found)
        return found

    def _enter(self, item: Item, key: str, path: str, found: list[ObjectInfo | Folder]) -> None:
        below = f"{key}/"
        if self._one_level:
            if below.startswith(self._prefix) and item.children:
                folder = Folder(prefix=below)
                found.append(folder)
                if not item.size:
                    self._doubtful.add(folder.prefix)
        elif below.startswith(self._prefix) or self._prefix.startswith(below):
            self._folders.append(path)

    def _is_hollow(self, entry: ObjectInfo | Folder) -> Exchange[bool]:
        """Say whether a folder holds nothing but folders: what was deleted leaves them behind, and nobody may remove
        them, because another writer could be about to store something there.
        """
        if not isinstance(entry, Folder) or entry.prefix not in self._doubtful:
            return False
        self._doubtful.remove(entry.prefix)
        below: ListedPages[ObjectInfo] = ListedPages(self._library, entry.prefix, one_level=False)
        return (yield from below.next()) is None
