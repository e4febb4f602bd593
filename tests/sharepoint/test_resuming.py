"""Uploads that another process goes on with: what is sent, what is refused, and what a state may not do."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    NotSupportedError,
    PutMode,
    PutOptions,
    SettingsError,
    Source,
    Storage,
    StorageError,
    UnavailableError,
    UploadState,
)
from kazinex_storage.documents.patience import Patience
from kazinex_storage.documents.register import MemoryRegister
from kazinex_storage.documents.writing import guarded_storage
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.testing.bench import pattern
from kazinex_storage.testing.emulators.graph import Answer, Kind, RequestFault
from kazinex_storage.testing.uploading import sealed

from ..journeys.only_provider import OnlyProvider
from .conftest import Place

CREATE = PutOptions(mode=PutMode.CREATE)
MIB = 1024 * 1024
BODY = pattern(25 * MIB)
SHA256 = hashlib.sha256(BODY).hexdigest()


def begun(place: Place, key: str = "folder/a.ifc", options: PutOptions | None = None) -> UploadState:
    return place.storage.begin_upload(key, len(BODY), options or PutOptions(), sha256=SHA256)


def break_off(place: Place, state: UploadState, after: int) -> None:
    def report(done: int, _: int | None) -> None:
        if done > after:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        place.storage.resume_upload(state, bytearray(BODY), on_progress=report)


def fragments(place: Place) -> int:
    return sum(1 for method, path, _ in place.emulator.log if method == "PUT" and path.startswith("/upload/"))


def test_another_process_sends_what_is_missing_only(place: Place) -> None:
    state = begun(place)
    break_off(place, state, 20 * MIB)
    del place.emulator.log[:]
    with Storage(SharePointProvider(place.target), transport=place.storage.transport) as elsewhere:
        info = elsewhere.resume_upload(UploadState.from_json(state.to_json()), BODY)

    assert (len(BODY), SHA256) == (info.size, info.sha256)
    assert 1 == fragments(place)
    assert BODY == place.stored("folder/a.ifc")


@pytest.mark.parametrize("part_bytes", [1, 320 * 1024, 2**40])
def test_how_a_state_cuts_the_body_counts_for_nothing(place: Place, part_bytes: int) -> None:
    state = begun(place)
    break_off(place, state, 20 * MIB)

    place.storage.resume_upload(sealed(place.storage, replace(state, part_bytes=part_bytes)), BODY)

    assert BODY == place.stored("folder/a.ifc")


def test_an_upload_costs_two_requests_more_than_its_fragments(place: Place) -> None:
    place.storage.put("folder/first.ifc", b"1")
    del place.emulator.log[:]

    place.storage.resume_upload(begun(place), BODY)

    assert 2 + 1 + 3 == place.requests()  # a look, the session, how far it has come, three fragments


def test_without_the_sha256_none_is_begun(place: Place) -> None:
    with pytest.raises(NotSupportedError, match="sha256 of the whole body"):
        place.storage.begin_upload("a.ifc", 5)

    assert 0 == len(place.emulator.state.sessions)


def test_another_body_is_refused_before_a_byte_of_it_is_sent(place: Place) -> None:
    state = begun(place)

    with pytest.raises(IntegrityError, match=SHA256):
        place.storage.resume_upload(state, pattern(len(BODY), 1))

    assert 0 == fragments(place)
    place.storage.resume_upload(state, BODY)
    assert BODY == place.stored("folder/a.ifc")


def test_another_body_that_does_not_know_what_was_declared_is_refused_as_well(place: Place) -> None:
    state = begun(place)

    with Source.of(pattern(len(BODY), 1)) as other, pytest.raises(IntegrityError, match=SHA256):
        place.storage.resume_upload(state, other)

    assert 0 == fragments(place)
    assert place.stored("folder/a.ifc") is None


def test_a_file_that_changes_after_it_was_proved_is_never_published(place: Place, tmp_path: Path) -> None:
    path, state = tmp_path / "a.ifc", begun(place)
    path.write_bytes(BODY)
    original = place.emulator.faults.take

    def changing(received):  # type: ignore[no-untyped-def]
        if received.method == "PUT" and "/upload/" in received.path:
            path.write_bytes(pattern(len(BODY), 1))
        return original(received)

    place.emulator.faults.take = changing  # type: ignore[method-assign]

    with pytest.raises(IntegrityError):
        place.storage.resume_upload(state, path)
    with pytest.raises(NotFoundError):  # what was sent may be of either body
        place.storage.resume_upload(state, BODY)

    assert place.stored("folder/a.ifc") is None


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER])
@pytest.mark.parametrize("mode", PutMode)
def test_an_upload_whose_last_answer_is_lost_is_found_done(place: Place, kind: Kind, mode: PutMode) -> None:
    state = begun(place, options=PutOptions(mode=mode))
    place.emulator.faults.add(RequestFault(kind=kind, method="PUT", contains="/upload/", skip=2))

    info = place.storage.resume_upload(state, BODY)
    again = place.storage.resume_upload(state, BODY)

    assert info.etag == again.etag
    assert BODY == place.stored("folder/a.ifc")
    assert 1 == place.drive.find("folder/a.ifc").content_version


def test_a_session_that_has_expired_is_gone(place: Place) -> None:
    state = begun(place)
    break_off(place, state, len(BODY) // 2)
    place.emulator.state.sessions.clear()

    with pytest.raises(NotFoundError, match="begin a new one"):
        place.storage.resume_upload(state, BODY)


def test_a_body_that_was_sent_whole_and_refused_replaces_what_was_in_its_way(place: Place) -> None:
    state = begun(place)
    refused = Answer(status=409, body=b'{"error": {"code": "nameAlreadyExists"}}')
    place.storage.put("folder/a.ifc", b"theirs")
    session = next(iter(place.emulator.state.sessions.values()))
    session.data += BODY
    place.emulator.faults.add(
        RequestFault(kind=Kind.ANSWER, method="PUT", contains="/upload/", times=0, answer=refused)
    )

    place.storage.resume_upload(state, BODY)

    assert BODY == place.stored("folder/a.ifc")
    assert {} == place.emulator.state.sessions


@pytest.mark.parametrize(
    "url",
    [
        "https://attacker.example/upload/1",
        "http://attacker.example/upload/1",
        "https://contoso.sharepoint.com@attacker.example/upload/1",
        "https://other.sharepoint.com/upload/1",
        "file:///etc/passwd",
        "upload/1",
    ],
)
def test_a_forged_state_sends_a_body_nowhere(place: Place, url: str) -> None:
    forged = sealed(place.storage, replace(begun(place), upload_id=url))

    for act in (lambda: place.storage.resume_upload(forged, BODY), lambda: place.storage.abort_upload(forged)):
        with pytest.raises(SettingsError, match="never sent there"):
            act()


def test_a_session_at_another_host_is_not_handed_out(place: Place) -> None:
    elsewhere = Answer(status=200, body=b'{"uploadUrl": "https://uploads.example/1"}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="createUploadSession", answer=elsewhere))

    with pytest.raises(NotSupportedError, match=r"uploads\.example"):
        begun(place)


def test_the_url_of_a_session_is_in_no_text_but_the_state(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    state = begun(place)
    place.emulator.faults.add(
        RequestFault(kind=Kind.ANSWER, method="PUT", contains="/upload/", answer=Answer(status=400))
    )
    with pytest.raises(StorageError) as caught:
        place.storage.resume_upload(state, BODY)

    token = state.upload_id.rpartition("/")[2]
    assert token in state.to_json()
    assert not any(token in text for text in (repr(state), str(caught.value), repr(caught.value), caplog.text))


def test_an_upload_of_a_revision_is_gone_on_with_whatever_failed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end may have been reached without being recorded, or recorded without an answer."""
    resolver, key = OnlyProvider(place.storage.scoped("org-1")), "bridge/DRG-1/P01/a.ifc"
    storage = guarded_storage(resolver, "org-1", resolver.chosen("org-1", None), Patience())
    other = storage.begin_upload("bridge/DRG-1/P01/other.ifc", 5, CREATE, sha256=hashlib.sha256(b"other").hexdigest())
    state = storage.begin_upload(key, 5, CREATE, sha256=hashlib.sha256(b"12345").hexdigest())

    def fail(*_: object) -> bool:
        raise UnavailableError("the database restarts")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryRegister, "swap_revision", fail)
        with pytest.raises(UnavailableError):
            storage.resume_upload(state, b"12345")
    for _ in range(2):
        assert 5 == storage.resume_upload(state, b"12345").size
    with pytest.raises(AlreadyExistsError, match=r"has the file 'a\.ifc'"):
        storage.resume_upload(other, b"other")

    storage.delete(key)
    with pytest.raises(AlreadyExistsError, match="was removed"):
        storage.resume_upload(other, b"other")
    assert [] == list(storage.list())
    assert 5 == storage.resume_upload(storage.begin_upload(key, 5, CREATE, sha256=state.sha256), b"12345").size
