"""Moves inside a library: one step, by the id of the file, whatever happens on the way."""

from __future__ import annotations

import pytest

from kazinex_storage import InvalidKeyError, NotFoundError, UnavailableError
from kazinex_storage.testing.emulators.graph import Answer, Kind, RequestFault

from .conftest import Place


def test_a_moved_file_is_the_same_file(place: Place) -> None:
    place.storage.put("from/a.ifc", b"12345")
    place.storage.put("to/other.ifc", b"1")
    before = place.drive.find("from/a.ifc").id
    del place.emulator.log[:]

    info = place.storage.move("from/a.ifc", "to/b.ifc")

    assert before == place.drive.find("to/b.ifc").id
    assert ("to/b.ifc", 5) == (info.key, info.size)
    assert ["GET", "GET", "PATCH"] == [method for method, _, _ in place.emulator.log]


def test_a_file_that_is_moved_into_the_library_itself_keeps_its_version(place: Place) -> None:
    before = place.storage.put("from/a.ifc", b"12345")

    after = place.storage.move("from/a.ifc", "a.ifc")

    assert before.etag == after.etag
    assert b"12345" == place.storage.get_bytes("a.ifc", if_match=before.etag)


def test_a_file_that_is_moved_over_another_is_the_same_file(place: Place) -> None:
    place.storage.put("from/a.ifc", b"12345")
    place.storage.put("to/b.ifc", b"old")
    before = place.drive.find("from/a.ifc").id
    del place.emulator.log[:]

    info = place.storage.move("from/a.ifc", "to/b.ifc")

    assert before == place.drive.find("to/b.ifc").id
    assert ("to/b.ifc", 5) == (info.key, info.size)
    assert (None, b"12345") == (place.stored("from/a.ifc"), place.stored("to/b.ifc"))
    assert ["GET", "GET", "PATCH", "GET", "PATCH"] == [method for method, _, _ in place.emulator.log]


def test_where_the_service_moves_over_nothing_a_file_is_copied_and_deleted(place: Place) -> None:
    place.storage.put("a.ifc", b"12345")
    place.storage.put("b.ifc", b"old")
    taken = Answer(status=409, body=b'{"error": {"code": "nameAlreadyExists"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="PATCH", answer=taken, times=2))

    place.storage.move("a.ifc", "b.ifc")

    assert (None, b"12345") == (place.stored("a.ifc"), place.stored("b.ifc"))


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER])
def test_a_move_over_another_file_whose_answer_is_lost_is_found_done(place: Place, kind: Kind) -> None:
    place.storage.put("a.ifc", b"12345")
    place.storage.put("b.ifc", b"old")
    before = place.drive.find("a.ifc").id
    place.emulator.faults.add(RequestFault(kind=kind, method="PATCH", skip=1))

    place.storage.move("a.ifc", "b.ifc")

    assert before == place.drive.find("b.ifc").id
    assert (None, b"12345") == (place.stored("a.ifc"), place.stored("b.ifc"))


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER])
def test_a_move_whose_answer_is_lost_is_found_done(place: Place, kind: Kind) -> None:
    place.storage.put("a.ifc", b"12345")
    place.emulator.faults.add(RequestFault(kind=kind, method="PATCH"))

    info = place.storage.move("a.ifc", "b.ifc")

    assert ("b.ifc", 5) == (info.key, info.size)
    assert (None, b"12345") == (place.stored("a.ifc"), place.stored("b.ifc"))


def test_a_file_that_is_written_to_meanwhile_is_not_moved(place: Place) -> None:
    place.storage.put("a.ifc", b"12345")
    changed = Answer(status=412, body=b'{"error": {"code": "resourceModified"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="PATCH", answer=changed))

    with pytest.raises(UnavailableError, match="written to"):
        place.storage.move("a.ifc", "b.ifc")

    assert (b"12345", None) == (place.stored("a.ifc"), place.stored("b.ifc"))


def test_a_file_that_is_gone_meanwhile_is_not_found(place: Place) -> None:
    place.storage.put("a.ifc", b"12345")
    gone = Answer(status=404, body=b'{"error": {"code": "itemNotFound"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="PATCH", answer=gone))

    with pytest.raises(NotFoundError):
        place.storage.move("a.ifc", "b.ifc")


@pytest.mark.parametrize("target", ["B.ifc", "Folder/c.ifc", "b.ifc/c.ifc", "folder"])
def test_nothing_is_moved_onto_or_below_a_name_of_another_case(place: Place, target: str) -> None:
    place.storage.put("a.ifc", b"12345")
    place.storage.put("b.ifc", b"theirs")
    place.storage.put("folder/c.ifc", b"theirs")

    with pytest.raises(InvalidKeyError):
        place.storage.move("a.ifc", target)

    assert (b"12345", b"theirs", b"theirs") == tuple(map(place.stored, ["a.ifc", "b.ifc", "folder/c.ifc"]))


def test_a_folder_that_is_renamed_meanwhile_is_reported(place: Place) -> None:
    place.storage.put("a.ifc", b"12345")
    place.storage.put("folder/c.ifc", b"1")
    # The folder was looked at; then someone renamed it, and the move goes to its id.
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_BEFORE, method="PATCH"))
    folder = place.drive.find("folder")
    original = place.emulator.faults.take

    def renaming(received):  # type: ignore[no-untyped-def]
        found = original(received)
        if found is not None:
            place.drive.move(folder, place.drive.root, "Folder")
        return found

    place.emulator.faults.take = renaming  # type: ignore[method-assign]

    with pytest.raises(UnavailableError, match="renamed"):
        place.storage.move("a.ifc", "folder/a.ifc")
