"""One organisation with a provider on every kind of service, all of them real servers and emulators on loopback."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey, DocumentStore, Organisations, Resolver, Storage
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.organisations import MemoryCatalogue

from ..journeys.services import service_of

REMOTE = ("seaweedfs", "r2 front", "supabase front", "azure", "sharepoint")
PLACES = ("local", *REMOTE)


class Places:
    """The organisation ``acme``, which has a provider on each place; nothing is shared between two names."""

    def __init__(self, root: Path) -> None:
        self.organisations = Organisations(MemoryCatalogue())
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)
        self.ids: dict[str, str] = {}
        self._root = root

    def add(self, name: str, kind: str, settings: dict[str, object]) -> None:
        """Add a provider; it is not verified, which no copy asks for."""
        self.ids[name] = self.organisations.add_provider("acme", kind, name, settings).id

    def add_local(self, name: str) -> None:
        """Add a provider on a folder of the disk."""
        folder = self._root / name
        folder.mkdir()
        self.add(name, "local", {"root": str(folder), "durable": False})

    def storage(self, name: str) -> Storage:
        """Return the storage of a provider, which writes documents into the register."""
        return self.resolver.storage_of("acme", self.ids[name])

    def provider_of(self, key: str) -> str:
        """Return the name of the provider that the register has for the document of that key."""
        record = self.resolver.revisions.revision(DocumentKey.parse(f"acme/{key}"))
        assert record is not None
        return next(name for name, provider in self.ids.items() if provider == record.provider)

    def migration(self, source: str, target: str, project: str | None, options: CopyOptions) -> Migration:
        """Return what moves a project from one to the other."""
        return Migration(self.resolver, "acme", source, target, project=project, options=options)

    def close(self) -> None:
        self.resolver.close()
        self.organisations.close()


@contextmanager
def places_of(request: pytest.FixtureRequest, root: Path) -> Iterator[Places]:
    """Yield an organisation with all of ``PLACES``."""
    places = Places(root)
    with ExitStack() as stack:
        stack.callback(places.close)
        places.add_local("local")
        for name in REMOTE:
            service = stack.enter_context(service_of(name, request))
            folder = hashlib.sha256(root.name.encode()).hexdigest()[:8]
            places.add(name, service.kind, {**service.settings, service.folder: folder})
        yield places


def bodies() -> dict[str, bytes]:
    """Return documents by key below a project: an empty one, some small ones, and one that is read in pieces."""
    return {
        "DRG-1/P01/empty.bin": b"",
        "DRG-1/P02/Plan Ü 1.ifc": b"plan",
        "DRG-2/P01/a=3A b+c.ifc": bytes(range(256)) * 20,
        "DRG-2/P02/large.bin": bytes(range(251)) * 1200,
    }
