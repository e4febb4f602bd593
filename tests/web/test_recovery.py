"""Removed files over HTTP: listed, brought back and ended, by who may remove them."""

from __future__ import annotations

from .conftest import Organisation

PDF = b"%PDF-1.7 drawing"


def test_a_removed_file_is_listed_brought_back_and_ended(org: Organisation) -> None:
    org.with_default()
    path = org.file()
    receipt = org.client.put(path, content=PDF).json()
    removed = f"{path.partition('/documents/')[0]}/removed"
    assert 204 == org.client.delete(path).status_code

    (kept,) = org.client.get(removed).json()["removed"]
    back = org.client.post(f"{path}/undelete")
    again = org.client.post(f"{path}/undelete")
    stored = org.client.delete(f"{path}/removed")
    read = org.client.get(path)
    org.client.delete(path)
    ended = org.client.delete(f"{path}/removed", params={"reason": "personal data"})

    assert (receipt["key"], len(PDF)) == (kept["key"], kept["size"])
    assert (200, receipt["sha256"]) == (back.status_code, back.json()["sha256"])
    assert (409, 409, PDF) == (again.status_code, stored.status_code, read.content)
    assert 204 == ended.status_code
    assert [] == org.client.get(removed).json()["removed"]
    assert 404 == org.client.post(f"{path}/undelete").status_code
