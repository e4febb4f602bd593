"""Files of one library, as exchanges: look, read, write in one request, delete.

Larger bodies go through ``sessions.py``. A create-only write that is refused looks whether the file in its way is its
own, because the answer to an earlier attempt may have been lost: it is, when it holds the same bytes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from ...bodies.quickxor import QuickXorHash
from ...bodies.source import Source
from ...errors import (
    AlreadyExistsError,
    NotFoundError,
    PreconditionFailedError,
    StorageError,
    UnavailableError,
)
from ...transport import Exchange, Response, Wait
from ...types import MIB, Buffer, Checksum, ObjectInfo, PutMode, PutOptions
from ..objectstore.writing import already_exists, other_version, read_first
from .answers import Item, info_of, parse_item
from .errors import map_error
from .folders import Folders, make_folders
from .hashing import check_stored, is_same, may_be_written_anew
from .library import REMOVED, Library
from .requests import Writing

# Graph takes up to 250 MB in one request; what breaks off starts again, so larger bodies go in fragments.
SINGLE_PUT_BYTES: Final = 8 * MIB
"""The largest body that goes in one request."""

# Bodies up to here are sent before anybody looks whether something is there: mostly nothing is.
_HOPEFUL_BYTES: Final = 256 * 1024


_RIVALS: Final = 12
"""How often a replace meets another writer before it gives up."""
_RIVAL_WAIT_S: Final = 0.05
"""The longest first pause after such a meeting, which one of two writers ends earlier; it doubles up to a second."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent: enough to recognise it."""

    size: int
    quickxor: str
    sha256: str | None


class Objects:
    """The files of one library."""

    def __init__(self, library: Library) -> None:
        """Work on *library*."""
        self.library = library
        """Where they are."""
        self._requests = library.requests
        self.folders = Folders(library)
        """Those above them."""

    def head(self, key: str) -> Exchange[ObjectInfo]:
        """Look; one request.

        Raises:
            StorageError: as in ``StorageProvider.head``.
        """
        return info_of(key, (yield from self.library.file(key, self.library.path_of(key))))

    def write(self, key: str, source: Source, options: PutOptions, data: bytes | None = None) -> Exchange[ObjectInfo]:
        """Write a body of at most ``SINGLE_PUT_BYTES``; one request where nothing is there and the folder was seen.

        *data* is the whole of *source*, where it has been read.

        Raises:
            StorageError: as in ``StorageProvider.put``.
        """
        data = source.data() if data is None else data
        if data is None:
            return (yield from read_first(source, partial(self.write, key, source, options), self))
        path = self.library.path_of(key)
        drive = yield from self.library.drive()
        yield from self.folders.check(key, path)
        checksum = source.checksum
        sent = Sent(len(data), quickxor_of(data), checksum.value if checksum is not None else None)
        if options.if_match is None and len(data) <= _HOPEFUL_BYTES:
            writing = Writing(content_type=options.content_type or "application/octet-stream")
        else:
            writing = yield from self.admit(key, path, options)
        response: Response = yield self._requests.put_content(drive, path, data, writing)
        if response.status == 404 and writing.if_match is None:
            self.folders.forget(path)
            yield from make_folders(self.library, key, path)
            response = yield self._requests.put_content(drive, path, data, writing)
        if response.status in (409, 412) and options.mode is PutMode.REPLACE and options.if_match is None:
            response = yield from self._over_rivals(key, path, data, options, sent, response)
        if response.status in (200, 201):
            return (yield from self.stored(key, path, response, sent))
        return (yield from self.refused(key, path, response, options, sent))

    def delete(self, key: str) -> Exchange[None]:
        """Move the file into the recycle bin; two requests, one when there is none.

        Raises:
            UnavailableError: others replace it all the time.
            StorageError: as in ``StorageProvider.delete``.
        """
        yield from self.library.remove(partial(self.library.file_at, self.library.path_of(key)), key)

    def admit(self, key: str, path: str, options: PutOptions) -> Exchange[Writing]:
        """Return how to write to *path*, having looked at what is there; one request.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE`` and something is there.
            PreconditionFailedError: it is not the version ``if_match``.
            InvalidKeyError: something is there in another spelling, or a folder.
        """
        found = yield from self.library.look(path)
        content_type = options.content_type or "application/octet-stream"
        if options.if_match is not None and (found is None or found.version != options.if_match):
            raise other_version(key)
        if found is None:
            return Writing(content_type=content_type)
        self.library.check_spelling(found, key, path)
        if options.mode is PutMode.CREATE:
            raise already_exists(key)
        return Writing(
            behaviour="replace",
            if_match=found.if_match,
            content_type=content_type,
            replaced=found.version,
        )

    def stored(self, key: str, path: str, response: Response, sent: Sent) -> Exchange[ObjectInfo]:
        """Return what *response*, a success, says that was stored.

        Raises:
            InvalidKeyError: a folder above is spelt in another case, so it was stored there and has been taken back.
            UnavailableError: the same, and it could not be taken back.
            IntegrityError: the service stored something else.
        """
        item = parse_item(response)
        if response.status == 201 and not self.library.is_at(item, path):
            drive = yield from self.library.drive()
            removed: Response = yield self._requests.delete(drive, item)
            if removed.status not in REMOVED:
                raise UnavailableError(
                    "a folder above is spelt in another case, so SharePoint stored the object there, and refuses to "
                    f"take it back ({removed.status}); delete {item.name!r} there by hand and choose another key",
                    key=key,
                )
        return self.accepted(key, path, item, sent)

    def accepted(self, key: str, path: str, item: Item, sent: Sent) -> ObjectInfo:
        """Return what was stored, having compared it with what was *sent*.

        Raises:
            InvalidKeyError: it is spelt in another case than the key.
            IntegrityError: the service stored something else.
        """
        self.library.check_spelling(item, key, path)
        self.folders.remember(path)
        check_stored(item, sent.size, sent.quickxor)
        found = info_of(key, item)
        if sent.sha256 is None:
            return found
        return replace(found, checksum=Checksum(algorithm="sha256", value=sent.sha256))

    def find_own_write(self, key: str, path: str, sent: Sent) -> Exchange[Item | None]:
        """Return the file at *path* when it holds what was *sent*; None when it surely is another's, or none is there.

        Raises:
            UnavailableError: it is not known: it cannot be looked at, its hash is late, the service may have rewritten
                it, or it is spelt in another case.
        """
        try:
            found = yield from self.library.look(path)
        except StorageError as error:
            raise _ambiguous_write(key, error) from error
        if found is None:
            return None
        if self.library.is_at(found, path):
            if is_same(found, sent.size, sent.quickxor):
                return found
            if found.is_folder or not (may_be_written_anew(found.name) or _may_be(found, sent)):
                return None
        elif not _may_be(found, sent):
            return None
        raise _ambiguous_write(key)

    def refused(self, key: str, path: str, response: Response, options: PutOptions, sent: Sent) -> Exchange[ObjectInfo]:
        """Return what was stored after all, when the answer to it was lost; else raise what *response* means.

        Raises:
            AlreadyExistsError: create-only, and the key exists.
            PreconditionFailedError: the object is not the version ``if_match``.
            UnavailableError: the folder went away.
            StorageError: what else the service says.
        """
        if response.status in (409, 412):
            # Only an earlier attempt of this write can have stored it; else it is another writer's, with equal bytes.
            item = (yield from self.find_own_write(key, path, sent)) if response.attempts > 1 else None
            if item is not None:
                return self.accepted(key, path, item, sent)
            if response.status == 409 and path != self.library.last_file:
                found = yield from self.library.look(path)
                if found is not None:
                    self.library.check_spelling(found, key, path)
        error = map_error(response, key)
        if isinstance(error, NotFoundError | AlreadyExistsError) and options.if_match is not None:
            raise other_version(key)
        rival = isinstance(error, AlreadyExistsError | PreconditionFailedError)
        if rival and options.mode is PutMode.REPLACE and options.if_match is None:
            raise UnavailableError("others write to the same key at the moment; repeat it", key=key)
        if isinstance(error, NotFoundError):
            raise UnavailableError("the folder went away meanwhile; repeat it", key=key, code=error.code)
        raise error

    def _over_rivals(
        self, key: str, path: str, data: bytes, options: PutOptions, sent: Sent, response: Response
    ) -> Exchange[Response]:
        """Write over what others wrote meanwhile, each time having looked at it; return the last answer.

        Raises:
            UnavailableError: it may be there already, because the answer to a write was lost.
            InvalidKeyError: it is spelt in another case, or a folder.
        """
        drive = yield from self.library.drive()
        for meeting in range(_RIVALS):
            if response.status not in (409, 412):
                break
            if response.attempts > 1 and (yield from self.find_own_write(key, path, sent)) is not None:
                break  # ``refused`` finds it as well
            if meeting:
                yield Wait(random.uniform(0, min(1.0, _RIVAL_WAIT_S * 2**meeting)))  # noqa: S311  # no secret
            writing = yield from self.admit(key, path, options)
            response = yield self._requests.put_content(drive, path, data, writing)
        return response


def quickxor_of(data: Buffer) -> str:
    """Return the quickXorHash of *data*, in hexadecimal."""
    digest = QuickXorHash()
    digest.update(data)
    return digest.digest().hex()


def _may_be(found: Item, sent: Sent) -> bool:
    """Say whether *found* may hold what was *sent*: of the same size, and of no other hash."""
    return found.is_file and found.size == sent.size and found.quickxor in (None, sent.quickxor)


def _ambiguous_write(key: str, error: StorageError | None = None) -> UnavailableError:
    return UnavailableError(
        "the answer to a write was lost, and whether the object that stands there is this one could not be told; look "
        "at it before repeating",
        key=key,
        code=error.code if error is not None else None,
    )
