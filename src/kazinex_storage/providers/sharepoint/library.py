"""One document library: which drive it is, how keys become paths and back, and what is at a path.

The service ignores case and keys do not, so an item that answers to a path counts as an object only when it is spelt
letter by letter like the key: the key ``acme/a`` never reads or replaces ``Acme/a``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import unquote, urlsplit

from ...errors import InvalidKeyError, LocationNotFoundError, NotFoundError, UnavailableError
from ...transport import Exchange, Request
from ...types import Diagnosis
from ...unkeyed import Unkeyed
from . import causes
from .answers import Item, parse_item, parse_json
from .errors import GRAPH
from .names import check, decode_path, encode_key, fold, folder_of, is_forms, text_of
from .requests import Requests
from .target import Target

ALIVE_SECONDS: Final = 60.0
"""How long a library is assumed to be there after it has answered."""

REMOVED: Final = (200, 204, 404)
"""The answers to a removal after which the item is gone."""

_CHANGES: Final = 3
"""How often an item may change between the look at it and its removal."""


class Library:
    """The library of a target. It remembers which drive that is, that it was there a moment ago, and one file.

    Every exchange raises ``StorageError`` when the service refuses, and ``LocationNotFoundError`` when there is no such
    site or library.
    """

    def __init__(self, target: Target) -> None:
        """Work on *target*."""
        self.target = target
        """Where the objects are."""
        self.requests = Requests(target)
        """What builds the requests."""
        self._root = target.root_folder
        self._above = len(self._root.split("/")) if self._root else 0
        self._site = target.site_id or target.known_site_id
        self._drive = target.drive_id or target.known_drive_id
        self._alive_until = 0.0
        self.last_file: str | None = None
        """The path of the file that was seen last, spelt like that."""

    @property
    def looked_up(self) -> dict[str, object] | None:
        """The ids that Graph gave for the address of the target, as ``settings.LookedUp``; None before that."""
        target = self.target
        if self._site is None or self._drive is None or target.drive_id is not None:
            return None
        address = {"graph_url": target.graph_url, "site_url": target.site_url, "library": target.library}
        return {**address, "site_id": self._site, "drive_id": self._drive}

    def refresh(self) -> None:
        """Ask for the ids again, except for those of the settings."""
        self._site, self._drive = self.target.site_id, self.target.drive_id

    def drive(self) -> Exchange[str]:
        """Return the id of the drive; two requests, once."""
        if self._drive is None:
            self._drive = yield from self._find_drive((yield from self.site()))
            self.saw()
        return self._drive

    def site(self) -> Exchange[str]:
        """Return the id of the site; one request, once.

        Raises:
            LocationNotFoundError: there is no such site.
        """
        if self._site is None:
            response = yield from GRAPH.send(self.requests.site(), ok=(200, 400, 404))
            if response.status != 200:
                raise _not_there(causes.no_site(self.target), "site")
            self._site = str(parse_json(response)["id"])
        return self._site

    def libraries(self, site_id: str) -> Exchange[list[tuple[str, str, str]]]:
        """Return (id, name, URL) of each library of a site; one request."""
        drives = _entries((yield from _ask_site(self.requests.drives(site_id))))
        return [(str(drive.get("id")), str(drive.get("name")), str(drive.get("webUrl", ""))) for drive in drives]

    def sites(self, words: str) -> Exchange[list[tuple[str, str, str]]]:
        """Return (id, name, URL) of the sites with *words* in their names, for a chooser; one request.

        Under Sites.Selected Graph finds none; the site has to be named then.
        """
        return [_named(site) for site in _entries(parse_json((yield from GRAPH.send(self.requests.sites(words)))))]

    def site_of(self, site_id: str) -> Exchange[tuple[str, str, str]]:
        """Return (id, name, URL) of the site with that id; one request.

        Raises:
            LocationNotFoundError: there is none, or it may not be seen.
        """
        return _named((yield from _ask_site(self.requests.site_by_id(site_id))))

    def path_of(self, key: str) -> str:
        """Return the path of *key* below the library.

        Raises:
            InvalidKeyError: it is too long for SharePoint.
        """
        path = encode_key(key, at_library_root=not self._root)
        check(path, library=self.target.library_path, folder=self._root, key=key)
        return f"{self._root}/{path}" if self._root else path

    def folder_of(self, prefix: str) -> str:
        """Return the path of the folder that holds all keys beginning with *prefix*; empty is the library."""
        folder = folder_of(prefix, at_library_root=not self._root)
        return "/".join(filter(None, (self._root, folder)))

    def key_of(self, path: str) -> str | None:
        """Return the key whose object is at *path* below the library; None when no key is spelt like that."""
        below = "/".join(path.split("/")[self._above :])
        return decode_path(below, at_library_root=not self._root)

    def unkeyed(self, item: Item, path: str) -> Unkeyed | None:
        """Return *item*, at *path*, as an entry of what no key names; None for the service's own.

        Its name is the path and the id with a colon between them, which no name contains.
        """
        if self.is_own(path):
            return None
        return Unkeyed(name=f"{path}:{item.id}", key=self.text_of(path), size=item.size)

    def text_of(self, path: str) -> str:
        """Return the text of the key of *path*, or of the key that it would have."""
        return text_of("/".join(path.split("/")[self._above :]))

    def is_own(self, path: str) -> bool:
        """Say whether *path* is the service's own ``Forms``, or in it."""
        return not self._root and is_forms(path)

    def look(self, path: str, *, download: bool = False) -> Exchange[Item | None]:
        """Return what answers to *path*, in whatever case it is spelt; one request."""
        drive = yield from self.drive()
        return (yield from self.find(self.requests.item(drive, path, download=download)))

    def look_by_id(self, identity: str, *, download: bool = False) -> Exchange[Item | None]:
        """Return the item with an id, wherever it is; one request."""
        drive = yield from self.drive()
        return (yield from self.find(self.requests.item_by_id(drive, identity, download=download)))

    def find(self, request: Request) -> Exchange[Item | None]:
        """Return the item that *request* looks at; None when a library that is there has none."""
        with suppress(NotFoundError):
            item = parse_item((yield from GRAPH.send(request)))
            self.saw()
            return item
        yield from self.check_alive()
        return None

    def remove(self, look: Callable[[], Exchange[Item | None]], key: str | None = None) -> Exchange[None]:
        """Remove what *look* returns, if it has not changed since; two requests, one when *look* returns None.

        Raises:
            UnavailableError: others keep changing it.
        """
        drive = yield from self.drive()
        for _ in range(_CHANGES):
            item = yield from look()
            if item is None:
                return
            response = yield from GRAPH.send(self.requests.delete(drive, item), ok=(*REMOVED, 412), key=key)
            if response.status in REMOVED:
                return
        raise UnavailableError("others write to the same key at the moment; repeat it", key=key)

    def saw(self) -> None:
        """Note that the library has answered."""
        self._alive_until = time.monotonic() + ALIVE_SECONDS

    def check_alive(self) -> Exchange[None]:
        """Make sure that something is missing in the library, not the library itself; one request, but not every time.

        Raises:
            LocationNotFoundError: the library is gone, or never was there.
        """
        if time.monotonic() < self._alive_until:
            return
        drive = yield from self.drive()
        response = yield from GRAPH.send(self.requests.item(drive, ""), ok=(200, 404))
        if response.status == 404:
            raise _not_there(causes.LIBRARY_GONE, "library")
        parse_json(response)
        self.saw()

    def file(self, key: str, path: str, *, download: bool = False) -> Exchange[Item]:
        """Return the file at *path*; one request.

        Raises:
            NotFoundError: there is none.
        """
        item = yield from self.file_at(path, download=download)
        if item is None:
            raise NotFoundError("no object has that key", key=key)
        return item

    def file_at(self, path: str, *, download: bool = False) -> Exchange[Item | None]:
        """Return the file at *path*, spelt like that; None when there is none. One request."""
        item = yield from self.look(path, download=download)
        if item is None or not item.is_file or not self.is_at(item, path):
            return None
        self.last_file = path
        return item

    def is_at(self, item: Item, path: str) -> bool:
        """Say whether *item* is spelt like *path*, except for the root folder, which comes from the settings."""
        below = path.split("/")[self._above :]
        return not below or item.is_at("/".join(below))

    def is_exactly(self, item: Item, path: str) -> bool:
        """Say whether *item*, found by its id, is at *path*, all the way up to the library."""
        above = item.parent
        if above is None or len(above) != path.count("/") or not self.is_at(item, path):
            return False
        root = "/".join(above[: self._above])
        return fold(self._root) in (fold(root), fold(unquote(root)))

    def check_spelling(self, item: Item, key: str, path: str) -> None:
        """Refuse to write over an item that another key names.

        Raises:
            InvalidKeyError: it is spelt differently, or is a folder.
        """
        if not self.is_at(item, path):
            raise InvalidKeyError(
                f"SharePoint ignores case, and {item.name!r} is there in another spelling, as a file or as a "
                "folder above; nothing was changed, choose another key",
                key=key,
            )
        if not item.is_file:
            raise InvalidKeyError(
                "a folder has that name, so no object can; choose another key, or remove the folder in SharePoint if "
                "it is empty: it is left there, because another writer may be about to store something in it",
                key=key,
            )

    def _find_drive(self, site_id: str) -> Exchange[str]:
        wanted = self.target.library
        if wanted is None:
            return str((yield from _ask_site(self.requests.drive(site_id)))["id"])
        found = yield from self.libraries(site_id)
        for identity, name, url in found:
            if wanted == name or ("://" in wanted and _same_place(wanted, url)):
                return identity
        for identity, name, url in found:
            # Lists call it Documents, URLs call it Shared Documents: people know it by both.
            if wanted.casefold() in (name.casefold(), unquote(url).rstrip("/").rpartition("/")[2].casefold()):
                return identity
        raise _not_there(causes.no_library(wanted, [name for _, name, _ in found]), "library")


def _not_there(found: Diagnosis, code: str) -> LocationNotFoundError:
    return LocationNotFoundError(f"{found.meaning}; {found.fix}", code=code)


def _same_place(one: str, other: str) -> bool:
    return [unquote(part).rstrip("/").casefold() for part in urlsplit(one)[1:3]] == [
        unquote(part).rstrip("/").casefold() for part in urlsplit(other)[1:3]
    ]


def _entries(found: Mapping[str, object]) -> list[Mapping[str, object]]:
    values = found.get("value")
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _named(site: Mapping[str, object]) -> tuple[str, str, str]:
    name = site.get("displayName") or site.get("name")
    return str(site.get("id", "")), str(name), str(site.get("webUrl", ""))


def _ask_site(request: Request) -> Exchange[Mapping[str, object]]:
    response = yield from GRAPH.send(request, ok=(200, 404))
    if response.status == 404:
        raise _not_there(causes.NO_SUCH_ID, "site")
    return parse_json(response)
