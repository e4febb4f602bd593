"""One organisation whose services hang leaves the others of the same server what they need (issue 21, item 4)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI

from kazinex_storage.organisations import MemoryCatalogue, Organisations, ProviderRecord
from kazinex_storage.testing.emulators.http import Answer, Received, http_server
from kazinex_storage.web import roles, storage_router

from .conftest import Api, Organisation, role_of, serving

PATIENCE_S = 25
"""Less than a verification takes at most, so that none has ended by itself."""

SHARE = 16
"""Threads of one organisation, of the 32 of a transport."""


class Hanging:
    """A service that answers nobody until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.changed = threading.Condition()
        self.arrived = 0
        self.port = 0

    def serve(self, received: Received) -> Answer:
        with self.changed:
            self.arrived += 1
            self.changed.notify_all()
        self.released.wait(2 * PATIENCE_S)
        return Answer(status=403)

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.arrived >= count, PATIENCE_S), self.arrived


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    found = Hanging()
    with http_server(found.serve) as found.port:
        yield found
        found.released.set()


@pytest.mark.asyncio
async def test_verifications_that_hang_take_half_of_the_threads_at_most(
    api: Api, hanging: Hanging, new_organisation: Callable[[], Organisation]
) -> None:
    busy, other = new_organisation(), new_organisation()
    settings = {
        "bucket": "docs",
        "region": "eu-central-1",
        "endpoint_url": f"http://127.0.0.1:{hanging.port}",
        "access_key_id": "AK",
        "secret_access_key": "example",
    }
    added = busy.client.post(f"{busy.path}/providers", json={"kind": "s3", "label": "Far", "settings": settings})
    verification = f"{api.url}/storage{busy.path}/providers/{added.json()['id']}/verification"
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(trust_env=False, timeout=3 * PATIENCE_S, limits=limits) as client:

        async def verify(person: int) -> httpx.Response:
            headers = {"Authorization": f"Test admin-{person}:org_admin", "Accept": "application/json"}
            return await client.post(verification, headers=headers)

        running = [asyncio.ensure_future(verify(number // 5)) for number in range(60)]
        try:
            await asyncio.to_thread(hanging.wait_for, SHARE)

            def use_the_other() -> list[int]:
                other.with_default()
                upload = other.client.put(
                    other.file(), content=b"%PDF-1.7", headers={"Content-Type": "application/pdf"}
                )
                listed = other.client.get(f"{other.path}/providers")
                return [upload.status_code, listed.status_code]

            assert [201, 200] == await asyncio.wait_for(asyncio.to_thread(use_the_other), PATIENCE_S)
            assert (SHARE, 0) == (hanging.arrived, sum(each.done() for each in running))
        finally:
            hanging.released.set()
            answers = await asyncio.gather(*running)

    assert {200} == {answer.status_code for answer in answers}


class HangingFor(MemoryCatalogue):
    """A catalogue that answers nothing about one organisation until it is released."""

    def __init__(self, organisation: str) -> None:
        super().__init__()
        self.released = threading.Event()
        self._organisation = organisation

    def providers(self, organisation: str) -> tuple[ProviderRecord, ...]:
        if organisation == self._organisation:
            self.released.wait(2 * PATIENCE_S)
        return super().providers(organisation)


@pytest.mark.asyncio
async def test_routes_that_block_for_one_organisation_take_half_of_the_threads_at_most() -> None:
    catalogue = HangingFor("busy")
    app = FastAPI()
    app.include_router(storage_router(Organisations(catalogue, guarded=()), authorise=roles(role_of)))
    with serving(app) as url:
        limits = httpx.Limits(max_connections=200)
        headers = {"Authorization": "Test admin:org_admin"}
        async with httpx.AsyncClient(
            base_url=url, headers=headers, trust_env=False, timeout=3 * PATIENCE_S, limits=limits
        ) as client:
            running = [asyncio.ensure_future(client.get("/organisations/busy/providers")) for _ in range(100)]
            try:
                for _ in range(20):
                    answer = await asyncio.wait_for(client.get("/organisations/other/providers"), PATIENCE_S)
                    assert 200 == answer.status_code
                assert 0 == sum(each.done() for each in running)
            finally:
                catalogue.released.set()
                answers = await asyncio.gather(*running)

    assert {200} == {answer.status_code for answer in answers}
