"""The audit trail through the API: who did what, in a chain that can be checked; and metrics, for operators alone."""

from __future__ import annotations

import json

import httpx
from fastapi import FastAPI
from starlette.requests import Request

from kazinex_storage.organisations import MemoryCatalogue, Organisations
from kazinex_storage.web import Action, Caller, Role, storage_router

from .conftest import Organisation, serving


def test_every_change_is_in_the_trail_with_who_made_it(org: Organisation) -> None:
    provider = org.with_default()
    org.client.put(org.file(), content=b"%PDF-1.7")
    org.client.get(org.file())
    org.client.delete(org.file(), params={"reason": "wrong"})

    entries = org.client.get(f"{org.path}/audit", params={"limit": 1000}).json()["entries"]

    names = [entry["event"] for entry in entries]
    expected = ["provider.added", "provider.verified", "default.changed", "document.uploaded", "document.removed"]
    assert expected == [name for name in names if name in expected]
    assert {"user_xyz"} == {entry["by"] for entry in entries if entry["event"] in expected}
    assert list(range(1, len(entries) + 1)) == [entry["number"] for entry in entries]
    assert provider == next(entry["provider"] for entry in entries if entry["event"] == "document.uploaded")


def test_the_trail_is_asked_about_by_event_and_page(org: Organisation) -> None:
    org.with_default()
    for extensions in (["pdf"], ["pdf", "dwg"], []):
        org.client.put(f"{org.path}/allowlist", json={"extensions": extensions})

    def asked(**params: str | int) -> list[int]:
        answer = org.client.get(f"{org.path}/audit", params={"event": "allowlist.changed", **params})
        return [entry["number"] for entry in answer.json()["entries"]]

    numbers = asked()
    assert 3 == len(numbers)
    assert numbers[::-1][:2] == asked(newest="true", limit=2)
    assert numbers[:1] == asked(before=numbers[1])
    assert numbers[2:] == asked(after=numbers[1])
    assert [] == asked(by="someone else")
    assert 422 == org.client.get(f"{org.path}/audit", params={"since": "yesterday"}).status_code


def test_the_chain_is_verified_and_exported(org: Organisation) -> None:
    org.with_default()

    report = org.client.get(f"{org.path}/audit/verification").json()
    exported = org.client.get(f"{org.path}/audit/export")

    assert (True, []) == (report["ok"], report["problems"])
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert report["entries"] + 1 == len(lines)
    assert "attachment" in exported.headers["content-disposition"]


def test_only_who_may_see_the_trail_sees_it(org: Organisation) -> None:
    with org.as_(Role.PROJECT_ADMIN) as client:
        for path in ("audit", "audit/verification", "audit/export"):
            assert 403 == client.get(f"{org.path}/{path}").status_code


def test_metrics_are_for_operators(org: Organisation) -> None:
    async def operator(
        _request: Request, action: Action, _organisation: str | None, _project: str | None
    ) -> Caller | None:
        return Caller(name="prometheus") if action is Action.SEE_METRICS else None

    app = FastAPI()
    app.include_router(storage_router(Organisations(MemoryCatalogue(), guarded=()), authorise=operator))
    with serving(app) as url:
        found = httpx.get(f"{url}/metrics")

    assert 403 == org.client.get("/metrics").status_code
    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (found.status_code, found.headers["content-type"])
    assert "# TYPE" in found.text
