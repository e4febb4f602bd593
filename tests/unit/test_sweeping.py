"""Sweeping: old enough, below the prefix, and only when told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kazinex_storage import NotFoundError, Storage, sweep
from kazinex_storage.errors import UnavailableError
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing import Fault, FaultyProvider, Raise
from kazinex_storage.types import PendingUpload

NOW = timedelta(0)


@pytest.fixture
def provider() -> MemoryProvider:
    return MemoryProvider()


def age(provider: MemoryProvider, key: str, hours: float) -> None:
    """Make the uploads to *key* look as if they had been begun that long ago."""
    for upload_id, upload in provider.shelf.uploads.items():
        if upload.key == key:
            begun_at = datetime.now(UTC) - timedelta(hours=hours)
            provider.shelf.uploads[upload_id] = replace(upload, begun_at=begun_at)


def test_a_dry_run_is_the_default_and_removes_nothing(provider: MemoryProvider) -> None:
    storage = Storage(provider)
    state = storage.begin_upload("a", 1)

    report = sweep(storage, older_than=NOW)

    assert (["a"], True, 0) == ([upload.key for upload in report.uploads], report.dry_run, report.removed)
    assert b"1" == storage.get_bytes(storage.resume_upload(state, b"1").key)


def test_only_uploads_that_are_old_enough_are_aborted(provider: MemoryProvider) -> None:
    storage = Storage(provider)
    old, young = (storage.begin_upload(key, 1) for key in ("old", "young"))
    age(provider, "old", 25)
    age(provider, "young", 23)

    report = sweep(storage, dry_run=False)

    assert (["old"], 1, 1) == ([upload.key for upload in report.uploads], report.younger, report.removed)
    assert "young" == storage.resume_upload(young, b"1").key
    with pytest.raises(NotFoundError):
        storage.resume_upload(old, b"1")


def test_uploads_outside_the_prefix_are_not_touched(provider: MemoryProvider) -> None:
    storage = Storage(provider)
    outside = [storage.begin_upload(key, 1) for key in ("a", "tenant", "tenant-2/a")]
    storage.begin_upload("tenant/a", 1)

    report = sweep(storage.scoped("tenant"), older_than=NOW, dry_run=False)

    assert ["a"] == [upload.key for upload in report.uploads]
    assert [state.key for state in outside] == [upload.key for upload in storage.pending_uploads()]


def test_an_upload_of_unknown_age_is_spared() -> None:
    unknown = PendingUpload(key="a", upload_id="1", begun_at=None)

    assert not unknown.was_begun_by(datetime.now(UTC) + timedelta(days=1000))


def test_what_cannot_be_aborted_is_reported_and_the_others_are_gone(provider: MemoryProvider) -> None:
    away = Fault(operation="abort_upload", key="b", effect=Raise(UnavailableError("the service is away")))
    storage = Storage(FaultyProvider(provider, [away]))
    for key in ("a", "b", "c"):
        storage.begin_upload(key, 1)

    report = sweep(storage, older_than=NOW, dry_run=False)

    assert ["b"] == [upload.key for upload in storage.pending_uploads()]
    assert (2, ["b"]) == (report.removed, [error.key for error in report.failures])


def test_a_negative_age_is_refused(provider: MemoryProvider) -> None:
    with pytest.raises(ValueError, match="older_than"):
        sweep(Storage(provider), older_than=timedelta(hours=-1))


def test_the_report_can_be_written_as_json(provider: MemoryProvider) -> None:
    storage = Storage(provider)
    storage.begin_upload("a", 1)

    fields = json.loads(json.dumps(sweep(storage, older_than=NOW).to_dict()))

    assert (True, "a", 0) == (fields["dry_run"], fields["uploads"][0]["key"], fields["removed"])
