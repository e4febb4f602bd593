"""Listings of a whole library: the feed of all its items, 200 a request, however many folders there are.

learn.microsoft.com/graph/api/driveitem-delta (read 2026-11): items come in no particular order, some more than once,
with the id of the folder above instead of its path, and without cTag; so the tree is put together here. A walk through
the folders needs a request for each of them, and each revision of a document has a folder of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ...transport import Exchange
from ...types import ObjectInfo
from ...unkeyed import Unkeyed
from .answers import Item, Page, info_of
from .errors import map_error
from .library import Library
from .listing import FolderPages, LinkedPages, warn

_REFUSED: Final = (400, 403, 405, 501)
"""What a service answers that gives no feed; its folders may still be readable."""


class DeltaPages:
    """The pages of everything in a library. One request each; ``StorageError`` when the service refuses.

    It remembers the folders, and the ids of the files that it listed: about 100 bytes for each.
    """

    def __init__(self, library: Library, prefix: str) -> None:
        """List what begins with *prefix*, a part of a name in the library itself, or nothing."""
        self._library = library
        self._prefix = prefix
        self._walk: FolderPages[ObjectInfo] | None = None
        self._pages = LinkedPages(library)
        self._begun = False
        self._ended = False
        self._read = False
        """Whether the last page was read; only strays are left then."""
        self._found: list[ObjectInfo] = []
        """What was not returned yet: ``next`` may break off, and be called again."""
        self._tree = _Tree()
        self._left_out: list[Unkeyed] = []

    @property
    def unkeyed(self) -> list[Unkeyed]:
        """What was left out so far; see ``UnkeyedPages``."""
        return self._left_out if self._walk is None else self._walk.unkeyed

    @property
    def is_continued(self) -> bool:
        """Whether another page, or another folder to look at, is known; see ``ContinuedPages``."""
        walk = self._walk
        return not self._ended and (self._pages.link is not None if walk is None else walk.is_continued)

    def next(self) -> Exchange[Sequence[ObjectInfo] | None]:
        """Return the next page, None after the last one."""
        while not self._ended:
            if self._walk is not None:
                return (yield from self._walk.next())
            if not self._read:
                page = yield from self._page()
                if page is None:
                    continue
                for path, item in self._tree.take(page.items):
                    self._found += self._entries(path, item)
                self._read = page.next_link is None
            if self._read:
                strays = yield from self._strays()
                self._ended = True
                self._found += strays
                if self._left_out:
                    warn(len(self._left_out), self._library)
            found, self._found = self._found, []
            if found:
                return found
        return None

    def close(self) -> None:
        """Ask for no further page."""
        self._ended = True

    def _page(self) -> Exchange[Page | None]:
        library = self._library
        first = library.requests.delta((yield from library.drive()))
        response = yield from self._pages.ask(first, expected=() if self._begun else _REFUSED)
        if response.status == 200:
            self._begun = True
            return self._pages.read(response)
        if response.status in _REFUSED:
            self._walk = FolderPages(library, self._prefix, one_level=False)
            return None
        if response.status == 404:
            yield from library.check_alive()
        raise map_error(response)

    def _entries(self, path: str, item: Item) -> Iterator[ObjectInfo]:
        key = self._library.key_of(path) if item.is_file else None
        if key is None:
            other = self._library.unkeyed(item, path)
            if other is not None and other.key.startswith(self._prefix):
                self._left_out.append(other)
        elif key.startswith(self._prefix):
            # Without cTag there is no version for a put or a get to name.
            yield replace(info_of(key, item), etag=item.ctag)

    def _strays(self) -> Exchange[list[ObjectInfo]]:
        """Look up the files whose folders were not in the feed: they are being moved at the moment."""
        items = list[Item | None]()
        for stray in self._tree.strays():
            items.append((yield from self._library.look_by_id(stray.id)))
        return [
            entry
            for item in items
            if item is not None and not item.is_folder and item.parent is not None
            for entry in self._entries("/".join((*item.parent, item.name)), item)
        ]


class _Tree:
    """What came so far, by id."""

    def __init__(self) -> None:
        self._folders: dict[str, tuple[str, str | None] | None] = {}
        """Name and folder above; None for what cannot contain anything."""
        self._given: set[str] = set()
        self._waiting: dict[str, list[Item]] = {}
        """Files whose folder has not come yet, by its id."""

    def take(self, items: Sequence[Item]) -> Iterator[tuple[str, Item]]:
        """Yield (path, file) of what *items* complete, each file once; whatever is not a folder counts as a file."""
        for item in items:
            if item.is_deleted:
                self._given.add(item.id)
                self._folders.pop(item.id, None)
            elif not item.is_file:
                self._folders[item.id] = (item.name, item.parent_id) if item.is_folder else None
        again = [
            file
            for identity in list(self._waiting)
            if identity in self._folders
            for file in self._waiting.pop(identity)
        ]
        for item in (*again, *items):
            if item.is_folder or item.is_deleted or item.id in self._given:
                continue
            if not item.is_file and item.parent_id is None:  # the library itself
                continue
            path, missing = self._path(item)
            if missing is not None:
                self._waiting.setdefault(missing, []).append(item)
            else:
                self._given.add(item.id)
                if path is not None:
                    yield path, item

    def strays(self) -> list[Item]:
        """Return the files that are still waiting."""
        found = {item.id: item for items in self._waiting.values() for item in items}
        return [item for item in found.values() if item.id not in self._given]

    def _path(self, item: Item) -> tuple[str | None, str | None]:
        """Return the path of *item*, or the id of a missing folder above it; neither when it is not in a folder."""
        names, above = [item.name], item.parent_id
        while above is not None:
            if above not in self._folders:
                return None, above
            folder = self._folders[above]
            if folder is None or len(names) > _DEEPEST:
                return None, None
            name, above = folder
            if above is not None:  # the name of the root is not part of a path
                names.append(name)
        return "/".join(reversed(names)), None


_DEEPEST: Final = 400
"""Folders above a file: no more names fit into the 400 characters of a path, unless folders contain each other."""
