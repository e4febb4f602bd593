"""Credentials over HTTP: proposed, proven, activated, dropped; secrets never come out."""

from __future__ import annotations

import secrets
from pathlib import Path

from kazinex_storage.web import Role

from .conftest import Api


def test_credentials_are_proposed_proven_and_used(api: Api, tmp_path: Path) -> None:
    organisation = f"org-{secrets.token_hex(4)}"
    (tmp_path / "files").mkdir()
    with api.client() as client:
        providers = f"/organisations/{organisation}/providers"
        client.post(providers, json={"kind": "local", "label": "Disk", "settings": {"root": str(tmp_path / "files")}})
        path = f"{providers}/Disk/credentials"
        elsewhere = client.post(path, json={"settings": {"root": str(tmp_path)}})
        proposed = client.post(path, json={"settings": {"access": "group"}})
        early = client.post(f"{path}/activation", json={})
        proven = client.post(f"{path}/verification")
        used = client.post(f"{path}/activation", json={"grace_days": 1})
        listed = client.get(path)
        dropped = client.delete(f"{path}/1")

    assert (422, 201, "PROPOSED") == (elsewhere.status_code, proposed.status_code, proposed.json().get("status"))
    assert 422 == early.status_code
    assert (200, True, "PROVEN") == (proven.status_code, proven.json()["ok"], proven.json()["credentials"]["status"])
    assert (200, "VERIFIED") == (used.status_code, used.json()["status"])
    assert [(2, "ACTIVE"), (1, "RETIRED")] == [(v["version"], v["status"]) for v in listed.json()["versions"]]
    assert 204 == dropped.status_code


def test_credentials_are_for_those_who_manage_providers(api: Api) -> None:
    with api.client(Role.PROJECT_ADMIN) as client:
        assert 403 == client.get("/organisations/org-1/providers/Disk/credentials").status_code
