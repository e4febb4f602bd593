"""A member of one project reaches nothing of another one, by whatever the body of a request names."""

from __future__ import annotations

from .conftest import Organisation


def test_a_receipt_of_another_project_is_refused_to_a_reader_of_one(org: Organisation) -> None:
    org.with_default()
    receipt = org.client.put(org.file(), content=b"%PDF-1.7 of the bridge").json()

    for route in ("download", "check"):
        path, body = f"{org.path}/documents/{route}", {"receipt": receipt}
        with org.as_("reader@bridge") as member, org.as_("reader@tunnel") as stranger:
            assert 200 == member.post(path, json=body).status_code
            refused = stranger.post(path, json=body)

        assert (403, "not_allowed") == (refused.status_code, refused.json()["code"])


def test_a_receipt_that_names_a_project_of_its_own_choice_is_refused(org: Organisation) -> None:
    org.with_default()
    receipt = org.client.put(org.file(), content=b"%PDF-1.7 of the bridge").json()
    receipt["document"]["project"] = "tunnel"

    with org.as_("reader@tunnel") as stranger:
        refused = stranger.post(f"{org.path}/documents/download", json={"receipt": receipt})

    assert 422 == refused.status_code, "its key leads elsewhere: it was altered"


def test_a_member_of_one_project_sees_that_project_alone(org: Organisation) -> None:
    org.with_default()
    org.client.put(org.file(), content=b"%PDF-1.7 of the bridge")
    org.client.put(org.file().replace("bridge", "tunnel"), content=b"%PDF-1.7 of the tunnel")

    with org.as_("reader@tunnel") as member:
        projects = member.get(f"{org.path}/projects").json()["projects"]

    assert ["tunnel"] == [found["project"] for found in projects]
    assert 2 == len(org.client.get(f"{org.path}/projects").json()["projects"])
