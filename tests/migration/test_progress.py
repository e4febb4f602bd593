"""How far a run is, how fast, and how long it takes."""

from __future__ import annotations

from datetime import UTC, datetime

from kazinex_storage.migration.journal import Count, EntryState, Run, RunKind, RunState
from kazinex_storage.migration.progress import RunProgress, RunRequests
from kazinex_storage.transport import Observation

RUN = Run(
    organisation="org-1",
    id="run-1",
    kind=RunKind.COPY,
    source="a",
    target="b",
    state=RunState.RUNNING,
    begun_at=datetime(2026, 11, 29, 12, tzinfo=UTC),
)


def seen(operation: str, status: int) -> Observation:
    return Observation(
        operation=operation,
        method="GET",
        host="storage.example",
        status=status,
        attempt=1,
        started_at=0.0,
        seconds=0.1,
        sent=0,
        received=0,
        request_id=None,
        error=None,
    )


def test_what_is_done_and_what_is_left_make_the_total() -> None:
    counts = {
        EntryState.PLANNED: Count(objects=3, bytes=30),
        EntryState.COPIED: Count(objects=2, bytes=25),
        EntryState.REFUSED: Count(objects=1, bytes=5),
    }

    progress = RunProgress(run=RUN, counts=counts)

    assert (6, 60) == (progress.total.objects, progress.total.bytes)
    assert (3, 30) == (progress.done.objects, progress.done.bytes)
    assert (3, 30) == (progress.left.objects, progress.left.bytes)
    assert Count() == progress.in_state(EntryState.FAILED)
    shown = progress.to_dict()
    assert {"planned", "copied", "refused"} == set(shown["counts"])  # type: ignore[call-overload]
    assert {"objects": 6, "bytes": 60} == shown["total"]


def test_requests_are_counted_by_provider_and_class_with_those_that_were_throttled() -> None:
    requests = RunRequests()
    source, target = requests.of("org-1", "a"), requests.of("org-1", "b")
    for operation, status in (("get", 200), ("get", 429), ("list", 200)):
        source(seen(operation, status))
    target(seen("put", 503))

    counts, throttled = requests.read()

    assert {"a:read": 2, "a:list": 1, "b:write": 1} == counts
    assert 2 == throttled
