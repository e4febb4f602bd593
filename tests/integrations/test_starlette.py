"""What the example does not show: objects of plain storages, and who reads what of an error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kazinex_storage import AsyncStorage, DocumentKey, DocumentStore, Storage
from kazinex_storage.documents.aio import AsyncDocumentStore
from kazinex_storage.errors import AuthenticationError, FileTypeRefusedError
from kazinex_storage.integrations import starlette as kit
from kazinex_storage.organisations import MemoryCatalogue, Organisations, Resolver
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.verification.verify import verify_provider

SAID = "the service says: SignatureDoesNotMatch"
BODY = bytes(range(256)) * 40


def ask(app: Starlette, method: str, path: str, **options: object) -> httpx.Response:
    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://example") as client:
            return await client.request(method, path, **options)  # type: ignore[arg-type]

    return asyncio.run(main())


@pytest.fixture
def objects() -> Starlette:
    blocking = Storage(MemoryProvider())
    blocking.put("plans/Grundriß.pdf", BODY)
    storage = AsyncStorage(blocking)

    async def get(request: Request) -> Response:
        return await kit.object_response(storage, request.path_params["key"], request, disposition="inline")

    return Starlette(
        routes=[Route("/{key:path}", get)],
        exception_handlers=kit.storage_exception_handlers(),
    )


def test_objects_of_a_storage_are_served_with_ranges_and_their_name(objects: Starlette) -> None:
    whole = ask(objects, "GET", "/plans/Grundriß.pdf")
    part = ask(objects, "GET", "/plans/Grundriß.pdf", headers={"Range": "bytes=-6"})

    assert (200, BODY) == (whole.status_code, whole.content)
    assert whole.headers["content-disposition"].startswith("inline; filename=")
    assert "filename*=UTF-8''Grundri%C3%9F.pdf" in whole.headers["content-disposition"]
    assert "nosniff" == whole.headers["x-content-type-options"]
    assert (206, BODY[-6:]) == (part.status_code, part.content)


def test_an_object_that_is_not_there_is_404_to_everybody(objects: Starlette) -> None:
    answer = ask(objects, "GET", "/plans/other.pdf")

    assert (404, "application/problem+json", "not_found") == (
        answer.status_code,
        answer.headers["content-type"],
        answer.json()["code"],
    )


def failing(manages: kit.Manages | None, error: Exception) -> Starlette:
    async def fail(_: Request) -> Response:
        raise error

    return Starlette(
        routes=[Route("/", fail)],
        exception_handlers=kit.storage_exception_handlers(manages),
    )


async def _by_header(request: Request) -> bool:
    return "x-admin" in request.headers


@pytest.mark.parametrize("manages", [_by_header, lambda request: "x-admin" in request.headers], ids=["async", "plain"])
def test_what_an_administrator_must_do_is_told_to_administrators_alone(
    manages: Callable[[Request], bool], caplog: pytest.LogCaptureFixture
) -> None:
    app = failing(manages, AuthenticationError(SAID, operation="get", provider="r2"))

    with caplog.at_level(logging.WARNING):
        user, admin = ask(app, "GET", "/"), ask(app, "GET", "/", headers={"X-Admin": "1"})

    assert (502, 502) == (user.status_code, admin.status_code)
    assert SAID not in user.text
    assert "ask an administrator of the organisation" in user.json()["detail"]
    assert SAID in admin.json()["detail"]
    assert admin.json()["diagnosis"]["fix"]
    assert any(user.json()["instance"] in line and SAID in line for line in caplog.messages)


def test_what_a_user_can_mend_is_told_to_everybody() -> None:
    answer = ask(failing(None, FileTypeRefusedError("'run.exe' is of type .exe; allowed are .pdf")), "GET", "/")

    assert (415, "'run.exe' is of type .exe; allowed are .pdf") == (answer.status_code, answer.json()["detail"])
    assert "instance" not in answer.json()


def test_a_body_over_what_the_application_takes_is_refused_by_its_length() -> None:
    organisations = Organisations(MemoryCatalogue())
    organisations.add_provider("org-1", "memory", "M", {})
    verify_provider(organisations, "org-1", "M")
    organisations.set_default("org-1", "M")
    with closing(Resolver(organisations)) as resolver:
        store = AsyncDocumentStore(DocumentStore(resolver, organisation="org-1"))

        async def put(request: Request) -> Response:
            key = DocumentKey("org-1", "bridge", "D", "P01", "plan.pdf")
            return JSONResponse((await kit.store_body(store, key, request, most_bytes=100)).to_dict(), 201)

        app = Starlette(
            routes=[Route("/", put, methods=["PUT"])],
            exception_handlers=kit.storage_exception_handlers(),
        )
        refused = ask(app, "PUT", "/", content=BODY)
        malformed = ask(app, "PUT", "/", content=b"%PDF-1.7", headers={"Repr-Digest": "sha-256=:AAAA:"})
        stored = ask(app, "PUT", "/", content=b"%PDF-1.7")

    assert [(413, "file_too_large"), (400, "digest"), (201, None)] == [
        (answer.status_code, answer.json().get("code")) for answer in (refused, malformed, stored)
    ]
