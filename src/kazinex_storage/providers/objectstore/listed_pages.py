"""Listings that come page by page, below a prefix: names of a service in, entries that keys name out.

What no key names is left out: using it would reach something else, such as its NFC twin. That is told once, at the end
of the listing, because it is there and another client shows it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from ...transport import Exchange
from ...types import Folder, ObjectInfo
from ...unkeyed import Unkeyed
from .cycle_guard import Course
from .key_codec import Spelling

_log = logging.getLogger(__name__)

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


class ListedPage(Protocol):
    """One page as the service gave it."""

    @property
    def objects(self) -> Sequence[tuple[str, int, object, object]]:
        """Name, size, and more."""
        ...

    @property
    def folders(self) -> Sequence[str]:
        """Common prefixes, with a slash at the end."""
        ...

    @property
    def directories(self) -> Sequence[str]:
        """Names of what stands for a folder, though its name does not end with a slash."""
        ...

    @property
    def token(self) -> str | None:
        """How to ask for the next page; None after the last one."""
        ...


_Page = TypeVar("_Page", bound=ListedPage)


class ListedPages(Generic[_Entry, _Page]):
    """The pages of one listing. One request each; a page without a legal entry is skipped."""

    def __init__(
        self,
        ask: Callable[[str | None], Exchange[_Page]],
        entries: Callable[[_Page], Sequence[_Entry]],
        prefix: str,
        spelling: Spelling,
        location: str,
    ) -> None:
        """Ask for the page after a token by *ask*; *entries* makes the values of one, below *prefix*, a key's."""
        self._ask = ask
        self._entries = entries
        self._key_prefix = prefix
        self._prefix = spelling.name_prefix(prefix)
        self._spelling = spelling
        self._location = location
        self._token: str | None = None
        self._course = Course()
        self._hidden = 0
        self._ended = False
        self.unkeyed: list[Unkeyed] = []
        """What was left out, below the prefix; see ``UnkeyedPages``."""

    def next(self) -> Exchange[Sequence[_Entry] | None]:
        """Return the next page, None after the last one.

        Raises:
            UnavailableError: the service gives the same page again and again.
            StorageError: the service refuses.
        """
        while not self._ended:
            page = yield from self._ask(self._token)
            if page.token is not None:
                self._course.advance(page.token, empty=not page.objects and not page.folders)
            self._token = page.token
            entries = self._entries(page)
            if len(entries) < len(page.objects) + len(page.folders) or page.directories:
                self._note_hidden(page)
            if page.token is None:
                self._end()
            if entries:
                return entries
        return None

    def close(self) -> None:
        """Ask for no further page."""
        self._ended = True

    def _end(self) -> None:
        self._ended = True
        if self._hidden:
            _log.warning(
                "%d names in %s are no keys of this library (not NFC, or illegal) and are left out of the listing",
                self._hidden,
                self._location,
            )

    def _note_hidden(self, page: _Page) -> None:
        # One outside of the prefix is nobody's business here.
        for name, size, *_ in page.objects:
            if name.startswith(self._prefix) and self._spelling.key_of(name) is None:
                self._hidden += not name.endswith("/")  # which marks a folder
                self._leave_out(name, size)
        for name in page.directories:
            if name.startswith(self._prefix):
                self._leave_out(name, 0, "/")
        for folder in page.folders:
            if folder.startswith(self._prefix) and self._spelling.key_of(folder.removesuffix("/")) is None:
                self._hidden += 1
                # Without its slash, because it marks no folder: it has something in it.
                self.unkeyed.append(
                    Unkeyed(name=folder, key=self._key_prefix + folder[len(self._prefix) :].rstrip("/"), size=1)
                )

    def _leave_out(self, name: str, size: int, end: str = "") -> None:
        folder = self._spelling.key_of(name.removesuffix("/")) if end or name.endswith("/") else None
        key = f"{folder}/" if folder is not None else self._key_prefix + name[len(self._prefix) :] + end
        self.unkeyed.append(Unkeyed(name=name, key=key, size=size))
