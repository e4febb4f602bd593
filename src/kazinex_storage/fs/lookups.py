"""What is at a path: each question once, as an exchange. ``searches.py`` lists folders and matches patterns.

Nothing is cached. A folder exists as long as an object is below it. Where several storages hold a key, the first one
that was asked wins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from ..errors import (
    AccessDeniedError,
    LocationNotFoundError,
    NotFoundError,
    StorageError,
    UnavailableError,
)
from ..storage.sync import Storage
from ..transport import Exchange, Many, Outcome
from ..types import ObjectInfo
from ..unkeyed import MARKED
from .entries import Entry
from .listings import has_any
from .spaces import Candidate, Place, Space, Unanswered

T = TypeVar("T")


class Lookups:
    """What can be asked about single paths of one space."""

    def __init__(self, space: Space) -> None:
        self.space = space
        """Where paths lead."""

    def info(self, path: str, *, is_folder: bool = False) -> Exchange[Entry]:
        """Return what is at *path*. One request for an object, two for a folder, for each storage asked.

        Args:
            path: Without a scheme.
            is_folder: Whether a listing has shown a folder there already, which saves the second request.

        Raises:
            NotFoundError: neither an object nor a folder.
            LocationNotFoundError: there is no such bucket.
        """
        if not path:
            return Entry(name="", info=None)
        place = self.space.place(path)
        candidates = yield from self.space.candidates(place)
        if not place.key:
            yield from self._check_there(place, candidates)
            return Entry(name=place.name, info=None)
        try:
            _, info = yield from self.head(place, candidates)
        except (NotFoundError, UnavailableError) as missing:
            if missing.code == MARKED:
                return Entry(name=place.name, info=None)
            if len(candidates) == 1 and isinstance(missing, UnavailableError):
                raise
            if not (is_folder or (yield from self._is_folder(place, candidates))):
                raise
            return Entry(name=place.name, info=None)
        return Entry(name=place.name, info=info)

    def find_info(self, path: str) -> Exchange[Entry | None]:
        """Return what is at *path*, or None; in a bucket that does not exist there is nothing.

        Raises:
            LocationNotFoundError: one of several storages does not exist: it may have held the object.
        """
        try:
            return (yield from self.info(path))
        except NotFoundError:
            return None
        except LocationNotFoundError:
            if self.space.divided:
                raise
            return None

    def is_folder(self, path: str) -> Exchange[bool]:
        """Say whether *path* is a folder."""
        entry = yield from self.find_info(path)
        return entry is not None and entry.is_folder

    def exists(self, path: str) -> Exchange[bool]:
        """Say whether anything is at *path*."""
        return (yield from self.find_info(path)) is not None

    def head(self, place: Place, candidates: Sequence[Candidate]) -> Exchange[tuple[Storage, ObjectInfo]]:
        """Return the first storage that holds *place*, and what it says about it.

        Raises:
            NotFoundError: none of them does.
        """
        return (yield from self.first(place, candidates, lambda storage: storage.operations.head(place.key)))

    def first(
        self, place: Place, candidates: Sequence[Candidate], attempt: Callable[[Storage], Exchange[T]]
    ) -> Exchange[tuple[Storage, T]]:
        """Return the first storage that holds *place*, and what *attempt* returned there.

        Raises:
            NotFoundError: none of them does.
            UnavailableError: those that answered do not hold it, and some did not answer.
            StorageError: none answered.
        """
        unanswered, code = Unanswered(place, candidates), None
        for candidate in candidates:
            try:
                found = candidate.storage, (yield from attempt(candidate.storage))
            except NotFoundError as error:
                code = MARKED if error.code == MARKED else code
                continue
            except StorageError as error:
                unanswered.add(candidate, error)
                continue
            yield from unanswered.tolerate()
            return found
        if code is None:
            yield from unanswered.tolerate_if_absent()
        raise NotFoundError("no object has that path", key=place.name, code=code)

    def any_holds(self, place: Place, candidates: Sequence[Candidate]) -> Exchange[bool]:
        """Say whether one of *candidates* holds *place*; one that does not answer stops no write."""
        for candidate in candidates:
            try:
                yield from candidate.storage.operations.head(place.key)
            except NotFoundError:
                continue
            except StorageError as error:
                yield from candidate.tolerate(error)
            else:
                return True
        return False

    def _is_folder(self, place: Place, candidates: Sequence[Candidate]) -> Exchange[bool]:
        unanswered = Unanswered(place, candidates)
        for candidate in candidates:
            try:
                if (yield from has_any(candidate.storage.operations, place.prefix)):
                    return True
            except StorageError as error:
                unanswered.add(candidate, error)
        yield from unanswered.tolerate_if_absent()
        return False

    def window(self, paths: Sequence[str], chosen: int | None) -> Exchange[int]:
        """Return how many calls to run at once for *paths*; *chosen* wins, and -1 means all at once."""
        if chosen is not None:
            return max(1, len(paths)) if chosen < 0 else chosen
        if not paths:
            return 1
        place = self.space.place(paths[0])
        return max(
            [candidate.storage.info.concurrency for candidate in (yield from self.space.candidates(place))], default=1
        )

    def gather(self, exchanges: Sequence[Exchange[T]], window: int | None = None) -> Exchange[list[T]]:
        """Run *exchanges* concurrently and return their results.

        Raises:
            Exception: the first of their errors, after all have ended.
        """
        if len(exchanges) == 1:
            return [(yield from exchanges[0])]
        outcomes = cast("list[Outcome[T]]", (yield Many(exchanges, window or max(1, len(exchanges)))))
        return [outcome.result() for outcome in outcomes]

    def _check_there(self, place: Place, candidates: Sequence[Candidate]) -> Exchange[None]:
        """Make sure that the place itself exists; one request for a bucket, of which LocationNotFoundError comes."""
        if not candidates:
            raise NotFoundError("the organisation has no provider; add one", key=place.name)
        if self.space.divided:
            return
        try:
            yield from has_any(candidates[0].storage.operations, "")
        except AccessDeniedError:
            return  # it exists, and may not be listed
