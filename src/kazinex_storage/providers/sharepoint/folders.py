"""Folders above an object: made where they are missing, by the first writer that needs them."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import Final

from ...errors import InvalidKeyError, UnavailableError
from ...transport import Exchange, Request, Response
from .answers import Item, parse_item
from .errors import GRAPH, map_error
from .library import Library

SEEN_FOLDERS: Final = 4096
"""Folders that a provider remembers as seen in the right spelling: half a megabyte of paths."""


class Folders:
    """The folders of one library. It remembers those that it saw, spelt exactly as keys spell them.

    A folder is looked at before the first write into it. Another one that differs in case would take the write, and if
    the answer to that is lost, the object is left with another organisation, and is not taken back.

    Every exchange raises ``StorageError`` when the service refuses, and ``InvalidKeyError`` when there is a file where
    a folder has to be, or a folder is spelt in another case.
    """

    def __init__(self, library: Library) -> None:
        """Know none yet."""
        self._library = library
        self._seen: OrderedDict[str, None] = OrderedDict()

    def check(self, key: str, path: str) -> Exchange[None]:
        """Look at the folders above *path* from below, up to the first that is there; no request when it was seen.

        Those that are missing are made by the write itself, or by ``make`` where Graph does not.
        """
        parent = path.rpartition("/")[0]
        while parent and parent not in self._seen:
            found = yield from self._library.look(parent)
            if found is not None:
                self._check(found, key, parent)
                self.remember(parent)
                return
            parent = parent.rpartition("/")[0]

    def make(self, key: str, path: str) -> Exchange[Item | None]:
        """Make the folders above *path* that are missing and return the last one; None is the library itself.

        Safe in a race: of two that make the same folder one is answered that it exists, which is what it wanted.

        Raises:
            UnavailableError: a folder was removed while it was being made.
        """
        parent = path.rpartition("/")[0]
        if not parent:
            return None
        found = yield from self._library.look(parent)
        if found is None:
            yield from self.make(key, parent)
            above, _, name = parent.rpartition("/")
            drive = yield from self._library.drive()
            request = self._library.requests.folder(drive, above, name)
            response = yield from GRAPH.send(request, ok=(200, 201, 409))
            found = parse_item(response) if response.status != 409 else (yield from self._library.look(parent))
            if found is None:
                error = map_error(response)
                raise UnavailableError(
                    "a folder came and went while it was needed; repeat it", code=error.code
                ) from error
        self._check(found, key, parent)
        return found

    def send(self, key: str, path: str, request: Request) -> Exchange[Response]:
        """Send *request*, which writes to *path*; on a 404 make the folders above and send it once more."""
        response: Response = yield request
        if response.status == 404:
            self.forget(path.rpartition("/")[0])
            yield from self.make(key, path)
            response = yield request
        return response

    def remember(self, folder: str) -> None:
        """Note that *folder* was seen, spelt like that."""
        if folder:
            self._seen[folder] = None
        while len(self._seen) > SEEN_FOLDERS:
            with suppress(KeyError):  # another thread was faster
                self._seen.popitem(last=False)

    def forget(self, folder: str) -> None:
        """Look at *folder* again before the next write into it."""
        self._seen.pop(folder, None)

    def _check(self, found: Item, key: str, path: str) -> None:
        if not found.is_folder:
            raise InvalidKeyError(f"{found.name!r} is a file, so nothing can be stored below it", key=key)
        if not self._library.is_at(found, path):
            raise InvalidKeyError(
                f"SharePoint ignores case, and the folder {found.name!r} is there in another spelling; nothing was "
                "changed, choose another key",
                key=key,
            )
