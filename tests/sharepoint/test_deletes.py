"""Where deleted files go: into the recycle bin, and for ever only where the settings demand it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kazinex_storage import BulkError, Storage
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.testing.emulators.graph import Answer, Kind, RequestFault

from .conftest import Place

KEYS = ["a.ifc", "folder/b.ifc", "folder/c.ifc"]


@pytest.mark.parametrize("permanent", [False, True])
@pytest.mark.parametrize("many", [False, True])
def test_deleted_files_can_be_restored_unless_the_settings_say_otherwise(
    place: Place, permanent: bool, many: bool
) -> None:
    target = replace(place.target, permanent_delete=permanent)
    with Storage(SharePointProvider(target), transport=place.storage.transport) as storage:
        for key in KEYS:
            storage.put(key, b"1")
        if many:
            storage.delete_many(KEYS)
        else:
            for key in KEYS:
                storage.delete(key)

        assert [] == list(storage.list(""))
    assert ([] if permanent else ["a.ifc", "b.ifc", "c.ifc"]) == [node.name for node in place.drive.recycled]


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER])
def test_a_permanent_delete_whose_answer_is_lost_is_found_done(place: Place, kind: Kind) -> None:
    place.storage.put("a.ifc", b"1")
    place.emulator.faults.add(RequestFault(kind=kind, contains="/permanentDelete"))
    target = replace(place.target, permanent_delete=True)
    with Storage(SharePointProvider(target), transport=place.storage.transport) as storage:
        storage.delete("a.ifc")

    assert place.stored("a.ifc") is None


def test_a_batch_that_is_refused_failed_for_each_file_that_was_not_deleted(place: Place) -> None:
    keys = [f"k{index:02}.ifc" for index in range(45)]
    for key in keys:
        place.drive.add(place.drive.root, key, b"1")
    refused = Answer(status=403, body=b'{"error": {"code": "accessDenied"}}')
    # Two requests for each 20: the second look is refused.
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="/$batch", skip=2, answer=refused))

    with pytest.raises(BulkError, match="25 of 45 failed, the others are done") as caught:
        place.storage.delete_many(keys)

    assert keys[20:] == [getattr(failure, "key", None) for failure in caught.value.failures]
    assert keys[20:] == sorted(info.key for info in place.storage.list(""))
