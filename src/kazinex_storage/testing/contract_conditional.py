"""What conditions owe: creating what is absent only, replacing one version only; or a refusal beforehand."""

from __future__ import annotations

import pytest

from ..capabilities import Capability
from ..errors import AlreadyExistsError, PreconditionFailedError
from ..storage.sync import Storage
from ..types import PutMode, PutOptions
from .bench import CREATE, Bench, needs, pattern

_SIZES = pytest.mark.parametrize("large", [None, False, True], ids=["empty", "small", "large"])


def _body(bench: Bench, large: bool | None, seed: int) -> bytes:
    if large is None:
        return b""
    return pattern(bench.harness.large_bytes if large else 1_000, seed)


def _create(storage: Storage) -> object:
    return storage.put("a", b"1", CREATE)


def _match(storage: Storage) -> object:
    return storage.put("a", b"1", PutOptions(if_match="some-version"))


class ConditionalContract:
    """Create-only puts and puts over one version."""

    @_SIZES
    @needs(Capability.CREATE_ONLY, _create)
    def test_creating_what_is_absent_stores_it(self, bench: Bench, large: bool | None) -> None:
        data = _body(bench, large, 1)

        bench.storage.put("folder/a", data, CREATE)

        assert data == bench.peek("folder/a")

    @_SIZES
    @needs(Capability.CREATE_ONLY, _create)
    def test_creating_over_an_object_is_refused_and_changes_nothing(self, bench: Bench, large: bool | None) -> None:
        old = bench.storage.put("folder/a", b"old")

        with pytest.raises(AlreadyExistsError):
            bench.storage.put("folder/a", _body(bench, large, 1), CREATE)

        assert b"old" == bench.peek("folder/a")
        assert old.etag == bench.storage.head("folder/a").etag
        assert ["folder/a"] == bench.keys()

    @_SIZES
    @needs(Capability.CREATE_ONLY, _create)
    def test_creating_over_an_empty_object_is_refused(self, bench: Bench, large: bool | None) -> None:
        bench.storage.put("a", b"")

        with pytest.raises(AlreadyExistsError):
            bench.storage.put("a", _body(bench, large, 1), CREATE)

        assert b"" == bench.peek("a")

    @needs(Capability.CREATE_ONLY, _create)
    def test_creating_over_what_another_client_wrote_is_refused(self, bench: Bench) -> None:
        bench.poke("a", b"theirs")

        with pytest.raises(AlreadyExistsError):
            bench.storage.put("a", b"ours", CREATE)

        assert b"theirs" == bench.peek("a")

    @needs(Capability.CREATE_ONLY, _create)
    def test_a_refused_create_can_be_repeated_and_stays_refused(self, bench: Bench) -> None:
        bench.storage.put("a", b"1", CREATE)

        for _ in range(3):
            with pytest.raises(AlreadyExistsError):
                bench.storage.put("a", b"1", CREATE)

        assert b"1" == bench.peek("a")

    @needs(Capability.CREATE_ONLY, _create)
    def test_a_deleted_key_can_be_created_again(self, bench: Bench) -> None:
        bench.storage.put("a", b"1", CREATE)
        bench.storage.delete("a")

        bench.storage.put("a", b"2", CREATE)

        assert b"2" == bench.peek("a")

    @needs(Capability.CREATE_ONLY, _create)
    def test_a_body_of_unknown_length_is_created_or_refused_as_well(self, bench: Bench) -> None:
        bench.storage.put("a", iter([b"1", b"2"]), CREATE)

        with pytest.raises(AlreadyExistsError):
            bench.storage.put("a", iter([b"3"]), CREATE)

        assert b"12" == bench.peek("a")

    def test_a_file_opened_to_create_is_refused_when_the_key_exists(self, bench: Bench) -> None:
        def write(storage: Storage) -> None:
            with storage.open("a", "xb") as file:
                file.write(b"second")

        if not bench.proves(Capability.CREATE_ONLY, write):
            return
        bench.storage.put("a", b"first")

        with pytest.raises(AlreadyExistsError):
            write(bench.storage)

        assert b"first" == bench.peek("a")

    @_SIZES
    @needs(Capability.CONDITIONAL, _match)
    def test_replacing_the_current_version_is_done(self, bench: Bench, large: bool | None) -> None:
        old, data = bench.storage.put("a", b"old"), _body(bench, large, 1)

        new = bench.storage.put("a", data, PutOptions(if_match=old.etag))

        assert data == bench.peek("a")
        assert new.etag == bench.storage.head("a").etag

    @_SIZES
    @needs(Capability.CONDITIONAL, _match)
    def test_replacing_another_version_is_refused_and_changes_nothing(self, bench: Bench, large: bool | None) -> None:
        stale = bench.storage.put("a", b"one")
        bench.storage.put("a", b"two")

        with pytest.raises(PreconditionFailedError):
            bench.storage.put("a", _body(bench, large, 1), PutOptions(if_match=stale.etag))

        assert b"two" == bench.peek("a")

    @needs(Capability.CONDITIONAL, _match)
    def test_replacing_what_another_client_changed_is_refused(self, bench: Bench) -> None:
        old = bench.storage.put("a", b"old")
        bench.poke("a", b"theirs")

        with pytest.raises(PreconditionFailedError):
            bench.storage.put("a", b"ours", PutOptions(if_match=old.etag))

        assert b"theirs" == bench.peek("a")

    @needs(Capability.CONDITIONAL, _match)
    def test_replacing_what_is_gone_is_refused(self, bench: Bench) -> None:
        old = bench.storage.put("a", b"old")
        bench.storage.delete("a")

        with pytest.raises(PreconditionFailedError):
            bench.storage.put("a", b"new", PutOptions(if_match=old.etag))

        assert bench.peek("a") is None

    @needs(Capability.CONDITIONAL, _match)
    def test_the_etag_of_a_listing_can_be_matched(self, bench: Bench) -> None:
        bench.storage.put("a", b"old")
        [listed] = bench.storage.list()

        bench.storage.put("a", b"new", PutOptions(if_match=listed.etag))

        assert b"new" == bench.peek("a")

    def test_a_create_with_if_match_makes_no_sense_and_reaches_no_provider(self, bench: Bench) -> None:
        recording, storage = bench.recorded()
        both = {Capability.CREATE_ONLY, Capability.CONDITIONAL}

        # ValueError where the provider could do each of them, NotSupportedError where it cannot.
        with pytest.raises(ValueError if both <= bench.provider.info.capabilities else Exception):
            storage.put("a", b"1", PutOptions(mode=PutMode.CREATE, if_match="v"))

        assert [] == recording.calls
