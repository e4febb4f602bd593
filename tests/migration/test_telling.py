"""Events of runs: made of what the journal has, one for a partition, and kept by the audit."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

from kazinex_storage import AuditEnded, DocumentsMoved, RunBegun, RunEnded, SourcePruned
from kazinex_storage.migration import telling
from kazinex_storage.migration.journal import Count, Entry, EntryState, Partition, Run, RunKind
from kazinex_storage.organisations import AuditLog, MemoryCatalogue

RUN = Run(
    organisation="org-1",
    id="run-1",
    kind=RunKind.COPY,
    source="old",
    target="new",
    project="bridge",
    begun_at=datetime(2026, 8, 1, tzinfo=UTC),
)
PARTITION = Partition(number=2, first=512, last=514)
ENTRIES = [
    Entry(number=513, key="bridge/B/P01/b.pdf", size=2, sha256="b" * 64, state=EntryState.SAME),
    Entry(number=512, key="bridge/A/P01/ä.pdf", size=1, sha256="a" * 64, state=EntryState.COPIED),
    Entry(number=514, key="bridge/C/P01/c.pdf", size=4, state=EntryState.FAILED),
]


def test_a_partition_is_one_event_with_a_sha256_over_what_is_proven() -> None:
    event = telling.documents_moved(RUN, PARTITION, ENTRIES)

    lines = f"bridge/A/P01/ä.pdf\t1\t{'a' * 64}\nbridge/B/P01/b.pdf\t2\t{'b' * 64}\n"
    assert event is not None
    assert (2, 2, 3) == (event.partition, event.objects, event.bytes)
    assert hashlib.sha256(lines.encode()).hexdigest() == event.sha256
    assert ("new", "bridge", "old") == (event.provider, event.project, event.source)
    assert telling.documents_moved(RUN, PARTITION, ENTRIES[2:]) is None


def test_what_was_deleted_from_a_source_is_one_event_with_what_it_retains() -> None:
    pruned = [replace(entry, state=EntryState.PRUNED) for entry in ENTRIES[:1]]
    kept = [replace(entry, state=EntryState.RETAINED) for entry in ENTRIES[1:2]]

    event = telling.source_pruned(RUN, PARTITION, pruned + kept)

    assert event is not None
    assert (1, 2, 1, "old") == (event.objects, event.bytes, event.retained, event.provider)
    assert telling.entries_sha256(pruned) == event.sha256
    assert telling.source_pruned(RUN, PARTITION, ENTRIES) is None


def test_a_run_that_left_failures_ends_as_failed() -> None:
    counts = {
        EntryState.COPIED: Count(objects=3, bytes=30),
        EntryState.REFUSED: Count(objects=1, bytes=1),
        EntryState.VANISHED: Count(objects=2, bytes=2),
    }

    begun, ended = telling.run_begun(RUN, counts), telling.run_ended(RUN, counts)
    failed = telling.run_ended(RUN, {**counts, EntryState.FAILED: Count(objects=1, bytes=5)})

    assert (6, 33, 1) == (begun.objects, begun.bytes, begun.refused)
    assert (3, 30, 0, 1, 2, "done") == (
        ended.objects,
        ended.bytes,
        ended.failed,
        ended.refused,
        ended.vanished,
        ended.outcome,
    )
    assert (1, "failed") == (failed.failed, failed.outcome)


def test_an_audit_that_did_not_compare_everything_failed() -> None:
    found = {EntryState.MATCHED: Count(objects=3), EntryState.EXTRA: Count(objects=1)}

    assert "done" == telling.audit_ended(RUN, found, "full").outcome
    for state in (EntryState.MISSING, EntryState.DIFFERENT, EntryState.PLANNED, EntryState.FAILED):
        assert "failed" == telling.audit_ended(RUN, {**found, state: Count(objects=1)}, "full").outcome


def test_the_audit_keeps_them() -> None:
    catalogue = MemoryCatalogue()
    log = AuditLog(catalogue)
    moved = telling.documents_moved(RUN, PARTITION, ENTRIES)
    assert moved is not None

    for event in (telling.run_begun(RUN, {}), moved, telling.run_ended(RUN, {})):
        log(event.in_name_of("müller"))

    entries = log.query("org-1")
    assert [RunBegun.name, DocumentsMoved.name, RunEnded.name] == [entry.event for entry in entries]
    assert ["müller"] * 3 == [entry.by for entry in entries]
    assert log.verify_audit("org-1").ok
    assert {"source.pruned", "run.audited"} == {SourcePruned.name, AuditEnded.name}
