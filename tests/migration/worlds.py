"""Organisations with folders of this machine as providers, for the tests of what moves and compares documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kazinex_storage import DocumentKey, DocumentStore, Resolver, verify_provider
from kazinex_storage.documents.receipts import StoredDocument
from kazinex_storage.organisations import Catalogue, KeyFile, Organisations, Sealer, SqlCatalogue
from kazinex_storage.storage.sync import Storage

ACME = "acme"


class World:
    """One organisation, and a folder for each of its providers."""

    def __init__(self, folder: Path, catalogue: Catalogue, *labels: str) -> None:
        """Add a provider for each of *labels*; the first is the default."""
        self.folder = folder
        self.organisations = Organisations(catalogue)
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)
        self.ids: dict[str, str] = {}
        for label in labels:
            known = [record for record in self.organisations.providers(ACME) if record.label == label]
            self.ids[label] = known[0].id if known else self.add(label)

    def add(self, label: str) -> str:
        """Add a provider, verified."""
        root = self.folder / label
        root.mkdir(exist_ok=True)
        return self.add_kind("local", label, {"root": str(root)})

    def add_kind(self, kind: str, label: str, settings: dict[str, object]) -> str:
        """Add a provider of any kind, verified."""
        record = self.organisations.add_provider(ACME, kind, label, settings)
        report = verify_provider(self.organisations, ACME, record.id)
        assert report.ok, report.failure
        if self.organisations.organisation(ACME).default_provider is None:
            self.organisations.set_default(ACME, record.id)
        self.ids[label] = record.id
        return record.id

    def storage(self, label: str) -> Storage:
        """Return the storage of a provider, past all guards."""
        return self.resolver.by_id(ACME, self.ids[label]).storage

    def path(self, label: str, key: str) -> Path:
        """Return the file of an object on disk."""
        return self.folder / label / ACME / key

    def upload(self, number: int, body: bytes | None = None, project: str = "bridge") -> StoredDocument:
        """Upload a document to the default provider."""
        return self.documents.upload(document(number, project), body if body is not None else content(number))

    def close(self) -> None:
        """Close everything but the catalogue, which is the organisations'."""
        self.resolver.close()
        self.organisations.close()


def document(number: int, project: str = "bridge") -> DocumentKey:
    """Return the document of that number."""
    return DocumentKey(ACME, project, f"D-{number}", "P01", f"plän {number}.pdf")


def key_of(number: int, project: str = "bridge") -> str:
    """Return its key below the organisation."""
    return document(number, project).build().removeprefix(f"{ACME}/")


def content(number: int) -> bytes:
    """Return its bytes."""
    return b"%PDF-1.7 " + f"drawing {number}".encode() * 3


@contextmanager
def world_on_disk(folder: Path, *labels: str) -> Iterator[World]:
    """Open the catalogue in *folder*, as any process may."""
    catalogue = SqlCatalogue(folder / "catalogue.db", Sealer(KeyFile(folder / "key")))
    world = World(folder, catalogue, *labels)
    try:
        yield world
    finally:
        world.close()
