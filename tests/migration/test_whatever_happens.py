"""Random trees, removals, faults and interrupts, as one state machine: nothing is lost, doubled or left behind."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kazinex_storage import DocumentKey, Storage
from kazinex_storage.documents.register import MemoryRegister, Removal, RevisionRecord, new_token
from kazinex_storage.errors import StorageError, UnavailableError
from kazinex_storage.keys import is_revision
from kazinex_storage.migration import planning, working
from kazinex_storage.migration.endpoints import Endpoint
from kazinex_storage.migration.following import RegisterFollower
from kazinex_storage.migration.journal import PROVEN, Entry, EntryState, Run, RunKind
from kazinex_storage.migration.memory_journal import MemoryJournal
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.migration.planning import plan_run
from kazinex_storage.migration.runs import begin_run
from kazinex_storage.migration.working import Job, work
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing.faults import Corrupt, Effect, Fault, FaultyProvider, Raise, Truncate

ACME = "acme"
NAMES = [f"p/D-{document}/P0{revision}/a.pdf" for document in range(3) for revision in range(3)] + [
    "notes/a",
    "b",
    "c/d/e",
]
AWAY = UnavailableError("the service is away")
EFFECTS: list[Effect] = [Raise(AWAY), Raise(AWAY, after=True), Truncate(2), Corrupt(0)]
FAULTS = st.lists(
    st.builds(
        Fault,
        operation=st.sampled_from(["get", "put", "head", "scan", "delete"]),
        effect=st.sampled_from(EFFECTS),
        nth=st.integers(1, 6),
        times=st.integers(1, 2),
    ),
    max_size=2,
)


class Interrupted(BaseException):
    """The process ends here."""


class Moves(RuleBasedStateMachine):
    """A source, a target and a register, worked on by processes that come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = MemoryProvider(), MemoryProvider()
        self.register, self.journal = MemoryRegister(), MemoryJournal()
        self.stored: dict[str, bytes] = {}
        self.removed: set[str] = set()
        self.run: Run | None = None

    @initialize(tree=st.dictionaries(st.sampled_from(NAMES), st.binary(max_size=30), max_size=8))
    def fill(self, tree: dict[str, bytes]) -> None:
        for key, data in tree.items():
            self.upload(key, data)
        self.run = begin_run(
            self.journal,
            Run(organisation=ACME, id="", kind=RunKind.COPY, source="old", target="new", begun_at=datetime.now(UTC)),
        )

    @rule(key=st.sampled_from(NAMES), data=st.binary(max_size=30))
    def upload(self, key: str, data: bytes) -> None:
        if key in self.stored or key in self.removed:
            return
        Storage(self.source).put(f"{ACME}/{key}", data)
        self.stored[key] = data
        if is_revision(f"{ACME}/{key}"):
            record = RevisionRecord(
                document=DocumentKey.parse(f"{ACME}/{key}"),
                provider="old",
                sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                recorded_at=datetime.now(UTC),
            )
            assert self.register.swap_revision(None, record)

    @rule(key=st.sampled_from(NAMES))
    def remove(self, key: str) -> None:
        """Remove a document as people do: in the register first, then wherever that says it is."""
        if key not in self.stored or not is_revision(f"{ACME}/{key}"):
            return
        self.remove_now(key)

    def remove_now(self, key: str) -> None:
        before = self.register.revision(DocumentKey.parse(f"{ACME}/{key}"))
        assert before is not None
        removal = Removal(at=datetime.now(UTC), by="bob")
        gone = copy.copy(before)
        for provider in (self.source, self.target) if before.provider == "new" else (self.source,):
            Storage(provider).delete(f"{ACME}/{key}")
        after = RevisionRecord(
            document=gone.document,
            provider=gone.provider,
            sha256=gone.sha256,
            size=gone.size,
            recorded_at=gone.recorded_at,
            removal=removal,
            token=new_token(),
        )
        assert self.register.swap_revision(before, after)
        del self.stored[key]
        self.removed.add(key)

    @rule(
        reading=FAULTS,
        writing=FAULTS,
        dies_at=st.none() | st.integers(0, 5),
        removes=st.none() | st.sampled_from(NAMES),
    )
    def go_on(self, reading: list[Fault], writing: list[Fault], dies_at: int | None, removes: str | None) -> None:
        """A process plans and works; it may die when it records, and somebody removes a document just before that."""
        job = self.job(self.source_end(reading), self.target_end(writing), _Dying(self, dies_at, removes))
        try:
            plan_run(self.journal, job.run, job.source, job.target)
            self.journal.reopen(job.run, [EntryState.FAILED])
            work(job)
        except (Interrupted, StorageError):
            pass

    @invariant()
    def nothing_but_the_bytes_of_the_source_is_on_the_target(self) -> None:
        for key, data in self.on(self.target).items():
            assert data == self.stored.get(key, data), key

    @invariant()
    def every_document_is_where_the_register_says(self) -> None:
        for key, data in self.stored.items():
            if is_revision(f"{ACME}/{key}"):
                record = self.register.revision(DocumentKey.parse(f"{ACME}/{key}"))
                assert record is not None
                provider = self.source if record.provider == "old" else self.target
                assert data == Storage(provider).get_bytes(f"{ACME}/{key}")

    def teardown(self) -> None:
        """A last process meets no faults: then everything is there, proven, and nothing else."""
        if self.run is None:
            return
        for _ in range(2):
            job = self.job(self.source_end([]), self.target_end([]), None)
            plan_run(self.journal, job.run, job.source, job.target)
            self.journal.reopen(job.run, [EntryState.FAILED])
            work(job)
        assert self.stored == self.on(self.target) == self.on(self.source)
        entries = self.journal.entries(self.run)
        found = {entry.key: entry for entry in entries}
        assert len(entries) == len(found)
        assert set(self.stored) == {key for key, entry in found.items() if entry.state in PROVEN} - self.removed
        for key in self.stored:
            assert hashlib.sha256(self.stored[key]).hexdigest() == found[key].sha256
            if is_revision(f"{ACME}/{key}"):
                record = self.register.revision(DocumentKey.parse(f"{ACME}/{key}"))
                assert record is not None
                assert "new" == record.provider

    def job(self, source: Endpoint, target: Endpoint, dying: _Dying | None) -> Job:
        assert self.run is not None
        follower: Any = RegisterFollower(self.register, ACME, "old", "new")
        if dying is not None:
            dying.inner, follower = follower, dying
        return Job(
            journal=self.journal,
            run=self.run,
            source=source,
            target=target,
            follower=follower,
            options=CopyOptions(small_bytes=12, concurrency=3, attempts=2),
            owner=new_token(),
        )

    def source_end(self, faults: Sequence[Fault]) -> Endpoint:
        return _end(self.source, "old", faults)

    def target_end(self, faults: Sequence[Fault]) -> Endpoint:
        return _end(self.target, "new", faults)

    def on(self, provider: MemoryProvider) -> dict[str, bytes]:
        storage = Storage(provider).scoped(ACME)
        return {info.key: storage.get_bytes(info.key) for info in storage.list()}


def _end(provider: MemoryProvider, name: str, faults: Sequence[Fault]) -> Endpoint:
    storage = Storage(FaultyProvider(provider, faults)).scoped(ACME)
    return Endpoint(storage=storage, provider=name, kind="memory", label=name)


class _Dying:
    """Follows the register, until the process dies as it records."""

    def __init__(self, machine: Moves, dies_at: int | None, removes: str | None) -> None:
        self.machine, self.left, self.removes = machine, dies_at, removes
        self.inner: Any = None

    def before(self, keys: Sequence[str]) -> Any:
        return self.inner.before(keys)

    def commit(self, journal: MemoryJournal, run: Run, entries: Sequence[Entry]) -> Sequence[Entry]:
        if self.removes is not None:
            self.machine.remove(self.removes)
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Interrupted
        recorded: Sequence[Entry] = self.inner.commit(journal, run, entries)
        return recorded


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((working, "_FIRST_PAUSE_S"), (working, "_LONGEST_PAUSE_S"), (planning, "_PAUSE_S")):
        monkeypatch.setattr(module, name, 0.0)
    monkeypatch.setattr(working, "_BATCH", 2)


TestMoves = Moves.TestCase
TestMoves.settings = settings(stateful_step_count=8, deadline=None)
