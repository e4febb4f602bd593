"""Tickets: a client without credentials sends the parts, and this side makes them the object."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from kazinex_storage.errors import (
    AlreadyExistsError,
    FileTooLargeError,
    IntegrityError,
    InvalidKeyError,
    NotFoundError,
    NotSupportedError,
)
from kazinex_storage.policy import UploadPolicy
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import Target
from kazinex_storage.providers.s3.xml import complete_body
from kazinex_storage.storage.sync import Storage
from kazinex_storage.storage.tickets import PartsTicket, TicketPart
from kazinex_storage.testing.bench import pattern
from kazinex_storage.types import MIB, PartInfo, PresignedUrl, PresignOptions, PutMode, PutOptions

DATA = pattern(17 * MIB)
HOUR = timedelta(hours=1)


def send(url: PresignedUrl, body: bytes | None = None) -> tuple[int, str]:
    # Without a type urllib says that it is a form, and ministack reads 8 MiB as one: 6 s.
    headers = {"Content-Type": "application/octet-stream", **url.headers}
    request = urllib.request.Request(  # noqa: S310  # the URL comes from the code under test
        url.url, data=body, headers=headers, method=url.method
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return answer.status, answer.headers.get("ETag", "")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def send_parts(parts: Sequence[TicketPart]) -> list[PartInfo]:
    sent = []
    for part in parts:
        status, etag = send(part.request, DATA[part.offset : part.offset + part.size])
        assert 200 == status
        sent.append(PartInfo(number=part.number, size=part.size, etag=etag))
    return sent


def begin(storage: Storage, options: PutOptions | None = None) -> PartsTicket:
    state = storage.begin_upload("plans/a.ifc", len(DATA), options or PutOptions(content_type="application/x-step"))
    return storage.presign_upload(state, HOUR)


def test_what_a_client_sends_becomes_the_object_when_it_is_completed(storage: Storage) -> None:
    ticket = begin(storage)
    send_parts(list(reversed(ticket.parts)))
    assert not storage.exists("plans/a.ifc")

    info = storage.complete_upload(ticket.state)

    assert (len(DATA), "application/x-step") == (info.size, info.content_type)
    assert DATA == storage.get_bytes("plans/a.ifc")


def test_a_client_may_complete_the_upload_itself(storage: Storage) -> None:
    ticket = begin(storage)
    sent = send_parts(ticket.parts)

    status, _ = send(ticket.complete, complete_body(sent))

    assert 200 == status
    assert len(DATA) == storage.complete_upload(ticket.state).size
    assert DATA == storage.get_bytes("plans/a.ifc")


def test_completing_with_a_part_missing_stores_nothing(storage: Storage) -> None:
    ticket = begin(storage)
    send_parts(ticket.parts[:-1])

    with pytest.raises(IntegrityError, match="part 3"):
        storage.complete_upload(ticket.state)

    assert not storage.exists("plans/a.ifc")
    send_parts(ticket.parts[-1:])
    assert len(DATA) == storage.complete_upload(ticket.state).size


def test_completing_twice_gives_the_same_object(storage: Storage) -> None:
    ticket = begin(storage)
    send_parts(ticket.parts)

    first, second = storage.complete_upload(ticket.state), storage.complete_upload(ticket.state)

    assert first.etag == second.etag


def test_a_create_only_upload_does_not_replace_what_came_to_be(storage: Storage) -> None:
    ticket = begin(storage, PutOptions(mode=PutMode.CREATE))
    send_parts(ticket.parts)
    storage.put("plans/a.ifc", b"theirs")

    with pytest.raises(AlreadyExistsError):
        storage.complete_upload(ticket.state)

    assert b"theirs" == storage.get_bytes("plans/a.ifc")


@pytest.mark.parametrize("options", [PutOptions(mode=PutMode.CREATE), None], ids=["create", "if_match"])
def test_a_client_that_completes_is_bound_to_the_condition(storage: Storage, options: PutOptions | None) -> None:
    if options is None:
        options = PutOptions(if_match=storage.put("plans/a.ifc", b"ours").etag)
    ticket = begin(storage, options)
    sent = send_parts(ticket.parts)
    storage.put("plans/a.ifc", b"theirs")

    status, _ = send(ticket.complete, complete_body(sent))

    assert 412 == status
    assert b"theirs" == storage.get_bytes("plans/a.ifc")


@pytest.mark.parametrize("options", [PutOptions(mode=PutMode.CREATE), None], ids=["create", "if_match"])
def test_a_client_completes_when_the_condition_holds(storage: Storage, options: PutOptions | None) -> None:
    if options is None:
        options = PutOptions(if_match=storage.put("plans/a.ifc", b"ours").etag)
    ticket = begin(storage, options)
    sent = send_parts(ticket.parts)

    status, _ = send(ticket.complete, complete_body(sent))

    assert 200 == status
    assert DATA == storage.get_bytes("plans/a.ifc")


def test_the_condition_cannot_be_left_out(seaweedfs_storage: Storage) -> None:
    ticket = begin(seaweedfs_storage, PutOptions(mode=PutMode.CREATE))
    sent = send_parts(ticket.parts)

    status, _ = send(replace(ticket.complete, headers={}), complete_body(sent))

    assert 403 == status
    assert not seaweedfs_storage.exists("plans/a.ifc")


def test_only_completing_carries_the_condition(storage: Storage) -> None:
    ticket = begin(storage, PutOptions(mode=PutMode.CREATE))

    assert {"If-None-Match": "*"} == dict(ticket.complete.headers)
    assert {} == dict(ticket.abort.headers)
    assert "If-None-Match" not in ticket.parts[0].request.headers


def test_a_client_may_abort(storage: Storage) -> None:
    ticket = begin(storage)

    assert 204 == send(ticket.abort)[0]

    with pytest.raises(NotFoundError):
        storage.complete_upload(ticket.state)


def test_a_ticket_says_all_that_a_client_needs(storage: Storage) -> None:
    ticket = begin(storage)

    found = json.loads(ticket.to_json())

    assert [(1, 0), (2, 8 * MIB), (3, 16 * MIB)] == [(part["number"], part["offset"]) for part in found["parts"]]
    assert len(DATA) == sum(part["size"] for part in found["parts"])
    assert {"PUT"} == {part["method"] for part in found["parts"]}
    assert ticket.parts[0].request.url == found["parts"][0]["url"]
    assert "Signature" not in repr(ticket)


def test_a_part_is_bound_to_its_length(seaweedfs_storage: Storage) -> None:
    ticket = begin(seaweedfs_storage)

    status, _ = send(replace(ticket.parts[0].request, headers={}), b"short")

    assert 403 == status


def test_a_ticket_of_another_tenant_is_refused(storage: Storage) -> None:
    state = storage.scoped("acme").begin_upload("a", len(DATA))

    with pytest.raises(InvalidKeyError):
        storage.scoped("globex").presign_upload(state, HOUR)
    with pytest.raises(InvalidKeyError):
        storage.scoped("globex").complete_upload(state)


def test_requests_of_an_upload_are_signed_with_its_ticket_only(storage: Storage) -> None:
    state = storage.begin_upload("a", len(DATA))

    with pytest.raises(ValueError, match="presign_upload"):
        storage.presign("b", PresignOptions(method="PUT", upload=state, part=1))


def test_a_provider_that_does_not_sign_makes_no_ticket() -> None:
    with Storage(MemoryProvider()) as memory:
        state = memory.begin_upload("a", 3)

        with pytest.raises(NotSupportedError):
            memory.presign_upload(state, HOUR)


def test_an_object_of_another_size_that_a_client_made_of_an_upload_is_removed(target: Target, storage: Storage) -> None:
    """A service that binds no lengths takes parts of any size, and an end of the upload by whoever has the ticket."""
    parts = S3Provider(target)
    ticket = begin(storage)
    sent = storage.transport.run(parts.put_part(ticket.state, 1, DATA[: 6 * MIB]))
    storage.transport.run(parts.complete_upload(ticket.state, [sent]))
    assert 6 * MIB == storage.head("plans/a.ifc").size

    with pytest.raises(IntegrityError, match="it was removed"):
        storage.complete_upload(ticket.state)

    assert not storage.exists("plans/a.ifc")


def test_what_a_client_completed_before_the_policy_was_tightened_is_refused_and_stays(storage: Storage) -> None:
    ticket = begin(storage)
    send(ticket.complete, complete_body(send_parts(ticket.parts)))
    strict = storage.with_policy(UploadPolicy(max_file_bytes=5, ceiling=5))

    with pytest.raises(FileTooLargeError, match="look at the object"):
        strict.complete_upload(ticket.state)

    assert len(DATA) == storage.complete_upload(ticket.state).size


def test_a_ticket_says_what_the_service_refuses(storage: Storage) -> None:
    free, create = begin(storage), begin(storage, PutOptions(mode=PutMode.CREATE))

    assert (frozenset({"size"}), frozenset({"size", "create"})) == (free.bound, create.bound)
    assert ["create", "size"] == json.loads(create.to_json())["bound"]
