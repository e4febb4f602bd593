"""Processes that are killed between any two steps of a direct upload: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import DocumentStore, StorageError
from kazinex_storage.documents import direct_plans
from kazinex_storage.organisations import KeyRing, Sealer, SqlCatalogue
from kazinex_storage.testing.bench import in_child
from kazinex_storage.transport import Exchange

from .direct import PDF, Browser, House, document, place_of
from .test_tickets import at

PLANS = {"local": "route", "seaweedfs": "parts", "azure": "parts", "sharepoint": "session"}
MOST_STEPS = 42


@pytest.fixture(params=PLANS)
def house(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(direct_plans, "WANTED_PART_BYTES", 4)  # so that a small file goes in parts
    with place_of(request.param, request) as service:
        house = House(service, SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate())))
        house.add()
        yield house
        house.close()


def dying(documents: DocumentStore, step: int) -> DocumentStore:
    """Return the store for a process that is killed after that many steps, requests and calls together."""
    left = step

    def counted(exchange: Exchange[Any]) -> Exchange[Any]:
        nonlocal left
        command = next(exchange)
        try:
            while True:
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
                try:
                    outcome = yield command
                except Exception as error:
                    command = exchange.throw(error)
                else:
                    command = exchange.send(outcome)
        except StopIteration as end:
            return end.value

    dies, run = documents.acting("dying"), documents.transport.run
    dies._run = lambda exchange: run(counted(exchange))
    return dies


def upload(house: House, documents: DocumentStore, revision: str, journal: Path) -> None:
    """Upload as a client and its host do together; the ticket is written down as soon as there is one."""
    ticket = documents.begin_direct_upload(document(revision), len(PDF))
    journal.write_text(f"{ticket.token}\n{ticket.to_json()}")
    browser = Browser(documents, house.service.settings.get("ca_file"))
    browser.send(ticket, PDF)
    documents.confirm_direct_upload(ticket)
    browser.close()


def killed_after(house: House, step: int, revision: str, journal: Path) -> bool:
    """Upload in another process, which is killed after *step* steps, and say whether it was."""
    status = in_child(lambda: upload(house, dying(house.documents, step), revision, journal))
    assert status in (0, -signal.SIGKILL)
    return status != 0


def test_whatever_step_is_the_last_one_the_client_can_carry_on(
    house: House, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = request.node.callspec.params["house"]
    killed = begun = 0
    for step in range(0, MOST_STEPS, 1 if place == "local" else 2):
        revision, journal = f"P{step:02}", tmp_path / f"{step}.ticket"
        died = killed_after(house, step, revision, journal)
        killed += died
        begun += journal.exists()
        if not journal.exists():  # nobody has the ticket, so the client begins again
            upload(house, house.documents, revision, journal)
        token, ticket = journal.read_text().split("\n")
        try:
            receipt = house.documents.confirm_direct_upload(token)
        except StorageError:
            house.browser.send(ticket, PDF)
            receipt = house.documents.confirm_direct_upload(token)
        assert receipt == house.documents.confirm_direct_upload(token)
        assert PDF == house.documents.get_bytes(receipt)
        assert receipt.key == house.documents.find(document(revision)).key
        assert [receipt.key.removeprefix("acme/")] == house.files(prefix=f"bridge/DRG-1/{revision}/")
        if not died:
            break
    else:
        pytest.fail(f"an upload takes more than {MOST_STEPS} steps")

    assert 1 < begun < killed, "it was killed before there was a ticket, and after"
    at(monkeypatch, timedelta(days=2))
    assert () == house.documents.sweep_direct_uploads().failures
    assert killed + 1 == len(house.files())
    assert PLANS[place] in ticket


@pytest.mark.parametrize("house", ["local", "azure"], indirect=True)
def test_what_a_killed_process_left_is_swept_when_nobody_comes_back(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed = set()
    for step in range(1, MOST_STEPS, 3):
        revision = f"P{step:02}"
        if not killed_after(house, step, revision, tmp_path / f"{step}.ticket"):
            confirmed.add(revision)
            break

    at(monkeypatch, timedelta(hours=2))
    assert () == house.documents.sweep_direct_uploads().failures
    stored = {key.split("/")[2] for key in house.files()}
    for revision in stored:
        assert PDF == house.documents.get_bytes(document(revision))
        with pytest.raises(StorageError, match="has the file"):
            house.documents.begin_direct_upload(document(revision), len(PDF))
    assert confirmed <= stored
    for revision in {f"P{step:02}" for step in range(1, MOST_STEPS, 3)} - stored:
        assert PDF == house.documents.get_bytes(house.documents.upload(document(revision), PDF))
