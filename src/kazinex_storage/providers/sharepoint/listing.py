"""Listings of one library: one level, or a walk through all folders below a prefix.

Pages are followed as Graph links them. Entries whose names are not how a key is spelt come from another program: they
are left out, and noted. What the service lists in a folder of another spelling belongs to another key and is left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Generic, TypeVar, cast

from ...errors import NotFoundError, UnavailableError
from ...lazy import logger
from ...transport import Exchange, Request, Response
from ...types import Folder, ObjectInfo
from ...unkeyed import Unkeyed
from ...values import value
from ..objectstore.cycle_guard import CycleGuard
from .answers import Item, Page, info_of, parse_page
from .errors import GRAPH, map_error
from .library import Library

_log = logger(__name__)

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


@value(kw_only=False)
class Below:
    """A folder to list."""

    path: str
    id: str | None = None
    """For folders that no key names: their paths may lead to others. None lists by the path."""


class LinkedPages:
    """The pages of a listing, as Graph links each to the next."""

    def __init__(self, library: Library) -> None:
        """Begin with the first page."""
        self._library = library
        self._guard = CycleGuard()
        self.link: str | None = None
        """How to ask for the next page; None before the first one and after the last one."""

    def ask(self, first: Request, expected: tuple[int, ...] = ()) -> Exchange[Response]:
        """Ask for the next page, by *first* if there is no link to it; an answer other than 200 may be *expected*.

        Raises:
            UnavailableError: the link leads nowhere any more, or away from Graph.
        """
        request = first if self.link is None else self._library.requests.next_page(self.link)
        response = yield from GRAPH.send(request, ok=(200, 404, 410, *expected))
        if response.status != 200 and self.link is not None:
            error = map_error(response)
            if response.status in (404, 410) or isinstance(error, NotFoundError):
                raise UnavailableError("SharePoint lost a listing before its end; list again", code=error.code)
        self.link = None
        return response

    def read(self, response: Response) -> Page:
        """Return the page that a *response* with status 200 brings.

        Raises:
            UnavailableError: it brings none, or one that was there before.
        """
        self._library.saw()
        page = parse_page(response)
        if page.next_link is not None:
            self._guard.advance(page.next_link, empty=not page.items)
        self.link = page.next_link
        return page


class FolderPages(Generic[_Entry]):
    """The pages of one listing. One request each; in a walk, at least one for each folder.

    Both exchanges raise ``StorageError`` when the service refuses.
    """

    def __init__(
        self,
        library: Library,
        prefix: str,
        *,
        one_level: bool,
        start: Below | None = None,
        link: str | None = None,
        most: int | None = None,
    ) -> None:
        """List what begins with *prefix*: one level of it, or everything below, from the folder *start* on.

        One level can begin with the page behind a *link*; *most* is what one page has at most.
        """
        self._library = library
        self._prefix = prefix
        self._one_level = one_level
        self._folders = deque([start or Below(library.folder_of(prefix))])
        self._folder = self._folders[0]
        self._pages = LinkedPages(library)
        self._most = most
        if link is not None:
            self._pages.link = link
            self._folders.clear()
        self._found: list[ObjectInfo | Folder] = []
        self._unread: deque[tuple[ObjectInfo | Folder | Unkeyed, Below | None]] = deque()
        """What is on the page at hand and was not looked at yet: ``next`` may break off, and be called again."""
        self._warned = False
        self.unkeyed: list[Unkeyed] = []
        """What was left out, below the prefix; see ``UnkeyedPages``. Empty folders are not among it."""

    @property
    def is_continued(self) -> bool:
        """Whether there is another page, or another folder to look at; see ``ContinuedPages``."""
        return self._pages.link is not None or bool(self._folders)

    @property
    def link(self) -> str | None:
        """What asks for the next page of the folder at hand."""
        return self._pages.link

    def next(self) -> Exchange[Sequence[_Entry] | None]:
        """Return the next page, None after the last one."""
        while self._unread or self.is_continued:
            if not self._unread:
                page = yield from self._page()
                if page is None:
                    continue
                self._unread.extend(self._entries(page))
            while self._unread:
                entry, doubtful = self._unread[0]
                if doubtful is not None and (yield from self._is_hollow(doubtful, entry)):
                    pass
                elif isinstance(entry, Unkeyed):
                    self.unkeyed.append(entry)
                else:
                    self._found.append(entry)
                self._unread.popleft()
            found, self._found = self._found, []
            if found:
                return cast("Sequence[_Entry]", found)
        if self.unkeyed and not self._warned:
            self._warned = True
            warn(len(self.unkeyed), self._library)
        return None

    def items(self) -> Exchange[list[Item]]:
        """Return everything in the first folder, whatever it is; one request for 200 items."""
        found: list[Item] = []
        while self._pages.link is not None or self._folders:
            page = yield from self._page()
            found += page.items if page is not None else ()
        return found

    def close(self) -> None:
        """Ask for no further page."""
        self._folders.clear()
        self._unread.clear()
        self._pages.link = None

    def _page(self) -> Exchange[Page | None]:
        library = self._library
        drive = yield from library.drive()
        begins = self._pages.link is None
        folder = self._folder = self._folders[0] if begins else self._folder
        response = yield from self._pages.ask(
            library.requests.children(drive, folder.path, folder.id, self._most), expected=(400,)
        )
        if begins and self._folders:  # only now: whoever asks again asks for the same folder
            self._folders.popleft()
        if response.status == 200:
            return self._pages.read(response)
        error = map_error(response)
        if isinstance(error, NotFoundError):  # a folder that is not there has nothing in it
            yield from library.check_alive()
            return None
        found = (yield from library.look(folder.path)) if response.status == 400 else None
        if found is not None and found.is_file:
            return None
        raise error

    def _entries(self, page: Page) -> Iterator[tuple[ObjectInfo | Folder | Unkeyed, Below | None]]:
        """Yield what is on *page*; what counts only if there is something in a folder comes with that folder."""
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
        """Say whether *folder* holds nothing but folders: deletes leave them behind, and no listing may remove them,
        because another writer could be about to store something there.
        """
        prefix = entry.prefix if isinstance(entry, Folder) else f"{entry.key}/"
        below: FolderPages[ObjectInfo] = FolderPages(self._library, prefix, one_level=False, start=folder)
        return (yield from below.next()) is None and not below.unkeyed


def warn(count: int, library: Library) -> None:
    """Warn that a listing left out *count* names."""
    _log.warning(
        "%d names in %s are not how this library spells keys and are left out of the listing",
        count,
        library.target.location,
    )
