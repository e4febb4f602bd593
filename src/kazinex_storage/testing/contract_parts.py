"""What uploads in parts owe: invisible until completed, resumable by anyone who has the state, never another body."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ..capabilities import Capability
from ..errors import (
    AlreadyExistsError,
    FileTooLargeError,
    FileTypeRefusedError,
    IntegrityError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    SettingsError,
)
from ..policy import UploadPolicy
from ..storage.aio import AsyncStorage
from ..types import PutOptions
from .bench import CREATE, Bench, names, needs, pattern, sha256
from .uploading import begin_under, large_body, list_uploads, numbers_of, passed_on, put_parts, sealed


class PartContract:
    """Uploads in parts, begun here and resumed anywhere."""

    @pytest.mark.parametrize("before", ["none", "the first", "the last", "all, backwards"])
    @needs(Capability.PARTS, list_uploads)
    def test_a_resumed_upload_sends_what_is_missing_only(self, bench: Bench, before: str) -> None:
        body = large_body(bench)
        state = bench.storage.begin_upload("folder/a.pdf", len(body))
        numbers = numbers_of(state)
        done = {"none": [], "the first": numbers[:1], "the last": numbers[-1:], "all, backwards": numbers[::-1]}[before]
        put_parts(bench, state, body, done)
        recording, storage = bench.recorded()

        info = storage.resume_upload(passed_on(state), body)

        assert ("folder/a.pdf", len(body), sha256(body)) == (info.key, info.size, info.sha256)
        assert body == bench.peek("folder/a.pdf")
        assert len(numbers) - len(done) == recording.count("put_part")
        assert [] == bench.storage.pending_uploads()

    @pytest.mark.parametrize("size", [0, 1, 5])
    @needs(Capability.PARTS, list_uploads)
    def test_a_small_body_goes_as_well(self, bench: Bench, size: int) -> None:
        body = pattern(size)

        info = bench.storage.resume_upload(bench.storage.begin_upload("a", size), body)

        assert (size, sha256(body)) == (info.size, info.sha256)
        assert body == bench.storage.get_bytes("a") == bench.peek("a")

    @needs(Capability.PARTS, list_uploads)
    def test_an_upload_that_another_body_completed_is_not_said_to_hold_this_one(self, bench: Bench) -> None:
        """No sha256 was declared, and none need be kept of what was sent in parts: then the object is read."""
        other, mine = pattern(5000), pattern(5000, 1)
        state = bench.storage.begin_upload("a", len(mine))
        bench.storage.resume_upload(passed_on(state), other)

        with pytest.raises((IntegrityError, NotFoundError)):
            bench.storage.resume_upload(passed_on(state), mine)

        assert other == bench.peek("a")

    @pytest.mark.parametrize("size", [0, 5])
    @needs(Capability.PARTS, list_uploads)
    def test_what_others_sent_is_made_the_object_by_its_state(self, bench: Bench, size: int) -> None:
        body = pattern(size)
        state = bench.storage.begin_upload("a", size)
        put_parts(bench, state, body, numbers_of(state))

        info = bench.storage.complete_upload(passed_on(state))

        assert ("a", size) == (info.key, info.size)
        assert body == bench.peek("a")
        assert [] == bench.storage.pending_uploads()

    @needs(Capability.PARTS, list_uploads)
    def test_a_state_of_parts_that_the_service_does_not_take_is_refused(self, bench: Bench) -> None:
        state, rule = bench.storage.begin_upload("a", 5), bench.storage.info.part_rule
        assert rule is not None
        many = sealed(bench.storage, replace(state, size=(rule.max_parts + 1) * state.part_bytes))
        large = sealed(bench.storage, replace(state, part_bytes=rule.max_part_bytes + 1))
        recording, storage = bench.recorded()

        with pytest.raises(SettingsError, match="begin the upload again"):
            storage.resume_upload(large, pattern(5))
        for altered in (many, large):
            with pytest.raises((SettingsError, FileTooLargeError), match=r"begin the upload again|thrown away"):
                storage.complete_upload(altered)

        assert 0 == recording.count("put_part") + recording.count("complete_upload")
        storage.abort_upload(state)
        assert [] == storage.pending_uploads()

    @pytest.mark.parametrize("before", [None, b"the old object"], ids=["over nothing", "over an object"])
    @needs(Capability.PARTS, list_uploads)
    def test_an_unfinished_upload_cannot_be_seen(self, bench: Bench, before: bytes | None) -> None:
        if before is not None:
            bench.storage.put("folder/a", before)
        body = large_body(bench)
        state = bench.storage.begin_upload("folder/a", len(body))

        put_parts(bench, state, body, numbers_of(state))

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

    @needs(Capability.PARTS, list_uploads)
    def test_an_aborted_upload_leaves_nothing_and_is_aborted_again_in_silence(self, bench: Bench) -> None:
        body = large_body(bench)
        state = bench.storage.begin_upload("a", len(body))
        put_parts(bench, state, body, [1])

        bench.storage.abort_upload(passed_on(state))
        bench.storage.abort_upload(state)

        assert [] == bench.storage.pending_uploads()
        assert [] == bench.keys()
        with pytest.raises(NotFoundError):
            bench.storage.resume_upload(state, body)
        assert bench.peek("a") is None

    @needs(Capability.PARTS, list_uploads)
    def test_aborting_one_upload_leaves_others_to_the_same_key(self, bench: Bench) -> None:
        first, second = (bench.storage.begin_upload("a", 5) for _ in range(2))

        bench.storage.abort_upload(first)

        assert b"12345" == bench.peek(bench.storage.resume_upload(second, b"12345").key)

    @needs(Capability.PARTS, list_uploads)
    def test_unfinished_uploads_are_listed_below_a_prefix(self, bench: Bench) -> None:
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

    @needs(Capability.PARTS, list_uploads)
    def test_young_uploads_are_not_among_the_old_ones(self, bench: Bench) -> None:
        bench.storage.begin_upload("a", 5)

        assert [] == bench.storage.pending_uploads(older_than=timedelta(hours=1))
        assert ["a"] == [upload.key for upload in bench.storage.pending_uploads()]

    @needs(Capability.PARTS, list_uploads)
    def test_what_a_listing_of_uploads_gives_can_be_aborted(self, bench: Bench) -> None:
        state = bench.storage.begin_upload("folder/a", 5)
        kept = bench.storage.begin_upload("folder/b", 5)

        for upload in bench.storage.pending_uploads("folder/a"):
            bench.storage.abort_upload(upload)

        assert [kept.upload_id] == [upload.upload_id for upload in bench.storage.pending_uploads()]
        with pytest.raises(NotFoundError):
            bench.storage.resume_upload(state, b"12345")

    def test_a_create_only_upload_is_refused_when_the_key_was_taken_meanwhile(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, list_uploads) or not bench.can(Capability.CREATE_ONLY):
            return
        body = large_body(bench)
        state = begin_under(bench, "a", len(body), CREATE)
        if state is None:
            return
        bench.storage.put("a", b"theirs")

        with pytest.raises(AlreadyExistsError):
            bench.storage.resume_upload(passed_on(state), body)

        assert b"theirs" == bench.peek("a")

    def test_a_create_only_upload_over_an_object_is_refused_at_the_latest_in_the_end(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, list_uploads) or not bench.can(Capability.CREATE_ONLY):
            return
        bench.storage.put("a", b"theirs")

        with pytest.raises((AlreadyExistsError, NotSupportedError)):
            bench.storage.resume_upload(bench.storage.begin_upload("a", 5, CREATE), b"12345")

        assert b"theirs" == bench.peek("a")

    def test_a_create_only_upload_to_a_free_key_is_done(self, bench: Bench) -> None:
        if not bench.proves(Capability.PARTS, list_uploads) or not bench.can(Capability.CREATE_ONLY):
            return
        body = large_body(bench)
        state = begin_under(bench, "a", len(body), CREATE)
        if state is None:
            return

        bench.storage.resume_upload(passed_on(state), body)

        assert body == bench.peek("a")

    @pytest.mark.parametrize("replaced", [False, True])
    def test_an_upload_over_a_version_replaces_that_one_only(self, bench: Bench, replaced: bool) -> None:
        if not bench.proves(Capability.PARTS, list_uploads) or not bench.can(Capability.CONDITIONAL):
            return
        body = large_body(bench)
        etag = bench.storage.put("a", b"first").etag
        state = begin_under(bench, "a", len(body), PutOptions(if_match=etag))
        if state is None:
            return
        if not replaced:
            bench.storage.resume_upload(passed_on(state), body)
            assert body == bench.peek("a")
            return
        bench.storage.put("a", b"second")

        with pytest.raises(PreconditionFailedError):
            bench.storage.resume_upload(passed_on(state), body)

        assert b"second" == bench.peek("a")

    @pytest.mark.parametrize("change", [-1, 1])
    @needs(Capability.PARTS, list_uploads)
    def test_a_body_of_another_size_is_refused_before_anything_is_sent(self, bench: Bench, change: int) -> None:
        state = bench.storage.begin_upload("a", 5)
        recording, storage = bench.recorded()

        with pytest.raises(IntegrityError):
            storage.resume_upload(state, pattern(5 + change))

        assert [] == recording.calls
        assert b"12345" == bench.peek(bench.storage.resume_upload(state, b"12345").key)

    @needs(Capability.PARTS, list_uploads)
    def test_another_body_than_was_declared_is_not_stored_and_the_right_one_still_is(self, bench: Bench) -> None:
        right, wrong = large_body(bench), large_body(bench, 1)
        state = bench.storage.begin_upload("a", len(right), sha256=sha256(right).upper())
        put_parts(bench, state, right, [1])

        with pytest.raises(IntegrityError):
            bench.storage.resume_upload(passed_on(state), wrong)
        missing = bench.peek("a")
        info = bench.storage.resume_upload(passed_on(state), right)

        assert missing is None
        assert sha256(right) == info.sha256
        assert right == bench.peek("a")
        assert bench.storage.head("a").sha256 in (
            {sha256(right)} if bench.can(Capability.CHECKSUM) else {sha256(right), None}
        )

    @needs(Capability.PARTS, list_uploads)
    def test_parts_of_another_body_are_sent_again(self, bench: Bench) -> None:
        body = large_body(bench)
        state = bench.storage.begin_upload("a", len(body))
        put_parts(bench, state, large_body(bench, 1), [1])

        bench.storage.resume_upload(state, body)

        assert body == bench.peek("a")

    @needs(Capability.PARTS, list_uploads)
    def test_what_the_upload_was_begun_with_comes_back(self, bench: Bench) -> None:
        metadata = {"Author": "A. Müller"} if bench.can(Capability.METADATA) else {}
        state = bench.storage.begin_upload("plan.pdf", 5, PutOptions(metadata=metadata))

        bench.storage.resume_upload(passed_on(state), b"12345")

        head = bench.storage.head("plan.pdf")
        assert {name.lower(): value for name, value in metadata.items()} == dict(head.metadata)
        if bench.can(Capability.METADATA):
            assert "application/pdf" == head.content_type

    @needs(Capability.PARTS, list_uploads)
    def test_an_upload_id_is_good_for_its_own_key_only(self, bench: Bench) -> None:
        state = bench.storage.begin_upload("theirs", 5)
        forged = sealed(bench.storage, replace(state, key="mine"))

        with pytest.raises(NotFoundError):
            bench.storage.resume_upload(forged, b"12345")
        bench.storage.abort_upload(forged)

        assert [state.upload_id] == [upload.upload_id for upload in bench.storage.pending_uploads()]
        assert [] == bench.keys()

    @needs(Capability.PARTS, list_uploads)
    def test_policy_and_limits_hold_from_the_beginning(self, bench: Bench) -> None:
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

    @needs(Capability.PARTS, list_uploads)
    def test_the_policy_of_now_holds_for_an_upload_of_earlier(self, bench: Bench) -> None:
        body = pattern(5)
        states = {key: bench.storage.begin_upload(key, len(body)) for key in ("a.exe", "a.pdf")}
        for state in states.values():
            put_parts(bench, state, body, [1])
        strict = bench.storage.with_policy(UploadPolicy(max_file_bytes=4, ceiling=4, extensions=frozenset({"pdf"})))

        for key, refusal in (("a.exe", FileTypeRefusedError), ("a.pdf", FileTooLargeError)):
            with pytest.raises(refusal):
                strict.resume_upload(states[key], body)
            if bench.can(Capability.PRESIGN):
                with pytest.raises(refusal):
                    strict.presign_upload(states[key], timedelta(hours=1))
            with pytest.raises(refusal, match="thrown away"):
                strict.complete_upload(states[key])

        assert [] == bench.storage.pending_uploads()
        assert [] == bench.keys()

    @needs(Capability.PARTS, list_uploads)
    def test_more_parts_than_were_begun_for_make_no_object(self, bench: Bench) -> None:
        state = bench.storage.begin_upload("a", 5)
        put_parts(bench, state, pattern(5), [1])
        put_parts(bench, replace(state, size=2 * state.part_bytes), bytes(2 * state.part_bytes), [2])
        strict = bench.storage.with_policy(UploadPolicy(max_file_bytes=5, ceiling=5))

        with pytest.raises(IntegrityError):
            bench.storage.complete_upload(state)
        with pytest.raises(FileTooLargeError, match="thrown away"):
            strict.complete_upload(state)

        assert [] == bench.storage.pending_uploads()
        assert [] == bench.keys()

    @needs(Capability.PARTS, list_uploads)
    def test_uploads_in_parts_work_on_asyncio(self, bench: Bench) -> None:
        body = large_body(bench)

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
