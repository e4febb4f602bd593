"""What uploads in parts owe when something fails, is repeated, or is done twice at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from ..capabilities import Capability
from ..errors import IntegrityError, NotFoundError, UnavailableError
from ..storage.aio import AsyncStorage
from .bench import Bench, needs, race, sha256
from .faults import Fault, Raise
from .uploading import large_body, list_uploads, passed_on


class PartFaultContract:
    """Uploads in parts that are broken off, repeated, or resumed by two."""

    @needs(Capability.PARTS, list_uploads)
    def test_a_completed_upload_stays_as_it_is_when_it_is_resumed_again(self, bench: Bench) -> None:
        body = large_body(bench)
        state = bench.storage.begin_upload("a", len(body), sha256=sha256(body))
        first = bench.storage.resume_upload(state, body)

        with suppress(NotFoundError):  # a provider that cannot tell
            assert first.etag == bench.storage.resume_upload(state, body).etag
        for other in (large_body(bench, 1), b"short"):
            with pytest.raises((IntegrityError, NotFoundError)):
                bench.storage.resume_upload(state, other)

        assert body == bench.peek("a")
        assert first.etag == bench.storage.head("a").etag

    @pytest.mark.parametrize("operation", ["list_parts", "put_part", "complete_upload"])
    @pytest.mark.parametrize("after", [False, True], ids=["asked", "answered"])
    @needs(Capability.PARTS, list_uploads)
    def test_an_upload_survives_a_service_that_fails(self, bench: Bench, operation: str, after: bool) -> None:
        body = large_body(bench)
        state = bench.storage.begin_upload("a", len(body))

        fault = Fault(operation=operation, effect=Raise(UnavailableError("the service is away"), after=after))
        with pytest.raises(UnavailableError):
            bench.faulty(fault).resume_upload(state, body)
        try:
            bench.storage.resume_upload(passed_on(state), body)
        except NotFoundError:  # a provider that cannot tell that it was completed
            assert (operation, after) == ("complete_upload", True)

        assert body == bench.peek("a")
        assert [] == bench.storage.pending_uploads()

    @needs(Capability.PARTS, list_uploads)
    def test_an_upload_survives_a_caller_that_fails(self, bench: Bench) -> None:
        body = large_body(bench)
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

    @needs(Capability.PARTS, list_uploads)
    def test_two_that_resume_the_same_upload_make_one_whole_object(self, bench: Bench) -> None:
        body = large_body(bench)
        state = bench.storage.begin_upload("a", len(body))

        outcomes = race(2, lambda _: bench.storage.resume_upload(state, body))

        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        assert all(isinstance(error, NotFoundError) for error in errors), errors
        assert len(errors) < 2
        assert body == bench.peek("a")

    @needs(Capability.PARTS, list_uploads)
    def test_a_cancelled_task_leaves_the_upload_to_be_resumed(self, bench: Bench) -> None:
        body = large_body(bench)
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
