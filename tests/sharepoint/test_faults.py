"""What goes wrong between here and Graph: either the whole right object is there, or none, and an error says which."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kazinex_storage import ObjectKey, PutMode, PutOptions, Storage
from kazinex_storage.errors import (
    AlreadyExistsError,
    BulkError,
    IntegrityError,
    InvalidKeyError,
    LockedError,
    PreconditionFailedError,
    QuotaExceededError,
    RateLimitedError,
    SettingsError,
    StorageError,
    UnavailableError,
)
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.testing.emulators.graph import Answer, Kind, RequestFault
from kazinex_storage.transport import Observation, RetryPolicy, Transport, TransportSettings
from kazinex_storage.types import MIB, ByteRange

from .conftest import IssuedTokens, Place

pytestmark = pytest.mark.usefixtures("clock")

CREATE = PutOptions(mode=PutMode.CREATE)
LARGE = bytes(range(256)) * 4096 * 25  # 25 MiB: three fragments


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER])
@pytest.mark.parametrize("warm", [False, True])
def test_a_create_whose_answer_is_lost_recognises_its_own_object(place: Place, kind: Kind, warm: bool) -> None:
    place.storage.put("plans/other.ifc", b"makes the folder")
    if warm:
        place.storage.get_bytes("plans/other.ifc")
    place.emulator.faults.add(RequestFault(kind=kind, method="PUT", contains=":/content"))

    info = place.storage.put("plans/a.ifc", b"12345", CREATE)

    assert (5, b"12345") == (info.size, place.stored("plans/a.ifc"))


def test_a_lost_answer_is_not_forgotten_when_the_token_has_expired_meanwhile(place: Place) -> None:
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="PUT", contains=":/content"))
    place.emulator.faults.add(
        RequestFault(kind=Kind.ANSWER, method="PUT", contains=":/content", answer=Answer(status=401))
    )

    info = place.storage.put("a.ifc", b"12345", CREATE)

    assert (5, b"12345") == (info.size, place.stored("a.ifc"))


def test_a_repeat_carries_the_token_of_then(place: Place) -> None:
    tokens = place.target.tokens
    assert isinstance(tokens, IssuedTokens)
    place.storage.put("other.ifc", b"the library is known")
    place.emulator.faults.add(
        RequestFault(kind=Kind.ANSWER, method="PUT", contains=":/content", answer=Answer(status=503))
    )
    sent: list[int] = []

    def renew(seen: Observation) -> None:
        if seen.method == "PUT":
            sent.append(seen.status)
            tokens.token = None

    tokens.token = "outdated"  # noqa: S105  # no real one
    retry = RetryPolicy(attempts=4, base_s=0.001)
    with contextlib.closing(Transport(retry=retry, observe=renew)) as transport:
        Storage(place.provider, transport=transport).put("a.ifc", b"12345")

    assert [503, 201] == sent
    assert b"12345" == place.stored("a.ifc")


def test_a_create_of_the_same_bytes_twice_is_refused(place: Place) -> None:
    place.storage.put("a.ifc", b"12345", CREATE)

    with pytest.raises(AlreadyExistsError):
        place.storage.put("a.ifc", b"12345", CREATE)


def test_an_update_whose_answer_is_lost_is_found_done(place: Place) -> None:
    before = place.storage.put("a.ifc", b"old")
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="PUT", contains=":/content"))

    place.storage.put("a.ifc", b"new", PutOptions(if_match=before.etag))

    assert b"new" == place.stored("a.ifc")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_storm_is_waited_out(place: Place, status: int) -> None:
    place.storage.put("a.ifc", b"1")
    answer = Answer(status=status, headers={"retry-after": "0"})
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, times=3, answer=answer))

    assert b"1" == place.storage.get_bytes("a.ifc")


def test_a_storm_that_does_not_end_is_reported(place: Place) -> None:
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, times=100, answer=Answer(status=503)))

    with pytest.raises(UnavailableError):
        place.storage.get_bytes("a.ifc")


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER])
@pytest.mark.parametrize("fragment", [0, 1, 2])
def test_a_fragment_whose_answer_is_lost_is_not_stored_twice(place: Place, kind: Kind, fragment: int) -> None:
    place.emulator.faults.add(RequestFault(kind=kind, method="PUT", contains="/upload/", skip=fragment))

    info = place.storage.put("a.ifc", LARGE, CREATE)

    assert hashlib.sha256(LARGE).hexdigest() == info.sha256
    assert place.stored("a.ifc") == LARGE
    assert ["a.ifc"] == [found.key for found in place.storage.list("")]


def test_a_session_that_is_lost_in_the_middle_starts_over(place: Place) -> None:
    gone = Answer(status=404, body=b'{"error": {"code": "itemNotFound"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="PUT", contains="/upload/", skip=1, answer=gone))

    place.storage.put("a.ifc", LARGE, CREATE)

    assert place.stored("a.ifc") == LARGE
    assert ["a.ifc"] == [found.key for found in place.storage.list("")]


def test_a_session_that_is_lost_every_time_is_reported_and_leaves_nothing(place: Place) -> None:
    gone = Answer(status=404, body=b'{"error": {"code": "itemNotFound"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="PUT", contains="/upload/", times=100, answer=gone))

    with pytest.raises(UnavailableError, match="lost"):
        place.storage.put("a.ifc", LARGE, CREATE)

    assert place.stored("a.ifc") is None


def test_an_upload_that_fails_throws_its_session_away(place: Place) -> None:
    bad = Answer(status=400, body=b'{"error": {"code": "invalidRequest"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="PUT", contains="/upload/", skip=1, answer=bad))

    with pytest.raises(StorageError):
        place.storage.put("a.ifc", LARGE)

    assert {} == place.emulator.state.sessions


def test_a_name_that_is_taken_while_fragments_are_sent_is_refused_at_the_end(place: Place) -> None:
    class Rival:
        """A body at whose end another writer stores the same name."""

        done = False

        def __iter__(self) -> Rival:
            return self

    def taken(done: int, total: int | None) -> None:
        if done == total and not Rival.done:
            Rival.done = True
            with place.drive.lock:
                place.drive.store(place.drive.root, "A.IFC", None, b"rival", "text/plain")

    with pytest.raises((AlreadyExistsError, InvalidKeyError)):
        place.storage.put("a.ifc", LARGE, CREATE, on_progress=taken)

    assert [b"rival"] == [node.content for node in place.drive.root.children.values()]


def test_a_download_that_is_cut_goes_on_where_it_broke_off(place: Place) -> None:
    place.storage.put("a.ifc", LARGE)
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_INSIDE, method="GET", contains="/download.aspx", at=3 * MIB))

    assert place.storage.get_bytes("a.ifc") == LARGE


def test_a_download_url_that_expires_in_the_middle_is_replaced(place: Place) -> None:
    place.storage.put("a.ifc", LARGE)
    cut = RequestFault(kind=Kind.CUT_INSIDE, method="GET", contains="/download.aspx", at=3 * MIB)
    expired = RequestFault(kind=Kind.ANSWER, method="GET", contains="/download.aspx", answer=Answer(status=401))
    place.emulator.faults.add(cut)
    place.emulator.faults.add(expired)

    assert place.storage.get_bytes("a.ifc") == LARGE


def test_download_urls_that_are_never_good_are_given_up(place: Place) -> None:
    place.storage.put("a.ifc", b"1")
    refused = RequestFault(kind=Kind.ANSWER, contains="/download.aspx", times=100, answer=Answer(status=403))
    place.emulator.faults.add(refused)
    del place.emulator.log[:]

    with pytest.raises(UnavailableError, match="no URL"):
        place.storage.get_bytes("a.ifc")

    assert place.requests() <= 8


def test_a_corrupted_byte_is_noticed_by_the_hash_of_the_service(place: Place) -> None:
    place.storage.put("a.ifc", LARGE)
    place.emulator.faults.add(RequestFault(kind=Kind.CORRUPT, method="GET", contains="/download.aspx", at=77))

    with pytest.raises(IntegrityError):
        place.storage.get_bytes("a.ifc")


def test_a_server_that_says_nothing_is_given_up(place: Place) -> None:
    place.storage.put("a.ifc", b"1")
    place.emulator.faults.add(RequestFault(kind=Kind.STALL, times=100))

    with pytest.raises(UnavailableError):
        place.storage.get_bytes("a.ifc")


def test_a_token_that_expires_is_replaced_in_the_middle_of_an_upload(place: Place) -> None:
    place.storage.put("a.ifc", b"1")
    place.emulator.state.expire_tokens()

    place.storage.put("b.ifc", b"2")

    assert b"2" == place.stored("b.ifc")


def test_a_token_that_is_never_accepted_is_reported(place: Place) -> None:
    place.emulator.knobs.token_seconds = -1

    with pytest.raises(StorageError, match="connect again"):
        place.storage.get_bytes("a.ifc")


def test_a_locked_file_is_left_as_it_is(place: Place) -> None:
    place.storage.put("a.ifc", b"1")
    place.drive.find("a.ifc").locked = True

    with pytest.raises(LockedError, match="check it in"):
        place.storage.put("a.ifc", b"2")

    assert b"1" == place.stored("a.ifc")


def test_a_full_site_is_reported(place: Place) -> None:
    place.drive.quota_bytes = 3

    with pytest.raises(QuotaExceededError):
        place.storage.put("a.ifc", b"1234")

    assert place.stored("a.ifc") is None


def test_a_throttle_of_an_hour_is_reported_at_once(place: Place) -> None:
    refused = Answer(status=429, headers={"retry-after": "3600"})
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, answer=refused))

    with pytest.raises(RateLimitedError) as caught:
        place.storage.head("a.ifc")
    with pytest.raises(RateLimitedError):
        place.storage.head("b.ifc")

    assert caught.value.retry_after_s == 3600
    assert 1 == len([entry for entry in place.emulator.log if entry[2] == 429])


def test_a_listing_that_leads_elsewhere_is_not_followed(place: Place) -> None:
    body = b'{"value": [], "@odata.nextLink": "https://attacker.example/v1.0/next"}'
    for _ in range(2):
        place.emulator.faults.add(
            RequestFault(kind=Kind.ANSWER, contains="/root", answer=Answer(status=200, body=body))
        )

    for recursive in (False, True):
        with pytest.raises(UnavailableError, match="a host other than Graph"):
            list(place.storage.list("", recursive=recursive))


def test_a_folder_is_never_deleted_by_a_key(place: Place) -> None:
    place.storage.put("org/project/a.ifc", b"1")

    place.storage.delete("org/project")
    place.storage.delete_many(["org", "org/project"])

    assert b"1" == place.stored("org/project/a.ifc")


def test_another_organisation_that_differs_in_case_is_not_reached(place: Place) -> None:
    place.storage.put("ACME/p/a.ifc", b"theirs")
    mine = place.storage.scoped("acme")

    assert [] == list(mine.list(""))
    assert not mine.exists("p/a.ifc")
    mine.delete("p/a.ifc")
    with pytest.raises(InvalidKeyError, match="ignores case"):
        mine.put("p/b.ifc", b"mine")
    with pytest.raises(InvalidKeyError, match="ignores case"):
        mine.put("p/a.ifc", b"mine")

    assert ["ACME/p/a.ifc"] == [found.key for found in place.storage.list("")]
    assert b"theirs" == place.storage.get_bytes("ACME/p/a.ifc")


def test_a_file_that_the_service_rewrites_is_stored_all_the_same(place: Place) -> None:
    place.drive.rewrites = True
    body = b"PK\x03\x04 example"

    info = place.storage.put("a.docx", body, CREATE)

    assert (hashlib.sha256(body).hexdigest(), len(place.stored("a.docx") or b"")) == (info.sha256, info.size)
    assert (place.stored("a.docx") or b"").startswith(body)


@pytest.mark.parametrize("body", [pytest.param(b"12345", id="small"), pytest.param(LARGE, id="in a session")])
def test_a_byte_that_is_corrupted_on_its_way_is_noticed_by_the_hash_of_the_service(place: Place, body: bytes) -> None:
    place.drive.corrupts = True

    with pytest.raises(IntegrityError, match="are not the"):
        place.storage.put("a.ifc", body)


def test_no_one_waits_for_hashes_that_come_late(place: Place) -> None:
    place.drive.late_hashes = 3

    place.storage.put("a.ifc", b"12345", CREATE)

    assert b"12345" == place.storage.get_bytes("a.ifc")


@pytest.mark.parametrize("knob", ["makes_parents", "encodes_paths", "ranges_with_end"])
def test_what_the_documents_leave_open_makes_no_difference(place: Place, knob: str) -> None:
    setattr(place.emulator.knobs, knob, knob != "makes_parents")
    key = "org/Brücke #1 100%/a 20%.ifc"

    place.storage.put(key, LARGE, CREATE)

    assert place.storage.get_bytes(key, ByteRange(start=10, end=20)) == LARGE[10:20]
    assert [key] == [found.key for found in place.storage.list("org/B")]


def test_a_change_between_two_reads_is_noticed(place: Place) -> None:
    before = place.storage.put("a.ifc", b"1")
    place.storage.put("a.ifc", b"2")

    with pytest.raises(PreconditionFailedError):
        place.storage.get_bytes("a.ifc", if_match=before.etag)


def test_what_stood_at_the_target_is_not_taken_for_the_copy(place: Place) -> None:
    place.storage.put("src.ifc", b"NEW!")
    place.storage.put("dst.ifc", b"old.")
    monitor = f"{place.emulator.api.transfer_url}/monitor/gone"
    place.emulator.faults.add(
        RequestFault(
            kind=Kind.ANSWER, method="POST", contains="/copy", answer=Answer(status=202, headers={"location": monitor})
        )
    )

    with pytest.raises(UnavailableError, match="earlier object is still there"):
        place.storage.copy("src.ifc", "dst.ifc")  # a move is one step since it keeps the item

    assert (b"NEW!", b"old.") == (place.stored("src.ifc"), place.stored("dst.ifc"))


def test_what_cannot_be_taken_back_from_a_folder_of_another_case_is_reported(place: Place) -> None:
    place.storage.put("acme/p/a.ifc", b"1")
    place.drive.find("acme").name = "ACME"
    locked = Answer(status=423, body=b'{"error": {"code": "resourceLocked"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="DELETE", answer=locked))

    with pytest.raises(UnavailableError, match=r"delete 'b.ifc' there by hand"):
        place.storage.put("acme/p/b.ifc", b"mine")


def test_an_item_without_a_folder_is_no_object(place: Place) -> None:
    place.storage.put("acme/p/a.ifc", b"1")
    drive = place.drive.id
    found = place.drive.find("acme/p/a.ifc")
    shown = {"id": found.id, "name": "a.ifc", "size": 1, "file": {}, "cTag": "1", "parentReference": {"driveId": drive}}
    place.emulator.faults.add(
        RequestFault(
            kind=Kind.ANSWER, method="GET", contains="a.ifc", answer=Answer(status=200, body=json.dumps(shown).encode())
        )
    )

    assert not place.storage.exists("acme/p/a.ifc")


@pytest.mark.parametrize("body", [b"mine", LARGE], ids=["small", "large"])
def test_a_folder_of_another_case_is_seen_before_anything_is_written_into_it(place: Place, body: bytes) -> None:
    """The answer to a create is lost: had it been written, no one could say where it went."""
    place.storage.put("ACME/p/a.ifc", b"theirs")
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="PUT", times=2))

    with pytest.raises(InvalidKeyError, match="ignores case"):
        place.storage.put("acme/p/b.ifc", body, CREATE)

    assert ["ACME/p/a.ifc"] == [found.key for found in place.storage.list("")]
    assert ["a.ifc"] == [node.name for node in place.drive.find("ACME/p").children.values()]


def test_a_write_that_may_be_in_a_folder_of_another_case_is_not_called_undone(place: Place) -> None:
    """The folder was looked at; then it was replaced by one of another case, and the answer to the write was lost."""
    place.storage.put("acme/p/a.ifc", b"1")
    place.drive.find("acme").name = "ACME"
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="PUT", contains=":/content"))

    with pytest.raises(UnavailableError, match="not known whether"):
        place.storage.put("acme/p/b.ifc", b"mine", CREATE)


@pytest.mark.parametrize(
    "trouble",
    [
        lambda place: setattr(place.drive, "late_hashes", 9),
        lambda place: place.emulator.faults.add(
            RequestFault(kind=Kind.ANSWER, method="GET", contains="a.", times=9, answer=Answer(status=500))
        ),
    ],
    ids=["late hash", "no look"],
)
def test_a_create_whose_answer_is_lost_is_never_called_anothers_when_it_may_be_ones_own(
    place: Place, trouble: Callable[[Place], None]
) -> None:
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="PUT", contains=":/content"))
    trouble(place)

    with pytest.raises(UnavailableError, match="not known whether"):
        place.storage.put("a.ifc", b"12345", CREATE)

    assert b"12345" == place.stored("a.ifc")


def test_a_create_of_a_file_that_is_rewritten_is_never_called_anothers_when_it_may_be_ones_own(place: Place) -> None:
    place.drive.rewrites = True
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="PUT", contains=":/content"))

    with pytest.raises(UnavailableError, match="not known whether"):
        place.storage.put("a.docx", b"PK\x03\x04 example", CREATE)


def test_a_create_whose_answer_is_lost_knows_anothers_by_its_size(place: Place) -> None:
    place.storage.put("a.ifc", b"theirs, and longer", CREATE)
    place.emulator.faults.add(RequestFault(kind=Kind.CUT_AFTER, method="PUT", contains=":/content"))

    with pytest.raises(AlreadyExistsError):
        place.storage.put("a.ifc", b"12345", CREATE)


def test_a_large_replace_wins_over_a_rival(place: Place) -> None:
    def rival(done: int, total: int | None) -> None:
        if done == total and "a.ifc" not in place.drive.root.children:
            with place.drive.lock:
                place.drive.store(place.drive.root, "a.ifc", None, b"rival", "text/plain")

    place.storage.put("a.ifc", LARGE, on_progress=rival)

    assert place.stored("a.ifc") == LARGE
    assert {} == place.emulator.state.sessions


def test_a_library_that_is_gone_is_not_empty(place: Place) -> None:
    place.storage.put("a.ifc", b"1")
    place.provider.library._alive_until = 0.0  # as after a while
    del place.emulator.state.drives[place.drive.id]

    acts: list[Callable[[], object]] = [
        lambda: list(place.storage.list("")),
        lambda: list(place.storage.list("folder/")),
        lambda: place.storage.delete("a.ifc"),
        lambda: place.storage.delete_many(["a.ifc", "b.ifc"]),
        lambda: place.storage.get_bytes("a.ifc"),
        lambda: place.storage.exists("a.ifc"),
    ]
    for act in acts:
        with pytest.raises((SettingsError, BulkError), match="library is no longer there"):
            act()


def test_a_page_that_is_gone_does_not_end_a_listing(place: Place) -> None:
    place.emulator.knobs.page_items = 2
    for number in range(5):
        place.storage.put(f"{number}.ifc", b"1")
    gone = Answer(status=404, body=b'{"error": {"code": "itemNotFound"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="skiptoken", answer=gone))

    with pytest.raises(UnavailableError, match="listing"):
        list(place.storage.list(""))


@pytest.mark.parametrize("field", ["site_id", "drive_id"])
def test_a_wrong_id_in_the_settings_is_no_missing_object(place: Place, field: str) -> None:
    given: dict[str, Any] = {field: "example,00000000-0000-4000-8000-000000000000"}
    with Storage(SharePointProvider(replace(place.target, **given)), transport=place.storage.transport) as storage:
        for act in (lambda: storage.exists("a.ifc"), lambda: list(storage.list(""))):
            with pytest.raises(SettingsError):
                act()


def test_a_site_address_that_graph_cannot_read_is_a_matter_of_settings(place: Place) -> None:
    wrong = Answer(status=400, body=b'{"error": {"code": "invalidRequest"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="/sites/", answer=wrong))

    with pytest.raises(SettingsError, match="address"):
        place.storage.exists("a.ifc")


@pytest.mark.parametrize("answer", ["elsewhere", "whole"])
def test_another_span_than_was_asked_for_is_refused_before_its_first_byte(place: Place, answer: str) -> None:
    place.storage.put("a.ifc", b"0123456789")
    headers = {"content-range": "bytes 0-2/10"} if answer == "elsewhere" else {}
    said = Answer(status=206 if answer == "elsewhere" else 200, headers=headers, body=b"012")
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="/download.aspx", times=9, answer=said))
    taken: list[bytes] = []

    cause = "nothing of it was taken" if answer == "elsewhere" else "ignores ranges"
    with pytest.raises(IntegrityError, match=cause):
        place.storage.transport.run(
            place.provider.get(
                ObjectKey("a.ifc"), ByteRange(start=5, end=8), lambda buffer: taken.append(bytes(buffer)), None
            )
        )

    assert [] == taken


@pytest.mark.parametrize("body", ["not json", 7, ["x"]])
def test_an_answer_in_a_batch_that_says_nothing_is_no_delete(place: Place, body: object) -> None:
    for key in ("a.ifc", "b.ifc"):
        place.storage.put(key, b"1")
    said = {"responses": [{"id": "0", "status": 200, "body": body}, "nonsense", {"id": "1", "status": 404}]}
    answer = Answer(status=200, body=json.dumps(said).encode())
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="POST", contains="$batch", answer=answer))

    with contextlib.suppress(StorageError):
        place.storage.delete_many(["a.ifc", "b.ifc"])

    assert b"1" == place.stored("b.ifc")


def test_an_upload_url_that_is_not_accepted_any_more_is_replaced(place: Place) -> None:
    refused = Answer(status=401, body=b'{"error": {"code": "unauthenticated"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="PUT", contains="/upload/", skip=1, answer=refused))

    place.storage.put("a.ifc", LARGE, CREATE)

    assert place.stored("a.ifc") == LARGE
    assert {} == place.emulator.state.sessions


def test_a_create_that_is_refused_at_its_end_leaves_no_session(place: Place) -> None:
    def rival(done: int, total: int | None) -> None:
        if done == total and "a.ifc" not in place.drive.root.children:
            with place.drive.lock:
                place.drive.store(place.drive.root, "a.ifc", None, b"rival", "text/plain")

    with pytest.raises(AlreadyExistsError):
        place.storage.put("a.ifc", LARGE, CREATE, on_progress=rival)

    assert {} == place.emulator.state.sessions


def test_a_replace_hits_only_what_was_looked_at(place: Place) -> None:
    """Between the look and the write, a file of another case takes the place: that is another key's."""
    place.storage.put("a.ifc", b"1")

    def watch(seen: Observation) -> None:
        if seen.method == "GET" and "a.ifc" in place.drive.root.children:
            with place.drive.lock:
                place.drive.root.children.pop("a.ifc").name = "gone"
                place.drive.store(place.drive.root, "A.IFC", None, b"theirs", "text/plain")

    settings = TransportSettings(first_byte_timeout_s=1, idle_timeout_s=1, connect_timeout_s=5, proxy="")
    with contextlib.closing(Transport(settings=settings, observe=watch)) as transport:
        storage = Storage(SharePointProvider(place.target), transport=transport)
        with pytest.raises(InvalidKeyError, match="ignores case"):
            storage.put("a.ifc", b"2" * 300_000)

    assert [b"theirs"] == [node.content for node in place.drive.root.children.values()]


@pytest.mark.parametrize("before", [None, b"first"], ids=["free", "taken"])
def test_a_large_replace_wins_over_a_rival_between_its_look_and_its_session(place: Place, before: bytes | None) -> None:
    if before is not None:
        place.storage.put("a.ifc", before)
    rivals = iter([b"rival"])

    def watch(seen: Observation) -> None:
        rival = next(rivals, None) if seen.operation == "head" else None
        if rival is not None:
            with place.drive.lock:
                old = place.drive.root.children.get("a.ifc")
                place.drive.store(place.drive.root, "a.ifc", old, rival, "text/plain")

    settings = TransportSettings(first_byte_timeout_s=1, idle_timeout_s=1, connect_timeout_s=5, proxy="")
    with contextlib.closing(Transport(settings=settings, observe=watch)) as transport:
        Storage(SharePointProvider(place.target), transport=transport).put("a.ifc", LARGE)

    assert None is next(rivals, None)
    assert place.stored("a.ifc") == LARGE
