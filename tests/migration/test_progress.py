"""How far a run is, how fast, and how long it takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazinex_storage.migration.journal import Count, Entry, EntryState, Run, RunKind, RunState
from kazinex_storage.migration.memory_journal import MemoryJournal
from kazinex_storage.migration.progress import RunMeter, RunProgress, RunRequests, watching
from kazinex_storage.migration.summary import summary_of
from kazinex_storage.migration.throughput import MOST_STEPS, remember_pass, throughput_of
from kazinex_storage.transport import Observation

COPIED = EntryState.COPIED
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
RUN = Run(
    organisation="org-1",
    id="run-1",
    kind=RunKind.COPY,
    source="a",
    target="b",
    state=RunState.RUNNING,
    begun_at=NOON,
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


def add(journal: MemoryJournal, run: Run, *sizes: int) -> Run:
    run = journal.add_run(run)
    journal.add_entries(run, [Entry(number=0, key=f"k{place}", size=size) for place, size in enumerate(sizes)])
    return run


def finish(journal: MemoryJournal, run: Run, numbers: range, at: datetime, state: EntryState = COPIED) -> None:
    found = journal.entries(run, first=numbers.start, last=numbers.stop - 1)
    journal.record(run, [replace(entry, state=state, changed_at=at) for entry in found])


class Seconds:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    journal, clock = MemoryJournal(), Seconds()
    run = add(journal, RUN, *[10] * 100)
    meter = RunMeter(journal, run, clock=clock)
    first = meter.read()
    finish(journal, run, range(10), NOON)
    clock.now += 10

    second = meter.read()
    clock.now += 60
    meter.read()
    clock.now += 60
    stalled = meter.read()

    assert (0.0, None) == (first.objects_per_second, first.left_s)
    assert (1.0, 10.0, 90.0) == (second.objects_per_second, second.bytes_per_second, second.left_s)
    assert (0.0, None) == (stalled.objects_per_second, stalled.left_s)
    assert 130.0 == stalled.seconds


def test_entries_that_are_opened_again_are_no_negative_rate() -> None:
    journal, clock = MemoryJournal(), Seconds()
    run = add(journal, RUN, 10, 10)
    finish(journal, run, range(2), NOON, EntryState.FAILED)
    meter = RunMeter(journal, run, clock=clock)
    meter.read()
    journal.reopen(run, [EntryState.FAILED])
    clock.now += 1

    assert 0.0 == meter.read().objects_per_second


def test_while_a_run_is_planned_nobody_says_when_it_ends() -> None:
    journal = MemoryJournal()
    run = add(journal, replace(RUN, state=RunState.PLANNING), 10)

    assert RunMeter(journal, run).read().left_s is None


def test_a_watcher_tells_the_beginning_and_the_end() -> None:
    journal = MemoryJournal()
    run = add(journal, RUN, 10, 20)
    seen: list[RunProgress] = []
    begun = Event()

    def told(progress: RunProgress) -> None:
        seen.append(progress)
        begun.set()

    with watching(journal, run, told, every_s=60):
        assert begun.wait(30)
        finish(journal, run, range(2), NOON)

    assert [0, 2] == [progress.done.objects for progress in seen]


def test_a_display_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    journal = MemoryJournal()
    run = add(journal, RUN, 10)

    def broken(progress: RunProgress) -> None:
        raise ValueError(f"no room for {progress.run.id}")

    with watching(journal, run, broken, every_s=60):
        pass

    assert "could not be shown: no room for run-1" in caplog.text


def test_throughput_comes_from_the_times_of_entries_over_all_passes() -> None:
    journal = MemoryJournal()
    run = add(journal, RUN, *[10] * 6)
    finish(journal, run, range(3), NOON)
    finish(journal, run, range(3, 4), NOON + timedelta(seconds=1))
    finish(journal, run, range(4, 5), NOON + timedelta(hours=9), EntryState.SAME)
    finish(journal, run, range(5, 6), NOON + timedelta(hours=9), EntryState.FAILED)

    found = throughput_of(journal, run)

    assert [(3, 30), (1, 10), (1, 10)] == [(step.objects, step.bytes) for step in found.steps]
    assert [2, 1] == [len(span) for span in found.spans()]
    assert () == throughput_of(journal, run, most=4).steps, "it would cost reading more than was allowed"


def test_what_a_prune_takes_from_the_times_of_entries_stays_in_the_facts() -> None:
    journal = MemoryJournal()
    run = add(journal, RUN, *[10] * 4)
    finish(journal, run, range(4), NOON)
    remember_pass(journal, run, {"a:read": 4})
    finish(journal, run, range(4), NOON + timedelta(days=1), EntryState.PRUNED)

    kept = remember_pass(journal, run, {"a:read": 1, "b:write": 2})

    assert [(4, 40)] == [(step.objects, step.bytes) for step in throughput_of(journal, kept).steps]
    assert {"a:read": 5, "b:write": 2} == kept.facts["requests"]


def test_a_pass_is_remembered_although_the_run_changed_meanwhile() -> None:
    journal = MemoryJournal()
    run = add(journal, RUN, 10)
    journal.replace_run(replace(run, state=RunState.DONE))

    kept = remember_pass(journal, run, {})

    assert (RunState.DONE, 3) == (kept.state, kept.version)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=2_000))
@settings(max_examples=20)
def test_steps_are_few_and_lose_nothing(seconds: list[int]) -> None:
    journal = MemoryJournal()
    run = add(journal, RUN, *[7] * len(seconds))
    entries = journal.entries(run, limit=len(seconds))
    journal.record(
        run,
        [
            replace(entry, state=COPIED, changed_at=NOON + timedelta(seconds=second))
            for entry, second in zip(entries, seconds, strict=True)
        ],
    )

    found = throughput_of(journal, run)
    joined = throughput_of(journal, replace(run, facts={"throughput": found.to_fact()}))

    assert found == joined, "what is known already changes nothing"
    assert len(found.steps) <= MOST_STEPS
    assert (len(seconds), 7 * len(seconds)) == (
        sum(step.objects for step in found.steps),
        sum(step.bytes for step in found.steps),
    )


def test_a_summary_has_the_first_of_what_went_wrong() -> None:
    journal = MemoryJournal()
    run = add(journal, RUN, *[10] * 9)
    finish(journal, run, range(4), NOON, EntryState.FAILED)
    finish(journal, run, range(4, 6), NOON, EntryState.REFUSED)
    finish(journal, run, range(6, 9), NOON)

    found = summary_of(journal, run, {"a": "Archive"}, at=NOON, most_rows=3)

    assert ["k0", "k1", "k2"] == [entry.key for entry in found.wrong]
    assert ["k4", "k5"] == [entry.key for entry in found.known]
    assert ("Archive (a)", "b") == (found.source, found.target)
    assert 4 == found.counts[EntryState.FAILED].objects
