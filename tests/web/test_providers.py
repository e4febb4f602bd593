"""Providers over HTTP: what an administrator of Settings > Storage does, with a real client and a real server."""

from __future__ import annotations

import json
import shutil

import httpx
import pytest

from kazinex_storage.web import Role

from .conftest import Api, Organisation

ENTERED = "example-secret-0123456789"
R2 = {
    "account_id": "0123456789abcdef0123456789abcdef",
    "access_key_id": "00000000000000000000000000000000",
    "secret_access_key": "0" * 64,
    "bucket": "kazinex-documents",
    "endpoint_url": "http://127.0.0.1:9",
}


def code(answer: httpx.Response) -> str:
    assert "application/problem+json" == answer.headers["content-type"], answer.text
    return f"{answer.status_code} {answer.json()['code']}"


def test_kinds_have_the_fields_of_the_guide_in_its_order(api: Api) -> None:
    with api.client(Role.READER) as client:
        kinds = {kind["kind"]: kind for kind in client.get("/kinds").json()}

    fields = kinds["r2"]["fields"]
    plain = [field["title"] for field in fields if not field["advanced"]]
    assert ["Account ID", "Access Key ID", "Secret Access Key", "Bucket name", "Jurisdiction"] == plain
    assert ["secret_access_key", "customer_key", "session_token", "api_token", "age_identities"] == [
        field["name"] for field in fields if field["secret"]
    ]
    assert ["eu", "fedramp", "us"] == next(field for field in fields if field["name"] == "jurisdiction")["choices"]
    assert "Cloudflare dashboard > R2 > Overview > Account Details" == fields[0]["where"]
    assert {"azure_blob", "local", "r2", "s3", "sharepoint", "supabase"} <= set(kinds)


def test_a_provider_is_added_pending_and_shows_no_secret(org: Organisation) -> None:
    added = org.client.post(f"{org.path}/providers", json={"kind": "r2", "label": "Documents", "settings": R2})

    assert 201 == added.status_code
    found = added.json()
    assert ("PENDING", ["secret_access_key"], False) == (found["status"], found["secrets"], found["is_default"])
    assert {"in_force": 500 * 2**20, "default": 500 * 2**20, "ceiling": 5 * 2**40} == found["limit"]
    listed = org.client.get(f"{org.path}/providers")
    assert [found] == listed.json()["providers"]
    assert "0" * 64 not in added.text + listed.text


def test_a_provider_is_changed_only_from_the_version_that_was_read(org: Organisation) -> None:
    provider = org.add_disk()
    path = f"{org.path}/providers/{provider}"
    tag = org.client.get(path).headers["etag"]

    first = org.client.patch(path, json={"label": "Drawings", "max_file_bytes": 1000}, headers={"If-Match": tag})
    second = org.client.patch(path, json={"label": "Other"}, headers={"If-Match": tag})

    assert (200, "Drawings", 1000) == (first.status_code, first.json()["label"], first.json()["max_file_bytes"])
    assert "412 record_conflict" == code(second)
    assert org.client.patch(path, json={"max_file_bytes": None}).json()["max_file_bytes"] is None


def test_the_default_cannot_be_removed(org: Organisation) -> None:
    provider = org.with_default()

    assert "422 settings" == code(org.client.delete(f"{org.path}/providers/{provider}"))
    org.client.put(f"{org.path}/default", json={"provider": None})
    assert 204 == org.client.delete(f"{org.path}/providers/{provider}").status_code
    assert "404 record_not_found" == code(org.client.get(f"{org.path}/providers/{provider}"))


def test_only_what_is_verified_becomes_the_default(org: Organisation) -> None:
    added = org.client.post(f"{org.path}/providers", json={"kind": "r2", "label": "Documents", "settings": R2})

    answer = org.client.put(f"{org.path}/default", json={"provider": added.json()["id"]})

    assert "422 settings" == code(answer)
    assert "only a VERIFIED one can be chosen" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "r2", "label": "Documents", "settings": {**R2, "secret_access_key": ENTERED, "endpoint_url": None}},
        {"kind": "r2", "label": "Documents", "settings": {**R2, "secret_access_key": {"value": ENTERED}}},
        {"kind": "r2", "label": "Documents", "settings": {**R2, "bucket": ENTERED.upper()}},
        {"kind": "r2", "label": "Documents", "settings": R2, "extra": ENTERED},
        {"kind": "r2", "label": ["Documents", ENTERED], "settings": ENTERED},
    ],
)
def test_a_refused_form_quotes_nothing_of_what_was_entered(org: Organisation, body: dict[str, object]) -> None:
    answer = org.client.post(f"{org.path}/providers", json=body)

    assert 422 == answer.status_code
    assert ENTERED not in answer.text.lower()


def test_verification_is_streamed_step_by_step(org: Organisation) -> None:
    provider = org.add_disk()

    with org.client.stream("POST", f"{org.path}/providers/{provider}/verification") as answer:
        text = answer.read().decode()

    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [event.split("\ndata: ") for event in text.strip().split("\n\n")]
    steps = [json.loads(data)["name"] for name, data in events if name == "event: step"]
    assert ["list", "write", "read", "compare", "create-only", "delete", "owner"] == steps
    report = json.loads(events[-1][1])
    assert ("event: report", True, "VERIFIED") == (events[-1][0], report["ok"], report["provider"]["status"])


def test_a_failed_verification_says_what_is_wrong_and_what_to_do(org: Organisation) -> None:
    provider = org.add_disk()
    path = f"{org.path}/providers/{provider}"
    shutil.rmtree(org.client.get(path).json()["settings"]["root"])

    report = org.client.post(f"{path}/verification", headers={"Accept": "application/json"})

    assert 200 == report.status_code
    found = report.json()
    assert (False, "FAILED") == (found["ok"], found["provider"]["status"])
    failed = next(step for step in found["steps"] if step["status"] == "failed")
    assert failed["diagnosis"]
    assert failed["fix"]
    assert found["provider"]["diagnosis"] == {"meaning": failed["diagnosis"], "fix": failed["fix"]}


def test_verification_is_limited_in_rate(org: Organisation) -> None:
    provider = org.add_disk()
    path, accept = f"{org.path}/providers/{provider}/verification", {"Accept": "application/json"}

    answers = [org.client.post(path, headers=accept) for _ in range(6)]

    assert "429 rate_limited" == code(answers[-1])
    assert 0 < int(answers[-1].headers["retry-after"]) <= 12
    assert [200] * 4 == [answer.status_code for answer in answers[:4]]


def test_a_project_has_a_provider_of_its_own_until_that_is_cleared(org: Organisation) -> None:
    org.with_default()
    other = org.add_disk("Archive")
    path = f"{org.path}/projects/bridge/override"

    with org.as_(Role.PROJECT_ADMIN) as project_admin:
        before = project_admin.get(path).json()
        chosen = project_admin.put(path, json={"provider": "Archive"})
        assert 403 == project_admin.put(f"{org.path}/default", json={"provider": other}).status_code

    assert (None, {"Disk", "Archive"}) == (before["provider"], {found["label"] for found in before["candidates"]})
    assert other == chosen.json()["provider"]
    assert ["bridge"] == org.client.get(f"{org.path}/providers/{other}").json()["overrides"]
    assert org.client.delete(path).json()["provider"] is None


def test_the_allowlist_takes_extensions_and_mime_types(org: Organisation) -> None:
    answer = org.client.put(f"{org.path}/allowlist", json={"extensions": [".PDF", "image/png"]})

    found = answer.json()
    assert ["pdf", "png"] == found["allowlist"]
    assert {"dwg", "ifc"} <= set(found["recommended_extensions"])
    assert "exe" in found["never_allow"]
    assert "image/vnd.dwg" == found["mime_types"]["dwg"]
    assert "422 policy" == code(org.client.put(f"{org.path}/allowlist", json={"extensions": ["a/b/c"]}))


def test_what_is_refused_whatever_the_allowlist_says_is_set_by_who_may_restrict(org: Organisation) -> None:
    org.with_default()
    path = f"{org.path}/file-rules"
    before = org.client.get(f"{org.path}/settings").json()["file_rules"]
    refused = org.client.put(org.file("Plan.pdf"), content=b"MZ\x90\x00" + bytes(60))

    with org.as_(Role.UPLOADER) as uploader:
        assert 403 == uploader.put(path, json={"content": "off"}).status_code
    answer = org.client.put(path, json={"content": "off", "never": ["EXE"], "plain_names": False}).json()
    taken = org.client.put(org.file("Plan.pdf"), content=b"MZ\x90\x00" + bytes(60))

    assert {"content": "recognised", "never": None, "plain_names": True} == before
    assert "a program" in refused.json()["detail"]
    assert {"content": "off", "never": ["exe"], "plain_names": False} == answer["file_rules"]
    assert ["exe"] == answer["never_allow"]
    assert taken.is_success
