"""What Graph refuses, or loses the answer of: repeated where nothing was begun, asked about where it may have been."""

from __future__ import annotations

import pytest

from kazinex_storage import PutMode, PutOptions
from kazinex_storage.errors import IntegrityError, UnavailableError
from kazinex_storage.providers.sharepoint import sessions
from kazinex_storage.testing.emulators.graph import Answer, Kind, RequestFault
from kazinex_storage.types import ByteRange

from ..clock import Clock
from .conftest import Place

pytestmark = pytest.mark.usefixtures("clock")

LARGE = bytes(range(256)) * 4096 * 25  # 25 MiB: three fragments
CREATE = PutOptions(mode=PutMode.CREATE)


def requests(place: Place, method: str, part: str) -> list[tuple[str, str, int]]:
    return [seen for seen in place.emulator.log if seen[0] == method and part in seen[1]]


@pytest.mark.parametrize("mode", [PutMode.CREATE, PutMode.REPLACE])
@pytest.mark.parametrize("headers", [{}, {"retry-after": "1"}], ids=["bare", "with a wait"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_copy_that_is_refused_for_now_is_repeated(
    clock: Clock, place: Place, status: int, headers: dict[str, str], mode: PutMode
) -> None:
    place.storage.put("a.ifc", b"12345")
    answer = Answer(status=status, headers=dict(headers))
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="POST", contains="/copy", times=2, answer=answer))

    info = place.storage.copy("a.ifc", "b.ifc", mode=mode)

    assert (5, b"12345") == (info.size, place.stored("b.ifc"))
    assert [status, status, 202] == [seen[2] for seen in requests(place, "POST", "/copy")]
    assert not headers or sum(clock.waited) > 1.9  # two seconds; the clock moves meanwhile


def test_a_copy_whose_answer_is_lost_is_not_begun_again(place: Place) -> None:
    """Two orders to copy are two copies: the error says that it may be there."""
    place.storage.put("a.ifc", b"12345")
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="POST", contains="/copy"))

    with pytest.raises(UnavailableError):
        place.storage.copy("a.ifc", "b.ifc", mode=PutMode.CREATE)

    assert 1 == len(requests(place, "POST", "/copy"))


@pytest.mark.parametrize("status", [429, 503])
def test_a_move_that_is_refused_for_now_is_repeated(place: Place, status: int) -> None:
    place.storage.put("a.ifc", b"12345")
    answer = Answer(status=status, headers={"retry-after": "1"})
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="PATCH", times=2, answer=answer))

    info = place.storage.move("a.ifc", "b.ifc")

    assert ("b.ifc", 5, b"12345", None) == (info.key, info.size, place.stored("b.ifc"), place.stored("a.ifc"))


@pytest.mark.parametrize("target", ["b.ifc", "folder/b.ifc"])
@pytest.mark.parametrize("mode", [PutMode.CREATE, PutMode.REPLACE])
@pytest.mark.parametrize("occupied", [False, True])
def test_a_move_whose_answer_is_lost_is_recognised_as_done(
    place: Place, occupied: bool, mode: PutMode, target: str
) -> None:
    if occupied and mode is PutMode.CREATE:
        mode = PutMode.REPLACE  # the other one is refused, see test_moves
    place.storage.put("a.ifc", b"12345")
    if occupied:
        place.storage.put(target, b"old")
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="PATCH", skip=1 if occupied else 0))

    info = place.storage.move("a.ifc", target, mode=mode)

    assert (target, 5, b"12345", None) == (info.key, info.size, place.stored(target), place.stored("a.ifc"))


def test_the_monitor_of_a_copy_is_asked_when_the_service_says(clock: Clock, place: Place) -> None:
    place.storage.put("a.ifc", b"12345")
    place.emulator.knobs.copy_polls = 1
    asked = Answer(status=202, headers={"retry-after": "2"}, body=b'{"status": "inProgress"}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="GET", contains="/monitor/", answer=asked))

    place.storage.copy("a.ifc", "b.ifc")

    assert sum(clock.waited) >= 2.5
    assert len(requests(place, "GET", "/monitor/")) <= 3


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER, Kind.ANSWER])
def test_the_session_is_asked_before_a_fragment_is_sent_again(place: Place, kind: Kind, number: int) -> None:
    """What arrived is not sent twice: 10 MiB each time, and a 416 for what the session has already."""
    fault = RequestFault(kind=kind, method="PUT", contains="/upload/", skip=number, answer=Answer(status=503))
    place.emulator.faults.add(fault)

    info = place.storage.put("a.ifc", LARGE, CREATE)

    assert len(LARGE) == info.size
    assert LARGE == place.stored("a.ifc")
    seen = [(method, status) for method, path, status in place.emulator.log if "/upload/" in path]
    assert 416 not in [status for _, status in seen]
    assert "GET" in [method for method, _ in seen]
    assert len([method for method, _ in seen if method == "PUT"]) <= (3 if kind is Kind.CUT_AFTER else 4)


def test_a_fragment_that_is_never_taken_ends_in_an_error_and_leaves_no_session(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sessions, "_FIRST_PAUSE_S", 0.01
    )  # parts have a driver of their own, which has no clock to give
    answer = Answer(status=503)
    place.emulator.faults.add(
        RequestFault(kind=Kind.ANSWER, method="PUT", contains="/upload/", times=99, answer=answer)
    )

    with pytest.raises(UnavailableError):
        place.storage.put("a.ifc", LARGE, CREATE)

    assert place.stored("a.ifc") is None
    assert {} == place.emulator.state.sessions


def test_a_file_that_was_replaced_by_a_shorter_one_while_it_was_read_is_named_so(place: Place) -> None:
    place.storage.put("a.ifc", b"0123456789")
    place.emulator.faults.add(
        RequestFault(kind=Kind.ANSWER, method="GET", contains="/download", answer=Answer(status=416))
    )

    with pytest.raises(IntegrityError, match="replaced by a shorter one"):
        place.storage.get_bytes("a.ifc", ByteRange(start=5))


def test_a_server_that_ignores_ranges_is_named_so(place: Place) -> None:
    place.storage.put("a.ifc", b"0123456789")
    whole = Answer(status=200, body=b"0123456789")
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="GET", contains="/download", times=9, answer=whole))

    for span in (ByteRange(start=5), ByteRange(start=0, end=4), ByteRange(start=5, end=8), ByteRange(start=-3)):
        with pytest.raises(IntegrityError, match="ignores ranges"):
            place.storage.get_bytes("a.ifc", span)
