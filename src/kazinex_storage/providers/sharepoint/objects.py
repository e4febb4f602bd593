"""Files of one library, as exchanges: look, write in one request, delete.

Larger bodies go through ``sessions.py``. A create-only write that is refused looks whether the file in its way is its
own, because the answer to an earlier attempt may have been lost: it is its own if it holds the same bytes.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import Final

from ...bodies.source import Source
from ...errors import AlreadyExistsError, NotFoundError, PreconditionFailedError, StorageError, UnavailableError
from ...transport import Exchange, Response, Wait
from ...types import MIB, Checksum, ObjectInfo, PutMode, PutOptions
from ..objectstore.writing import already_exists, ambiguous_write, other_version, read_first
from .answers import Item, info_of, parse_item
from .errors import GRAPH, map_error
from .folders import Folders
from .hashing import Sent, may_be_rewritten, quickxor_of
from .library import REMOVED, Library
from .requests import Writing

# Graph takes up to 250 MB in one request; a request that breaks off starts over, so larger bodies go in fragments.
SINGLE_PUT_BYTES: Final = 8 * MIB
"""The largest body that goes in one request."""

# Bodies up to here are sent without a look at what is there: mostly nothing is.
_HOPEFUL_BYTES: Final = 256 * 1024

_RIVALS: Final = 12
"""How often a replace meets another writer before it gives up."""
_RIVAL_WAIT_S: Final = 0.05
"""The longest first pause after that; it doubles up to a second. The pauses are random, so that one writer is first."""


class Objects:
    """The files of one library. Every exchange raises what ``StorageProvider`` says of its verb."""

    def __init__(self, library: Library) -> None:
        """Work on *library*."""
        self.library = library
        """The library."""
        self._requests = library.requests
        self.folders = Folders(library)
        """The folders above the files."""

    def head(self, key: str) -> Exchange[ObjectInfo]:
        """Look; one request."""
        return info_of(key, (yield from self.library.file(key, self.library.path_of(key))))

    def write(self, key: str, source: Source, options: PutOptions, data: bytes | None = None) -> Exchange[ObjectInfo]:
        """Write a body of at most ``SINGLE_PUT_BYTES``; one request if nothing is there and the folder was seen.

        *data* is the whole of *source*, if it has been read.
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
            writing = Writing(content_type=options.content_type)
        else:
            writing = yield from self.admit(key, path, options)
        request = self._requests.put_content(drive, path, data, writing)
        if writing.if_match is None:
            response = yield from self.folders.send(key, path, request)
        else:
            response = yield request
        if response.status in (409, 412) and options.mode is PutMode.REPLACE and options.if_match is None:
            response = yield from self._over_rivals(key, path, data, options, sent, response)
        if response.status in (200, 201):
            return (yield from self.stored(key, path, response, sent))
        return (yield from self.refused(key, path, response, options, sent))

    def delete(self, key: str) -> Exchange[None]:
        """Move the file into the recycle bin; two requests, one when there is none.

        Raises ``UnavailableError`` when others keep replacing it.
        """
        yield from self.library.remove(partial(self.library.file_at, self.library.path_of(key)), key)

    def admit(self, key: str, path: str, options: PutOptions) -> Exchange[Writing]:
        """Return how to write to *path*, after a look at what is there; one request.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE`` and something is there.
            PreconditionFailedError: it is not the version ``if_match``.
            InvalidKeyError: something is there in another spelling, or a folder.
        """
        found = yield from self.library.look(path)
        if options.if_match is not None and (found is None or found.version != options.if_match):
            raise other_version(key)
        if found is None:
            return Writing(content_type=options.content_type)
        self.library.check_spelling(found, key, path)
        if options.mode is PutMode.CREATE:
            raise already_exists(key)
        return Writing(
            behaviour="replace", if_match=found.if_match, content_type=options.content_type, replaced=found.version
        )

    def stored(self, key: str, path: str, response: Response, sent: Sent) -> Exchange[ObjectInfo]:
        """Return what *response*, a success, says was stored.

        Raises:
            InvalidKeyError: a folder above is spelt in another case; what was stored there has been taken back.
            UnavailableError: the same, and it could not be taken back.
            IntegrityError: the service stored something else.
        """
        item = parse_item(response)
        if response.status == 201 and not self.library.is_at(item, path):
            drive = yield from self.library.drive()
            try:
                yield from GRAPH.send(self._requests.delete(drive, item), ok=REMOVED)
            except StorageError as error:
                raise UnavailableError(
                    "a folder above is spelt in another case, so SharePoint stored the object there, and it could not "
                    f"be taken back ({error.message}); delete {item.name!r} there by hand and choose another key",
                    key=key,
                    code=error.code,
                ) from error
        return self.accepted(key, path, item, sent)

    def accepted(self, key: str, path: str, item: Item, sent: Sent) -> ObjectInfo:
        """Return what was stored, having compared it with what was *sent*.

        Raises:
            InvalidKeyError: it is spelt in another case than the key.
            IntegrityError: the service stored something else.
        """
        self.library.check_spelling(item, key, path)
        self.folders.remember(path.rpartition("/")[0])
        sent.check(item)
        found = info_of(key, item)
        if sent.sha256 is None:
            return found
        return replace(found, checksum=Checksum(algorithm="sha256", value=sent.sha256))

    def find_own_write(self, key: str, path: str, sent: Sent) -> Exchange[Item | None]:
        """Return the file at *path* if it holds what was *sent*; None if it is certainly another's, or none is there.

        Raises:
            UnavailableError: it is not known: it cannot be looked at, its hash is late, the service may have rewritten
                it, or it is spelt in another case.
        """
        try:
            found = yield from self.library.look(path)
        except StorageError as error:
            raise ambiguous_write(key, error) from error
        if found is None:
            return None
        exact = self.library.is_at(found, path)
        if exact and sent.is_in(found):
            return found
        if sent.may_be_in(found) or (exact and not found.is_folder and may_be_rewritten(found.name)):
            raise ambiguous_write(key)
        return None

    def refused(self, key: str, path: str, response: Response, options: PutOptions, sent: Sent) -> Exchange[ObjectInfo]:
        """Return what an earlier attempt stored, whose answer was lost; else raise what *response* means.

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
        """Write over what others wrote meanwhile, each time after a look at it; return the last answer."""
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
