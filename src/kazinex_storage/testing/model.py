"""A state machine that does to a storage and to a dictionary the same things and expects the same answers.

The back door is the second witness: after every step the medium holds what the dictionary says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ..capabilities import Capability
from ..errors import (
    AlreadyExistsError,
    InvalidKeyError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    StorageError,
)
from ..storage.sync import Storage
from ..types import ByteRange, PutMode, PutOptions
from .bench import is_proved, names
from .harness import Harness

_DATA = st.one_of(
    st.binary(max_size=64),
    # Long bodies that shrink well: a few bytes, many times.
    st.builds(lambda data, count: data * count, st.binary(min_size=1, max_size=4), st.integers(1, 80_000)),
)
_METADATA = st.dictionaries(st.sampled_from(["author", "title"]), st.text("aü =%,;", max_size=8), max_size=2)
_PREFIXES = st.sampled_from(["", "a", "a/", "a/b", "a/b/", "b/", "ü%41/", "none/"])


@dataclass(slots=True)
class _Entry:
    data: bytes
    etag: str | None
    metadata: dict[str, str] | None
    """None after another writer has written the object."""


class StorageMachine(RuleBasedStateMachine):
    """Operations in any order. ``storage_machine`` binds it to a harness."""

    harness: ClassVar[Harness]
    prefix: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, _Entry] = {}
        self.retired: dict[str, str] = {}

    @initialize()
    def start(self) -> None:
        """Make a fresh provider."""
        self.storage = Storage(self.harness.make(), prefix=self.prefix)
        self.info = self.storage.info

    def teardown(self) -> None:
        """Close it."""
        if hasattr(self, "storage"):
            self.storage.close()

    @rule(draw=st.data(), data=_DATA, create=st.booleans(), metadata=_METADATA)
    def put(self, draw: st.DataObject, data: bytes, create: bool, metadata: dict[str, str]) -> None:
        """Replace or create."""
        key = self._key(draw)
        if not self.info.can(Capability.METADATA):
            metadata = {}
        expected: set[type[StorageError]] = self._conflicts(key)
        if create and not self.info.can(Capability.CREATE_ONLY):
            expected = {NotSupportedError}
        elif create and key in self.model:
            expected.add(AlreadyExistsError)
        mode = PutMode.CREATE if create else PutMode.REPLACE
        self._put(key, data, PutOptions(mode=mode, metadata=metadata), expected)

    @precondition(lambda self: self.model)
    @rule(draw=st.data(), data=_DATA)
    def put_over_this_version(self, draw: st.DataObject, data: bytes) -> None:
        """Replace the existing object, by its version."""
        key = draw.draw(st.sampled_from(sorted(self.model)))
        entry = self.model.get(key)
        if entry is not None and entry.etag is not None:
            expected: set[type[StorageError]] = set()
            if not self.info.can(Capability.CONDITIONAL):
                expected.add(NotSupportedError)
            self._put(key, data, PutOptions(if_match=entry.etag), expected)

    @precondition(lambda self: self._replaced())
    @rule(draw=st.data(), data=_DATA)
    def put_over_another_version(self, draw: st.DataObject, data: bytes) -> None:
        """Try to replace a version that is no longer there."""
        key = draw.draw(st.sampled_from(self._replaced()))
        stale, expected = self.retired[key], self._conflicts(key)
        expected.add(PreconditionFailedError if self.info.can(Capability.CONDITIONAL) else NotSupportedError)
        self._put(key, data, PutOptions(if_match=stale), expected)

    @rule(draw=st.data(), data=_DATA)
    def write_by_another_client(self, draw: st.DataObject, data: bytes) -> None:
        """Write through the back door."""
        key = self._key(draw)
        if not self._conflicts(key):
            self._retire(key)
            self.harness.poke(self.prefix + key, data)
            self.model[key] = _Entry(data, None, None)

    @rule(draw=st.data())
    def get(self, draw: st.DataObject) -> None:
        """Read the whole and spans."""
        key = self._key(draw)
        entry = self.model.get(key)
        if entry is None:
            with pytest.raises(NotFoundError):
                self.storage.get_bytes(key)
            return
        data, size = entry.data, len(entry.data)
        start, end = draw.draw(st.integers(0, size + 1)), draw.draw(st.integers(0, size + 1))
        assert data == self.storage.get_bytes(key)
        assert data[start:end] == self.storage.get_bytes(key, ByteRange(start=start, end=end))
        assert data[-start - 1 :] == self.storage.get_bytes(key, ByteRange(start=-start - 1))
        halves = [ByteRange(end=size // 2), ByteRange(start=size // 2)]
        assert [data[: size // 2], data[size // 2 :]] == self.storage.read_ranges(key, halves)

    @rule(draw=st.data())
    def head(self, draw: st.DataObject) -> None:
        """Look."""
        key = self._key(draw)
        entry = self.model.get(key)
        assert (entry is not None) == self.storage.exists(key)
        if entry is None:
            with pytest.raises(NotFoundError):
                self.storage.head(key)
            return
        info = self.storage.head(key)
        assert (key, len(entry.data)) == (info.key, info.size)
        assert entry.etag in (None, info.etag)
        assert info.checksum is None or is_proved(info, entry.data)
        if entry.metadata is not None and self.info.can(Capability.METADATA):
            assert entry.metadata == dict(info.metadata)

    @rule(draw=st.data())
    def delete(self, draw: st.DataObject) -> None:
        """Remove one."""
        key = self._key(draw)
        self.storage.delete(key)
        self._retire(key)
        self.model.pop(key, None)

    @rule(draw=st.data())
    def delete_many(self, draw: st.DataObject) -> None:
        """Remove some."""
        keys = draw.draw(st.lists(st.sampled_from(self.harness.model_keys), max_size=5))
        self.storage.delete_many(keys)
        for key in keys:
            self._retire(key)
            self.model.pop(key, None)

    @rule(draw=st.data(), create=st.booleans(), move=st.booleans())
    def copy(self, draw: st.DataObject, create: bool, move: bool) -> None:
        """Copy or move."""
        source, goal = self._key(draw), self._key(draw)
        operation = self.storage.move if move else self.storage.copy
        mode = PutMode.CREATE if create else PutMode.REPLACE
        if source == goal:
            with pytest.raises(ValueError, match="same key"):
                operation(source, goal, mode=mode)
            return
        expected: set[type[StorageError]] = self._conflicts(goal)
        if source not in self.model:
            expected.add(NotFoundError)
        if create and goal in self.model:
            expected.add(AlreadyExistsError)
        if create and not self.info.can(Capability.CREATE_ONLY):
            expected = {NotSupportedError}
        if expected:
            with pytest.raises(tuple(expected)):
                operation(source, goal, mode=mode)
            return
        info, entry = operation(source, goal, mode=mode), self.model[source]
        assert (goal, len(entry.data)) == (info.key, info.size)
        self._retire(goal)
        self.model[goal] = _Entry(entry.data, info.etag, entry.metadata)
        if move:
            self._retire(source)
            del self.model[source]

    @rule(prefix=_PREFIXES)
    def list_level(self, prefix: str) -> None:
        """List one level."""
        expected = set()
        for key in self.model:
            if key.startswith(prefix):
                first, slash, _ = key[len(prefix) :].partition("/")
                expected.add(prefix + first + slash)
        found = names(self.storage.list(prefix, recursive=False))
        if self.harness.lingering_folders:
            found = [name for name in found if name in expected or not name.endswith("/")]
        assert sorted(expected) == found

    @rule(prefix=_PREFIXES)
    def list_below(self, prefix: str) -> None:
        """List recursively."""
        found = sorted((info.key, info.size) for info in self.storage.list(prefix))
        assert sorted((key, len(entry.data)) for key, entry in self.model.items() if key.startswith(prefix)) == found

    @invariant()
    def the_medium_holds_what_the_model_says(self) -> None:
        """Compare the listing and the back door with the dictionary."""
        assert sorted(self.model) == sorted(info.key for info in self.storage.list())
        for key, entry in self.model.items():
            assert entry.data == self.harness.peek(self.prefix + key)

    def _key(self, draw: st.DataObject) -> str:
        """Draw a key, preferably one that exists."""
        standing = sorted(self.model)
        chance: int = draw.draw(st.integers(0, 2))
        return draw.draw(st.sampled_from(standing if standing and chance else self.harness.model_keys))

    def _replaced(self) -> list[str]:
        """Return the keys whose retired version is known not to be the current one."""
        return [
            key
            for key, stale in sorted(self.retired.items())
            if key not in self.model or self.model[key].etag not in (stale, None)
        ]

    def _put(self, key: str, data: bytes, options: PutOptions, expected: set[type[StorageError]]) -> None:
        if expected:
            with pytest.raises(tuple(expected)):
                self.storage.put(key, data, options)
            return
        info = self.storage.put(key, data, options)
        assert (key, len(data)) == (info.key, info.size)
        assert is_proved(info, data)
        self._retire(key)
        self.model[key] = _Entry(data, info.etag, dict(options.metadata))

    def _conflicts(self, key: str) -> set[type[StorageError]]:
        """Return what a put of *key* must raise where folders are real."""
        if not self.info.hierarchical:
            return set()
        under = any(other.startswith(f"{key}/") or key.startswith(f"{other}/") for other in self.model)
        return {InvalidKeyError} if under else set()

    def _retire(self, key: str) -> None:
        entry = self.model.get(key)
        if entry is not None and entry.etag is not None:
            self.retired[key] = entry.etag


def check_model(harness: Harness, prefix: str) -> None:
    """Run the state machine on fresh providers of *harness*, below *prefix*.

    Raises:
        AssertionError: an answer differs from the dictionary; Hypothesis prints the shortest sequence that shows it.
    """
    machine = type("StorageMachine", (StorageMachine,), {"harness": harness, "prefix": prefix})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=harness.max_examples,
            stateful_step_count=harness.steps,
            phases=[phase for phase in Phase if harness.shrink or phase is not Phase.shrink],
            deadline=None,  # providers wait for disks and services
            suppress_health_check=list(HealthCheck),
        ),
    )
