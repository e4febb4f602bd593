"""Files over HTTP: whole or not at all on the way in, ranges, conditions and safe headers on the way out."""

from __future__ import annotations

import base64
import hashlib
import http.client
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazinex_storage.documents.register import new_token
from kazinex_storage.keys import DocumentKey
from kazinex_storage.organisations import Resolver
from kazinex_storage.serving.ranges import UnsatisfiableError, wanted
from kazinex_storage.types import WHOLE
from kazinex_storage.web import Role

from .conftest import Organisation

PDF = b"%PDF-1.7\n" + random.Random(1).randbytes(100_000)  # noqa: S311  # no secret, and the same in each process


@pytest.fixture
def stored(org: Organisation) -> Organisation:
    org.with_default()
    assert 201 == org.client.put(org.file(), content=PDF).status_code
    return org


def code(answer: httpx.Response) -> str:
    assert "application/problem+json" == answer.headers["content-type"], answer.text
    return f"{answer.status_code} {answer.json()['code']}"


def test_a_file_is_stored_once_and_comes_back(org: Organisation) -> None:
    provider = org.with_default()

    receipt = org.client.put(org.file(), content=PDF, headers={"Content-Type": "application/pdf"})
    again = org.client.put(org.file(), content=PDF)
    back = org.client.get(org.file())

    assert 201 == receipt.status_code
    found = receipt.json()
    assert (provider, len(PDF), hashlib.sha256(PDF).hexdigest()) == (found["provider"], found["size"], found["sha256"])
    assert "409 already_exists" == code(again)
    assert (200, PDF, "application/pdf") == (back.status_code, back.content, back.headers["content-type"])


def test_a_body_of_unknown_length_is_stored(org: Organisation) -> None:
    org.with_default()

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(PDF), 7_000):
            yield PDF[start : start + 7_000]

    assert 201 == org.client.put(org.file(), content=pieces()).status_code
    assert PDF == org.client.get(org.file()).content


@pytest.mark.parametrize("header", ["X-Content-SHA256", "Repr-Digest"])
def test_a_declared_checksum_is_compared(org: Organisation, header: str) -> None:
    org.with_default()

    def headers(body: bytes) -> dict[str, str]:
        digest = hashlib.sha256(body)
        return {
            header: digest.hexdigest()
            if header[0] == "X"
            else f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
        }

    wrong = org.client.put(org.file(), content=PDF, headers=headers(b"other"))
    malformed = org.client.put(org.file(), content=PDF, headers={header: "sha-256=:AAAA:"})
    right = org.client.put(org.file(), content=PDF, headers=headers(PDF))

    assert "422 integrity" == code(wrong)
    assert "400 digest" == code(malformed)
    assert 201 == right.status_code


def test_type_and_size_are_refused_before_the_body_is_read(org: Organisation) -> None:
    provider = org.with_default()
    org.client.put(f"{org.path}/allowlist", json={"extensions": ["pdf"]})
    org.client.patch(f"{org.path}/providers/{provider}", json={"max_file_bytes": 1000})
    parts = urlsplit(org.api.url)

    def answer(path: str, length: int) -> tuple[int, bytes]:
        """Send the head alone: an answer before any body was sent cannot depend on it."""
        connection = http.client.HTTPConnection(str(parts.netloc), timeout=10)
        connection.putrequest("PUT", f"/storage{path}")
        connection.putheader("Authorization", org.client.headers["Authorization"])
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        response = connection.getresponse()
        found = response.status, response.read()
        connection.close()
        return found

    assert (415, True) == ((found := answer(org.file("run.exe"), 10**8))[0], b"file_type_refused" in found[1])
    assert (413, True) == ((found := answer(org.file(), 10**8))[0], b"file_too_large" in found[1])


def test_a_revision_that_has_a_file_is_refused_before_the_body_is_read(stored: Organisation) -> None:
    """Nothing but the head is sent: the answer cannot depend on the body."""
    connection = http.client.HTTPConnection(str(urlsplit(stored.api.url).netloc), timeout=10)
    connection.putrequest("PUT", f"/storage{stored.file('Other.pdf')}")
    connection.putheader("Authorization", stored.client.headers["Authorization"])
    connection.putheader("Content-Length", str(10**8))
    connection.endheaders()

    answer = connection.getresponse()

    assert (409, True) == (answer.status, b"already_exists" in answer.read())
    connection.close()


def test_a_body_that_grows_over_the_limit_is_refused_in_mid_stream(org: Organisation) -> None:
    provider = org.with_default()
    org.client.patch(f"{org.path}/providers/{provider}", json={"max_file_bytes": 2_000_000})
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 200_000_000:
            sent += 65_536
            yield bytes(65_536)

    with suppress(httpx.WriteError, httpx.ReadError):  # the server may have closed the connection while we still sent
        assert "413 file_too_large" == code(org.client.put(org.file(), content=endless()))

    assert sent < 50_000_000
    assert "404 not_found" == code(org.client.get(org.file()))


def test_a_client_that_goes_away_has_stored_nothing(org: Organisation) -> None:
    org.with_default()
    parts = urlsplit(org.api.url)
    with socket.create_connection((str(parts.hostname), parts.port or 0)) as connection:
        head = f"PUT /storage{org.file()} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        connection.sendall(f"{head}Authorization: {org.client.headers['Authorization']}\r\n\r\nhalf".encode())

    assert "404 not_found" == code(org.client.get(org.file()))
    assert 201 == org.client.put(org.file(), content=PDF).status_code


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-0", PDF[:1]),
        ("bytes=10-19", PDF[10:20]),
        ("bytes=-5", PDF[-5:]),
        (f"bytes={len(PDF) - 3}-", PDF[-3:]),
        ("bytes=99990-999999999", PDF[99990:]),
    ],
)
def test_a_range_is_sent_as_a_part(stored: Organisation, asked: str, expected: bytes) -> None:
    answer = stored.client.get(stored.file(), headers={"Range": asked})

    assert (206, expected) == (answer.status_code, answer.content)
    assert answer.headers["content-range"].endswith(f"/{len(PDF)}")


@pytest.mark.parametrize("asked", ["bytes=0-0,5-9", "lines=0-5", "bytes=5-2", "bytes=x-"])
def test_what_is_no_single_range_gets_the_whole(stored: Organisation, asked: str) -> None:
    answer = stored.client.get(stored.file(), headers={"Range": asked})

    assert (200, PDF) == (answer.status_code, answer.content)


def test_a_range_after_the_end_is_refused(stored: Organisation) -> None:
    answer = stored.client.get(stored.file(), headers={"Range": f"bytes={len(PDF)}-"})

    assert "416 range_not_satisfiable" == code(answer)
    assert f"bytes */{len(PDF)}" == answer.headers["content-range"]


@given(st.integers(0, 50), st.one_of(st.none(), st.integers(0, 60)), st.one_of(st.none(), st.integers(0, 60)))
@settings(max_examples=200)
def test_ranges_are_what_the_rfc_says(size: int, first: int | None, last: int | None) -> None:
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    data = bytes(range(size))
    if first is None and last is None:
        expected: bytes | None = data
    elif first is None:
        expected = data[-last:] if last and size else None
    elif last is not None and last < first:
        expected = data
    else:
        expected = data[first : None if last is None else last + 1] or None

    try:
        span = wanted({"range": text}, '"1"', None, size)
        start, end = span.resolve(size)
        found: bytes | None = data[start:end]
        assert span != WHOLE or found == data
    except UnsatisfiableError:
        found = None

    assert expected == found


def test_conditions_decide_what_is_sent(stored: Organisation) -> None:
    head = stored.client.head(stored.file())
    tag, date = head.headers["etag"], head.headers["last-modified"]

    def status(**headers: str) -> int:
        return stored.client.get(
            stored.file(), headers={k.replace("_", "-"): v for k, v in headers.items()}
        ).status_code

    assert (200, str(len(PDF)), b"") == (head.status_code, head.headers["content-length"], head.content)
    assert 304 == status(If_None_Match=tag) == status(If_None_Match=f'"other", {tag}') == status(If_Modified_Since=date)
    assert 412 == status(If_Match='"other"')
    assert 200 == status(If_Match=tag) == status(If_None_Match='"other"')
    assert 206 == status(Range="bytes=0-1", If_Range=tag) == status(Range="bytes=0-1", If_Range=date)
    assert 200 == status(Range="bytes=0-1", If_Range='"other"')


@pytest.mark.parametrize(
    "name", ["Grundriß 2.pdf", "план.pdf", "図面 (最終).pdf", 'a"b;c=d.pdf', "100%.pdf", "x" * 251 + ".pdf", "🏗️.pdf"]
)
def test_every_name_is_saved_as_it_is(org: Organisation, name: str) -> None:
    org.with_default()
    path = org.file(quote(name, safe=""))

    assert 201 == org.client.put(path, content=b"%PDF").status_code
    header = org.client.get(path).headers["content-disposition"]

    assert header.startswith("attachment; ")
    assert header.isascii()
    assert f"UTF-8''{quote(name, safe='')}" in header.replace("!", "%21") or f'filename="{name}"' in header


@pytest.mark.parametrize(
    "name", ["..", "a%2Fb.pdf", "a%0d%0aSet-Cookie:x=1.pdf", "a%00.pdf", "%E2%80%AEfdp.exe", "%ff.pdf"]
)
def test_a_name_that_is_none_is_refused_or_names_nothing(org: Organisation, name: str) -> None:
    org.with_default()
    connection = http.client.HTTPConnection(str(urlsplit(org.api.url).netloc), timeout=10)
    connection.request(
        "PUT",
        f"/storage{org.file()[: -len('Plan.pdf')]}{name}",
        b"%PDF",
        {"Authorization": org.client.headers["Authorization"]},
    )

    answer = connection.getresponse()

    assert answer.status in (404, 405, 422), answer.read()
    assert answer.getheader("set-cookie") is None
    connection.close()


def test_a_browser_runs_nothing_of_a_document(org: Organisation) -> None:
    org.with_default()
    kinds = {
        "page.html": "text/html",
        "image.svg": "image/svg+xml",
        "Plan.pdf": "application/pdf",
        "pic.png": "image/png",
    }
    shown = dict[str, str]()
    for number, (name, kind) in enumerate(kinds.items()):
        path = org.file(name, revision=f"P{number}")
        first = {"Plan.pdf": b"%PDF-1.7 ", "pic.png": b"\x89PNG\r\n\x1a\n"}.get(name, b"")  # else it is refused
        org.client.put(path, content=first + b"<script>alert(1)</script>", headers={"Content-Type": kind})
        answer = org.client.get(path, params={"disposition": "inline"})
        shown[name] = answer.headers["content-disposition"].partition(";")[0]
        assert "nosniff" == answer.headers["x-content-type-options"]
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert ("sandbox" in policy) == (name != "Plan.pdf")

    assert {"page.html": "attachment", "image.svg": "attachment", "Plan.pdf": "inline", "pic.png": "inline"} == shown


def test_a_content_type_cannot_break_out_of_its_header(org: Organisation) -> None:
    org.with_default()
    org.client.put(org.file("a.bin"), content=b"x", headers={b"Content-Type": "text/plain; charset=ü, x".encode()})

    assert "application/octet-stream" == org.client.get(org.file("a.bin")).headers["content-type"]


def test_a_removed_file_leaves_its_revision_taken(stored: Organisation) -> None:
    with stored.as_(Role.UPLOADER) as uploader:
        assert 403 == uploader.delete(stored.file()).status_code
    assert 204 == stored.client.delete(stored.file(), params={"reason": "wrong drawing"}).status_code

    assert "404 not_found" == code(stored.client.get(stored.file()))
    assert "409 already_exists" == code(stored.client.put(stored.file(), content=b"%PDF other"))
    record = stored.api.organisations.catalogue.revisions.revision(
        DocumentKey(stored.id, "bridge", "DRG-0042", "P01", "Plan.pdf")
    )
    assert record is not None
    assert record.removal is not None
    assert ("user_xyz", "wrong drawing") == (record.removal.by, record.removal.reason)


def test_receipts_are_checked_and_lead_to_the_file(stored: Organisation) -> None:
    receipt = stored.client.get(f"{stored.file()}/receipt").json()
    kept = stored.client.put(stored.file(revision="P02"), content=PDF).json()

    whole = stored.client.post(f"{stored.path}/documents/download", json={"receipt": kept})
    states = [
        stored.client.post(f"{stored.path}/documents/check", json={"receipt": kept, "by": by}).json()["state"]
        for by in ("bytes", "version")
    ]

    assert (200, PDF) == (whole.status_code, whole.content)
    assert ["intact", "same-version"] == states
    assert len(PDF) == receipt["size"]


def test_a_receipt_leads_to_a_file_that_has_moved(stored: Organisation) -> None:
    receipt = stored.client.put(stored.file(revision="P02"), content=PDF).json()
    resolver, moved = Resolver(stored.api.organisations), stored.add_disk("New disk")
    seen = resolver.revisions.revision(DocumentKey(stored.id, "bridge", "DRG-0042", "P02", "Plan.pdf"))
    old, new = (resolver.by_id(stored.id, provider).storage for provider in (receipt["provider"], moved))
    new.put("bridge/DRG-0042/P02/Plan.pdf", PDF)
    old.delete("bridge/DRG-0042/P02/Plan.pdf")
    assert seen is not None
    assert resolver.revisions.swap_revision(seen, replace(seen, provider=moved, token=new_token()))

    whole = stored.client.post(f"{stored.path}/documents/download", json={"receipt": receipt})
    check = stored.client.post(f"{stored.path}/documents/check", json={"receipt": receipt, "by": "bytes"})

    assert (200, PDF) == (whole.status_code, whole.content)
    assert "intact" == check.json()["state"]
    resolver.close()


def test_a_receipt_of_another_organisation_leads_nowhere(
    stored: Organisation, new_organisation: Callable[[], Organisation]
) -> None:
    other = new_organisation()
    receipt = stored.client.put(stored.file(revision="P02"), content=PDF).json()

    answer = other.client.post(f"{other.path}/documents/download", json={"receipt": receipt})

    assert "403 access_denied" == code(answer)
    assert "%PDF" not in answer.text


def test_documents_are_listed_by_project(stored: Organisation) -> None:
    for document in ("A-1", "A-2", "B-1"):
        stored.client.put(stored.file(document=document), content=PDF)
    stored.client.put(stored.file(document="A-1", revision="P02"), content=PDF)

    projects = stored.client.get(f"{stored.path}/projects").json()["projects"]
    first = stored.client.get(f"{stored.path}/projects/bridge/documents", params={"limit": 2}).json()
    rest = stored.client.get(f"{stored.path}/projects/bridge/documents", params={"after": first["after"]}).json()
    revisions = stored.client.get(f"{stored.path}/projects/bridge/documents/A-1/revisions").json()

    assert [{"project": "bridge", "documents": 4, "revisions": 5}] == projects
    assert [("A-1", 2), ("A-2", 1)] == [(found["document"], found["revisions"]) for found in first["documents"]]
    assert (["B-1", "DRG-0042"], None) == ([found["document"] for found in rest["documents"]], rest["after"])
    assert ["P01", "P02"] == [found["revision"] for found in revisions["revisions"]]


def test_a_file_of_another_program_is_adopted_by_who_may_upload(org: Organisation) -> None:
    org.with_default()
    (root,) = org.api.files.glob(f"{org.id}-*")
    left = root / f"{org.id}/bridge/DRG-0042/P01/Plan.pdf"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"%PDF-1.7 by another program")
    path = f"{org.file()}/adopt"

    with org.as_(Role.READER) as viewer:
        assert 403 == viewer.post(path).status_code
    receipt = org.client.post(path).json()

    assert hashlib.sha256(b"%PDF-1.7 by another program").hexdigest() == receipt["sha256"]
    assert 409 == org.client.put(org.file(), content=b"%PDF-1.7 other").status_code
    assert 404 == org.client.post(f"{org.file('None.pdf', revision='P02')}/adopt").status_code
