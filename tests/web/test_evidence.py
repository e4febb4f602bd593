"""The evidence of receipts through the API: who may have it, and that it is checked without the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kazinex_storage.organisations import KeyRing, Organisations, Sealer, SqlCatalogue
from kazinex_storage.organisations.evidence.checking import Trust, check_lines
from kazinex_storage.web import Role, roles, storage_router

from .conftest import role_of, serving

PDF = b"%PDF-1.7"
FILE = "/organisations/acme/projects/bridge/documents/DRG-1/revisions/P01/files/plan.pdf"
EVIDENCE = "/organisations/acme/projects/bridge/evidence"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "disk").mkdir()
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
    organisations = Organisations(catalogue, guarded=())
    added = organisations.add_provider("acme", "local", "Disk", {"root": str(tmp_path / "disk"), "durable": False})
    organisations.record_verification(added, ok=True)
    organisations.set_default("acme", "Disk")
    app = FastAPI()
    app.include_router(storage_router(organisations, authorise=roles(role_of)))
    with serving(app) as found:
        yield found
    organisations.close()


def client(url: str, role: Role | str) -> httpx.Client:
    name = role.value if isinstance(role, Role) else role
    return httpx.Client(base_url=url, headers={"Authorization": f"Test user_xyz:{name}"}, trust_env=False)


def test_the_evidence_of_a_project_is_exported_verified_and_proved(url: str) -> None:
    with client(url, Role.ORG_ADMIN) as admin, client(url, Role.READER) as reader:
        receipt = admin.put(FILE, content=PDF).json()
        key = reader.get("/organisations/acme/evidence/key").json()
        unknown = reader.get("/organisations/acme/evidence/key", params={"key_id": "0" * 16})
        exported = admin.get(EVIDENCE)
        report = admin.get(f"{EVIDENCE}/verification").json()
        proof = reader.post("/organisations/acme/documents/proof", json={"receipt": receipt})
        altered = reader.post("/organisations/acme/documents/proof", json={"receipt": {**receipt, "size": 1}})

    assert (True, [], {"key": 1, "stored": 1}) == (report["ok"], report["problems"], report["kinds"])
    found = check_lines(exported.content.splitlines(), Trust(keys=(key["pem"],), whole=True))
    assert (True, report["hash"]) == (found.ok, found.hash)
    assert "attachment" in exported.headers["content-disposition"]
    proved = check_lines(proof.content.splitlines(), Trust(keys=(key["pem"],), sha256=receipt["sha256"]))
    assert (True, 1) == (proved.ok, proved.lines)
    assert 404 == unknown.status_code
    assert (422, "integrity") == (altered.status_code, altered.json()["code"])


def test_only_who_may_see_it_gets_it(url: str) -> None:
    with client(url, Role.ORG_ADMIN) as admin:
        receipt = admin.put(FILE, content=PDF).json()

    with client(url, f"{Role.READER.value}@tunnel") as other:
        assert 403 == other.post("/organisations/acme/documents/proof", json={"receipt": receipt}).status_code
    with client(url, Role.PROJECT_ADMIN) as member:
        assert [403, 403] == [member.get(path).status_code for path in (EVIDENCE, f"{EVIDENCE}/verification")]
    with client(url, Role.ORG_ADMIN) as admin:
        foreign = admin.post("/organisations/other/documents/proof", json={"receipt": receipt})
        assert foreign.status_code in (403, 404)
