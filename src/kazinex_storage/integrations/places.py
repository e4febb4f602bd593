"""Where the files of an application are: below a storage, or in an organisation of the catalogue, by name.

One body for both, so that what is built on it (``django.py``) knows neither. Blocking, thread-safe and fork-safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from ..errors import NotFoundError
from ..fs.lookups import Lookups
from ..fs.organisations import OrganisationSpace
from ..fs.spaces import Candidate, Place
from ..keys import check_identifier
from ..storage.sync import Storage
from ..types import Folder, ObjectInfo
from ..values import value


@value
class Located:
    """One object and what holds it."""

    storage: Storage
    key: str
    """In that storage."""
    info: ObjectInfo


class Shelves(Protocol):
    """Named files."""

    def find(self, name: str) -> Located:
        """Return the object *name*. One request for each storage until one has it.

        Raises:
            NotFoundError: none has.
        """
        ...

    def target(self, name: str) -> tuple[Storage, str]:
        """Return what a new object *name* is written to, and its key there."""
        ...

    def remove(self, name: str) -> None:
        """Remove *name* wherever it is; silent when it is nowhere."""
        ...

    def entries(self, folder: str) -> Iterator[ObjectInfo | Folder]:
        """Yield what is directly in *folder*, each name once, with the keys of its storage."""
        ...

    def close(self) -> None:
        """Close what was opened."""
        ...


class StorageShelves:
    """The files below one storage, in the folder of a tenant where there is one."""

    def __init__(self, storage: Storage, tenant: Callable[[], str | None] | None) -> None:
        """Use *storage*, and close it; *tenant* names the folder, at each call."""
        self._storage = storage
        self._tenant = tenant

    def find(self, name: str) -> Located:
        """Do what ``Shelves.find`` says."""
        storage, key = self.target(name)
        return Located(storage=storage, key=key, info=storage.head(key))

    def target(self, name: str) -> tuple[Storage, str]:
        """Do what ``Shelves.target`` says.

        Raises:
            NotFoundError: no tenant is named for this call.
        """
        if self._tenant is None:
            return self._storage, name
        tenant = self._tenant()
        if tenant is None:  # never the files of all of them
            raise NotFoundError("no organisation is named for this call", operation="find", key=name)
        return self._storage.scoped(check_identifier(tenant, "organisation")), name

    def remove(self, name: str) -> None:
        """Do what ``Shelves.remove`` says."""
        storage, key = self.target(name)
        storage.delete(key)

    def entries(self, folder: str) -> Iterator[ObjectInfo | Folder]:
        """Do what ``Shelves.entries`` says."""
        storage, prefix = self.target(folder)
        return storage.list(f"{prefix}/" if prefix else "", recursive=False)

    def close(self) -> None:
        """Close the storage."""
        self._storage.close()


class OrganisationShelves:
    """The files of an organisation of the environment's catalogue, read as ``kazinex://`` reads them."""

    def __init__(self, organisation: Callable[[], str | None]) -> None:
        """*organisation* names the one that is meant, at each call; the catalogue is opened on first use."""
        self._organisation = organisation
        self._space = OrganisationSpace(None)
        self._lookups = Lookups(self._space)

    def find(self, name: str) -> Located:
        """Do what ``Shelves.find`` says."""
        place = self._place(name)
        run = self._space.transport.run
        storage, info = run(self._lookups.head(place, run(self._space.candidates(place))))
        return Located(storage=storage, key=place.key, info=info)

    def target(self, name: str) -> tuple[Storage, str]:
        """Do what ``Shelves.target`` says: the override of the project, else the default."""
        place = self._place(name)
        return self._space.transport.run(self._space.writer(place)), place.key

    def remove(self, name: str) -> None:
        """Do what ``Shelves.remove`` says; a storage that may hold it must answer."""
        place = self._place(name)
        for candidate in self._candidates(place):
            self._space.transport.run(candidate.delete_many([place.key]))

    def entries(self, folder: str) -> Iterator[ObjectInfo | Folder]:
        """Do what ``Shelves.entries`` says."""
        place, seen = self._place(folder), set[str]()
        for candidate in self._candidates(place):
            for entry in candidate.storage.list(place.prefix, recursive=False):
                name = entry.prefix if isinstance(entry, Folder) else entry.key
                if name not in seen:
                    seen.add(name)
                    yield entry

    def close(self) -> None:
        """Close the catalogue and what it opened."""
        self._space.close()

    def _candidates(self, place: Place) -> tuple[Candidate, ...]:
        return tuple(self._space.transport.run(self._space.candidates(place)))

    def _place(self, name: str) -> Place:
        organisation = self._organisation()
        if organisation is None:
            raise NotFoundError("no organisation is named for this call", operation="find", key=name)
        base = check_identifier(organisation, "organisation")
        return self._space.place(f"{base}/{name}" if name else base)
