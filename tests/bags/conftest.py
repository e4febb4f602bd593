"""Organisations on real services, and what their bags are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bagit
import pytest

from kazinex_storage import DocumentStore, Organisations, Resolver, Storage, StoredDocument, verify_provider
from kazinex_storage.keys import DocumentKey
from kazinex_storage.organisations import Catalogue, MemoryCatalogue


class Home:
    """A catalogue of organisations, and the folder that their disks are in."""

    def __init__(self, root: Path, catalogue: Catalogue | None = None) -> None:
        self.root = root
        self.organisations = Organisations(catalogue if catalogue is not None else MemoryCatalogue())
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)

    def add_disk(self, organisation: str, label: str = "disk", *, default: bool = True) -> Path:
        """Give an organisation a folder of its own."""
        folder = self.root / f"{organisation}-{label}"
        folder.mkdir(parents=True, exist_ok=True)
        self.add(organisation, "local", {"root": str(folder), "durable": False}, label, default=default)
        return folder

    def add(
        self, organisation: str, kind: str, settings: dict[str, object], label: str, *, default: bool = True
    ) -> None:
        """Give an organisation a verified provider."""
        record = self.organisations.add_provider(organisation, kind, label, settings)
        report = verify_provider(self.organisations, organisation, record.id)
        assert report.ok, report.failure
        if default:
            self.organisations.set_default(organisation, record.id)

    def upload(self, key: str, data: bytes) -> StoredDocument:
        """Store a document by its whole key."""
        return self.documents.upload(DocumentKey.parse(key), data)

    def provider(self, organisation: str, label: str = "disk") -> Storage:
        """Return a raw storage of an organisation, below it."""
        record = self.organisations.find(organisation, label)
        return self.resolver.by_id(organisation, record.id).storage

    def runs(self, organisation: str) -> int:
        """Return how many runs the journal has."""
        return len(self.organisations.catalogue.journal.runs(organisation))

    def close(self) -> None:
        self.resolver.close()
        self.organisations.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    found = Home(tmp_path / "home")
    yield found
    found.close()


@pytest.fixture
def filled(home: Home) -> Home:
    """The organisation acme with four documents in two projects, and one object that is none."""
    fill(home)
    return home


def fill(home: Home) -> None:
    home.add_disk("acme")
    for key, data in DOCUMENTS.items():
        home.upload(key, data)
    home.resolver.storage_for("acme").put("notes/readme.txt", b"read me")


DOCUMENTS = {
    "acme/bridge/DRG-1/P01/plan.pdf": b"%PDF-1.7 plan",
    "acme/bridge/DRG-1/P02/Pl\u00e4ne & \u56f3\u9762.pdf": b"%PDF-1.7 plans",
    "acme/bridge/DRG-2/P01/empty.txt": b"",
    "acme/tunnel/DRG-1/P01/section.dwg": bytes(range(256)) * 40,
}


def validate(bag: Path) -> Any:
    """Have the validator of the Library of Congress read the whole bag."""
    found = bagit.Bag(str(bag))
    found.validate(processes=1)
    return found


def payload_of(folder: Path) -> dict[str, bytes]:
    """Return the payload of all bags in *folder*, as it lies on the disk."""
    return {
        path.relative_to(bag / "data").as_posix(): path.read_bytes()
        for bag in folder.iterdir()
        for path in (bag / "data").rglob("*")
        if path.is_file()
    }
