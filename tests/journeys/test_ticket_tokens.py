"""What a ticket proves and what not: its tokens, what the host receives for it, and what of it is shown."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import pickle
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import (
    AccessDeniedError,
    AlreadyExistsError,
    DocumentStore,
    IntegrityError,
    NotFoundError,
    NotSupportedError,
    Storage,
    StorageError,
    UploadTicket,
)
from kazinex_storage.documents.ticket_register import TicketRecord
from kazinex_storage.organisations import KeyRing, Sealer, SqlCatalogue
from kazinex_storage.providers.memory import MemoryProvider

from .direct import PDF, ROUTE, House, document
from .only_provider import OnlyProvider
from .services import Service
from .test_tickets import at


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
    house = House(Service(kind="local", settings={"root": str(tmp_path / "disk"), "create": True}), catalogue)
    house.add("acme")
    yield house
    house.close()


def begun(house: House, organisation: str = "acme", revision: str = "P01") -> UploadTicket:
    return house.documents.begin_direct_upload(document(revision, organisation=organisation), len(PDF))


def sending(ticket: UploadTicket) -> str:
    return str(ticket.parts[0].request.url).removeprefix(f"{ROUTE}/")


def kept(house: House, ticket: UploadTicket) -> TicketRecord:
    found = house.organisations.catalogue.tickets.ticket(ticket.document.organisation, ticket.id)
    assert found is not None
    return found


def test_the_json_of_a_ticket_is_all_that_a_client_needs(house: House) -> None:
    ticket = begun(house)

    found = json.loads(ticket.to_json())

    assert {
        "id": ticket.id,
        "document": {
            "organisation": "acme",
            "project": "bridge",
            "document": "DRG-1",
            "revision": "P01",
            "filename": "Plan Ü 1.pdf",
        },
        "size": len(PDF),
        "content_type": "application/pdf",
        "sha256": None,
        "expires_at": ticket.expires_at.isoformat(),
        "plan": "route",
        "in_order": False,
        "bound": ["create", "size"],
        "parts": [
            {
                "number": 1,
                "offset": 0,
                "size": len(PDF),
                "method": "PUT",
                "url": f"{ROUTE}/{sending(ticket)}",
                "headers": {"Content-Type": "application/pdf"},
            }
        ],
        "token": ticket.token,
    } == found
    assert timedelta(0) < ticket.expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", ticket.token), "it goes into a URL as it is"


def test_a_token_is_good_for_one_ticket_and_one_purpose(house: House) -> None:
    house.add("globex")
    ticket, other, theirs = begun(house), begun(house, revision="P02"), begun(house, "globex")
    house.documents.receive_direct_upload(sending(ticket), PDF)

    wrong = [sending(ticket), swapped(ticket.token, other.token), swapped(ticket.token, theirs.token)]
    wrong += [ticket.token.replace("~acme~", "~globex~"), ticket.token[:-1], f"{ticket.token}0", "", "1~acme", "\x00"]
    flipped = "0" if ticket.token[-1] != "0" else "1"
    for token in [*wrong, ticket.token[:-1] + flipped, ticket.token.upper()]:
        with pytest.raises(AccessDeniedError, match="not valid here"):
            house.documents.confirm_direct_upload(token)
        with pytest.raises(AccessDeniedError):
            house.documents.abort_direct_upload(token)
        with pytest.raises(AccessDeniedError):
            house.documents.find_direct_upload(token)
    for token in (ticket.token, swapped(sending(ticket), sending(other))):
        with pytest.raises(AccessDeniedError):
            house.documents.receive_direct_upload(token, PDF)

    assert document() == house.documents.confirm_direct_upload(ticket).document


def swapped(token: str, other: str) -> str:
    """Return *token* with the proof of *other*."""
    return "~".join([*token.split("~")[:3], *other.split("~")[3:]])


@pytest.mark.parametrize("field", ["size", "content_type", "sha256", "provider", "expires_at", "document", "plan"])
def test_a_row_that_was_altered_proves_nothing(house: House, field: str) -> None:
    """Whoever can write the table of tickets cannot make one say something else."""
    ticket = begun(house)
    record = kept(house, ticket)
    values: dict[str, Any] = {
        "size": 5,
        "content_type": "text/html",
        "sha256": "0" * 64,
        "provider": "another",
        "expires_at": record.expires_at + timedelta(days=1),
        "document": document("P09"),
        "plan": "put",
    }
    register = house.organisations.catalogue.tickets
    register.swap_ticket(record, None)
    register.add_ticket(replace(record, **{field: values[field]}))

    for call in (house.documents.confirm_direct_upload, house.documents.find_direct_upload):
        with pytest.raises(AccessDeniedError):
            call(ticket)
    with pytest.raises(AccessDeniedError):
        house.documents.receive_direct_upload(sending(ticket), PDF)


def test_other_processes_with_the_same_keys_take_the_token_and_others_do_not(tmp_path: Path) -> None:
    keys = KeyRing.generate()
    houses = [
        House(
            Service(kind="local", settings={"root": str(tmp_path / "disk"), "create": True}),
            SqlCatalogue(tmp_path / "catalogue.db", Sealer(ring)),
        )
        for ring in (keys, KeyRing.parse(keys.export()), KeyRing.generate())
    ]
    houses[0].add()
    ticket = begun(houses[0])

    houses[1].documents.receive_direct_upload(sending(ticket), PDF)
    with pytest.raises(StorageError):
        houses[2].documents.confirm_direct_upload(ticket.token)
    assert houses[1].documents.confirm_direct_upload(ticket.token) == houses[0].documents.confirm_direct_upload(ticket)
    for house in houses:
        house.close()


def test_a_rotated_key_goes_on_proving_open_tickets(tmp_path: Path) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    settings = {"root": str(tmp_path / "disk"), "create": True}
    before = House(Service(kind="local", settings=settings), SqlCatalogue(tmp_path / "c.db", Sealer(old)))
    before.add()
    ticket = begun(before)
    before.close()
    after = House(
        Service(kind="local", settings=settings), SqlCatalogue(tmp_path / "c.db", Sealer(old.with_first(new)))
    )

    after.organisations.reseal()
    after.documents.receive_direct_upload(sending(ticket), PDF)

    assert document() == after.documents.confirm_direct_upload(ticket.token).document
    after.close()


def test_no_secret_of_a_ticket_is_shown(house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ticket = begun(house)
    house.documents.receive_direct_upload(sending(ticket), PDF)
    house.documents.confirm_direct_upload(ticket)
    shown = f"{ticket!r} {kept(house, ticket)!r} {house.documents.find_direct_upload(ticket)!r} {caplog.text}"
    shown += " ".join(json.dumps(event.to_dict()) for event in house.events)

    for token in (ticket.token, sending(ticket)):
        assert token.rpartition("~")[2] not in shown
    with pytest.raises(TypeError, match="password"):
        pickle.dumps(ticket)
    data = b"".join(path.read_bytes() for path in tmp_path.glob("catalogue.db*"))
    assert ticket.id.encode() in data
    assert b"note" not in data, "what ends an upload is sealed"


class Unsized:
    """A file that cannot be sought in, as the body of a request."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        size = len(self._data) if size < 0 else size
        found, self._data = self._data[:size], self._data[size:]
        return found


BODIES: dict[str, Callable[[bytes], Any]] = {
    "bytes": lambda data: data,
    "iterable": lambda data: iter([data[:3], data[3:]]),
    "file": io.BytesIO,
    "pipe": Unsized,
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("data", [PDF[:-1], PDF + b"!", b""], ids=["short", "long", "empty"])
def test_the_host_takes_exactly_the_size_of_the_ticket(house: House, kind: str, data: bytes) -> None:
    ticket = begun(house)

    with pytest.raises(IntegrityError, match=f"is for {len(PDF)}"):
        house.documents.receive_direct_upload(sending(ticket), BODIES[kind](data))

    assert [] == house.files()
    house.documents.receive_direct_upload(sending(ticket), BODIES[kind](PDF), len(PDF))
    assert hashlib.sha256(PDF).hexdigest() == house.documents.confirm_direct_upload(ticket).sha256


def test_a_body_that_goes_on_is_refused_in_mid_stream(house: House) -> None:
    ticket, taken = begun(house), 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"%PDF-1.7"

    with pytest.raises(IntegrityError):
        house.documents.receive_direct_upload(sending(ticket), endless())

    assert 3 == taken
    with pytest.raises(IntegrityError, match="were announced"):
        house.documents.receive_direct_upload(sending(ticket), endless(), len(PDF) + 1)
    assert 3 == taken, "an announced size is refused before a byte is read"


@pytest.mark.asyncio
async def test_on_a_loop_it_is_refused_in_mid_stream_as_well(house: House) -> None:
    ticket, taken = begun(house), 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"%PDF-1.7"

    with pytest.raises(IntegrityError):
        await house.aio().receive_direct_upload(sending(ticket), endless())

    assert 3 >= taken
    assert [] == house.files()


def test_what_was_received_once_is_not_received_again(house: House) -> None:
    ticket = begun(house)
    house.documents.receive_direct_upload(sending(ticket), PDF)

    with pytest.raises(AlreadyExistsError):
        house.documents.receive_direct_upload(sending(ticket), PDF)
    receipt = house.documents.confirm_direct_upload(ticket)
    with pytest.raises(AlreadyExistsError, match="confirmed already"):
        house.documents.receive_direct_upload(sending(ticket), PDF)

    assert PDF == house.documents.get_bytes(receipt)


def test_what_is_aborted_while_it_is_received_leaves_nothing(house: House) -> None:
    ticket = begun(house)

    def aborting() -> Iterator[bytes]:
        yield PDF[:4]
        house.documents.abort_direct_upload(ticket)
        yield PDF[4:]

    with pytest.raises(NotFoundError, match="was aborted"):
        house.documents.receive_direct_upload(sending(ticket), aborting())

    assert [] == house.files()
    assert PDF == house.documents.get_bytes(house.documents.upload(document(), PDF))


def test_what_makes_no_sense_is_refused(house: House) -> None:
    begin = house.documents.begin_direct_upload
    wrong: list[tuple[int, dict[str, Any]]] = [
        (-1, {}),
        (1, {"sha256": "abc"}),
        (1, {"expires_in": timedelta(0)}),
        (1, {"expires_in": timedelta(days=8)}),
    ]
    for size, options in wrong:
        with pytest.raises(ValueError, match=r"bytes or more|64 hexadecimal|1 second to 7 days"):
            begin(document(), size, **options)
    with pytest.raises(NotSupportedError, match="upload_route="):
        DocumentStore(house.resolver).begin_direct_upload(document(), 1)
    assert [] == house.told()[1:]


def test_what_is_lost_on_its_way_out_of_a_catalogue_is_taken_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A begin that cannot be remembered is none, and a confirm whose answer is lost gives the same receipt."""
    register = house.organisations.catalogue.tickets
    confirm = type(register).confirm_ticket

    def lost(self: object, *arguments: object, **options: object) -> bool:
        confirm(self, *arguments, **options)  # type: ignore[arg-type]
        raise NotSupportedError("the connection to the database is gone")

    ticket = begun(house)
    house.documents.receive_direct_upload(sending(ticket), PDF)
    with monkeypatch.context() as patch:
        patch.setattr(type(register), "confirm_ticket", lost)
        with pytest.raises(NotSupportedError):
            house.documents.confirm_direct_upload(ticket)
    receipt = house.documents.confirm_direct_upload(ticket)

    assert PDF == house.documents.get_bytes(receipt)
    assert "confirmed" == kept(house, ticket).status
    assert receipt == house.documents.confirm_direct_upload(ticket)


def test_a_resolver_without_tickets_says_so() -> None:
    class Bare(OnlyProvider):
        """One that remembers no tickets."""

        def __getattribute__(self, name: str) -> Any:
            if name == "state_keys":
                raise AttributeError(name)
            return super().__getattribute__(name)

    with pytest.raises(NotSupportedError, match="remembers no tickets"):
        DocumentStore(Bare(Storage(MemoryProvider())), upload_route=ROUTE).begin_direct_upload(document(), 1)


def test_what_a_provider_does_not_let_go_is_tried_again_a_day_later(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = [begun(house, revision=revision) for revision in ("P01", "P02")]
    for ticket in tickets:
        house.documents.receive_direct_upload(sending(ticket), PDF)
    lost = {"root": str(tmp_path / "gone"), "create": False}
    house.organisations.update_provider("acme", "place", settings=lost)

    at(monkeypatch, timedelta(hours=2))
    report = house.documents.sweep_direct_uploads()
    assert (2, 0, 2) == (len(report.expired), report.forgotten, len(report.failures))
    assert "gone" in str(report.failures[0])
    assert ["expired"] * 2 == [kept(house, ticket).status for ticket in tickets]
    assert () == house.documents.sweep_direct_uploads().failures

    at(monkeypatch, timedelta(days=2))
    assert 2 == len(house.documents.sweep_direct_uploads().failures)
    house.organisations.update_provider("acme", "place", settings={"root": str(tmp_path / "disk")})
    assert () == house.documents.sweep_direct_uploads().failures
    assert [] == house.files()


def test_what_cannot_be_removed_for_a_week_is_forgotten(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = begun(house)
    house.organisations.update_provider("acme", "place", settings={"root": str(tmp_path / "gone"), "create": False})

    at(monkeypatch, timedelta(days=9))
    report = house.documents.sweep_direct_uploads()

    assert (1, 1, ()) == (len(report.expired), report.forgotten, report.failures)
    assert house.organisations.catalogue.tickets.ticket("acme", ticket.id) is None
    assert {"dry_run", "expired", "forgotten", "failures"} == report.to_dict().keys()
    json.dumps(report.to_dict())
