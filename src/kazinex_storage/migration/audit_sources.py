"""What an audit compares a provider with: everything that another provider has, or that the register says it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ..documents.listing import RevisionListing
from ..documents.register import RevisionRegister
from ..storage.sync import Storage
from .comparing import RecordedSide, Reference, StoredSide
from .journal import Entry


class Source(Protocol):
    """Everything that the target is compared with."""

    @property
    def reference(self) -> Reference:
        """What one key is compared with."""
        ...

    def entries(self, project: str | None) -> Iterator[Entry]:
        """Yield all that there is; memory stays flat."""
        ...


class StoredSource:
    """The objects of a provider."""

    def __init__(self, storage: Storage) -> None:
        """List *storage*."""
        self._storage = storage
        self.reference: Reference = StoredSide(storage)
        """What one key is compared with."""

    def entries(self, project: str | None) -> Iterator[Entry]:
        """Yield what the provider lists."""
        for info in self._storage.list(prefix_of(project)):
            yield Entry(number=0, key=info.key, size=info.size, etag=info.etag, last_modified=info.last_modified)


class RecordedSource:
    """The documents that the register says are on one provider."""

    def __init__(self, register: RevisionRegister, listing: RevisionListing, organisation: str, provider: str) -> None:
        """List the records of *organisation* that name *provider*."""
        self._listing = listing
        self._organisation = organisation
        self._provider = provider
        self.reference: Reference = RecordedSide(register, organisation, provider)
        """What one key is compared with."""

    def entries(self, project: str | None) -> Iterator[Entry]:
        """Yield what the register knows, page by page."""
        after = None
        while page := self._listing.records(self._organisation, project=project, after=after):
            for record in page:
                if record.provider != self._provider or record.removal is not None:
                    continue
                key = record.document.build().removeprefix(f"{self._organisation}/")
                yield Entry(
                    number=0,
                    key=key,
                    size=record.size or 0,
                    last_modified=record.recorded_at,
                    sha256=record.sha256,
                )
            after = page[-1].document


def prefix_of(project: str | None) -> str:
    """Return what the keys of a project begin with, below the organisation."""
    return f"{project}/" if project is not None else ""
