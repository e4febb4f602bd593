"""What operations cost, in requests: Microsoft throttles by their number."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from kazinex_storage import PreconditionFailedError, PutMode, PutOptions, Storage, verify
from kazinex_storage.providers.sharepoint.provider import SharePointProvider

from .conftest import Place


@pytest.fixture
def warm(place: Place) -> Place:
    """A storage that knows its library, and a folder that is there."""
    place.storage.put("folder/first.ifc", b"1")
    del place.emulator.log[:]
    return place


def test_a_small_file_in_a_folder_that_is_there_is_one_request(warm: Place) -> None:
    warm.storage.put("folder/a.ifc", b"12345", PutOptions(mode=PutMode.CREATE))

    assert 1 == warm.requests()


def test_the_first_file_of_a_provider_in_a_folder_is_one_more(warm: Place) -> None:
    with Storage(SharePointProvider(replace(warm.target, drive_id=warm.drive.id))) as storage:
        storage.put("folder/a.ifc", b"12345", PutOptions(mode=PutMode.CREATE))
        storage.put("folder/b.ifc", b"12345", PutOptions(mode=PutMode.CREATE))

    assert 2 + 1 == warm.requests()


def test_a_read_is_two_requests(warm: Place) -> None:
    warm.storage.get_bytes("folder/first.ifc")

    assert 2 == warm.requests()


def test_the_spans_of_a_download_share_one_url(warm: Place, tmp_path: Path) -> None:
    warm.storage.put("folder/a.ifc", bytes(40 * 1024 * 1024))
    del warm.emulator.log[:]

    warm.storage.download("folder/a.ifc", tmp_path / "a.ifc")

    assert 1 + 3 == warm.requests()


def test_a_span_of_a_file_that_was_replaced_is_not_read_by_the_old_url(warm: Place) -> None:
    before = warm.storage.head("folder/first.ifc")
    warm.storage.get_bytes("folder/first.ifc", if_match=before.etag)
    warm.drive.store(warm.drive.find("folder"), "first.ifc", warm.drive.find("folder/first.ifc"), b"2", "text/plain")

    with pytest.raises(PreconditionFailedError):
        warm.storage.get_bytes("folder/first.ifc", if_match=before.etag)


def test_a_look_is_one_request(warm: Place) -> None:
    warm.storage.head("folder/first.ifc")

    assert 1 == warm.requests()


def test_a_large_file_is_two_requests_and_one_for_each_10_mib(warm: Place) -> None:
    warm.storage.put("folder/a.ifc", bytes(25 * 1024 * 1024))

    assert 2 + 3 == warm.requests()


def test_a_listing_is_one_request_a_page(warm: Place) -> None:
    warm.emulator.knobs.page_items = 10
    for index in range(34):
        warm.drive.store(warm.drive.find("folder"), f"{index}.ifc", None, b"", "text/plain")

    assert 35 == len(list(warm.storage.list("folder/", recursive=False)))
    assert math.ceil(35 / 10) == warm.requests()


def test_deleting_40_files_is_four_requests(warm: Place) -> None:
    keys = [f"folder/{index}.ifc" for index in range(40)]
    for key in keys:
        warm.drive.store(warm.drive.find("folder"), key.rpartition("/")[2], None, b"", "text/plain")

    warm.storage.delete_many(keys)

    assert 4 == warm.requests()
    assert ["folder/first.ifc"] == [found.key for found in warm.storage.list("")]


def test_a_verification_is_at_most_twelve_requests_site_and_library_included(place: Place) -> None:
    report = verify(place.storage)

    assert report.ok, report
    assert place.requests() <= 12


def test_one_thread_that_is_throttled_holds_back_the_others(place: Place) -> None:
    place.storage.put("a.ifc", b"1")
    place.emulator.knobs.units = 2
    place.emulator.knobs.retry_after_s = 1
    del place.emulator.log[:]

    with ThreadPoolExecutor(8) as pool:
        assert [b"1"] * 8 == list(pool.map(lambda _: place.storage.get_bytes("a.ifc"), range(8)))

    # Without the gate each of the 8 threads would run into the wall by itself, and again.
    assert len([entry for entry in place.emulator.log if entry[2] == 429]) <= 9
