"""Listings below a prefix that come page by page: names of the service in, entries with keys out.

Names that stand for no key are left out: using them would reach something else, such as their NFC twin. A warning at
the end of the listing counts them, because they are there and other clients show them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache, partial
from operator import methodcaller
from typing import Generic, Protocol, TypeAlias, TypeVar

from ... import contract_reading
from ...keys import Prefix
from ...lazy import logger
from ...transport import Exchange, Request
from ...types import Folder, ObjectInfo
from ...unkeyed import Unkeyed
from ...values import rows_maker, value
from .cycle_guard import CycleGuard
from .key_codec import KeyCodec
from .sending import Service

_log = logger(__name__)

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


Row: TypeAlias = tuple[str, int, str | None, datetime | None]
"""Name, size, ETag, last modified."""


@value(kw_only=False)
class Page:
    """One page of a listing, with the names of the service."""

    objects: Sequence[Row]
    folders: Sequence[str]
    """Common prefixes, with a slash at the end."""
    token: str | None
    """Asks for the next page; None after the last one."""
    directories: Sequence[str] = ()
    """Names of folder markers whose names do not end with a slash; not among the objects."""


class BuildList(Protocol):
    """Builds the request for one page."""

    def __call__(self, prefix: str, token: str | None, /, *, one_level: bool, most: int = ...) -> Request:
        """Ask for the page after *token* of the names that begin with *prefix*, of at most *most* entries."""
        ...


class Listings:
    """The listings of one store."""

    def __init__(
        self, service: Service, build: BuildList, parse: Callable[[bytes], Page], codec: KeyCodec, location: str
    ) -> None:
        """Send what *build* builds to *service* and *parse* its answers; messages call the store *location*."""
        self._service = service
        self._build = build
        self._parse = parse
        self._codec = codec
        self._location = location

    def scan(self, prefix: Prefix) -> ListedPages[ObjectInfo]:
        """List everything below *prefix*; one request a page."""
        ask = partial(self._ask, self._codec.name_prefix(prefix), one_level=False)
        return ListedPages(ask, partial(self._objects, prefix), prefix, self._codec, self._location)

    def children(self, prefix: Prefix) -> ListedPages[ObjectInfo | Folder]:
        """List one level; one request a page."""
        ask = partial(self._ask, self._codec.name_prefix(prefix), one_level=True)
        return ListedPages(ask, partial(self._entries, prefix), prefix, self._codec, self._location)

    def list_page(
        self, prefix: Prefix, token: str | None, limit: int, one_level: bool
    ) -> Exchange[contract_reading.Page]:
        """Return one page, from the *token* of the service; see ``PageLister``. One request for most."""

        def ask(after: str | None) -> Exchange[Page]:
            request = self._build(self._codec.name_prefix(prefix), after, one_level=one_level, most=limit)
            return self._parse((yield from self._service.send(request)).body)

        make = partial(self._entries if one_level else self._objects, prefix)
        pages = ListedPages[ObjectInfo | Folder](ask, make, prefix, self._codec, self._location, token)
        entries = yield from pages.next()
        return contract_reading.Page(entries=entries or (), token=pages.token)

    def _ask(self, prefix: str, token: str | None, *, one_level: bool) -> Exchange[Page]:
        response = yield from self._service.send(self._build(prefix, token, one_level=one_level))
        return self._parse(response.body)

    def _objects(self, prefix: Prefix, page: Page, cut: int) -> list[ObjectInfo]:
        # Anything listed outside of the prefix may be another tenant's.
        rows = page.objects
        names = [row[0] for row in rows]
        keys = self._codec.keys_of(names)
        if cut or keys is not names or (prefix and not all(map(methodcaller("startswith", prefix), names))):
            rows = [
                (key[cut:], size, etag, moment)
                for key, (_, size, etag, moment) in zip(keys, rows, strict=True)
                if key is not None and key.startswith(prefix)
            ]
        return _info_maker()(rows)

    def _entries(self, prefix: Prefix, page: Page, cut: int) -> list[ObjectInfo | Folder]:
        key_of = self._codec.key_of
        folders: list[ObjectInfo | Folder] = [
            Folder(prefix=f"{key}/"[cut:])
            for name in page.folders
            if (key := key_of(name.removesuffix("/"))) is not None and f"{key}/".startswith(prefix)
        ]
        return folders + self._objects(prefix, page, cut)


@cache
def _info_maker() -> Callable[[Iterable[tuple[object, ...]]], list[ObjectInfo]]:
    """Return what makes the objects of a page; made when there is one, since that compiles a function."""
    return rows_maker(ObjectInfo, "key", "size", "etag", "last_modified")


class ListedPages(Generic[_Entry]):
    """The pages of one listing. One request each; a page without an entry that has a key is skipped."""

    def __init__(
        self,
        ask: Callable[[str | None], Exchange[Page]],
        entries: Callable[[Page, int], Sequence[_Entry]],
        prefix: str,
        codec: KeyCodec,
        location: str,
        token: str | None = None,
    ) -> None:
        """*ask* fetches the page after a token, *entries* makes its values; *prefix* is one of keys.

        The first page is the one after *token*.
        """
        self._ask = ask
        self._entries = entries
        self._key_prefix = prefix
        self._prefix = codec.name_prefix(prefix)
        self._codec = codec
        self._location = location
        self.cut = 0
        """Characters left out at the start of each key; see ``RelativePages``."""
        self._token = token
        self._guard = CycleGuard()
        self._hidden = 0
        self._ended = False
        self.unkeyed: list[Unkeyed] = []
        """What was left out below the prefix; see ``UnkeyedPages``."""

    @property
    def is_continued(self) -> bool:
        """Whether the service gave a token for another page; see ``ContinuedPages``."""
        return self._token is not None and not self._ended

    @property
    def token(self) -> str | None:
        """What asks for the next page; None after the last one."""
        return None if self._ended else self._token

    def next(self) -> Exchange[Sequence[_Entry] | None]:
        """Return the next page, None after the last one.

        Raises:
            UnavailableError: the service returns the same page again and again.
        """
        while not self._ended:
            page = yield from self._ask(self._token)
            if page.token is not None:
                self._guard.advance(page.token, empty=not page.objects and not page.folders)
            self._token = page.token
            entries = self._entries(page, self.cut)
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
                "%d names in %s are not keys of this library (not NFC, or illegal) and are left out of the listing",
                self._hidden,
                self._location,
            )

    def _note_hidden(self, page: Page) -> None:
        # Names outside of the prefix are not counted.
        for name, size, *_ in page.objects:
            if name.startswith(self._prefix) and self._codec.key_of(name) is None:
                self._hidden += not name.endswith("/")  # which marks a folder
                self._leave_out(name, size)
        for name in page.directories:
            if name.startswith(self._prefix):
                self._leave_out(name, 0, "/")
        for folder in page.folders:
            if folder.startswith(self._prefix) and self._codec.key_of(folder.removesuffix("/")) is None:
                self._hidden += 1
                # Without its slash, because it is not a marker: the folder has something in it.
                self.unkeyed.append(
                    Unkeyed(name=folder, key=self._key_prefix + folder[len(self._prefix) :].rstrip("/"), size=1)
                )

    def _leave_out(self, name: str, size: int, end: str = "") -> None:
        folder = self._codec.key_of(name.removesuffix("/")) if end or name.endswith("/") else None
        key = f"{folder}/" if folder is not None else self._key_prefix + name[len(self._prefix) :] + end
        self.unkeyed.append(Unkeyed(name=name, key=key, size=size))
