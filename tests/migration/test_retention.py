"""What keeps a prune from deleting: rules of the host, and what the service says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kazinex_storage import (
    AccessDeniedError,
    ArchivedError,
    LockedError,
    NotFoundError,
    ObjectInfo,
    ObjectKey,
    StorageError,
    UnavailableError,
)
from kazinex_storage.migration.journal import Entry, EntryState, Run, RunKind
from kazinex_storage.migration.retention import KeptFor, kept_by, refused_by_service

COPIED = datetime(2026, 8, 1, 12, tzinfo=UTC)
RUN = Run(organisation="org-1", id="run-1", kind=RunKind.COPY, source="old", target="new", begun_at=COPIED)
ENTRY = Entry(number=0, key="bridge/A/P01/a.pdf", size=1, state=EntryState.COPIED, changed_at=COPIED)
INFO = ObjectInfo(key=ObjectKey(ENTRY.key), size=1, etag="1", last_modified=COPIED)


@pytest.mark.parametrize(("days", "period", "kept"), [(29, 30, True), (30, 30, False), (31, 30, False), (0, 0, False)])
def test_an_object_is_kept_for_a_time_after_it_was_copied(days: int, period: int, kept: bool) -> None:
    rule = KeptFor(timedelta(days=period), clock=lambda: COPIED + timedelta(days=days))

    assert ("kept until 2026-08-31 12:00 UTC" if kept else None) == rule(RUN, ENTRY, INFO)


def test_an_object_of_which_it_is_not_known_when_it_was_copied_is_kept() -> None:
    unknown = Entry(number=0, key=ENTRY.key, size=1, state=EntryState.SAME)

    assert KeptFor(timedelta(days=1))(RUN, unknown, INFO) is not None
    with pytest.raises(ValueError, match="kept for a time"):
        KeptFor(timedelta(days=-1))


def test_the_first_rule_that_keeps_an_object_says_why() -> None:
    rules = (lambda *_: None, lambda *_: "legal hold of the court", lambda *_: "another")

    assert "legal hold of the court" == kept_by(rules, RUN, ENTRY, INFO)
    assert kept_by(rules[:1], RUN, ENTRY, INFO) is None
    assert kept_by((), RUN, ENTRY, INFO) is None


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (LockedError("a retention policy protects the blob"), True),
        (ArchivedError("in the archive tier"), False),
        (AccessDeniedError("no right to delete"), False),
        (NotFoundError("gone"), False),
        (UnavailableError("down"), False),
    ],
    ids=lambda given: type(given).__name__,
)
def test_only_a_lock_is_the_service_keeping_it(error: StorageError, kept: bool) -> None:
    """Without the right to delete, or without an answer, the prune has failed, and is to be repeated."""
    assert kept == (refused_by_service(error) is not None)
