"""The platform's provider over HTTP: there from the first request, chosen like others, changed by nobody (item 7)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kazinex_storage import ManagedProvider, Plan
from kazinex_storage.organisations import MemoryCatalogue, Organisations
from kazinex_storage.web import roles, storage_router

from .conftest import role_of, serving

SMALL = Plan(name="Small", max_file_bytes=20)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("managed")


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[httpx.Client]:
    settings = {"root": str(root / "platform"), "durable": False}
    (root / "platform").mkdir()
    managed = ManagedProvider(kind="local", label="Supabase", settings=settings, plan=lambda _: SMALL)
    app = FastAPI()
    app.include_router(
        storage_router(Organisations(MemoryCatalogue(), guarded=(), managed=managed), authorise=roles(role_of))
    )
    headers = {"Authorization": "Test user_xyz:org_admin"}
    with serving(app) as url, httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as found:
        yield found


def file_of(organisation: str, revision: str = "P01") -> str:
    return f"/organisations/{organisation}/projects/bridge/documents/DRG-0042/revisions/{revision}/files/Plan.pdf"


def test_a_new_organisation_can_upload_at_once_and_sees_nothing_of_the_platform(
    client: httpx.Client, root: Path
) -> None:
    shown = client.get("/organisations/org-new/providers")
    uploaded = client.put(file_of("org-new"), content=b"%PDF-1.7")

    (provider,) = shown.json()["providers"]
    assert (True, True, "VERIFIED", "Small", {}, []) == tuple(
        provider[name] for name in ("managed", "is_default", "status", "plan", "settings", "secrets")
    )
    assert {"in_force": 20, "default": 20, "ceiling": 20} == provider["limit"]
    assert str(root) not in shown.text
    assert (201, "managed") == (uploaded.status_code, uploaded.json()["provider"])


def test_nothing_of_it_can_be_changed(client: httpx.Client, root: Path) -> None:
    one = "/organisations/org-same/providers/managed"
    before = client.get(one).json()

    answers = [
        client.patch(one, json={"label": "Ours"}),
        client.patch(one, json={"settings": {"root": "/srv"}}),
        client.patch(one, json={"max_file_bytes": 1_000_000}),
        client.delete(one),
        client.post(f"{one}/verification", headers={"Accept": "application/json"}),
        client.get(f"{one}/export/rclone"),
    ]

    assert all(400 <= answer.status_code < 500 for answer in answers), answers
    assert all("managed by the platform" in answer.json()["detail"] for answer in answers), answers
    assert all(str(root) not in answer.text for answer in answers)
    assert before == client.get(one).json()


def test_it_is_left_and_chosen_again_and_what_is_stored_there_stays(client: httpx.Client, root: Path) -> None:
    organisation = "/organisations/org-leaves"
    first = client.put(file_of("org-leaves"), content=b"%PDF-1.7 1")
    (root / "own").mkdir()
    settings = {"root": str(root / "own"), "durable": False}
    own = client.post(f"{organisation}/providers", json={"kind": "local", "label": "Own", "settings": settings}).json()
    client.post(f"{organisation}/providers/{own['id']}/verification", headers={"Accept": "application/json"})

    chosen = client.put(f"{organisation}/default", json={"provider": own["id"]})
    second = client.put(file_of("org-leaves", "P02"), content=b"%PDF-1.7 2")
    for_project = client.put(f"{organisation}/projects/bridge/override", json={"provider": "managed"})
    third = client.put(file_of("org-leaves", "P03"), content=b"%PDF-1.7 3")
    again = client.put(f"{organisation}/default", json={"provider": "managed"})

    assert [200, 200, 200] == [answer.status_code for answer in (chosen, for_project, again)]
    assert ["managed", own["id"], "managed"] == [answer.json()["provider"] for answer in (first, second, third)]
    for number in (1, 2, 3):
        read = client.get(file_of("org-leaves", f"P0{number}"))
        assert f"%PDF-1.7 {number}".encode() == read.content


def test_the_plan_is_in_force(client: httpx.Client) -> None:
    answer = client.put(file_of("org-large"), content=b"%PDF-1.7" + bytes(20))

    assert 413 == answer.status_code
    assert "that is of the plan Small" in answer.json()["detail"]


def test_an_organisation_does_not_see_what_another_one_stored_there(client: httpx.Client) -> None:
    stored = client.put(file_of("org-one"), content=b"%PDF-1.7")
    receipt = stored.json()

    assert 404 == client.get(file_of("org-two")).status_code
    assert [] == client.get("/organisations/org-two/projects").json()["projects"]
    stolen = client.post("/organisations/org-two/documents/download", json={"receipt": receipt})
    assert stolen.status_code in (403, 404)
    assert b"%PDF" not in stolen.content
