"""A retired provider only reads: its receipts lead to what it holds, and everything else goes on without it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from kazinex_storage import AsyncDocumentStore, DocumentKey, ReadOnlyError, SettingsError
from kazinex_storage.documents.events import ProviderUpdated

if TYPE_CHECKING:
    from .conftest import World

OLD = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")
NEW = DocumentKey("org-1", "bridge", "DRG-1", "P02", "plan.pdf")


def test_receipts_lead_to_it_and_nothing_is_written_or_removed_there(world: World) -> None:
    old = world.add("org-1", "old", "old", default=True)
    receipt = world.documents.upload(OLD, b"%PDF-1.7 old")
    world.add("org-1", "new", "new", default=True)
    world.organisations.retire_provider("org-1", "old")

    assert b"%PDF-1.7 old" == world.documents.get_bytes(receipt)
    assert b"%PDF-1.7 old" == asyncio.run(AsyncDocumentStore(world.documents).get_bytes(receipt))
    assert world.documents.find(OLD).provider == old
    for refused in (
        lambda: world.documents.remove(OLD),
        lambda: world.documents.remove(receipt),
        lambda: world.resolver.storage_of("org-1", old).put("bridge/note.txt", b"x"),
        lambda: world.resolver.storage_of("org-1", old).delete("bridge/DRG-1/P01/plan.pdf"),
    ):
        with pytest.raises(ReadOnlyError):
            refused()
    assert b"%PDF-1.7 old" == world.documents.get_bytes(receipt)


def test_documents_of_other_providers_are_stored_and_removed_as_before(world: World) -> None:
    world.add("org-1", "old", "old", default=True)
    world.add("org-1", "new", "new", default=True)
    world.organisations.retire_provider("org-1", "old")

    receipt = world.documents.upload(NEW, b"%PDF-1.7 new")
    world.documents.remove(NEW)

    assert receipt.provider != world.organisations.find("org-1", "old").id
    with pytest.raises(FileNotFoundError):
        world.documents.get_bytes(receipt)


def test_what_is_chosen_is_not_retired_and_what_is_retired_is_not_chosen(world: World) -> None:
    world.add("org-1", "old", "old", default=True)
    world.add("org-1", "other", "other")
    world.organisations.set_override("org-1", "tunnel", "other")
    with pytest.raises(SettingsError, match="is the default"):
        world.organisations.retire_provider("org-1", "old")
    with pytest.raises(SettingsError, match="override of the project 'tunnel'"):
        world.organisations.retire_provider("org-1", "other")
    world.organisations.clear_override("org-1", "tunnel")
    world.organisations.retire_provider("org-1", "other")

    with pytest.raises(SettingsError, match="is retired"):
        world.organisations.set_default("org-1", "other")
    with pytest.raises(SettingsError, match="is retired"):
        world.organisations.set_override("org-1", "tunnel", "other")


def test_it_is_told_and_undone(world: World) -> None:
    told: list[object] = []
    world.organisations._on_event = told.append
    world.add("org-1", "old", "old")

    retired = world.organisations.retire_provider("org-1", "old")
    again = world.organisations.retire_provider("org-1", "old")
    undone = world.organisations.retire_provider("org-1", "old", undo=True)

    assert retired == again
    assert (retired.retired_at is not None, undone.retired_at) == (True, None)
    assert [("retired_at",)] * 2 == [event.changed for event in told if isinstance(event, ProviderUpdated)]
    world.organisations.set_default("org-1", "old")
    world.documents.upload(OLD, b"%PDF-1.7 old")
