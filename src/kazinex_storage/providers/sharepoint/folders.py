"""Folders above an object: made where they are missing, by whoever comes first."""

from __future__ import annotations

from ...errors import InvalidKeyError, StorageError, UnavailableError
from ...transport import Exchange
from .answers import Item, parse_item
from .library import Library
from .mapping import map_error


def make_folders(library: Library, key: str, path: str) -> Exchange[Item | None]:
    """Make the folders above *path* that are missing and return the last one; None is the library itself.

    Safe in a race: of two that make the same folder one is told that it is there, which is what it wanted.

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
    if not found.is_folder:
        raise InvalidKeyError(f"{found.name!r} is a file, so nothing can be stored below it", key=key)
    if not library.is_at(found, parent):
        raise InvalidKeyError(
            f"SharePoint ignores case, and the folder {found.name!r} is there in another spelling; nothing was "
            "changed, choose another key",
            key=key,
        )
    return found


def _make(library: Library, path: str) -> Exchange[Item]:
    parent, _, name = path.rpartition("/")
    drive = yield from library.drive()
    response = yield from library.ask(lambda token: library.protocol.folder(token, drive, parent, name))
    if response.status in (200, 201):
        return parse_item(response)
    error: StorageError = map_error(response)
    if response.status != 409:
        raise error
    found = yield from library.look(path)
    if found is None:
        raise UnavailableError("a folder came and went while it was needed; repeat it", code=error.code) from error
    return found
