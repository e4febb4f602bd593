"""What uploads in parts owe: invisible until they end, resumable by whoever has the state, and never another body."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from ..aio import AsyncStorage
from ..errors import (
    AlreadyExistsError,
    FileTooLargeError,
    FileTypeRefusedError,
    IntegrityError,
    InvalidKeyError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    SettingsError,
    UnavailableError,
)
from ..part_uploads import PartExchanges
from ..parts import PartPlan
from ..policy import UploadPolicy
from ..provider import exchanges_of
from ..storage import Storage
from ..types import Capability, PutOptions, UploadState
from .bench import CREATE, Bench, names, pattern, race, sha256
from .faults import Fault, Raise


def _list(storage: Storage) -> object:
    return storage.pending_uploads()  # what no other capability offers


def _passed_on(state: UploadState) -> UploadState:
    """Return the state as another process reads it."""
    return UploadState.from_json(state.to_json())


def _body(bench: Bench, seed: int = 0) -> bytes:
    """Return a body of more than one part wherever large bodies have more."""
    return pattern(bench.harness.large_bytes, seed)


def _put_parts(bench: Bench, state: UploadState, body: bytes, numbers: Sequence[int]) -> None:
    """Put some parts as a process does that is killed afterwards."""
    parts = cast(PartExchanges, exchanges_of(bench.provider).parts)
    spans = dict(PartPlan.resumed(state.size, state.part_bytes).spans())
    inner = replace(state, key=state.scope + state.key, scope="")
    for number in numbers:
        span = spans[number]
        bench.storage.transport.run(parts.put_part(inner, number, body[span.start : span.end]))


def _conditional(bench: Bench, key: str, size: int, options: PutOptions) -> UploadState | None:
    """Begin an upload under a condition; None when the service cannot keep one, and says so now."""
    try:
        return bench.storage.begin_upload(key, size, options)
    except NotSupportedError:
        assert [] == bench.storage.pending_uploads()
        return None


def _numbers(state: UploadState) -> list[int]:
    return [number for number, _ in PartPlan.resumed(state.size, state.part_bytes).spans()]


class PartContract:
    """Uploads in parts, begun here and resumed anywhere."""

    @pytest.mark.parametrize("before", ["none", "the first", "the last", "all, backwards"])
    def test_a_resumed_upload_sends_what_is_missing_only(self, bench: Bench, before: str) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        body = _body(bench)
        state = bench.storage.begin_upload("folder/a.pdf", len(body))
        numbers = _numbers(state)
        done = {"none": [], "the first": numbers[:1], "the last": numbers[-1:], "all, backwards": numbers[::-1]}[before]
        _put_parts(bench, state, body, done)
        recording, storage = bench.recorded()

        info = storage.resume_upload(_passed_on(state), body)

        assert ("folder/a.pdf", len(body), sha256(body)) == (info.key, info.size, info.sha256)
        assert body == bench.peek("folder/a.pdf")
        assert len(numbers) - len(done) == recording.count("put_part")
        assert [] == bench.storage.pending_uploads()

    @pytest.mark.parametrize("size", [0, 1, 5])
    def test_a_small_body_goes_as_well(self, bench: Bench, size: int) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        body = pattern(size)

        info = bench.storage.resume_upload(bench.storage.begin_upload("a", size), body)

        assert (size, sha256(body)) == (info.size, info.sha256)
        assert body == bench.storage.get_bytes("a") == bench.peek("a")

    @pytest.mark.parametrize("before", [None, b"the old object"], ids=["over nothing", "over an object"])
    def test_an_unfinished_upload_cannot_be_seen(self, bench: Bench, before: bytes | None) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        if before is not None:
            bench.storage.put("folder/a", before)
        body = _body(bench)
        state = bench.storage.begin_upload("folder/a", len(body))

        _put_parts(bench, state, body, _numbers(state))

        expected = [] if before is None else ["folder/a"]
        assert before == bench.peek("folder/a")
        assert expected == bench.keys()
        assert ([] if before is None else ["folder/"]) == names(bench.storage.list(recursive=False))
        assert (before is not None) == bench.storage.exists("folder/a")
        if before is None:
            with pytest.raises(NotFoundError):
                bench.storage.get_bytes("folder/a")
        else:
            assert before == bench.storage.get_bytes("folder/a")

    def test_an_aborted_upload_leaves_nothing_and_is_aborted_again_in_silence(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        body = _body(bench)
        state = bench.storage.begin_upload("a", len(body))
        _put_parts(bench, state, body, [1])

        bench.storage.abort_upload(_passed_on(state))
        bench.storage.abort_upload(state)

        assert [] == bench.storage.pending_uploads()
        assert [] == bench.keys()
        with pytest.raises(NotFoundError):
            bench.storage.resume_upload(state, body)
        assert bench.peek("a") is None

    def test_aborting_one_upload_leaves_others_to_the_same_key(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        first, second = (bench.storage.begin_upload("a", 5) for _ in range(2))

        bench.storage.abort_upload(first)

        assert b"12345" == bench.peek(bench.storage.resume_upload(second, b"12345").key)

    def test_unfinished_uploads_are_listed_below_a_prefix(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        before, awkward = datetime.now(UTC), "ü 1+2 100%20 <&>'=?#.pdf"
        states = {key: bench.storage.begin_upload(key, 5) for key in (f"folder/{awkward}", "folder/b", "fold", "other")}

        found = bench.storage.pending_uploads("folder/")

        assert {(key, state.upload_id) for key, state in states.items() if key.startswith("folder/")} == {
            (upload.key, upload.upload_id) for upload in found
        }
        # Services count in seconds, and by a clock of their own.
        for upload in found:
            assert upload.begun_at is None or abs(upload.begun_at - before) < timedelta(minutes=5)
        assert sorted(states) == sorted(upload.key for upload in bench.storage.pending_uploads())
        assert sorted(["b", awkward]) == sorted(
            upload.key for upload in bench.storage.scoped("folder").pending_uploads()
        )

    def test_young_uploads_are_not_among_the_old_ones(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        bench.storage.begin_upload("a", 5)

        assert [] == bench.storage.pending_uploads(older_than=timedelta(hours=1))
        assert ["a"] == [upload.key for upload in bench.storage.pending_uploads()]

    def test_what_a_listing_of_uploads_gives_can_be_aborted(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        state = bench.storage.begin_upload("folder/a", 5)
        kept = bench.storage.begin_upload("folder/b", 5)

        for upload in bench.storage.pending_uploads("folder/a"):
            bench.storage.abort_upload(upload)

        assert [kept.upload_id] == [upload.upload_id for upload in bench.storage.pending_uploads()]
        with pytest.raises(NotFoundError):
            bench.storage.resume_upload(state, b"12345")

    def test_a_create_only_upload_is_refused_when_the_key_was_taken_meanwhile(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list) or not bench.can(Capability.CREATE_ONLY):
            return
        body = _body(bench)
        state = _conditional(bench, "a", len(body), CREATE)
        if state is None:
            return
        bench.storage.put("a", b"theirs")

        with pytest.raises(AlreadyExistsError):
            bench.storage.resume_upload(_passed_on(state), body)

        assert b"theirs" == bench.peek("a")

    def test_a_create_only_upload_over_an_object_is_refused_at_the_latest_in_the_end(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list) or not bench.can(Capability.CREATE_ONLY):
            return
        bench.storage.put("a", b"theirs")

        with pytest.raises((AlreadyExistsError, NotSupportedError)):
            bench.storage.resume_upload(bench.storage.begin_upload("a", 5, CREATE), b"12345")

        assert b"theirs" == bench.peek("a")

    def test_a_create_only_upload_to_a_free_key_is_done(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list) or not bench.can(Capability.CREATE_ONLY):
            return
        body = _body(bench)
        state = _conditional(bench, "a", len(body), CREATE)
        if state is None:
            return

        bench.storage.resume_upload(_passed_on(state), body)

        assert body == bench.peek("a")

    @pytest.mark.parametrize("replaced", [False, True])
    def test_an_upload_over_a_version_replaces_that_one_only(self, bench: Bench, replaced: bool) -> None:
        if not bench.proves(Capability.PARTS, _list) or not bench.can(Capability.CONDITIONAL):
            return
        body = _body(bench)
        etag = bench.storage.put("a", b"first").etag
        state = _conditional(bench, "a", len(body), PutOptions(if_match=etag))
        if state is None:
            return
        if not replaced:
            bench.storage.resume_upload(_passed_on(state), body)
            assert body == bench.peek("a")
            return
        bench.storage.put("a", b"second")

        with pytest.raises(PreconditionFailedError):
            bench.storage.resume_upload(_passed_on(state), body)

        assert b"second" == bench.peek("a")

    @pytest.mark.parametrize("change", [-1, 1])
    def test_a_body_of_another_size_is_refused_before_anything_is_sent(self, bench: Bench, change: int) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        state = bench.storage.begin_upload("a", 5)
        recording, storage = bench.recorded()

        with pytest.raises(IntegrityError):
            storage.resume_upload(state, pattern(5 + change))

        assert [] == recording.calls
        assert b"12345" == bench.peek(bench.storage.resume_upload(state, b"12345").key)

    def test_another_body_than_was_declared_is_not_stored_and_the_right_one_still_is(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        right, wrong = _body(bench), _body(bench, 1)
        state = bench.storage.begin_upload("a", len(right), sha256=sha256(right).upper())
        _put_parts(bench, state, right, [1])

        with pytest.raises(IntegrityError):
            bench.storage.resume_upload(_passed_on(state), wrong)
        missing = bench.peek("a")
        info = bench.storage.resume_upload(_passed_on(state), right)

        assert missing is None
        assert sha256(right) == info.sha256
        assert right == bench.peek("a")
        assert bench.storage.head("a").sha256 in (
            {sha256(right)} if bench.can(Capability.CHECKSUM) else {sha256(right), None}
        )

    def test_parts_of_another_body_are_sent_again(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        body = _body(bench)
        state = bench.storage.begin_upload("a", len(body))
        _put_parts(bench, state, _body(bench, 1), [1])

        bench.storage.resume_upload(state, body)

        assert body == bench.peek("a")

    def test_what_the_upload_was_begun_with_comes_back(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        metadata = {"Author": "A. Müller"} if bench.can(Capability.METADATA) else {}
        state = bench.storage.begin_upload("plan.pdf", 5, PutOptions(metadata=metadata))

        bench.storage.resume_upload(_passed_on(state), b"12345")

        head = bench.storage.head("plan.pdf")
        assert {name.lower(): value for name, value in metadata.items()} == dict(head.metadata)
        if bench.can(Capability.METADATA):
            assert "application/pdf" == head.content_type

    def test_a_completed_upload_stays_as_it_is_when_it_is_resumed_again(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        body = _body(bench)
        state = bench.storage.begin_upload("a", len(body), sha256=sha256(body))
        first = bench.storage.resume_upload(state, body)

        with suppress(NotFoundError):  # a provider that cannot tell
            assert first.etag == bench.storage.resume_upload(state, body).etag
        for other in (_body(bench, 1), b"short"):
            with pytest.raises((IntegrityError, NotFoundError)):
                bench.storage.resume_upload(state, other)

        assert body == bench.peek("a")
        assert first.etag == bench.storage.head("a").etag

    @pytest.mark.parametrize("operation", ["list_parts", "put_part", "complete_upload"])
    @pytest.mark.parametrize("after", [False, True], ids=["asked", "answered"])
    def test_an_upload_survives_a_service_that_fails(self, bench: Bench, operation: str, after: bool) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        body = _body(bench)
        state = bench.storage.begin_upload("a", len(body))

        fault = Fault(operation=operation, effect=Raise(UnavailableError("the service is away"), after=after))
        with pytest.raises(UnavailableError):
            bench.faulty(fault).resume_upload(state, body)
        try:
            bench.storage.resume_upload(_passed_on(state), body)
        except NotFoundError:  # a provider that cannot tell that it was completed
            assert (operation, after) == ("complete_upload", True)

        assert body == bench.peek("a")
        assert [] == bench.storage.pending_uploads()

    def test_an_upload_survives_a_caller_that_fails(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        body = _body(bench)
        state = bench.storage.begin_upload("a", len(body))

        def report(done: int, total: int | None) -> None:
            assert total == len(body)
            if done == total:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            bench.storage.resume_upload(state, bytearray(body), on_progress=report)
        left = bench.peek("a")
        bench.storage.resume_upload(state, body)

        assert left is None
        assert body == bench.peek("a")

    def test_two_that_resume_the_same_upload_make_one_whole_object(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        body = _body(bench)
        state = bench.storage.begin_upload("a", len(body))

        outcomes = race(2, lambda _: bench.storage.resume_upload(state, body))

        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        assert all(isinstance(error, NotFoundError) for error in errors), errors
        assert len(errors) < 2
        assert body == bench.peek("a")

    def test_an_upload_of_another_place_is_refused_before_any_request(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        state = bench.storage.begin_upload("a", 5)
        recording, storage = bench.recorded()

        for other in (replace(state, location="elsewhere"), replace(state, provider="another")):
            with pytest.raises(SettingsError):
                storage.resume_upload(other, b"12345")
            with pytest.raises(SettingsError):
                storage.abort_upload(other)

        assert [] == recording.calls
        assert [state.upload_id] == [upload.upload_id for upload in bench.storage.pending_uploads()]

    def test_an_upload_of_another_folder_is_refused_before_any_request(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        state = bench.storage.scoped("tenant-1").begin_upload("a", 5)
        recording, storage = bench.recorded()
        other = storage.scoped("tenant-2")

        for forged in (state, replace(state, scope=f"{other.prefix}../tenant-1/"), replace(state, key="../tenant-2/a")):
            with pytest.raises(InvalidKeyError):
                other.resume_upload(forged, b"12345")
            with pytest.raises(InvalidKeyError):
                other.abort_upload(forged)

        assert [] == recording.calls
        assert "tenant-1/a" == bench.storage.resume_upload(state, b"12345").key
        assert ["tenant-1/a"] == bench.keys()

    def test_an_upload_id_is_good_for_its_own_key_only(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        state = bench.storage.begin_upload("theirs", 5)
        forged = replace(state, key="mine")

        with pytest.raises(NotFoundError):
            bench.storage.resume_upload(forged, b"12345")
        bench.storage.abort_upload(forged)

        assert [state.upload_id] == [upload.upload_id for upload in bench.storage.pending_uploads()]
        assert [] == bench.keys()

    def test_policy_and_limits_hold_from_the_beginning(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        recording, storage = bench.recorded()
        strict = storage.with_policy(UploadPolicy(max_file_bytes=1_000, ceiling=1_000, extensions=frozenset({"pdf"})))

        with pytest.raises(FileTypeRefusedError):
            strict.begin_upload("a.exe", 5)
        with pytest.raises(FileTooLargeError):
            strict.begin_upload("a.pdf", 1_001)
        with pytest.raises(FileTooLargeError):
            storage.begin_upload("a", bench.provider.info.max_object_bytes + 1)
        with pytest.raises(ValueError, match="0 bytes or more"):
            storage.begin_upload("a", -1)
        with pytest.raises(ValueError, match="64 hexadecimal"):
            storage.begin_upload("a", 5, sha256="not one")

        assert [] == recording.calls

    def test_a_cancelled_task_leaves_the_upload_to_be_resumed(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        body = _body(bench)
        state = bench.storage.begin_upload("a", len(body))

        async def cancel_midway() -> None:
            loop = asyncio.get_running_loop()

            def report(*_: int | None) -> None:
                loop.call_soon_threadsafe(task.cancel)

            resuming = AsyncStorage(bench.storage).resume_upload(state, bytearray(body), on_progress=report)
            task = asyncio.ensure_future(resuming)
            with suppress(asyncio.CancelledError):  # what is too late has been done whole
                await task

        asyncio.run(cancel_midway())

        assert bench.peek("a") in (None, body)
        with suppress(NotFoundError):
            bench.storage.resume_upload(state, body)
        assert body == bench.peek("a")

    def test_uploads_in_parts_work_on_asyncio(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, _list):
            return
        body = _body(bench)

        async def upload() -> tuple[int, list[str], list[str]]:
            storage = AsyncStorage(bench.storage)
            state = await storage.begin_upload("a", len(body))
            thrown_away = await storage.begin_upload("b", 5)
            begun = [upload.key for upload in await storage.pending_uploads()]
            await storage.abort_upload(thrown_away)
            info = await storage.resume_upload(state, body)
            return info.size, begun, [upload.key for upload in await storage.pending_uploads()]

        size, begun, left = asyncio.run(upload())

        assert (len(body), ["a", "b"], []) == (size, sorted(begun), left)
        assert body == bench.peek("a")
