"""What uploads that another process goes on with owe wherever there are any: in parts, or in order only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from ..capabilities import Capability
from ..errors import (
    AlreadyExistsError,
    IntegrityError,
    InvalidKeyError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    SettingsError,
)
from ..storage.aio import AsyncStorage
from ..storage.sync import Storage
from ..types import PendingUpload, PutMode, PutOptions, UploadState
from .bench import CREATE, Bench, pattern, race, sha256
from .recording import RecordingProvider
from .uploading import passed_on, sealed

_CHANGES: dict[str, Callable[[UploadState], UploadState]] = {
    "key": lambda state: replace(state, key="b"),
    "upload_id": lambda state: replace(state, upload_id="another"),
    "size": lambda state: replace(state, size=6),
    "part_bytes": lambda state: replace(state, part_bytes=7 << 20),
    "mode": lambda state: replace(state, mode=PutMode.CREATE),
    "if_match": lambda state: replace(state, if_match="another"),
    "write_token": lambda state: replace(state, write_token="0123456789abcdef"),  # noqa: S106  # no secret
    "sha256": lambda state: replace(state, sha256="0" * 64),
    "provider_state": lambda state: replace(state, provider_state="{}"),
    "scope": lambda state: replace(state, scope="tenant 1/"),
    "no mac": lambda state: replace(state, mac=""),
    "another mac": lambda state: replace(state, mac=f"{'0' * 16}.{'0' * 64}"),
}
"""What may be changed on the way, each alone."""


def _can(bench: Bench) -> bool:
    """Say whether uploads are resumed here; else assert that they are refused."""
    return bench.can(Capability.RESUME) or bench.proves(Capability.PARTS, lambda storage: storage.begin_upload("a", 1))


def _begin(storage: Storage, key: str, body: bytes, options: PutOptions | None = None) -> UploadState:
    """Begin an upload and return its state as another process reads it."""
    state = storage.begin_upload(key, len(body), options or PutOptions(), sha256=sha256(body))
    return passed_on(state)


def _break_off(bench: Bench, state: UploadState, body: bytes, after: int) -> None:
    """Resume an upload as a process does that is killed after it has read *after* bytes of it."""

    def report(done: int, _: int | None) -> None:
        if done > after:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.storage.resume_upload(state, bytearray(body), on_progress=report)


class ResumeContract:
    """Uploads whose sha256 is given at the start; begun here and resumed anywhere."""

    @pytest.mark.parametrize("part", [0.0, 0.5, 0.9])
    def test_an_upload_is_gone_on_with_after_its_process_was_killed(self, bench: Bench, part: float) -> None:
        if not _can(bench):
            return
        body = pattern(bench.harness.resumed_bytes)
        state = _begin(bench.storage, "folder/a.pdf", body)
        _break_off(bench, state, body, int(len(body) * part))
        seen = bench.peek("folder/a.pdf"), bench.keys()

        info = bench.storage.resume_upload(state, body)

        assert (None, []) == seen
        assert ("folder/a.pdf", len(body), sha256(body)) == (info.key, info.size, info.sha256)
        assert body == bench.peek("folder/a.pdf")

    @pytest.mark.parametrize("size", [0, 1, 5])
    def test_a_small_upload_is_resumed_as_well(self, bench: Bench, size: int) -> None:
        if not _can(bench):
            return
        body = pattern(size)

        info = bench.storage.resume_upload(_begin(bench.storage, "a", body), body)

        assert (size, sha256(body)) == (info.size, info.sha256)
        assert body == bench.peek("a")

    def test_an_upload_that_is_thrown_away_is_gone(self, bench: Bench) -> None:
        if not _can(bench):
            return
        body = pattern(bench.harness.resumed_bytes)
        state = _begin(bench.storage, "a", body)
        _break_off(bench, state, body, len(body) // 2)

        bench.storage.abort_upload(state)
        bench.storage.abort_upload(state)

        with pytest.raises(NotFoundError):
            bench.storage.resume_upload(state, body)
        assert [] == bench.keys()

    def test_an_upload_that_no_listing_gave_is_not_thrown_away(self, bench: Bench) -> None:
        """Where a service lists no uploads their ids may be addresses, and no caller may make one up."""
        if not _can(bench) or bench.provider.info.can(Capability.PARTS):
            return
        body = pattern(bench.harness.resumed_bytes)
        state = _begin(bench.storage, "a", body)

        with pytest.raises(NotSupportedError):
            bench.storage.abort_upload(PendingUpload(key="a", upload_id=state.upload_id, begun_at=None))

        assert len(body) == bench.storage.resume_upload(state, body).size

    def test_the_right_body_is_stored_after_another_one_was_refused(self, bench: Bench) -> None:
        if not _can(bench):
            return
        right, wrong = (pattern(bench.harness.resumed_bytes, seed) for seed in (0, 1))
        state = _begin(bench.storage, "a", right)
        _break_off(bench, state, right, len(right) // 2)

        with pytest.raises(IntegrityError):
            bench.storage.resume_upload(state, wrong)
        bench.storage.resume_upload(state, right)

        assert right == bench.peek("a")

    @pytest.mark.parametrize("options", [PutOptions(), CREATE], ids=["replace", "create"])
    def test_what_came_to_the_key_meanwhile_is_treated_as_the_mode_says(
        self, bench: Bench, options: PutOptions
    ) -> None:
        if not _can(bench):
            return
        body = pattern(bench.harness.resumed_bytes)
        try:
            state = _begin(bench.storage, "a", body, options)
        except NotSupportedError:
            assert options is CREATE  # a service that has no conditions for uploads in parts
            return
        bench.storage.put("a", b"theirs")

        if options is CREATE:
            with pytest.raises(AlreadyExistsError):
                bench.storage.resume_upload(state, body)
        else:
            bench.storage.resume_upload(state, body)

        assert (b"theirs" if options is CREATE else body) == bench.peek("a")

    @pytest.mark.parametrize("replaced", [False, True])
    def test_a_version_is_replaced_while_it_is_that_one(self, bench: Bench, replaced: bool) -> None:
        if not _can(bench) or not bench.can(Capability.CONDITIONAL):
            return
        body = pattern(bench.harness.resumed_bytes)
        etag = bench.storage.put("a", b"first").etag
        try:
            state = _begin(bench.storage, "a", body, PutOptions(if_match=etag))
        except NotSupportedError:
            return
        if replaced:
            bench.storage.put("a", b"second")
            with pytest.raises(PreconditionFailedError):
                bench.storage.resume_upload(state, body)
        else:
            bench.storage.resume_upload(state, body)

        assert (b"second" if replaced else body) == bench.peek("a")

    def test_two_processes_that_resume_one_upload_make_one_object(self, bench: Bench) -> None:
        if not _can(bench):
            return
        body = pattern(bench.harness.resumed_bytes)
        state = _begin(bench.storage, "a", body)

        outcomes = race(2, lambda _: bench.storage.resume_upload(state, body))

        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        assert all(isinstance(error, NotFoundError) for error in errors), errors
        assert len(errors) < 2
        assert body == bench.peek("a")
        assert ["a"] == bench.keys()

    def test_an_upload_that_was_completed_stays_as_it_is(self, bench: Bench) -> None:
        if not _can(bench):
            return
        body = pattern(bench.harness.resumed_bytes)
        state = _begin(bench.storage, "a", body)
        first = bench.storage.resume_upload(state, body)

        with suppress(NotFoundError):  # a provider that cannot tell
            bench.storage.resume_upload(state, body)

        assert first.etag == bench.storage.head("a").etag
        assert body == bench.peek("a")

    def test_the_state_of_another_place_or_folder_reaches_nothing(self, bench: Bench) -> None:
        if not _can(bench):
            return
        state = _begin(bench.storage.scoped("tenant-1"), "a", b"12345")
        recording, storage = bench.recorded()
        other = storage.scoped("tenant-2")

        outside = (state, replace(state, scope=f"{other.prefix}../tenant-1/"), replace(state, key="../tenant-2/a"))
        for forged in (sealed(storage, forged) for forged in outside):
            with pytest.raises(InvalidKeyError):
                other.resume_upload(forged, b"12345")
            with pytest.raises(InvalidKeyError):
                other.abort_upload(forged)
        for forged in (replace(state, location="elsewhere"), replace(state, provider="another")):
            with pytest.raises(SettingsError):
                storage.resume_upload(forged, b"12345")
            with pytest.raises(SettingsError):
                storage.abort_upload(forged)

        assert [] == recording.calls
        if bench.can(Capability.PARTS):
            assert [state.upload_id] == [upload.upload_id for upload in bench.storage.pending_uploads()]
        assert "tenant-1/a" == bench.storage.resume_upload(state, b"12345").key
        assert ["tenant-1/a"] == bench.keys()

    @pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES)
    def test_an_altered_state_is_refused_before_any_request(
        self, bench: Bench, change: Callable[[UploadState], UploadState]
    ) -> None:
        if not _can(bench):
            return
        state = _begin(bench.storage, "a", b"12345")
        recording, storage = bench.recorded()
        altered = change(state)
        calls: list[Callable[[], object]] = [
            lambda: storage.resume_upload(altered, b"12345"),
            lambda: storage.abort_upload(altered),
            lambda: asyncio.run(AsyncStorage(storage).resume_upload(altered, b"12345")),
        ]
        if bench.can(Capability.PARTS):
            calls.append(lambda: storage.complete_upload(altered))
        if bench.can(Capability.PARTS) and bench.can(Capability.PRESIGN):
            calls.append(lambda: storage.presign_upload(altered, timedelta(hours=1)))

        for call in calls:
            with pytest.raises(SettingsError, match=r"altered|not sealed|not at hand"):
                call()

        assert [] == recording.calls
        assert b"12345" == bench.peek(storage.resume_upload(state, b"12345").key)

    def test_a_state_is_good_for_those_who_have_the_key(self, bench: Bench) -> None:
        if not _can(bench):
            return
        with (
            Storage(RecordingProvider(bench.provider), prefix=bench.prefix, state_key=b"k" * 32) as ours,
            Storage(RecordingProvider(bench.provider), prefix=bench.prefix, state_key=b"k" * 32) as same,
        ):
            state = _begin(ours, "a", b"12345")

            with pytest.raises(SettingsError, match="state_key"):
                bench.storage.resume_upload(state, b"12345")
            same.resume_upload(state, b"12345")
            assert b"12345" == bench.peek("a")

    def test_an_upload_is_resumed_on_asyncio(self, bench: Bench) -> None:
        if not _can(bench):
            return
        body = pattern(bench.harness.resumed_bytes)

        async def upload() -> int:
            storage = AsyncStorage(bench.storage)
            state = await storage.begin_upload("a", len(body), sha256=sha256(body))
            gone = await storage.begin_upload("b", len(body), sha256=sha256(body))
            await storage.abort_upload(gone)
            return (await storage.resume_upload(state, body)).size

        assert len(body) == asyncio.run(upload())
        assert (body, None) == (bench.peek("a"), bench.peek("b"))
