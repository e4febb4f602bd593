"""Direct uploads: one shape of ticket on every kind of place, checked when it is confirmed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from kazinex_storage import (
    AccessDeniedError,
    AlreadyExistsError,
    FileTooLargeError,
    FileTypeRefusedError,
    IntegrityError,
    NotFoundError,
    StoredDocument,
    UploadTicket,
)
from kazinex_storage.documents import direct_ends

from .direct import LARGE, PDF, PLACES, ROUTE, House, document, place_of
from .services import Service

PLANS = {"memory": "route", "local": "route", "sharepoint": "session"}


@pytest.fixture(params=PLACES, scope="module")
def place(request: pytest.FixtureRequest) -> Iterator[tuple[str, Service]]:
    with place_of(request.param, request) as found:
        yield request.param, found


@pytest.fixture
def house(place: tuple[str, Service], request: pytest.FixtureRequest) -> Iterator[House]:
    name, service = place
    folder = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    settings: dict[str, object] = {"name": folder} if name == "memory" else dict(service.settings)
    if name == "local":
        settings["root"] = f"{settings['root']}/{folder}"
        settings["create"] = True
    elif name != "memory":
        settings[service.folder] = folder
    house = House(Service(kind=service.kind, settings=settings))
    house.add()
    yield house
    house.close()


@pytest.mark.parametrize("body", [PDF, LARGE], ids=["small", "large"])
def test_what_a_browser_sends_becomes_a_document(house: House, place: tuple[str, Service], body: bytes) -> None:
    ticket = house.documents.acting("müller").begin_direct_upload(document(), len(body), "application/pdf")
    assert "müller" == house.documents.find_direct_upload(ticket).begun_by
    assert PLANS.get(place[0], "put" if body is PDF or place[0] == "supabase front" else "parts") == ticket.plan

    statuses = house.browser.send(ticket, body)

    assert {200, 201, 202} >= set(statuses), statuses
    receipt = house.documents.confirm_direct_upload(ticket)
    assert (document(), len(body)) == (receipt.document, receipt.size)
    assert ["document.presigned", "document.uploaded", "document.confirmed"] == house.told()
    assert body == house.documents.get_bytes(receipt)
    assert receipt == house.documents.confirm_direct_upload(ticket.token)
    assert receipt.to_dict() == StoredDocument.from_dict(receipt.to_dict()).to_dict()
    assert [document().build().removeprefix("acme/")] == house.files()


def test_an_empty_file_is_sent_like_any_other(house: House) -> None:
    key = document(name="notes.txt")
    ticket = house.documents.begin_direct_upload(key, 0, sha256=hashlib.sha256(b"").hexdigest())
    with pytest.raises(NotFoundError):
        house.documents.confirm_direct_upload(ticket)

    house.browser.send(ticket, b"")

    receipt = house.documents.confirm_direct_upload(ticket)
    assert (0, key) == (receipt.size, house.documents.find(key).document)


def test_nothing_is_a_document_before_it_has_arrived_whole(house: House) -> None:
    ticket = house.documents.begin_direct_upload(document(), len(LARGE))

    with pytest.raises((NotFoundError, IntegrityError)):
        house.documents.confirm_direct_upload(ticket)
    if len(ticket.parts) > 1:
        house.browser.send(ticket, LARGE, parts=slice(0, 1))
        with pytest.raises((NotFoundError, IntegrityError)):
            house.documents.confirm_direct_upload(ticket)
    assert [] == house.files()

    house.browser.send(ticket, LARGE, parts=slice(1 if len(ticket.parts) > 1 else 0, None))
    assert LARGE == house.documents.get_bytes(house.documents.confirm_direct_upload(ticket))


def test_what_does_not_begin_as_its_type_does_is_removed(house: House) -> None:
    program = b"MZ" + PDF[2:]
    ticket = house.documents.begin_direct_upload(document(), len(program), "application/pdf")
    house.browser.send(ticket, program)

    with pytest.raises(FileTypeRefusedError, match=r"does not begin as a file of type \.pdf"):
        house.documents.confirm_direct_upload(ticket)

    assert [] == house.files()
    assert ["document.presigned", "document.refused"] == house.told()
    with pytest.raises(NotFoundError):
        house.documents.find(document())


@pytest.mark.parametrize("body", [PDF, LARGE], ids=["small", "large"])
def test_other_bytes_than_the_declared_sha256_are_refused(house: House, body: bytes) -> None:
    sha256, other = hashlib.sha256(body).hexdigest().upper(), body[:-1] + b"!"
    ticket = house.documents.begin_direct_upload(document(), len(body), sha256=sha256)

    statuses = house.browser.send(ticket, other)

    if max(statuses) < 300:
        with pytest.raises(IntegrityError, match=r"(were|was) declared"):
            house.documents.confirm_direct_upload(ticket)
    assert [] == house.files()
    again = house.documents.begin_direct_upload(document(), len(body), sha256=sha256)
    house.browser.send(again, body)
    assert sha256.lower() == house.documents.confirm_direct_upload(again).sha256


def test_another_size_than_the_declared_one_is_refused(house: House) -> None:
    ticket, body = house.documents.begin_direct_upload(document(), len(PDF)), PDF + b"more"
    part = json.loads(ticket.to_json())["parts"][0]

    status = house.browser.part(part, body, {"Content-Range": f"bytes 0-{len(body) - 1}/{len(body)}"})

    if status < 300:
        with pytest.raises(IntegrityError, match=f"and {len(PDF)} were declared"):
            house.documents.confirm_direct_upload(ticket)
    assert [] == house.files()


def test_an_upload_that_is_aborted_leaves_the_revision_free(house: House) -> None:
    for body in (PDF, LARGE):
        ticket = house.documents.begin_direct_upload(document(), len(body))
        house.browser.send(ticket, body, parts=slice(0, 1))
        house.documents.abort_direct_upload(ticket)
        house.documents.abort_direct_upload(ticket.token)

        with pytest.raises(NotFoundError, match="was aborted"):
            house.documents.confirm_direct_upload(ticket)
        assert [] == house.files()
        assert ["document.presigned", "document.aborted"] == house.told()
        house.browser.send(ticket, body)  # whoever has the requests may still send them

    assert PDF == house.documents.get_bytes(house.documents.upload(document("P02"), PDF))
    late = house.documents.begin_direct_upload(document(), len(PDF))
    house.browser.send(late, PDF)
    assert PDF == house.documents.get_bytes(house.documents.confirm_direct_upload(late))


def test_what_nobody_confirms_in_time_is_swept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = house.documents.begin_direct_upload(document(), len(PDF))
    half = house.documents.begin_direct_upload(document("P02"), len(LARGE))
    kept = house.documents.begin_direct_upload(document("P03"), len(PDF))
    for ticket, body in ((sent, PDF), (half, LARGE), (kept, PDF)):
        house.browser.send(ticket, body, parts=slice(0, 1))
    receipt = house.documents.confirm_direct_upload(kept)
    assert () == house.documents.sweep_direct_uploads().expired

    at(monkeypatch, timedelta(hours=2))
    planned = house.documents.sweep_direct_uploads("acme", dry_run=True)
    swept = house.documents.sweep_direct_uploads("acme")

    assert {sent.id, half.id} == {upload.id for upload in planned.expired} == {upload.id for upload in swept.expired}
    assert () == swept.failures
    assert ["document.expired"] * 2 == house.told()[-2:]
    assert [receipt.key.removeprefix("acme/")] == house.files()
    for ticket in (sent, half):
        with pytest.raises(NotFoundError, match="has expired"):
            house.documents.confirm_direct_upload(ticket)
    assert receipt == house.documents.confirm_direct_upload(kept)
    house.browser.send(sent, PDF)  # a request that began in time and ends late
    at(monkeypatch, timedelta(days=2))
    assert 3 == house.documents.sweep_direct_uploads().forgotten
    assert [receipt.key.removeprefix("acme/")] == house.files()
    assert 0 == house.documents.sweep_direct_uploads().forgotten
    with pytest.raises(AccessDeniedError):
        house.documents.confirm_direct_upload(kept)


def test_the_policy_of_now_decides_when_it_is_confirmed(house: House) -> None:
    typed = house.documents.begin_direct_upload(document(), len(PDF))
    sized = house.documents.begin_direct_upload(document("P02"), len(PDF))
    for ticket in (typed, sized):
        house.browser.send(ticket, PDF)

    house.organisations.set_allowlist("acme", ["dwg"])
    with pytest.raises(FileTypeRefusedError, match="allowed are"):
        house.documents.confirm_direct_upload(typed)
    house.organisations.set_allowlist("acme", [])
    house.organisations.update_provider("acme", "place", max_file_bytes=5)
    with pytest.raises(FileTooLargeError):
        house.documents.confirm_direct_upload(sized)

    assert [] == house.files()
    with pytest.raises(FileTooLargeError):
        house.documents.begin_direct_upload(document(), len(PDF))


def test_of_two_uploads_of_a_revision_one_becomes_its_file(house: House) -> None:
    first = house.documents.begin_direct_upload(document(), len(PDF))
    second = house.documents.begin_direct_upload(document(name="second.pdf"), len(PDF))
    for ticket in (first, second):
        house.browser.send(ticket, PDF)

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(house.documents.confirm_direct_upload, ticket) for ticket in (first, second) * 2]
    won = {str(call.result().to_dict()) for call in calls if call.exception() is None}

    assert 1 == len(won), [call.exception() for call in calls]
    assert all(isinstance(call.exception(), AlreadyExistsError | NotFoundError | None) for call in calls)
    assert 1 == len(house.files())
    with pytest.raises(AlreadyExistsError):
        house.documents.begin_direct_upload(document(name="third.pdf"), len(PDF))


def test_a_document_that_came_another_way_is_left_alone(house: House) -> None:
    ticket = house.documents.begin_direct_upload(document(), len(PDF))
    receipt = house.documents.upload(document(), PDF)

    house.browser.send(ticket, PDF)

    with pytest.raises(AlreadyExistsError):
        house.documents.confirm_direct_upload(ticket)
    house.documents.abort_direct_upload(ticket)
    assert PDF == house.documents.get_bytes(receipt)
    assert 1 == len(house.files())


def test_a_confirmed_ticket_can_do_no_harm_to_its_document(house: House) -> None:
    ticket = house.documents.begin_direct_upload(document(), len(LARGE))
    house.browser.send(ticket, LARGE)
    receipt = house.documents.confirm_direct_upload(ticket)

    house.browser.send(ticket, LARGE[:-1] + b"!")
    with pytest.raises(AlreadyExistsError, match="is confirmed"):
        house.documents.abort_direct_upload(ticket)

    assert LARGE == house.documents.get_bytes(receipt)
    assert receipt == house.documents.confirm_direct_upload(ticket)
    house.documents.remove(receipt)
    with pytest.raises(AlreadyExistsError, match="was removed"):
        house.documents.begin_direct_upload(document(), len(PDF))


@pytest.mark.parametrize("place", ["azure"], indirect=True, scope="module")
def test_what_a_signature_writes_beside_the_document_is_swept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature that may write a block may write a blob too: it is good for a key below .uploads alone."""
    ticket = house.documents.begin_direct_upload(document(), len(LARGE))
    house.browser.send(ticket, LARGE)
    receipt = house.documents.confirm_direct_upload(ticket)
    part = json.loads(ticket.to_json())["parts"][0]
    assert f"/.uploads/{ticket.id}/" in part["url"]
    assert [receipt.key.removeprefix("acme/")] == house.files()

    blob = {**part, "url": re.sub(r"comp=block&blockid=[^&]*&", "", part["url"])}
    assert 201 == house.browser.part(blob, b"MZ forged", {"x-ms-blob-type": "BlockBlob"})

    assert LARGE == house.documents.get_bytes(receipt)
    at(monkeypatch, timedelta(days=2))
    assert () == house.documents.sweep_direct_uploads().failures
    assert [receipt.key.removeprefix("acme/")] == house.files()


def test_the_same_bytes_may_come_back_to_a_removed_revision(house: House) -> None:
    house.documents.remove(house.documents.upload(document(), PDF))

    ticket = house.documents.begin_direct_upload(document(), len(PDF))

    if house.service.kind != "sharepoint":  # which keeps no sha256, so that it is known from the receipt alone
        assert hashlib.sha256(PDF).hexdigest() == ticket.sha256
    house.browser.send(ticket, PDF)
    assert PDF == house.documents.get_bytes(house.documents.confirm_direct_upload(ticket))


@pytest.mark.asyncio
async def test_the_awaited_twin_does_the_same(house: House) -> None:
    documents = house.aio()
    ticket = await documents.begin_direct_upload(document(), len(PDF))
    if ticket.plan == "route":
        await documents.receive_direct_upload(token_in(ticket), chunks(PDF), len(PDF))
    else:
        await asyncio.to_thread(house.browser.send, ticket, PDF)

    receipt = await documents.confirm_direct_upload(ticket)

    assert receipt == await documents.confirm_direct_upload(ticket.token)
    assert (ticket.id, "confirmed") == ((found := await documents.find_direct_upload(ticket)).id, found.status)
    assert PDF == await documents.get_bytes(receipt)
    assert 0 == (await documents.sweep_direct_uploads()).forgotten


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 7):
        yield body[start : start + 7]


def token_in(ticket: UploadTicket) -> str:
    return str(ticket.parts[0].request.url).removeprefix(f"{ROUTE}/")


def at(monkeypatch: pytest.MonkeyPatch, later: timedelta) -> None:
    """Let that much time pass for the tickets, and for nothing else."""
    moment = datetime.now(UTC) + later

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Later:
            return cls.fromtimestamp(moment.timestamp(), tz)

    monkeypatch.setattr(direct_ends, "datetime", Later)
