"""Where a path leads: to which key, and to which storages, for reading and for writing.

One space is behind each file system. ``lookups.py`` and ``transfers.py`` work on any of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from ..errors import InvalidKeyError, NotSupportedError, StorageError, UnavailableError
from ..keys import ObjectKey
from ..lazy import logger
from ..storage.sync import Storage
from ..transport import Call, Exchange, Transport
from ..values import value
from .urls import parse_address

_log = logger(__name__)


@value
class Place:
    """One path, taken apart."""

    base: str
    """What the names of this part of the space begin with; empty, or ends with a slash."""
    key: str
    """A valid key of the storages of this part; empty for the part itself."""
    write_once: bool = False
    """Whether what is written here is created and never replaced."""

    @property
    def name(self) -> str:
        """The canonical path."""
        return f"{self.base}{self.key}" if self.key else self.base.removesuffix("/")

    @property
    def prefix(self) -> str:
        """What the keys below this place begin with."""
        return f"{self.key}/" if self.key else ""


@value
class Candidate:
    """A storage that may hold what is wanted."""

    storage: Storage
    counts: bool = True
    """Whether it may hold something: while it does not answer, nothing can be reported as missing."""
    takes_part: bool = True
    """Whether it is asked before something is created in another storage."""
    on_tolerated: Callable[[StorageError], None] | None = None
    """Called when the call goes on without it."""

    def tolerate(self, error: StorageError) -> Exchange[None]:
        """Go on without the storage, which did not answer, and say so in the log."""
        _log.warning("%r was passed over: %s", self.storage, error)
        if self.on_tolerated is not None:
            yield Call(self.on_tolerated, error)

    def delete_many(self, keys: Sequence[str]) -> Exchange[None]:
        """Remove *keys*; a storage that cannot hold anything need not answer.

        Raises:
            StorageError: not all could be removed.
        """
        try:
            yield from self.storage.operations.delete_many(keys)
        except StorageError as error:
            if self.counts:
                raise
            yield from self.tolerate(error)


class Unanswered:
    """The storages that did not answer one question, and what that means for the answer."""

    def __init__(self, place: Place, candidates: Sequence[Candidate]) -> None:
        self._place = place
        self._candidates = candidates
        self._errors: list[tuple[Candidate, StorageError]] = []

    def add(self, candidate: Candidate, error: StorageError) -> None:
        """Note that *candidate* did not answer."""
        self._errors.append((candidate, error))

    def tolerate(self) -> Exchange[None]:
        """Go on without those that did not answer, because others did.

        Raises:
            StorageError: no storage answered.
        """
        if self._errors and len(self._errors) == len(self._candidates):
            raise self._errors[0][1]
        for candidate, error in self._errors:
            yield from candidate.tolerate(error)

    def tolerate_if_absent(self) -> Exchange[None]:
        """Go on although the others found nothing, if those that did not answer cannot hold anything.

        Raises:
            UnavailableError: one of them may hold it.
            StorageError: no storage answered.
        """
        yield from self.tolerate()
        unknown = [pair for pair in self._errors if pair[0].counts and not isinstance(pair[1], InvalidKeyError)]
        if unknown:
            candidate, error = unknown[0]
            raise UnavailableError(
                "the storages that answered do not hold it, but not all of them could be asked; "
                f"{candidate.storage!r} said: {error.message}",
                key=self._place.name,
            ) from error


class Space(Protocol):
    """The paths of one file system. Thread-safe."""

    @property
    def transport(self) -> Transport:
        """What runs the exchanges."""
        ...

    @property
    def divided(self) -> bool:
        """Whether the folders at the top of a part may have other storages than the part itself."""
        ...

    def roots(self) -> Sequence[str] | None:
        """Return what the root holds, where that is known without a request; else None."""
        ...

    def place(self, path: str) -> Place:
        """Take *path* apart; it has no scheme. No request.

        Raises:
            InvalidUrlError: the path cannot name anything here.
            InvalidKeyError: the same, for the key in it.
            NotSupportedError: the path is the root, and the root cannot be listed.
        """
        ...

    def candidates(self, place: Place) -> Exchange[Sequence[Candidate]]:
        """Return the storages that may hold *place*, in the order in which they are asked."""
        ...

    def writer(self, place: Place) -> Exchange[Storage]:
        """Return the storage that *place* is written to."""
        ...

    def close(self) -> None:
        """Close the storages that this space opened, and the connections of a transport of its own.

        It does not wait: the last reference to a file system may be dropped on any thread, including one of its own.
        """
        ...


def object_at(space: Space, path: str) -> Place:
    """Take *path* apart; it has no scheme, and names an object.

    Raises:
        IsADirectoryError: it has no key.
        StorageError: as ``Space.place``.
    """
    place = space.place(path)
    if not place.key:
        raise IsADirectoryError(f"{path!r} is a folder; name an object in it")
    return place


class StorageSpace:
    """The keys of one storage are the paths."""

    divided = False

    def __init__(self, make: Callable[[], Storage], *, owned: bool) -> None:
        """Get the storage from *make* when it is first used; one that is *owned* is closed with the space."""
        self._make = make
        self._owned = owned
        self._opened: Storage | None = None
        self._candidates: tuple[Candidate, ...] = ()
        self._lock = threading.Lock()

    def open(self) -> Storage:
        """Return the storage.

        Raises:
            StorageError: it cannot be opened; the next call tries again.
        """
        found = self._opened
        if found is None:
            with self._lock:
                found = self._opened = self._opened or self._make()
        return found

    @property
    def transport(self) -> Transport:
        """What runs the exchanges.

        Raises:
            StorageError: the storage cannot be opened.
        """
        return self.open().transport

    def roots(self) -> None:
        """Return None: the root is listed like every folder."""

    def place(self, path: str) -> Place:
        """Return the key.

        Raises:
            InvalidKeyError: the path is no key.
        """
        return Place(base="", key=ObjectKey(path) if path else "")

    def candidates(self, place: Place) -> Exchange[Sequence[Candidate]]:  # noqa: ARG002  # there is one
        """Return the only storage."""
        if not self._candidates:
            self._candidates = (Candidate(storage=self.open()),)
        return self._candidates
        yield  # makes this an exchange

    def writer(self, place: Place) -> Exchange[Storage]:  # noqa: ARG002  # there is one
        """Return the only storage."""
        return self.open()
        yield  # makes this an exchange

    def close(self) -> None:
        """Close the storage if it was opened here."""
        if self._owned and self._opened is not None:
            self._opened.close()
            self._opened.transport.close(wait=False)

    def __repr__(self) -> str:
        return repr(self._opened) if self._opened is not None else "StorageSpace()"


class BucketSpace:
    """The first segment names a bucket, or what a kind of provider has in its place; the rest is the key."""

    divided = False

    def __init__(
        self,
        scheme: str,
        field: str,
        open_bucket: Callable[[str, Transport], Storage],
        roots: Callable[[], Sequence[str] | None] = lambda: None,
    ) -> None:
        """Open each bucket when it is first named; *field* is the word for it, *roots* says which there are."""
        self.roots = roots
        """What the root holds, or None."""
        self.transport = Transport()
        """What runs the exchanges."""
        self._scheme = scheme
        self._field = field
        self._open_bucket = open_bucket
        self._storages: dict[str, Storage] = {}

    def place(self, path: str) -> Place:
        """Return the bucket and the key.

        Raises:
            InvalidUrlError: the first segment names no bucket, or the rest is no key.
            NotSupportedError: no bucket is named.
        """
        if not path:
            raise NotSupportedError(
                f"the root is not listed; name one {self._field}: {self._scheme}://{self._field}/key"
            )
        address = parse_address(path, self._field, named=self._field == "library")
        return Place(base=f"{address.place}/", key=address.key)

    def candidates(self, place: Place) -> Exchange[Sequence[Candidate]]:
        """Return the storage of the bucket."""
        return (Candidate(storage=self._open(place)),)
        yield  # makes this an exchange

    def writer(self, place: Place) -> Exchange[Storage]:
        """Return the storage of the bucket."""
        return self._open(place)
        yield  # makes this an exchange

    def close(self) -> None:
        """Close the buckets and the connections to them."""
        for storage in self._storages.values():
            storage.close()
        self.transport.close(wait=False)

    def _open(self, place: Place) -> Storage:
        name = place.base.removesuffix("/")
        found = self._storages.get(name)
        if found is None:
            # Two threads may both open one, which holds nothing before its first request.
            found = self._storages.setdefault(name, self._open_bucket(name, self.transport))
        return found

    def __repr__(self) -> str:
        return f"BucketSpace({self._scheme!r})"
