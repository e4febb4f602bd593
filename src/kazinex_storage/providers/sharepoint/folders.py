"""Folders above an object: made where they are missing, by the first writer that needs them."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import Final

from ...errors import InvalidKeyError, UnavailableError
from ...transport import Exchange
from .answers import Item, parse_item
from .errors import GRAPH, map_error
from .library import Library

SEEN_FOLDERS: Final = 4096
"""Folders that a provider remembers to have seen in the right spelling: half a megabyte of paths."""


class Folders:
    """The folders of one library that were seen to be there, with exactly the names that keys have.

    A folder is looked at before the first write into it. Another one that differs in case would take the write, and if
    the answer to that is lost, it is not known that it has to be taken back from another organisation.
    """

    def __init__(self, library: Library) -> None:
        """Know none yet."""
        self._library = library
        self._seen: OrderedDict[str, None] = OrderedDict()

    def check(self, key: str, path: str) -> Exchange[None]:
        """Look at the folders above *path* from below, up to the first that is there; no request when it was seen.

        Those that are missing are made by the write itself, or by ``make_folders`` where Graph does not.

        Raises:
            InvalidKeyError: a file stands where a folder has to be, or a folder is spelt in another case.
            StorageError: the service refuses.
        """
        parent = path.rpartition("/")[0]
        while parent and parent not in self._seen:
            found = yield from self._library.look(parent)
            if found is not None:
                _check_folder(self._library, found, key, parent)
                self._remember(parent)
                return
            parent = parent.rpartition("/")[0]

    def remember(self, path: str) -> None:
        """Note that *path* was seen, spelt like that."""
        self._remember(path.rpartition("/")[0])

    def forget(self, path: str) -> None:
        """Look at the folder above *path* again before the next write into it."""
        self._seen.pop(path.rpartition("/")[0], None)

    def drop(self, folder: str) -> None:
        """Forget *folder*, which was removed."""
        self._seen.pop(folder, None)

    def _remember(self, folder: str) -> None:
        if folder:
            self._seen[folder] = None
        while len(self._seen) > SEEN_FOLDERS:
            with suppress(KeyError):  # another thread was faster
                self._seen.popitem(last=False)


def make_folders(library: Library, key: str, path: str) -> Exchange[Item | None]:
    """Make the folders above *path* that are missing and return the last one; None is the library itself.

    Safe in a race: of two that make the same folder one gets the answer that it exists, which is what it wanted.

    Raises:
        InvalidKeyError: a file stands where a folder has to be, or a folder is spelt in another case.
        StorageError: the service refuses.
    """
    parent = path.rpartition("/")[0]
    if not parent:
        return None
    found = yield from library.look(parent)
    if found is None:
        yield from make_folders(library, key, parent)
        found = yield from _make(library, parent)
    _check_folder(library, found, key, parent)
    return found


def _check_folder(library: Library, found: Item, key: str, path: str) -> None:
    if not found.is_folder:
        raise InvalidKeyError(f"{found.name!r} is a file, so nothing can be stored below it", key=key)
    if not library.is_at(found, path):
        raise InvalidKeyError(
            f"SharePoint ignores case, and the folder {found.name!r} is there in another spelling; nothing was "
            "changed, choose another key",
            key=key,
        )


def _make(library: Library, path: str) -> Exchange[Item]:
    parent, _, name = path.rpartition("/")
    drive = yield from library.drive()
    response = yield from GRAPH.send(library.requests.folder(drive, parent, name), ok=(200, 201, 409))
    if response.status != 409:
        return parse_item(response)
    found = yield from library.look(path)
    if found is None:
        error = map_error(response)
        raise UnavailableError("a folder came and went while it was needed; repeat it", code=error.code) from error
    return found
