"""Direct uploads: one shape of ticket on every kind of place, checked when it is confirmed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from kazinex_storage import (
    StoredDocument,
)

from .direct import LARGE, PDF, PLACES, House, document, place_of
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
    ticket = house.documents.begin_direct_upload(document(), len(body), "application/pdf")
    assert PLANS.get(place[0], "put" if body is PDF or place[0] == "supabase front" else "parts") == ticket.plan

    statuses = house.browser.send(ticket, body)

    assert {200, 201, 202} >= set(statuses), statuses
    receipt = house.documents.confirm_direct_upload(ticket)
    assert (document(), len(body)) == (receipt.document, receipt.size)
    assert body == house.documents.get_bytes(receipt)
    assert receipt == house.documents.confirm_direct_upload(ticket.token)
    assert receipt.to_dict() == StoredDocument.from_dict(receipt.to_dict()).to_dict()
    assert [document().build().removeprefix("acme/")] == house.files()
