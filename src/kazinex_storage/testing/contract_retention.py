"""Retention and legal holds: what is kept is neither changed nor removed by any verb; or a refusal beforehand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ..capabilities import KEEPS, Capability
from ..errors import BulkError, NotFoundError, RetentionError
from ..retention import UNPROTECTED, Protection, Retention, RetentionMode
from ..storage.sync import Storage
from ..types import PutMode, PutOptions
from .bench import Bench, needs, pattern

# Whole seconds: S3 and Azure keep no fractions.
_LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
_KEPT = Retention(until=_LATER)
_LONGER = Retention(until=_LATER + timedelta(hours=1))


def _retain(storage: Storage) -> object:
    return storage.retain("a", _KEPT)


def _hold(storage: Storage) -> None:
    storage.hold("a")


def _in_parts(storage: Storage) -> object:
    state = storage.begin_upload("a", 1)
    return storage.resume_upload(state, b"2")


_CHANGES: dict[str, Callable[[Storage], object]] = {
    "put": lambda storage: storage.put("a", b"2"),
    "delete": lambda storage: storage.delete("a"),
    "copy over it": lambda storage: storage.copy("other", "a"),
    "move over it": lambda storage: storage.move("other", "a"),
    "move it": lambda storage: storage.move("a", "elsewhere"),
}


class RetentionContract:
    """What keeps objects."""

    @needs(Capability.RETENTION, _retain)
    def test_what_is_retained_is_changed_and_removed_by_no_verb_until_that_is_lifted(self, bench: Bench) -> None:
        storage = bench.storage
        storage.put("a", b"1")
        storage.put("other", b"other")
        kept = storage.retain("a", _KEPT)

        until = {_refused(storage, change).until for change in _changes(bench)}
        storage.put("free", b"3")
        with pytest.raises(BulkError) as caught:
            storage.delete_many(["a", "free"])

        assert until <= {_LATER, None}  # a service that refuses by itself may not say until when
        assert [RetentionError] == [type(failure) for failure in caught.value.failures]
        assert ["a", "other"] == bench.keys()
        assert b"1" == bench.peek("a")
        assert Protection(retention=_KEPT) == kept == storage.retention("a")
        storage.retain("a", None, bypass=True)
        storage.delete("a")
        assert ["other"] == bench.keys()

    @needs(Capability.RETENTION, _retain)
    def test_a_retention_is_made_longer_by_anyone_and_shorter_by_those_who_may(self, bench: Bench) -> None:
        storage = bench.storage
        storage.put("a", b"1")
        storage.retain("a", _KEPT)

        storage.retain("a", _LONGER)
        with pytest.raises(RetentionError):
            storage.retain("a", _KEPT)
        with pytest.raises(RetentionError):
            storage.retain("a", None)

        assert _LONGER == storage.retention("a").retention
        storage.retain("a", _KEPT, bypass=True)
        assert _KEPT == storage.retention("a").retention
        storage.retain("a", None, bypass=True)
        assert UNPROTECTED == storage.retention("a")

    @needs(Capability.RETENTION, _retain)
    def test_compliance_is_ended_by_nobody(self, bench: Bench) -> None:
        soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)  # the medium is cleared after that
        strict = Retention(until=soon, mode=RetentionMode.COMPLIANCE)
        bench.storage.put("a", b"1")
        bench.storage.retain("a", strict)

        for weaker in (None, Retention(until=soon + timedelta(hours=1))):
            with pytest.raises(RetentionError):
                bench.storage.retain("a", weaker, bypass=True)

        assert strict == bench.storage.retention("a").retention

    @needs(Capability.LEGAL_HOLD, _hold)
    def test_what_is_held_is_changed_and_removed_by_no_verb_until_its_release(self, bench: Bench) -> None:
        storage = bench.storage
        storage.put("a", b"1")
        storage.put("other", b"other")
        storage.hold("a")
        storage.hold("a")

        until = {_refused(storage, change).until for change in _changes(bench)}

        assert {None} == until
        assert Protection(held=True) == storage.retention("a")
        assert b"1" == bench.peek("a")
        storage.release("a")
        storage.release("a")
        assert UNPROTECTED == storage.retention("a")
        storage.put("a", b"2")
        storage.delete("a")
        assert ["other"] == bench.keys()

    def test_what_is_kept_can_be_read_and_a_create_only_put_is_refused_as_ever(self, bench: Bench) -> None:
        storage = bench.storage
        if not bench.can(Capability.LEGAL_HOLD):
            return bench.refuses(Capability.LEGAL_HOLD, _hold)
        storage.put("a", pattern(100))
        storage.hold("a")

        assert pattern(100) == storage.get_bytes("a")
        storage.copy("a", "b")
        storage.delete("b")  # a copy is free
        if bench.can(Capability.CREATE_ONLY):
            with pytest.raises((FileExistsError, RetentionError)):  # whichever the service looks at first
                storage.put("a", b"2", PutOptions(mode=PutMode.CREATE))
        storage.release("a")
        return None

    def test_only_what_is_there_can_be_kept(self, bench: Bench) -> None:
        actions: dict[Capability, Callable[[Storage], object]] = {
            Capability.RETENTION: _retain,
            Capability.LEGAL_HOLD: _hold,
        }
        for capability in KEEPS:
            if bench.can(capability):
                for action in (actions[capability], lambda storage: storage.retention("a")):
                    with pytest.raises(NotFoundError):
                        action(bench.storage)
            else:
                bench.refuses(capability, actions[capability])


def _changes(bench: Bench) -> list[Callable[[Storage], object]]:
    return [*_CHANGES.values(), _in_parts] if bench.can(Capability.PARTS) else list(_CHANGES.values())


def _refused(storage: Storage, change: Callable[[Storage], object]) -> RetentionError:
    with pytest.raises(RetentionError) as caught:
        change(storage)
    return caught.value
