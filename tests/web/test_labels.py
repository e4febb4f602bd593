"""Tags and storage classes through the API."""

from __future__ import annotations

import secrets

import pytest

from kazinex_storage.web import Role

from .conftest import Organisation

PDF = b"%PDF-1.7\n" + bytes(91)
TAGS = {"tags": {"state": "approved"}}
COLD = {"storage_class": "COLD"}


@pytest.fixture
def path(org: Organisation) -> str:
    """The path of a file in a place that has tags and classes."""
    organisations = org.api.organisations
    record = organisations.add_provider(org.id, "memory", "Memory", {"name": secrets.token_hex(8)})
    organisations.record_verification(record, ok=True)
    organisations.set_default(org.id, record.id)
    assert org.client.put(org.file(), content=PDF).status_code in (200, 201)
    return org.file()


def test_tags_and_the_class_of_a_file_are_changed_and_its_receipt_stays(org: Organisation, path: str) -> None:
    receipt = org.client.get(f"{path}/receipt").json()
    empty = org.client.get(f"{path}/tags")
    tagged = org.client.put(f"{path}/tags", json=TAGS)
    moved = org.client.put(f"{path}/storage-class", json=COLD)

    assert (200, {"tags": {}}) == (empty.status_code, empty.json())
    assert (200, TAGS) == (tagged.status_code, tagged.json())
    assert (200, COLD) == (moved.status_code, moved.json())
    assert TAGS == org.client.get(f"{path}/tags").json()
    assert COLD == org.client.get(f"{path}/storage-class").json()
    assert receipt == org.client.get(f"{path}/receipt").json()
    kinds = [entry["event"] for entry in org.client.get(f"{org.path}/audit").json()["entries"]]
    assert {"document.tagged", "document.reclassed"} <= set(kinds)
    assert 404 == org.client.put(f"{org.file(revision='P02')}/tags", json=TAGS).status_code


def test_what_no_service_takes_and_what_the_place_has_not_is_refused(org: Organisation, path: str) -> None:
    many = org.client.put(f"{path}/tags", json={"tags": {str(number): "" for number in range(11)}})
    letters = org.client.put(f"{path}/tags", json={"tags": {"ü": "1"}})
    org.with_default()
    elsewhere = org.file(revision="P03")
    org.client.put(elsewhere, content=PDF)
    none = org.client.put(f"{elsewhere}/tags", json=TAGS)

    assert [422, 422] == [many.status_code, letters.status_code]
    assert (422, "not_supported") == (none.status_code, none.json()["code"])
    assert {"tags": {}} == org.client.get(f"{path}/tags").json()


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ("stranger", {403}),
        (f"{Role.PROJECT_ADMIN.value}@another", {403}),
        (Role.UPLOADER, {200, 403}),
        (Role.PROJECT_ADMIN, {200}),
    ],
    ids=str,
)
def test_who_reads_sees_them_and_who_keeps_files_changes_them(
    org: Organisation, path: str, role: Role | str, statuses: set[int]
) -> None:
    with org.as_(role) as client:
        seen = [client.get(f"{path}/{what}").status_code for what in ("tags", "storage-class")]
        changed = [
            client.put(f"{path}/tags", json=TAGS).status_code,
            client.put(f"{path}/storage-class", json=COLD).status_code,
        ]

    assert [min(statuses)] * 2 == seen
    assert [max(statuses)] * 2 == changed


def test_another_organisation_is_refused_whatever_its_members_may_do(
    org: Organisation, path: str, new_organisation: object
) -> None:
    org.client.put(f"{path}/tags", json=TAGS)
    others = path.replace(org.id, f"no-{org.id}")

    answers = [
        org.client.get(f"{others}/tags"),
        org.client.put(f"{others}/tags", json={"tags": {}}),
        org.client.get(f"{others}/storage-class"),
        org.client.put(f"{others}/storage-class", json=COLD),
    ]

    assert [(403, "not_allowed")] * 4 == [(answer.status_code, answer.json()["code"]) for answer in answers]
    assert TAGS == org.client.get(f"{path}/tags").json()
