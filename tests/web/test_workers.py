"""Several workers on one catalogue agree; one that is killed at the worst moment has lost and doubled nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from kazinex_storage.organisations import KeyRing
from kazinex_storage.testing.servers import PostgresServer

from .workers import Nursery, Worker

ACME = "/organisations/acme"
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 20


def revision(name: str) -> str:
    return f"{ACME}/projects/bridge/documents/DRG-0042/revisions/{name}"


def file(name: str) -> str:
    return f"{revision(name)}/files/Plan.pdf"


def with_disk(client: httpx.Client, root: Path) -> str:
    root.mkdir()
    body = {"kind": "local", "label": "Disk", "settings": {"root": str(root)}}
    provider = str(client.post(f"{ACME}/providers", json=body).json()["id"])
    accept = {"Accept": "application/json"}
    assert client.post(f"{ACME}/providers/{provider}/verification", headers=accept).json()["ok"]
    assert 200 == client.put(f"{ACME}/default", json={"provider": provider}).status_code
    return provider


def begin(client: httpx.Client, name: str) -> dict[str, Any]:
    answer = client.post(f"{revision(name)}/tickets", json={"filename": "Plan.pdf", "size": len(PDF)})
    assert 201 == answer.status_code, answer.text
    found: dict[str, Any] = answer.json()
    return found


def send(server: Worker, ticket: dict[str, Any]) -> int:
    return httpx.put(f"{server.url}{ticket['parts'][0]['url']}", content=PDF).status_code


def confirm(client: httpx.Client, ticket: dict[str, Any]) -> httpx.Response:
    return client.post(f"{ACME}/tickets/{ticket['id']}/confirm", json={"token": ticket["token"]})


@dataclass(frozen=True)
class Pair:
    """Two workers on one PostgreSQL."""

    first: Worker
    second: Worker
    a: httpx.Client
    b: httpx.Client


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery, postgres_server: PostgresServer) -> Iterator[Pair]:
    key, folder = KeyRing.generate().export(), tmp_path_factory.mktemp("workers")
    with (
        postgres_server.database() as place,
        nursery.worker(place, key) as first,
        nursery.worker(place, key) as second,
        first.client() as a,
        second.client() as b,
    ):
        with_disk(a, folder / "disk")
        yield Pair(first, second, a, b)


def test_workers_agree_on_providers_and_their_status(pair: Pair) -> None:
    (seen,) = pair.b.get(f"{ACME}/providers").json()["providers"]
    tag = pair.b.get(f"{ACME}/providers/{seen['id']}").headers["etag"]
    changed = pair.a.patch(f"{ACME}/providers/{seen['id']}", json={"label": "Drawings"}, headers={"If-Match": tag})
    late = pair.b.patch(f"{ACME}/providers/{seen['id']}", json={"label": "Other"}, headers={"If-Match": tag})

    assert ("VERIFIED", True) == (seen["status"], seen["is_default"])
    assert [200, 412] == [changed.status_code, late.status_code]
    assert "Drawings" == pair.b.get(f"{ACME}/status").json()["providers"][0]["label"]


def test_a_ticket_of_one_worker_is_taken_and_confirmed_by_another(pair: Pair) -> None:
    ticket = begin(pair.a, "T01")

    sent = send(pair.second, ticket)
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda number: confirm((pair.a, pair.b)[number % 2], ticket), range(8)))

    assert 204 == sent
    assert {200} == {receipt.status_code for receipt in receipts}
    assert 1 == len({receipt.text for receipt in receipts})
    assert PDF == pair.b.get(file("T01")).content


def test_of_uploads_that_race_on_two_workers_one_wins(pair: Pair) -> None:
    def put(number: int) -> tuple[int, bytes]:
        body = PDF + str(number).encode()
        return (pair.a, pair.b)[number % 2].put(file("R01"), content=body).status_code, body

    with ThreadPoolExecutor(6) as pool:
        ended = list(pool.map(put, range(6)))

    won = [body for status, body in ended if status == 201]
    assert [201] + [409] * 5 == sorted(status for status, _ in ended)
    assert won == [pair.b.get(file("R01")).content]


def test_a_quota_holds_over_all_workers(pair: Pair) -> None:
    used = pair.a.get(f"{ACME}/usage").json()["objects"]
    pair.a.put(f"{ACME}/quota", json={"max_objects": used + 3})

    with ThreadPoolExecutor(8) as pool:
        ended = list(
            pool.map(lambda number: (pair.a, pair.b)[number % 2].put(file(f"Q{number}"), content=PDF), range(8))
        )
    pair.b.put(f"{ACME}/quota", json={"max_objects": None})

    assert [201] * 3 + [507] * 5 == sorted(answer.status_code for answer in ended)
    assert used + 3 == pair.b.get(f"{ACME}/usage").json()["objects"]


def test_the_audit_of_all_workers_is_one_chain(pair: Pair) -> None:
    report = pair.b.get(f"{ACME}/audit/verification").json()

    assert (True, True) == (report["ok"], report["sealed"])
    entries = pair.a.get(f"{ACME}/audit", params={"event": "document.", "limit": 1000}).json()["entries"]
    assert {"user_xyz"} == {entry["by"] for entry in entries}


@pytest.mark.parametrize("step", ["before tickets.confirm_ticket", "after tickets.confirm_ticket"])
def test_a_worker_that_is_killed_while_it_confirms_loses_and_doubles_nothing(
    nursery: Nursery, tmp_path: Path, step: str
) -> None:
    key, place = KeyRing.generate().export(), str(tmp_path / "catalogue.db")
    with nursery.worker(place, key, killed_at=step) as dying, dying.client() as client:
        with_disk(client, tmp_path / "disk")
        ticket = begin(client, "P01")
        assert 204 == send(dying, ticket)
        with pytest.raises(httpx.TransportError):
            confirm(client, ticket)

    with nursery.worker(place, key) as other, other.client() as client:
        receipts = [confirm(client, ticket), confirm(client, ticket)]
        found = client.get(file("P01"))
        usage = client.get(f"{ACME}/usage").json()

    assert [200, 200] == [receipt.status_code for receipt in receipts], receipts[0].text
    assert PDF == found.content
    assert (1, len(PDF)) == (usage["objects"], usage["bytes"])


@pytest.mark.parametrize("step", ["before revisions.swap_revision", "after revisions.swap_revision"])
def test_a_worker_that_is_killed_while_it_stores_leaves_the_whole_file_or_a_free_revision(
    nursery: Nursery, tmp_path: Path, step: str
) -> None:
    """Killed between the provider, which has the file, and the catalogue, which has not or has just recorded it."""
    key, place = KeyRing.generate().export(), str(tmp_path / "catalogue.db")
    with nursery.worker(place, key, killed_at=step) as dying, dying.client() as client:
        with_disk(client, tmp_path / "disk")
        with pytest.raises(httpx.TransportError):
            client.put(file("P01"), content=PDF)

    with nursery.worker(place, key) as other, other.client() as client:
        found = client.get(file("P01"))
        again = client.put(file("P01"), content=PDF)
        others = client.put(file("P01").replace("Plan", "Other"), content=PDF)
        listed = client.get(f"{revision('P01').rpartition('/')[0]}").json()["revisions"]

    assert (200, PDF) == (found.status_code, found.content)
    assert [409, 409] == [again.status_code, others.status_code]
    assert [len(PDF)] == [each["size"] for each in listed]
