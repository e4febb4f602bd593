"""Retention and holds through the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kazinex_storage.web import Role

from .conftest import Organisation

PDF = b"%PDF-1.7\n" + bytes(91)
LATER = (datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)).isoformat().replace("+00:00", "Z")


def test_what_is_kept_is_not_removed_until_that_ends(org: Organisation) -> None:
    org.with_default()
    path = org.file()
    org.client.put(path, content=PDF)
    org.client.put(f"{path}/retention", json={"until": LATER, "reason": "contract"})
    held = org.client.put(f"{path}/hold", json={"reason": "case 7"})

    refused = org.client.delete(path)
    released = org.client.delete(f"{path}/hold")
    kept = org.client.delete(path)
    lifted = org.client.delete(f"{path}/retention", params={"reason": "cancelled"})

    assert (200, "case 7", True) == (held.status_code, held.json()["hold"]["reason"], held.json()["kept"])
    assert (423, "retention", "case 7") == (refused.status_code, refused.json()["code"], refused.json()["reason"])
    assert (None, LATER) == (released.json()["hold"], released.json()["until"])
    assert (423, LATER) == (kept.status_code, kept.json()["until"])
    assert (False, "ours") == (lifted.json()["kept"], lifted.json()["enforced_by"])
    assert lifted.json() == org.client.get(f"{path}/retention").json()
    assert 204 == org.client.delete(path).status_code


def test_new_files_are_kept_as_their_project_says(org: Organisation) -> None:
    org.with_default()
    rule = f"{org.path}/projects/bridge/retention"
    done = org.client.put(rule, json={"period_s": 86_400, "mode": "compliance"}, headers={"If-Match": '"0"'})
    org.client.put(org.file(), content=PDF)

    assert (200, '"1"') == (done.status_code, done.headers["etag"])
    assert 412 == org.client.put(rule, json={"period_s": 1}, headers={"If-Match": '"0"'}).status_code
    assert "compliance" == org.client.get(f"{org.file()}/retention").json()["mode"]
    assert 423 == org.client.delete(f"{org.file()}/retention", params={"reason": "please"}).status_code
    assert {"project": None, "period_s": None, "mode": "governance", "version": 0} == (
        org.client.get(f"{org.path}/retention").json()
    )


@pytest.mark.parametrize(("role", "statuses"), [(Role.UPLOADER, (403, 403)), (Role.PROJECT_ADMIN, (200, 403))])
def test_who_keeps_a_document_may_not_let_it_go_before_its_time(
    org: Organisation, role: Role, statuses: tuple[int, int]
) -> None:
    org.with_default()
    path = f"{org.file()}/retention"
    org.client.put(org.file(), content=PDF)

    with org.as_(role) as client:
        kept = client.put(path, json={"until": LATER})
        lifted = client.delete(path, params={"reason": "cancelled"})

    assert statuses == (kept.status_code, lifted.status_code)


def test_what_no_audit_and_no_calendar_can_hold_is_refused(org: Organisation) -> None:
    org.with_default()
    path = org.file()
    org.client.put(path, content=PDF)

    answers = [
        org.client.put(f"{path}/hold", json={"reason": "a\0b"}),
        org.client.delete(f"{path}/retention", params={"reason": "a\0b"}),
        org.client.put(f"{path}/retention", json={"until": "9999-12-31T23:59:59-05:00"}),
        org.client.put(f"{path}/retention", json={"until": "2001-01-01T00:00:00Z"}),
    ]

    assert [422] * 4 == [answer.status_code for answer in answers]
