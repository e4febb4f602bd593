"""Items that no key names, and empty folders: read and removed by their ids.

A path may lead to another item, because the service ignores case and more, so it only says where the item has to be.
Folders are removed when they are empty, deepest first; never with something in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ...errors import NotFoundError, NotSupportedError, StorageError
from ...transport import Exchange
from ...types import WHOLE, ObjectInfo, Sink
from .answers import Item
from .batch import Doomed, delete_all
from .folders import Folders
from .library import Library
from .listing import Below, FolderPages
from .reading import FileReads


@dataclass(slots=True)
class _Folder:
    """The folder that is being cleared, or one below it."""

    path: str
    id: str
    above: _Folder | None
    left: int = 0
    """Items that are still in it."""


class UnkeyedItems:
    """The items of one library that are not objects."""

    def __init__(self, library: Library, folders: Folders, reading: FileReads) -> None:
        """Work on *library*."""
        self._library = library
        self._folders = folders
        self._reading = reading

    def prefix(self, prefix: str) -> str:
        """Return how names below *prefix*, which is empty or ends with a slash, begin."""
        folder = self._library.folder_of(prefix)
        return f"{folder}/" if folder else ""

    def get(self, name: str, sink: Sink) -> Exchange[ObjectInfo]:
        """Push the bytes of a file into *sink*; two requests.

        Raises:
            NotFoundError: it is not there any more.
            NotSupportedError: it is a notebook or another package, which has no bytes.
            StorageError: as in ``StorageProvider.get``.
        """
        path, _, identity = name.rpartition(":")
        look = partial(self._file, name, path, identity)
        return (yield from self._reading.read(name, name, look, WHOLE, sink, None))

    def delete(self, names: Sequence[str]) -> Exchange[list[StorageError | None]]:
        """Remove items that are not folders; two requests for 20. What has been moved away stays.

        Returns an error or None for each.
        """
        found = [name.rpartition(":")[::2] for name in names]
        doomed = [self._doomed(path, identity, partial(self._is_file, path)) for path, identity in found]
        return (yield from delete_all(self._library, doomed))

    def remove_folders(self, prefix: str, *, itself: bool) -> Exchange[list[StorageError | None]]:
        """Remove the empty folders below *prefix*; one request for each that has something in it, and two for 20 that
        are empty. Returns an error or None for each.
        """
        path = self._library.folder_of(prefix)
        top: Item | None = yield from self._library.look(path)
        if top is None or not top.is_folder or (path and not self._library.is_at(top, path)):
            return []
        folders = yield from self._walk(_Folder(path, top.id, None), top)
        errors: list[StorageError | None] = []
        for level in sorted({folder.path.count("/") for folder in folders if folder.path}, reverse=True):
            empty = [
                folder
                for folder in folders
                if folder.path.count("/") == level and not folder.left and (folder.above is not None or itself)
            ]
            doomed = [self._doomed(one.path, one.id, partial(self._is_empty, one.path)) for one in empty]
            outcomes = yield from delete_all(self._library, doomed)
            for folder, error in zip(empty, outcomes, strict=True):
                self._folders.forget(folder.path)
                if error is None and folder.above is not None:
                    folder.above.left -= 1
            errors += outcomes
        return errors

    def _walk(self, top: _Folder, item: Item) -> Exchange[list[_Folder]]:
        found, waiting = [top], [(top, item)]
        while waiting:
            folder, seen = waiting.pop()
            if not seen.children:
                continue
            start = Below(folder.path, folder.id)
            pages: FolderPages[ObjectInfo] = FolderPages(self._library, "", one_level=True, start=start)
            items = yield from pages.items()
            folder.left = len(items)
            for child in items:
                path = f"{folder.path}/{child.name}" if folder.path else child.name
                if child.is_folder and not self._library.is_own(path):
                    below = _Folder(path, child.id, folder)
                    found.append(below)
                    waiting.append((below, child))
        return found

    def _doomed(self, path: str, identity: str, may_go: Callable[[Item], bool]) -> Doomed:
        return Doomed(
            text=self._library.text_of(path),
            url=lambda drive: self._library.requests.id_url(drive, identity),
            may_go=may_go,
            alone=partial(self._library.remove, partial(self._look, identity, may_go)),
        )

    def _file(self, name: str, path: str, identity: str) -> Exchange[Item]:
        item: Item | None = yield from self._library.look_by_id(identity, download=True)
        if item is None or item.is_folder or not self._library.is_exactly(item, path):
            raise NotFoundError("it is no longer there; find it again", key=name)
        if not item.is_file:
            raise NotSupportedError("it is a notebook or another package of SharePoint, which has no bytes", key=name)
        return item

    def _look(self, identity: str, may_go: Callable[[Item], bool]) -> Exchange[Item | None]:
        item: Item | None = yield from self._library.look_by_id(identity)
        return item if item is not None and may_go(item) else None

    def _is_file(self, path: str, item: Item) -> bool:
        return not item.is_folder and self._library.is_exactly(item, path)

    def _is_empty(self, path: str, item: Item) -> bool:
        return item.is_folder and not item.children and self._library.is_exactly(item, path)
