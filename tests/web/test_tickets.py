"""Direct uploads through the API: a ticket, its requests, confirm; here on a local disk, whose files the API takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from kazinex_storage.web import Role

from .conftest import Organisation

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 500


@pytest.fixture
def org(new_organisation: Callable[[], Organisation]) -> Organisation:
    org = new_organisation()
    org.with_default()
    return org


def begin(org: Organisation, body: bytes = PDF, **fields: object) -> dict[str, Any]:
    path = org.file(revision="P01").partition("/files/")[0] + "/tickets"
    answer = org.client.post(path, json={"filename": "Plan.pdf", "size": len(body), **fields})
    assert 201 == answer.status_code, answer.text
    found: dict[str, Any] = answer.json()
    return found


def send(org: Organisation, ticket: dict[str, Any], body: bytes = PDF) -> httpx.Response:
    """Send as a browser does, which has nothing but the ticket."""
    (part,) = ticket["parts"]
    piece = body[part["offset"] : part["offset"] + part["size"]]
    return httpx.request(part["method"], f"{org.api.url}{part['url']}", content=piece, headers=part["headers"])


def end(org: Organisation, ticket: dict[str, Any], method: str = "POST") -> httpx.Response:
    path = f"{org.path}/tickets/{ticket['id']}" + ("/confirm" if method == "POST" else "")
    return org.client.request(method, path, json={"token": ticket["token"]})


def code(answer: httpx.Response) -> str:
    assert "application/problem+json" == answer.headers["content-type"], answer.text
    return f"{answer.status_code} {answer.json()['code']}"


def test_a_file_goes_by_ticket_and_becomes_a_document(org: Organisation) -> None:
    ticket = begin(org, sha256=hashlib.sha256(PDF).hexdigest())

    sent = send(org, ticket)
    before = org.client.get(f"{org.path}/projects").json()
    receipts = [end(org, ticket), end(org, ticket)]

    assert ("route", 204, []) == (ticket["plan"], sent.status_code, before["projects"])
    assert [200, 200] == [receipt.status_code for receipt in receipts]
    assert receipts[0].json() == receipts[1].json()
    assert hashlib.sha256(PDF).hexdigest() == receipts[0].json()["sha256"]
    assert PDF == org.client.get(org.file()).content


def test_a_ticket_works_once_and_for_its_own_size(org: Organisation) -> None:
    ticket = begin(org)

    assert "404 not_found" == code(end(org, ticket))
    short = send(org, {**ticket, "parts": [{**ticket["parts"][0], "size": 10}]})
    assert 400 <= short.status_code < 500
    assert 204 == send(org, ticket).status_code
    assert "409 already_exists" == code(send(org, ticket))


def test_a_body_that_goes_on_is_refused_in_mid_stream(org: Organisation) -> None:
    ticket = begin(org)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 65_536
            yield bytes(65_536)

    try:
        status = httpx.put(f"{org.api.url}{ticket['parts'][0]['url']}", content=endless()).status_code
    except (httpx.WriteError, httpx.ReadError):
        status = 422

    assert 400 <= status < 500
    assert sent < 50_000_000
    assert 204 == send(org, ticket).status_code


def test_what_does_not_begin_as_its_type_does_is_refused_and_removed(org: Organisation) -> None:
    body = b"MZ" + bytes(1000)
    ticket = begin(org, body)
    send(org, ticket, body)

    answer = end(org, ticket)

    assert 400 <= answer.status_code < 500, answer.text
    assert 404 == org.client.get(org.file()).status_code


def test_an_aborted_ticket_takes_nothing(org: Organisation) -> None:
    ticket = begin(org)

    assert 204 == end(org, ticket, "DELETE").status_code
    assert "404 not_found" == code(send(org, ticket))
    assert "404 not_found" == code(end(org, ticket))


def test_a_token_is_no_use_to_others(org: Organisation, new_organisation: Callable[[], Organisation]) -> None:
    ticket = begin(org)
    send(org, ticket)
    other = new_organisation()
    path, body = f"tickets/{ticket['id']}/confirm", {"token": ticket["token"]}

    assert "403 access_denied" == code(other.client.post(f"{other.path}/{path}", json=body))
    assert "404 not_found" == code(org.client.post(f"{org.path}/tickets/{'0' * 32}/confirm", json=body))
    assert "403 access_denied" == code(
        org.client.post(f"{org.path}/{path}", json={"token": ticket["token"][:-1] + "~"})
    )
    with org.as_(Role.READER) as reader:
        assert 403 == reader.post(f"{org.path}/{path}", json=body).status_code
    with org.as_("uploader@tunnel") as of_another_project:
        assert "403 not_allowed" == code(of_another_project.post(f"{org.path}/{path}", json=body))
    assert 403 == httpx.put(f"{org.api.url}/storage/direct/{ticket['token']}", content=PDF).status_code


def test_what_the_organisation_does_not_take_gets_no_ticket(org: Organisation) -> None:
    org.client.put(f"{org.path}/allowlist", json={"extensions": ["pdf"]})
    path = org.file().partition("/files/")[0] + "/tickets"

    assert "415 file_type_refused" == code(org.client.post(path, json={"filename": "run.exe", "size": 1}))
    assert "413 file_too_large" == code(org.client.post(path, json={"filename": "a.pdf", "size": 2**40}))
