"""Organisations in a memory catalogue, with providers that are really opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import DocumentStore, Organisations, Resolver, verify_provider
from kazinex_storage.organisations import MemoryCatalogue


class World:
    """Two organisations that share one disk, and what administers them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.organisations = Organisations(MemoryCatalogue())
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)

    def add(self, organisation: str, label: str, folder: str = "shared", *, default: bool = False) -> str:
        """Add a verified provider on a folder of the disk and return its id."""
        (self.root / folder).mkdir(exist_ok=True)
        settings = {"root": str(self.root / folder), "durable": False}
        record = self.organisations.add_provider(organisation, "local", label, settings)
        assert verify_provider(self.organisations, organisation, record.id).ok
        if default:
            self.organisations.set_default(organisation, record.id)
        return record.id


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.resolver.close()
    world.organisations.close()
