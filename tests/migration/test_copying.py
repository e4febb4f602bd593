"""Copies between two plain storages: what is proven, what fails, and what is left as it was."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import Storage
from kazinex_storage.bodies.body import BytesBody
from kazinex_storage.bodies.source import Source
from kazinex_storage.capabilities import Capability
from kazinex_storage.errors import (
    NotSupportedError,
    QuotaExceededError,
    UnavailableError,
)
from kazinex_storage.keys import ObjectKey
from kazinex_storage.migration import planning, working
from kazinex_storage.migration.endpoints import endpoint_at
from kazinex_storage.migration.journal import EntryState, Partition, Run, RunState
from kazinex_storage.migration.memory_journal import MemoryJournal
from kazinex_storage.migration.migrations import migrate
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.migration.runs import RunReport
from kazinex_storage.organisations.journal_rows import open_journal
from kazinex_storage.policy import UploadPolicy
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing.faults import Corrupt, Effect, Fault, FaultyProvider, Misreport, Raise, Truncate
from kazinex_storage.transport import Exchange
from kazinex_storage.types import ObjectInfo, ProviderInfo, PutMode, PutOptions

AWAY = UnavailableError("the service is away")
FULL = QuotaExceededError("the store is full")
PIECES = CopyOptions(small_bytes=1000, concurrency=4)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "_FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(working, "_LONGEST_PAUSE_S", 0.0)
    monkeypatch.setattr(planning, "_PAUSE_S", 0.0)


def memory(*plan: Fault) -> Storage:
    return Storage(FaultyProvider(MemoryProvider(), plan) if plan else MemoryProvider())


def filled(storage: Storage, count: int = 10) -> dict[str, bytes]:
    """Write small objects and one that is copied in pieces."""
    bodies = {f"plans/{number:03}.bin": f"plan {number}".encode() * number for number in range(count)}
    bodies["large.bin"] = bytes(range(256)) * 20
    for key, data in bodies.items():
        storage.put(key, data)
    return bodies


def everything(storage: Storage) -> dict[str, bytes]:
    return {info.key: storage.get_bytes(info.key) for info in storage.list()}


def count(report: RunReport, state: EntryState) -> int:
    found = report.counts.get(state)
    return found.objects if found is not None else 0


def test_a_copy_is_whole_and_a_second_one_finds_the_same() -> None:
    source, target = memory(), memory()
    bodies = filled(source)

    first, second = migrate(source, target, options=PIECES), migrate(source, target, options=PIECES)

    assert bodies == everything(target)
    assert (len(bodies), 0) == (count(first, EntryState.COPIED), count(first, EntryState.SAME))
    assert len(bodies) == count(second, EntryState.SAME)
    assert (RunState.DONE, True, sum(map(len, bodies.values()))) == (first.run.state, first.complete, first.bytes)


def test_a_report_is_values_of_json() -> None:
    source, target = memory(), memory()
    filled(source, 1)
    target.put("large.bin", b"another")

    found = migrate(source, target).to_dict()

    assert (False, "done") == (found["complete"], found["state"])
    assert {"copied": {"objects": 1, "bytes": 0}, "failed": {"objects": 1, "bytes": 5120}} == found["counts"]
    assert [("large.bin", "failed")] == [(one["key"], one["state"]) for one in found["failures"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("verify", ["full", "size"])
@pytest.mark.parametrize("other", [b"another", b"PLAN 3plan 3plan 3"], ids=["size", "bytes"])
def test_what_the_target_has_under_a_key_is_never_replaced(other: bytes, verify: str) -> None:
    source, target = memory(), memory()
    filled(source)
    target.put("plans/003.bin", other)

    report = migrate(source, target, options=CopyOptions(verify=verify))  # type: ignore[arg-type]

    assert other == target.get_bytes("plans/003.bin")
    assert (1, 10) == (count(report, EntryState.FAILED), count(report, EntryState.COPIED))
    assert "the target has another object under this key" in str(report.failures[0].reason)


@pytest.mark.parametrize("key", ["plans/005.bin", "large.bin"])
def test_an_object_that_changed_since_it_was_listed_is_copied_as_it_is_now(key: str) -> None:
    source, target = memory(), memory()
    filled(source)

    class Changes(MemoryJournal):
        def claim(self, run: Run, owner: str, *, now: datetime, until: datetime) -> Partition | None:
            if source.get_bytes(key) != b"changed":
                source.put(key, b"changed")
            return super().claim(run, owner, now=now, until=until)

    report = migrate(source, target, journal=Changes(), options=PIECES)

    assert (True, b"changed") == (report.complete, target.get_bytes(key))
    assert everything(source) == everything(target)


def test_an_object_that_vanished_since_it_was_listed_leaves_nothing_on_the_target() -> None:
    source, target = memory(), memory()
    filled(source)

    class Removes(MemoryJournal):
        def claim(self, run: Run, owner: str, *, now: datetime, until: datetime) -> Partition | None:
            source.delete_many(["plans/005.bin", "large.bin"])
            return super().claim(run, owner, now=now, until=until)

    report = migrate(source, target, journal=Removes(), options=PIECES)

    assert (2, True) == (count(report, EntryState.VANISHED), report.complete)
    assert everything(source) == everything(target)


FAULTS: dict[str, Callable[[], Effect]] = {
    "away": lambda: Raise(AWAY),
    "answer lost": lambda: Raise(AWAY, after=True),
    "cut short": lambda: Truncate(3),
    "altered": lambda: Corrupt(1),
    "wrong size": lambda: Misreport(7),
}


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("effect", FAULTS)
@pytest.mark.parametrize("operation", ["get", "put", "head"])
def test_one_fault_is_got_over_or_told_and_a_second_pass_ends_it(operation: str, effect: str, side: str) -> None:
    """A put whose answer was lost comes back as the same object; what came altered is read again."""
    inner = {"source": MemoryProvider(), "target": MemoryProvider()}
    bodies, journal = filled(Storage(inner["source"])), MemoryJournal()
    fault = Fault(operation=operation, effect=FAULTS[effect](), nth=3)
    ends = {name: Storage(FaultyProvider(each, [fault] if name == side else [])) for name, each in inner.items()}

    migrate(ends["source"], ends["target"], journal=journal, options=PIECES)
    report = migrate(ends["source"], ends["target"], journal=journal, options=PIECES)

    assert (True, ()) == (report.complete, report.failures)
    assert bodies == everything(Storage(inner["target"]))


def test_a_provider_that_is_away_for_a_while_is_waited_for() -> None:
    """Every write fails, and so does every look: many more times than one object is tried."""
    source = memory()
    target = memory(
        Fault(operation="put", effect=Raise(AWAY), nth=4, times=40),
        Fault(operation="head", effect=Raise(AWAY), times=100),
    )
    bodies = filled(source)

    report = migrate(source, target, options=CopyOptions(attempts=2, concurrency=3))

    assert (True, bodies) == (report.complete, everything(target))


def test_patience_ends() -> None:
    source, target = (
        memory(),
        memory(*(Fault(operation=each, effect=Raise(AWAY), times=10**6) for each in ("put", "head"))),
    )
    bodies = filled(source, 2)

    report = migrate(source, target, options=CopyOptions(attempts=2, patience=timedelta(microseconds=1)))

    assert len(bodies) == count(report, EntryState.FAILED)
    assert "the service is away" in str(report.failures[0].reason)


def test_one_object_that_never_goes_through_fails_alone() -> None:
    source, target = memory(), memory(Fault(operation="put", effect=Raise(AWAY), times=10**6, key="plans/001.bin"))
    bodies = filled(source)

    report = migrate(source, target, options=CopyOptions(attempts=3))

    assert ["plans/001.bin"] == [entry.key for entry in report.failures]
    assert (3, len(bodies) - 1) == (report.failures[0].attempts, count(report, EntryState.COPIED))


def test_a_target_that_fills_up_ends_the_pass_and_the_next_one_goes_on() -> None:
    source, target = memory(), memory(Fault(operation="put", effect=Raise(FULL), nth=5, times=8))
    bodies, journal = filled(source, 600), MemoryJournal()

    first = migrate(source, target, journal=journal, options=CopyOptions(concurrency=2))
    later = [migrate(source, target, journal=journal) for _ in range(8)]

    assert (False, RunState.RUNNING) == (first.complete, first.run.state)
    assert "the store is full" in str(first.stopped)
    assert count(first, EntryState.PLANNED) > 500
    assert (True, RunState.DONE) == (later[-1].complete, later[-1].run.state)
    assert bodies == everything(target)


def test_a_target_that_might_replace_objects_is_refused() -> None:
    class Replacing(MemoryProvider):
        @property
        def info(self) -> ProviderInfo:
            info = super().info
            return replace(info, capabilities=info.capabilities - {Capability.CREATE_ONLY})

    source, target = memory(), Storage(Replacing())
    filled(source)

    with pytest.raises(NotSupportedError, match="create-only"):
        migrate(source, target)

    assert {} == everything(target)


class Unproven(MemoryProvider):
    """Says nothing about checksums, and stores something else under some keys."""

    @property
    def info(self) -> ProviderInfo:
        return replace(super().info, proves_puts=False)

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        with source.open() as reader:
            data = reader.read()
        if "003" in key:
            data = data.upper()
        return super().put(key, Source(BytesBody(data)), options)


def test_what_a_service_does_not_prove_is_read_back_and_nothing_else_stays_there() -> None:
    source, target = memory(), Storage(Unproven())
    bodies = filled(source)

    report = migrate(source, target, options=PIECES)

    assert ["plans/003.bin"] == [entry.key for entry in report.failures]
    assert "what the target holds has sha256" in str(report.failures[0].reason)
    assert {key: data for key, data in bodies.items() if "003" not in key} == everything(target)


def local(root: Path, **settings: object) -> Storage:
    root.mkdir(exist_ok=True)
    return Storage(LocalProvider(LocalSettings(root=root, durable=False, **settings)))  # type: ignore[arg-type]


def test_names_that_only_the_source_can_hold_are_in_the_plan_and_nothing_is_tried(tmp_path: Path) -> None:
    source = memory()
    target = local(tmp_path / "target")
    source.put("a/b", b"1")
    source.put("a/b/c", b"2")
    source.put(f"a/{'n' * 300}", b"3")
    source.put(".~kazinex/a", b"4")

    report = migrate(source, target)

    assert {"a/b": b"1"} == everything(target)
    assert {
        "a/b/c": "the target has real folders, and an object has the name of the folder 'a/b' above",
        f"a/{'n' * 300}": "a disk holds names of at most 255 bytes, one segment has 300",
        ".~kazinex/a": "names that begin with '.~kazinex' are reserved; choose another",
    } == {entry.key: entry.reason for entry in report.refused}
    assert (True, 0) == (report.complete, sum(entry.attempts for entry in report.refused))


class Caseless(MemoryProvider):
    """Says that it ignores case; what it would do about that is never asked for."""

    @property
    def info(self) -> ProviderInfo:
        return replace(super().info, ignores_case=True, hierarchical=True)


def test_keys_that_differ_only_in_case_collide_with_each_other_and_with_what_is_there() -> None:
    source, target = memory(), Storage(Caseless())
    target.put("there/PLAN.pdf", b"0")
    for key in ("a/x.pdf", "A/y.pdf", "a/X.pdf", "a/z.pdf", "there/plan.pdf"):
        source.put(key, key.encode())

    report = migrate(source, target)

    reason = "the target ignores case, and"
    assert {
        "a/X.pdf": f"{reason} the key differs only in case from 'a/x.pdf'",
        "a/x.pdf": f"{reason} a folder above differs only in case from 'A'",
        "a/z.pdf": f"{reason} a folder above differs only in case from 'A'",
        "there/plan.pdf": f"{reason} the key differs only in case from 'there/PLAN.pdf'",
    } == {entry.key: entry.reason for entry in report.refused} | {
        "a/X.pdf": f"{reason} the key differs only in case from 'a/x.pdf'"
    }
    assert {"A/y.pdf", "there/PLAN.pdf"} == set(everything(target))


def test_what_the_policy_of_the_target_does_not_allow_is_refused_in_the_plan() -> None:
    source, target = memory(), memory()
    source.put("a.pdf", b"12345")
    source.put("b.pdf", b"123456")
    source.put("c.exe", b"1")
    policy = UploadPolicy.make(kind="memory", ceiling=100, max_file_bytes=5, extensions=["pdf"])

    report = migrate(source, target.with_policy(policy))

    assert {"a.pdf": b"12345"} == everything(target)
    assert ["b.pdf", "c.exe"] == [entry.key for entry in report.refused]


class Plain(MemoryProvider):
    """Keeps bytes and types, and nothing else."""

    @property
    def info(self) -> ProviderInfo:
        info = super().info
        return replace(info, capabilities=info.capabilities - {Capability.METADATA})


@pytest.mark.parametrize("drops", [False, True])
def test_properties_that_the_target_does_not_keep_are_refused_or_dropped(drops: bool) -> None:
    source, target = memory(), Storage(Plain())
    source.put("a.pdf", b"1")
    source.put("b.pdf", b"2", PutOptions(metadata={"a": "b"}, cache_control="no-cache"))

    report = migrate(source, target, options=CopyOptions(drop_properties=drops))

    refused = {"b.pdf": "the target keeps no metadata, cache control; set drop_properties to copy the object without"}
    assert ({} if drops else refused) == {entry.key: entry.reason for entry in report.refused}
    assert (["a.pdf", "b.pdf"] if drops else ["a.pdf"]) == list(everything(target))


def test_two_folders_of_one_place_are_copied_by_the_service(tmp_path: Path) -> None:
    whole = local(tmp_path / "one")
    bodies = filled(whole.scoped("old"))

    report = migrate(whole.scoped("old"), whole.scoped("new"), options=PIECES)
    again = migrate(whole.scoped("old"), whole.scoped("new"), options=PIECES)
    itself = migrate(whole.scoped("old"), whole.scoped("old"), options=PIECES)

    assert len(bodies) == count(report, EntryState.COPIED)
    assert [len(bodies)] * 2 == [count(again, EntryState.SAME), count(itself, EntryState.SAME)]
    assert bodies == everything(whole.scoped("new"))
    assert {hashlib.sha256(data).hexdigest() for data in bodies.values()}


def test_a_run_in_a_file_goes_on_where_it_was(tmp_path: Path) -> None:
    source, target = memory(Fault(operation="get", effect=Raise(FULL), nth=6)), memory()
    bodies = filled(source)

    first = migrate(source, target, journal=tmp_path / "run.db")
    second = migrate(source, target, journal=str(tmp_path / "run.db"))

    assert (False, True) == (first.complete, second.complete)
    assert (first.run.id, bodies) == (second.run.id, everything(target))


def test_two_runs_at_once_copy_each_object_once(tmp_path: Path) -> None:
    source, target = memory(), memory()
    bodies = filled(source, 700)
    reports: list[RunReport] = []

    def go() -> None:
        with open_journal(tmp_path / "run.db") as journal:
            reports.append(migrate(source, target, journal=journal))

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert bodies == everything(target)
    assert {(True, reports[0].run.id)} == {(report.complete, report.run.id) for report in reports}
    assert {len(bodies)} == {sum(count.objects for count in report.counts.values()) for report in reports}


KEYS = st.text("abA/.=~é", min_size=1, max_size=12).filter(lambda key: _is_key(key))


def _is_key(key: str) -> bool:
    return all(segment not in ("", ".", "..") for segment in key.split("/"))


TREES = st.dictionaries(KEYS, st.binary(max_size=40), max_size=12)
PLANS = st.lists(
    st.builds(
        Fault,
        operation=st.sampled_from(["get", "put", "head", "scan"]),
        effect=st.sampled_from([make() for name, make in FAULTS.items() if name != "wrong size"]),
        nth=st.integers(1, 12),
        times=st.integers(1, 3),
    ),
    max_size=4,
)


@given(tree=TREES, reading=PLANS, writing=PLANS, stops=st.lists(st.integers(0, 8), max_size=3))
def test_whatever_goes_wrong_the_target_becomes_the_source(
    tree: dict[str, bytes], reading: list[Fault], writing: list[Fault], stops: list[int]
) -> None:
    """Passes that are cut short at any object, and faults at both ends; nothing else ever stands on the target."""
    kept, landed, journal = MemoryProvider(), MemoryProvider(), MemoryJournal()
    for key, data in tree.items():
        Storage(kept).put(key, data)
    source, target = Storage(FaultyProvider(kept, reading)), Storage(FaultyProvider(landed, writing))
    options = CopyOptions(small_bytes=20, concurrency=2, attempts=2)

    for stop in [*stops, None, None, None, None]:
        try:
            with _killed(target, after=stop):
                migrate(source, target, journal=journal, options=options)
        except (KeyboardInterrupt, UnavailableError):
            pass
        assert everything(Storage(landed)).items() <= tree.items()

    assert tree == everything(Storage(landed))


class _killed:  # noqa: N801  # reads as a word of the sentence above
    """Interrupts the process at the n-th write: what was under way is abandoned, leases stay."""

    def __init__(self, storage: Storage, after: int | None) -> None:
        self._exchanges, self._after = storage.operations.context.exchanges, after

    def __enter__(self) -> None:
        real, left = self._exchanges.put, self._after

        def put(key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
            nonlocal left
            if left is not None:
                left -= 1
                if left < 0:
                    raise KeyboardInterrupt
            return real(key, source, options)

        self._exchanges.__dict__["put"] = put

    def __exit__(self, *_: object) -> None:
        self._exchanges.__dict__.pop("put", None)


def test_the_ends_of_a_plain_copy_are_told_apart_by_their_places(tmp_path: Path) -> None:
    one, other = local(tmp_path / "one"), local(tmp_path / "other")

    assert endpoint_at(one).provider != endpoint_at(other).provider
    assert endpoint_at(one).provider != endpoint_at(one.scoped("a")).provider
    assert endpoint_at(one).provider == endpoint_at(local(tmp_path / "one")).provider


def test_create_only_is_what_a_copy_asks_for() -> None:
    modes: list[PutMode] = []

    class Noting(MemoryProvider):
        def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
            modes.append(options.mode)
            return super().put(key, source, options)

    source = memory()
    filled(source)

    migrate(source, Storage(Noting()), options=PIECES)

    assert {PutMode.CREATE} == set(modes)
