"""Runs through the API: how far they are, what failed, the report, and who may see which of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kazinex_storage.migration.journal import Entry, EntryState, Run, RunKind, RunState
from kazinex_storage.web import Role

from .conftest import Organisation

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOSTILE = "bridge/<img src=x onerror=alert(1)>.pdf"


@pytest.fixture
def run(org: Organisation) -> Run:
    """Four objects to be copied from a disk to a provider that is gone: one was, one failed, one cannot be."""
    journal = org.api.organisations.catalogue.journal
    source = org.add_disk("Archive")
    run = journal.add_run(
        Run(
            organisation=org.id,
            id="copy-1",
            kind=RunKind.COPY,
            source=source,
            target="r2-gone",
            state=RunState.RUNNING,
            options={"verify": "full"},
            begun_at=NOON,
            begun_by="olga",
        )
    )
    journal.add_entries(run, [Entry(number=0, key=f"bridge/{place}", size=100) for place in range(3)])
    journal.add_entries(run, [Entry(number=0, key=HOSTILE, size=50)])
    states = (EntryState.COPIED, EntryState.PLANNED, EntryState.REFUSED, EntryState.FAILED)
    entries = [
        replace(entry, state=state, reason="the target is full", attempts=2, changed_at=NOON)
        for entry, state in zip(journal.entries(run), states, strict=True)
    ]
    journal.record(run, entries)
    return run


def test_runs_are_listed_with_how_far_they_are(org: Organisation, run: Run) -> None:
    (found,) = org.client.get(f"{org.path}/runs").json()["runs"]

    assert ("copy-1", "copy", "running", "olga") == tuple(found[name] for name in ("id", "kind", "state", "begun_by"))
    assert {"provider": run.source, "label": "Archive"} == found["source"]
    assert {"provider": "r2-gone", "label": None} == found["target"]
    assert ({"objects": 4, "bytes": 350}, {"objects": 3, "bytes": 250}) == (found["total"], found["done"])
    assert {"objects": 1, "bytes": 50} == found["failed"]
    assert found == org.client.get(f"{org.path}/runs/copy-1").json()


def test_what_failed_is_listed_page_by_page(org: Organisation, run: Run) -> None:
    path = f"{org.path}/runs/{run.id}/failures"

    (first,) = org.client.get(path, params={"limit": 1}).json()["failures"]
    (second,) = org.client.get(path, params={"first": first["number"] + 1}).json()["failures"]

    assert ("bridge/2", "refused", "the target is full") == (first["key"], first["state"], first["reason"])
    assert (HOSTILE, "failed", 2, 50) == tuple(second[name] for name in ("key", "state", "attempts", "size"))


def test_the_report_is_one_page_that_runs_nothing(org: Organisation, run: Run) -> None:
    answer = org.client.get(f"{org.path}/runs/{run.id}/report")

    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "Copy of " in answer.text
    assert "the target is full" in answer.text
    assert "<img" not in answer.text


@pytest.mark.parametrize("below", ["", "/failures", "/report"])
def test_the_run_of_another_organisation_is_not_there(org: Organisation, run: Run, below: str) -> None:
    other = f"/organisations/{org.id}-other/runs"

    assert 404 == org.client.get(f"{other}/{run.id}{below}").status_code
    assert [] == org.client.get(other).json()["runs"]


def test_who_sees_usage_sees_runs_and_only_managers_what_providers_said(org: Organisation, run: Run) -> None:
    path = f"{org.path}/runs/{run.id}"
    seen = {}
    for role in (Role.PROJECT_ADMIN, Role.UPLOADER):
        with org.as_(role) as client:
            paths = (f"{org.path}/runs", path, f"{path}/failures", f"{path}/report")
            seen[role] = [client.get(each).status_code for each in paths]

    assert [200, 200, 403, 403] == seen[Role.PROJECT_ADMIN]
    assert [403, 403, 403, 403] == seen[Role.UPLOADER]
