"""Where operands lead: the storages behind an organisation or a URL, asked in the order in which they are read.

What is written and removed in an organisation goes through the storages of its resolver, which keep the rules of
revisions; ``objects.py`` and its neighbours send documents through ``DocumentStore``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from ..documents.patience import Patience
from ..errors import NotFoundError, RecordNotFoundError, StorageError, UnavailableError
from ..keys import DocumentKey
from ..lazy import logger
from ..organisations import commands
from ..types import Folder
from ..values import value
from .command import RunningCommand
from .operands import RemoteOperand, document_at, has_magic

if TYPE_CHECKING:
    from ..documents.receipts import ResolvedProvider
    from ..storage.sync import Storage
    from ..types import ObjectInfo

_log = logger(__name__)


@value
class Found:
    """One object of a place."""

    key: str
    """Below the place."""
    info: ObjectInfo
    """What its service says of it."""
    storage: Storage
    """The one that holds it and is read; what is removed through it keeps the rules."""
    provider: str | None
    """The id of the record of the provider; None behind a URL that names no organisation."""
    document: DocumentKey | None
    """The document whose file it is, if it is one."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.info.size

    @property
    def last_modified(self) -> datetime | None:
        """Aware UTC."""
        return self.info.last_modified


class Place(Protocol):
    """All objects of an organisation, or of what a URL begins with."""

    operand: RemoteOperand
    """What it was opened for; its key does not matter here."""
    silent: list[tuple[str, StorageError]]
    """The labels of the providers that did not answer a listing, and why; what they hold was not listed."""

    def head(self, key: str) -> Found:
        """Return the object at *key*; one request for each storage until one has it.

        Raises:
            NotFoundError: there is none.
            RecordNotFoundError: the organisation has no provider.
            UnavailableError: those that answered have none, and one that may have it did not answer.
        """
        ...

    def scan(self, prefix: str, *, recursive: bool = True) -> Iterator[Found | Folder]:
        """Yield the objects whose keys begin with *prefix*, as text, each once; one level with its folders otherwise.

        Raises:
            StorageError: no storage answered; those that did not are in ``silent`` otherwise.
        """
        ...

    def writer(self, key: str) -> Storage:
        """Return the storage that *key* is written to.

        Raises:
            UnresolvedOrganisationError: no provider is chosen.
        """
        ...

    def holders(self, key: str) -> Sequence[Storage]:
        """Return every storage that may hold *key*, to remove it from all of them."""
        ...


def open_place(command: RunningCommand, operand: RemoteOperand) -> Place:
    """Open what *operand* is in; closed with *command*. No request.

    Raises:
        SettingsError: the settings of a URL are not complete; the message names the variables.
    """
    if operand.organisation is not None:
        return OrganisationPlace(command, operand)
    return StoragePlace(command, operand)


def is_folder(place: Place, key: str) -> bool:
    """Say whether anything is below *key*; the place itself always is a folder. A page of a listing."""
    return not key or next(iter(place.scan(f"{key}/", recursive=False)), None) is not None


def find_object(place: Place, key: str) -> Found | None:
    """Return the object at *key*, None when there is none.

    Raises:
        UnavailableError: one that may have it did not answer.
    """
    try:
        return place.head(key) if key else None
    except NotFoundError:
        return None


class StoragePlace:
    """One storage of the settings in the environment."""

    def __init__(self, command: RunningCommand, operand: RemoteOperand) -> None:
        """Open it, or take the one that the command has opened."""
        self.operand = operand
        self.silent: list[tuple[str, StorageError]] = []
        self._storage = command.storage_at(operand.base)

    def head(self, key: str) -> Found:
        """Return the object at *key*."""
        return self._found(self._storage.head(key))

    def scan(self, prefix: str, *, recursive: bool = True) -> Iterator[Found | Folder]:
        """Yield what is there."""
        for found in self._storage.list(prefix, recursive=recursive):
            yield found if isinstance(found, Folder) else self._found(found)

    def writer(self, key: str) -> Storage:  # noqa: ARG002  # there is one
        """Return the only storage."""
        return self._storage

    def holders(self, key: str) -> Sequence[Storage]:  # noqa: ARG002  # there is one
        """Return the only storage."""
        return (self._storage,)

    def _found(self, info: ObjectInfo) -> Found:
        return Found(key=info.key, info=info, storage=self._storage, provider=None, document=None)


class OrganisationPlace:
    """Every provider of an organisation, as ``kazinex://`` sees them."""

    def __init__(self, command: RunningCommand, operand: RemoteOperand) -> None:
        """Open nothing yet."""
        self.operand = operand
        self.silent: list[tuple[str, StorageError]] = []
        self._resolver = command.resolver
        self._organisation = operand.place
        self._patience = Patience()
        self._writers: dict[str, Storage] = {}

    def head(self, key: str) -> Found:
        """Return the object at *key*."""
        unanswered: list[tuple[ResolvedProvider, StorageError]] = []
        for provider, storage in self._in_order(key.partition("/")[0]):
            try:
                return self._found(storage.head(key), storage, provider)
            except NotFoundError:
                continue
            except StorageError as reason:
                unanswered.append((provider, reason))
        name = f"{self.operand.base}{key}"
        for provider, error in unanswered:
            if provider.used:
                raise UnavailableError(
                    f"the providers that answered do not hold it, and {provider.label} did not answer: {error.message}",
                    key=name,
                ) from error
        raise NotFoundError("no provider of the organisation holds it", operation="find", key=name)

    def scan(self, prefix: str, *, recursive: bool = True) -> Iterator[Found | Folder]:
        """Yield what the providers hold together."""
        from ..verification.verify import PROBE_FOLDER

        providers = self._in_order(prefix.partition("/")[0] if "/" in prefix else None)
        seen = set[str]()
        failed: list[tuple[ResolvedProvider, StorageError]] = []
        for provider, storage in providers:
            try:
                for found in storage.list(prefix, recursive=recursive):
                    key = found.prefix if isinstance(found, Folder) else found.key
                    if key in seen or key.startswith(f"{PROBE_FOLDER}/"):
                        continue  # of another provider already; or a verification is under way, or was cut off
                    seen.add(key)
                    yield found if isinstance(found, Folder) else self._found(found, storage, provider)
            except StorageError as reason:
                failed.append((provider, reason))
        if failed and len(failed) == len(providers):
            raise failed[0][1]
        for provider, error in failed:
            if provider.used:
                self.silent.append((provider.label, error))
            _log.warning("provider %s did not answer, and what it holds is missing here: %s", provider.label, error)

    def writer(self, key: str) -> Storage:
        """Return the storage of the override of the project, else of the default."""
        project = key.partition("/")[0]
        if project not in self._writers:
            self._writers[project] = self._resolver.storage_for(self._organisation, project or None)
        return self._writers[project]

    def holders(self, key: str) -> Sequence[Storage]:
        """Return the storage of every provider that can hold anything."""
        return [storage for provider, storage in self._in_order(key.partition("/")[0]) if provider.used]

    def _in_order(self, project: str | None) -> list[tuple[ResolvedProvider, Storage]]:
        from ..documents.writing import guarded_storage

        # A pattern names no project.
        known = project or None if project is None or not has_magic(project) else None
        found = [
            (provider, guarded_storage(self._resolver, self._organisation, provider, self._patience))
            for provider in self._resolver.in_order(self._organisation, known)
        ]
        if not found:
            add = commands.add(self._organisation)
            raise RecordNotFoundError(f"the organisation {self._organisation!r} has no provider; add one: {add}")
        return found

    def _found(self, info: ObjectInfo, storage: Storage, provider: ResolvedProvider) -> Found:
        document = document_at(self.operand, info.key)
        return Found(key=info.key, info=info, storage=storage, provider=provider.provider, document=document)
