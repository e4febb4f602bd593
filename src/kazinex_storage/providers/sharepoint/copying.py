"""Copies and moves inside a library: Graph accepts a copy, and a monitor says when it is done."""

from __future__ import annotations

import time
from typing import Final

from ...errors import AlreadyExistsError, NotFoundError, PreconditionFailedError, StorageError, UnavailableError
from ...transport import Exchange, Response, Wait
from ...types import ObjectInfo, PutMode, PutOptions
from ..objectstore.error_table import retry_after_of
from ..objectstore.writing import already_exists
from .answers import Item, info_of, parse_item, parse_json
from .errors import GRAPH, map_error
from .objects import Objects
from .requests import Place

# A copy inside one library takes seconds; one that takes longer than a quarter of an hour has failed unnoticed.
COPY_SECONDS: Final = 900.0
"""How long to wait for a copy."""

# A copy takes a second or more, and each question about it counts against the limits of the app.
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 10.0
_LONGEST_ASKED_S: Final = 60.0
"""The longest wait that is granted to the service."""
_FORGOTTEN: Final = (301, 302, 303, 404)
"""What the monitor answers for a copy that ended a while ago."""


class Copying:
    """Copies and moves files of one library. Both raise ``StorageError`` when the service refuses."""

    def __init__(self, objects: Objects) -> None:
        """Copy and move *objects*."""
        self._objects = objects
        self._library = objects.library
        self._requests = objects.library.requests

    def copy(self, source: str, target: str, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy; about six requests.

        Raises:
            NotFoundError: there is no *source*.
            AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
            UnavailableError: the copy failed, or is not done after a quarter of an hour.
        """
        library = self._library
        item = yield from library.file(source, library.path_of(source))
        path = library.path_of(target)
        writing = yield from self._objects.admit(target, path, PutOptions(mode=mode))
        drive = yield from library.drive()
        place = yield from self._place(target, path)
        request = self._requests.copy(drive, item, place, behaviour=writing.behaviour)
        response = yield from GRAPH.send(request, ok=(200, 201, 202), key=target)
        monitor = response.headers.get("location")
        if response.status == 202 and monitor is not None:
            yield from self._wait(monitor, response, target)
        return info_of(target, (yield from self._copied(target, path, item, writing.replaced)))

    def move(self, source: str, target: str, mode: PutMode) -> Exchange[ObjectInfo]:
        """Give a file another key, by its id; three requests, or five over another file. It keeps its versions.

        Raises:
            NotFoundError: there is no *source*.
            AlreadyExistsError: *target* exists, and *mode* is ``PutMode.CREATE`` or the service does not move over it.
            InvalidKeyError: it is spelt in another case, or a folder.
            UnavailableError: the source was written to meanwhile, or the folder above *target* was renamed.
        """
        library, path = self._library, self._library.path_of(target)
        item = yield from library.file(source, library.path_of(source))
        drive = yield from library.drive()
        place = yield from self._place(target, path)
        response: Response = yield self._requests.move(drive, item, place, behaviour="fail")
        if response.status == 409 and mode is PutMode.REPLACE:
            # Only what was looked at is replaced: never a folder, or a file in another case.
            found: Item | None = yield from library.look(path)
            if found is not None and found.id != item.id:
                library.check_spelling(found, target, path)
                response = yield self._requests.move(drive, item, place, behaviour="replace")
        if response.status == 200:
            moved = parse_item(response)
        else:
            moved = yield from self._moved_after_all(source, target, path, item, response)
        if not library.is_at(moved, path):
            raise UnavailableError("a folder above was renamed while the object was moved into it", key=target)
        self._objects.folders.remember(path.rpartition("/")[0])
        return info_of(target, moved)

    def _moved_after_all(self, source: str, target: str, path: str, item: Item, response: Response) -> Exchange[Item]:
        """Return the item at *path* if an answer was lost: the repeat then finds that its version has changed."""
        found: Item | None = yield from self._library.look(path)
        if found is not None and found.id == item.id and response.attempts > 1:
            return found
        error = map_error(response, target)
        if found is not None and isinstance(error, AlreadyExistsError):
            self._library.check_spelling(found, target, path)
        if isinstance(error, PreconditionFailedError):
            raise UnavailableError("the object was written to while it was being moved; repeat it", key=source)
        if isinstance(error, NotFoundError):
            raise NotFoundError("no object has that key any more", key=source, code=error.code)
        raise error

    def _place(self, key: str, path: str) -> Exchange[Place]:
        folder = yield from self._objects.folders.make(key, path)
        if folder is None:
            folder = yield from self._library.look("")
        if folder is None:
            raise NotFoundError("the library is no longer there")
        return Place(folder.id, path.rpartition("/")[2])

    def _wait(self, monitor: str, response: Response, key: str) -> Exchange[None]:
        until, wait = time.monotonic() + COPY_SECONDS, _FIRST_WAIT_S
        while time.monotonic() < until:
            asked = retry_after_of(response)
            yield Wait(wait if asked is None else min(max(asked, wait), _LONGEST_ASKED_S))
            wait = min(2 * wait, _LONGEST_WAIT_S)
            response = yield from GRAPH.send(self._requests.monitor(monitor), ok=(200, 202, *_FORGOTTEN), key=key)
            if response.status in _FORGOTTEN:
                return  # done, and the monitor leads to the item or is forgotten: a look at the item decides
            found = parse_json(response)
            status = str(found.get("status", ""))
            if status == "completed" or "id" in found:
                return
            if status == "failed":
                raise _failure(found, key)
        raise UnavailableError("SharePoint has not finished the copy; check later whether it is there", key=key)

    def _copied(self, key: str, path: str, source: Item, replaced: str | None) -> Exchange[Item]:
        try:
            found = yield from self._library.file(key, path)
        except NotFoundError as error:
            raise UnavailableError("SharePoint says that it copied, but the copy is not there", key=key) from error
        if replaced is not None and found.version == replaced:
            raise UnavailableError("SharePoint says that it copied, but the earlier object is still there", key=key)
        if found.size != source.size:
            raise UnavailableError("SharePoint made a copy of another size; both are there, look at them", key=key)
        return found


def _failure(found: object, key: str) -> StorageError:
    error = found.get("error") if isinstance(found, dict) else None
    code = str(error.get("code", ""))[:100] if isinstance(error, dict) else ""
    if code == "nameAlreadyExists":
        return already_exists(key)
    return UnavailableError(f"SharePoint could not copy: {code or 'it does not say why'}", key=key, code=code or None)
