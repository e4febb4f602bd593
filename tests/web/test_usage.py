"""Usage, quotas and status through the API."""

from __future__ import annotations

import shutil

from kazinex_storage.web import Role

from .conftest import Organisation

PDF = b"%PDF-1.7\n" + bytes(991)


def test_what_is_stored_is_counted(org: Organisation) -> None:
    provider = org.with_default()
    org.client.put(org.file(), content=PDF)

    usage = org.client.get(f"{org.path}/usage").json()

    assert (1, 1000) == (usage["objects"], usage["bytes"])
    (entry,) = usage["usage"]
    assert ("bridge", provider, 1000) == (entry["project"], entry["provider"], entry["bytes"])


def test_a_quota_holds_for_uploads_and_tickets(org: Organisation) -> None:
    org.with_default()
    before = org.client.get(f"{org.path}/quota")
    answer = org.client.put(f"{org.path}/projects/bridge/quota", json={"max_bytes": 1500})
    org.client.put(org.file(), content=PDF)

    upload = org.client.put(org.file(revision="P02"), content=PDF)
    tickets = org.file(revision="P03").partition("/files/")[0] + "/tickets"
    ticket = org.client.post(tickets, json={"filename": "Plan.pdf", "size": 1000})

    assert ('"0"', 200) == (before.headers["etag"], answer.status_code)
    assert [507, 507] == [upload.status_code, ticket.status_code], upload.text
    assert "quota_exceeded" == upload.json()["code"] == ticket.json()["code"]
    assert [{"project": "bridge", "max_bytes": 1500, "max_objects": None}] == (
        org.client.get(f"{org.path}/usage").json()["quotas"]
    )


def test_who_uploads_learns_why_a_quota_stops_them(org: Organisation) -> None:
    org.with_default()
    org.client.put(f"{org.path}/quota", json={"max_objects": 0})

    with org.as_(Role.UPLOADER) as uploader:
        refused = uploader.put(org.file(), content=PDF).json()

    assert "quota_exceeded" == refused["code"]
    assert "quota" in refused["detail"]


def test_a_quota_changes_from_the_version_that_was_read(org: Organisation) -> None:
    path = f"{org.path}/quota"
    org.client.put(path, json={"max_bytes": 10})

    assert 412 == org.client.put(path, json={"max_bytes": 20}, headers={"If-Match": '"0"'}).status_code
    assert 200 == org.client.put(path, json={"max_bytes": None}, headers={"If-Match": '"1"'}).status_code


def test_status_says_whether_uploads_have_somewhere_to_go(org: Organisation) -> None:
    empty = org.client.get(f"{org.path}/status").json()
    provider = org.with_default()
    works = org.client.get(f"{org.path}/status").json()
    path = f"{org.path}/providers/{provider}"
    shutil.rmtree(org.client.get(path).json()["settings"]["root"])
    org.client.post(f"{path}/verification", headers={"Accept": "application/json"})

    failed = org.client.get(f"{org.path}/status").json()

    assert [False, True, False] == [found["ok"] for found in (empty, works, failed)]
    assert ("FAILED", True) == (failed["providers"][0]["status"], failed["providers"][0]["is_default"])
