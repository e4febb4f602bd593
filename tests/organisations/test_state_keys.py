"""Upload states of an organisation are sealed under its key ring: processes with the ring check them, others cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kazinex_storage import Organisations, PutMode, Resolver, SettingsError, Storage, UploadState
from kazinex_storage.organisations import KeyRing, MemoryCatalogue, Sealer, SqlCatalogue
from kazinex_storage.organisations.catalogue import keys_of
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings

KEY = "bridge/DRG-1/P01/plan.pdf"


@contextmanager
def opened(database: Path, ring: KeyRing) -> Iterator[Resolver]:
    """Open the catalogue as one process does."""
    organisations = Organisations(SqlCatalogue(database, Sealer(ring)))
    resolver = Resolver(organisations)
    try:
        yield resolver
    finally:
        resolver.close()
        organisations.close()


def prepared(database: Path, ring: KeyRing) -> None:
    with opened(database, ring) as resolver:
        for organisation in ("ours", "theirs"):
            settings = {"name": f"{database}"}
            record = resolver.organisations.add_provider(organisation, "memory", "ram", settings)
            resolver.organisations.record_verification(record, ok=True)
            resolver.organisations.set_default(organisation, record.id)


def begun(database: Path, ring: KeyRing) -> UploadState:
    with opened(database, ring) as resolver:
        return UploadState.from_json(resolver.storage_for("ours").begin_upload(KEY, 5).to_json())


def test_another_process_with_the_ring_goes_on_also_after_a_rotation(tmp_path: Path) -> None:
    database, old = tmp_path / "catalogue.db", KeyRing.generate()
    prepared(database, old)
    state = begun(database, old)

    with opened(database, old.with_first(KeyRing.generate())) as resolver:
        storage = resolver.storage_for("ours")
        with pytest.raises(SettingsError, match="altered"):
            storage.resume_upload(replace(state, mode=PutMode.REPLACE), b"12345")
        storage.resume_upload(state, b"12345")

        assert b"12345" == storage.get_bytes(KEY)
        assert PutMode.CREATE is state.mode


def test_a_state_is_good_in_its_organisation_and_under_its_ring_alone(tmp_path: Path) -> None:
    database, ring = tmp_path / "catalogue.db", KeyRing.generate()
    prepared(database, ring)
    state = begun(database, ring)

    with opened(database, ring) as resolver:
        with pytest.raises(SettingsError, match="altered"):
            resolver.storage_for("theirs").resume_upload(replace(state, scope="theirs/"), b"12345")
        with Storage(MemoryProvider(MemorySettings(name=f"{database}"))) as plain:
            with pytest.raises(SettingsError, match="not at hand"):
                plain.resume_upload(state, b"12345")
            plain.put(f"ours/{KEY}", b"theirs")
        assert b"theirs" == resolver.storage_for("ours").get_bytes(KEY)
    with opened(database, KeyRing.generate()) as resolver, pytest.raises(SettingsError, match="not at hand"):
        resolver.storage_for("ours").resume_upload(state, b"12345")


def test_a_catalogue_without_keys_leaves_it_to_the_provider() -> None:
    assert keys_of(MemoryCatalogue(), "ours") is None
