"""Listings of one library: one level, or a walk through all folders below a prefix.

Pages are followed as Graph links them. Entries whose names no key is spelt like are left out, and kept apart:
another program put them there. What the service lists in a folder of another spelling belongs to another key and is
left out.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast

from ...errors import NotFoundError, UnavailableError
from ...transport import Exchange, Response
from ...types import Folder, ObjectInfo
from ...unkeyed import Unkeyed
from ..objectstore.cycle_guard import CycleGuard
from .answers import Item, Page, info_of, parse_page
from .errors import map_error
from .library import Library

_log = logging.getLogger(__name__)

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


@dataclass(frozen=True, slots=True)
class Below:
    """A folder that is to be listed."""

    path: str
    id: str | None = None
    """For folders that no key names: their paths may lead to others. None lists by the path."""


class FolderPages(Generic[_Entry]):
    """The pages of one listing. One request each; in a walk, at least one for each folder."""

    def __init__(self, library: Library, prefix: str, *, one_level: bool, start: Below | None = None) -> None:
        """List what begins with *prefix*: one level of it, or everything below, from the folder *start* on."""
        self._library = library
        self._prefix = prefix
        self._one_level = one_level
        self._folders = deque([start or Below(library.folder_of(prefix))])
        self._folder = self._folders[0]
        self._link: str | None = None
        self._guard = CycleGuard()
        self._warned = False
        self.unkeyed: list[Unkeyed] = []
        """What was left out, below the prefix; see ``UnkeyedPages``. Folders that nothing is in are not among it."""

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
            for entry, doubtful in self._entries(page):
                if doubtful is not None and (yield from self._is_hollow(doubtful, entry)):
                    continue
                if isinstance(entry, Unkeyed):
                    self.unkeyed.append(entry)
                else:
                    entries.append(entry)
            if entries:
                return cast("Sequence[_Entry]", entries)
        if self.unkeyed and not self._warned:
            self._warned = True
            warn(len(self.unkeyed), self._library)
        return None

    def items(self) -> Exchange[list[Item]]:
        """Return everything in the first folder, whatever it is; one request for 200 items.

        Raises:
            StorageError: the service refuses.
        """
        found: list[Item] = []
        while self._link is not None or self._folders:
            page = yield from self._page()
            found += page.items if page is not None else ()
        return found

    def close(self) -> None:
        """Ask for no further page."""
        self._folders.clear()
        self._link = None

    def _page(self) -> Exchange[Page | None]:
        library, link = self._library, self._link
        drive = yield from library.drive()
        if link is None:
            folder = self._folder = self._folders.popleft()
            request = library.requests.children(drive, folder.path, folder.id)
        else:
            request = library.requests.next_page(link)
        response: Response = yield request
        self._link = None
        if response.status != 200:
            error = map_error(response)
            if isinstance(error, NotFoundError) and link is not None:
                raise UnavailableError("SharePoint lost a listing before its end; list again", code=error.code)
            if isinstance(error, NotFoundError):  # a folder that is not there has nothing in it
                yield from library.check_alive()
                return None
            found = (yield from library.look(self._folder.path)) if response.status == 400 else None
            if found is not None and found.is_file:
                return None
            raise error
        library.saw()
        page = parse_page(response)
        if page.next_link is not None:
            self._guard.advance(page.next_link, empty=not page.items)
        self._link = page.next_link
        return page

    def _entries(self, page: Page) -> Iterator[tuple[ObjectInfo | Folder | Unkeyed, Below | None]]:
        """Yield what is on *page*, each with the folder that it is only there for if something is in that."""
        for item in page.items:
            path = f"{self._folder.path}/{item.name}" if self._folder.path else item.name
            if not self._library.is_at(item, path):
                continue
            key = self._library.key_of(path)
            if item.is_folder:
                yield from self._enter(item, key, path)
            elif item.is_file and key is not None:
                if key.startswith(self._prefix):
                    yield info_of(key, item), None
            elif (other := self._library.unkeyed(item, path)) is not None and other.key.startswith(self._prefix):
                yield other, None

    def _enter(self, item: Item, key: str | None, path: str) -> Iterator[tuple[Folder | Unkeyed, Below | None]]:
        other = self._library.unkeyed(item, path) if key is None else None
        text = key if other is None else other.key
        if text is None or not (f"{text}/".startswith(self._prefix) or self._prefix.startswith(f"{text}/")):
            return
        folder = Below(path, None if other is None else item.id)
        if not self._one_level:
            if key is not None or f"{text}/".startswith(self._prefix):
                self._folders.append(folder)
        elif item.children and f"{text}/".startswith(self._prefix):
            entry = Folder(prefix=f"{text}/") if other is None else replace(other, size=1)
            yield entry, None if item.size else folder

    def _is_hollow(self, folder: Below, entry: ObjectInfo | Folder | Unkeyed) -> Exchange[bool]:
        """Say whether *folder* holds nothing but folders: what was deleted leaves them behind, and no listing may
        remove them, because another writer could be about to store something there.
        """
        prefix = entry.prefix if isinstance(entry, Folder) else f"{entry.key}/"
        below: FolderPages[ObjectInfo] = FolderPages(self._library, prefix, one_level=False, start=folder)
        return (yield from below.next()) is None and not below.unkeyed


def list_folder(library: Library, folder: Below) -> Exchange[list[Item]]:
    """Return everything in *folder*, whatever it is; one request for 200 items.

    Raises:
        StorageError: the service refuses.
    """
    pages: FolderPages[ObjectInfo] = FolderPages(library, "", one_level=True, start=folder)
    return (yield from pages.items())


def warn(count: int, library: Library) -> None:
    """Tell that a listing left out *count* names."""
    _log.warning(
        "%d names in %s are spelt like no key of this library and are left out of the listing",
        count,
        library.target.location,
    )
