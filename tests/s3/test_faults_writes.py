"""Writes through a network that fails: the whole right object or none, nothing left behind, never a wrong answer."""

from __future__ import annotations

import asyncio
import zlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    AsyncStorage,
    AuthenticationError,
    IntegrityError,
    ObjectInfo,
    PreconditionFailedError,
    PutMode,
    PutOptions,
    RateLimitedError,
    StorageError,
    UnavailableError,
)
from kazinex_storage.testing.bench import is_proved

from .faulty import Faulty
from .proxy import Action, Forward, Line, Seen, cut_after, cut_before, fails, flip_request, says, stall

SMALL = b"a document" * 100
LARGE = bytes(range(256)) * (9 * 4096 + 1)  # a little more than 9 MiB: two parts
CREATE = PutOptions(mode=PutMode.CREATE)
PAGE = b"<!DOCTYPE html><html><title>Welcome to the hotel</title></html>"


def done_but_failed(line: Line, seen: Seen, forward: Forward) -> None:
    """The server has done it, and says inside a 200 that it failed."""
    forward(seen)
    says(200, b"<Error><Code>InternalError</Code></Error>")(line, seen, forward)


BODIES = pytest.mark.parametrize(("body", "publishes"), [(SMALL, "put"), (LARGE, "complete")], ids=["small", "large"])


@BODIES
@pytest.mark.parametrize("action", [cut_before, cut_after], ids=["before", "after"])
@pytest.mark.parametrize("mode", list(PutMode), ids=lambda mode: mode.value)
def test_a_write_whose_connection_broke_is_repeated(
    faulty: Faulty, body: bytes, publishes: str, action: Action, mode: PutMode
) -> None:
    """After the server has stored it, a create-only repeat meets its own object, and knows it by its mark."""
    faulty.front.on(publishes, do=action)

    info = faulty.storage.put("a", body, PutOptions(mode=mode))

    assert 2 == faulty.front.count(publishes)
    assert body == faulty.stored("a")
    assert len(body) == info.size
    assert is_proved(info, body)
    assert [] == faulty.uploads()


@BODIES
@pytest.mark.parametrize("action", [cut_before, cut_after], ids=["before", "after"])
def test_many_writes_on_a_loop_are_repeated_as_one_is(
    faulty: Faulty, body: bytes, publishes: str, action: Action
) -> None:
    faulty.front.on(publishes, do=action, times=2)

    async def run() -> list[ObjectInfo]:
        return await AsyncStorage(faulty.storage).put_many([("a", body), ("b", body), ("c", body)], CREATE)

    asyncio.run(run())

    assert [body] * 3 == [faulty.stored(key) for key in "abc"]
    assert [] == faulty.uploads()


@BODIES
@pytest.mark.parametrize("action", [cut_before, cut_after], ids=["before", "after"])
def test_an_update_whose_connection_broke_is_repeated(
    faulty: Faulty, body: bytes, publishes: str, action: Action
) -> None:
    before = faulty.storage.put("a", b"before")
    faulty.front.on(publishes, do=action)

    info = faulty.storage.put("a", body, PutOptions(if_match=before.etag))

    assert body == faulty.stored("a")
    assert info.etag == faulty.storage.head("a").etag


@BODIES
def test_an_object_of_the_same_bytes_by_another_writer_is_not_taken_for_ones_own(
    faulty: Faulty, body: bytes, publishes: str
) -> None:
    faulty.storage.put("a", body, CREATE)
    faulty.front.on(publishes, do=cut_after, times=2)

    with pytest.raises(AlreadyExistsError):
        faulty.storage.put("a", body, CREATE)


@BODIES
def test_an_update_by_another_writer_is_not_taken_for_ones_own(faulty: Faulty, body: bytes, publishes: str) -> None:
    before = faulty.storage.put("a", b"before")
    faulty.storage.put("a", body, PutOptions(if_match=before.etag))
    faulty.front.on(publishes, do=cut_after, times=2)

    with pytest.raises(PreconditionFailedError):
        faulty.storage.put("a", body, PutOptions(if_match=before.etag))


@BODIES
@pytest.mark.parametrize("options", [CREATE, None], ids=["create", "update"])
def test_a_write_that_may_have_succeeded_is_never_reported_as_refused(
    faulty: Faulty, body: bytes, publishes: str, options: PutOptions | None
) -> None:
    """Its answer was lost, and what stands there cannot be looked at: nobody knows whose it is."""
    if options is None:
        options = PutOptions(if_match=faulty.storage.put("a", b"before").etag)
    faulty.front.on(publishes, do=cut_after)
    faulty.front.on("head", do=fails(500, "InternalError"), times=None)

    with pytest.raises(UnavailableError, match="not known whether"):
        faulty.storage.put("a", body, options)

    assert body == faulty.stored("a")


def test_of_racing_writers_whose_answers_get_lost_exactly_one_wins(faulty: Faulty) -> None:
    faulty.front.on("put", do=cut_after, times=3)

    def write(_: int) -> bool:
        try:
            faulty.storage.put("a", SMALL, CREATE)
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        wins = list(pool.map(write, range(3)))

    assert [False, False, True] == sorted(wins)


@BODIES
@pytest.mark.parametrize("mode", list(PutMode), ids=lambda mode: mode.value)
def test_a_write_whose_every_answer_is_lost_ends_with_the_whole_object_or_none(
    faulty: Faulty, body: bytes, publishes: str, mode: PutMode
) -> None:
    faulty.front.on(publishes, do=cut_after, times=None)

    with pytest.raises(UnavailableError):
        faulty.storage.put("a", body, PutOptions(mode=mode))

    assert faulty.stored("a") in (None, body)
    assert [] == faulty.uploads()


@pytest.mark.parametrize("status", [500, 503, 429])
@pytest.mark.parametrize(
    ("body", "kind"),
    [(SMALL, "put"), (LARGE, "begin"), (LARGE, "part"), (LARGE, "complete")],
    ids=["put", "begin", "part", "complete"],
)
class TestStorms:
    """Every request of a write, refused for a while or for ever."""

    def test_a_storm_that_passes_is_sat_out(self, faulty: Faulty, body: bytes, kind: str, status: int) -> None:
        faulty.front.on(kind, do=fails(status, "SlowDown", ("Retry-After", "0")), times=2)

        faulty.storage.put("a", body, CREATE)

        assert body == faulty.stored("a")
        assert [] == faulty.uploads()

    def test_a_storm_that_does_not_pass_ends_the_write(
        self, faulty: Faulty, body: bytes, kind: str, status: int
    ) -> None:
        faulty.front.on(kind, do=fails(status, "TooManyRequests" if status == 429 else "InternalError"), times=None)

        with pytest.raises(RateLimitedError if status == 429 else UnavailableError) as caught:
            faulty.storage.put("a", body, CREATE)

        assert caught.value.retryable
        assert "put 'a' on s3" in str(caught.value)
        assert None is faulty.stored("a")
        assert [] == faulty.uploads()


def test_a_service_that_asks_for_too_long_a_wait_is_reported_with_the_wait(faulty: Faulty) -> None:
    faulty.front.on("put", do=fails(429, "TooManyRequests", ("Retry-After", "3600")), times=None)

    with pytest.raises(RateLimitedError) as caught:
        faulty.storage.put("a", SMALL)

    assert (3600, 1) == (caught.value.retry_after_s, faulty.front.count("put"))


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
@pytest.mark.parametrize(
    ("body", "kind", "at"),
    [(SMALL, "put", 0), (SMALL, "put", 999), (LARGE, "part", 0), (LARGE, "part", 700_000)],
)
def test_a_byte_that_is_altered_on_the_way_up_is_refused_by_the_service(
    faulty: Faulty, faulty_tls: Faulty, body: bytes, kind: str, at: int, tls: bool
) -> None:
    """Over http the payload is signed, over TLS it has a checksum of its own."""
    bench = faulty_tls if tls else faulty
    bench.front.on(kind, do=flip_request(at), times=None)

    with pytest.raises(IntegrityError, match="nothing was stored"):
        bench.storage.put("a", body)

    assert None is bench.stored("a")
    assert [] == bench.uploads()


def test_the_service_can_prove_each_part_of_an_unsigned_payload(faulty_tls: Faulty) -> None:
    """S3 wants the checksum that the upload was begun with on each of its parts, and SeaweedFS takes any without."""

    def strict(line: Line, seen: Seen, forward: Forward) -> None:
        given = {name.lower(): value for name, value in seen.headers}
        crc32 = b64encode(zlib.crc32(seen.body).to_bytes(4, "big")).decode()
        if given["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD" and given.get("x-amz-checksum-crc32") != crc32:
            return fails(400, "InvalidRequest")(line, seen, forward)
        return line.answer(forward(seen))

    faulty_tls.front.on("part", do=strict, times=None)

    faulty_tls.storage.put("a", LARGE)

    (begun,) = (dict(seen.headers) for seen in faulty_tls.front.seen if seen.kind == "begin")
    assert "CRC32" == begun["x-amz-checksum-algorithm"]
    assert faulty_tls.front.count("part") > 1
    assert LARGE == faulty_tls.stored("a")


def test_a_part_that_fails_for_good_aborts_the_upload(faulty: Faulty) -> None:
    faulty.front.on("part", do=fails(500, "InternalError"), times=None, skip=1)

    with pytest.raises(UnavailableError):
        faulty.storage.put("a", LARGE)

    assert 1 == faulty.front.count("abort")
    assert None is faulty.stored("a")
    assert [] == faulty.uploads()


def test_an_abort_that_fails_does_not_hide_why_the_upload_failed(faulty: Faulty) -> None:
    faulty.front.on("part", do=fails(403, "AccessDenied"), times=None)
    faulty.front.on("abort", do=fails(500, "InternalError"), times=None)

    with pytest.raises(StorageError, match="AccessDenied"):
        faulty.storage.put("a", LARGE)

    assert None is faulty.stored("a")


@pytest.mark.parametrize("action", [says(200, b"<Error><Code>InternalError</Code></Error>"), done_but_failed])
def test_a_failure_inside_a_200_of_a_completion_is_repeated(faulty: Faulty, action: Action) -> None:
    faulty.front.on("complete", do=action)

    faulty.storage.put("a", LARGE, CREATE)

    assert 2 == faulty.front.count("complete")
    assert LARGE == faulty.stored("a")


def test_a_completion_that_always_fails_inside_a_200_aborts_the_upload(faulty: Faulty) -> None:
    faulty.front.on("complete", do=says(200, b"<Error><Code>InternalError</Code></Error>"), times=None)

    with pytest.raises(UnavailableError, match="InternalError"):
        faulty.storage.put("a", LARGE)

    assert None is faulty.stored("a")
    assert [] == faulty.uploads()


def test_a_failure_inside_a_200_of_a_copy_is_repeated(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on("copy", do=says(200, b"<Error><Code>InternalError</Code></Error>"))

    faulty.storage.copy("a", "b")

    assert 2 == faulty.front.count("copy")
    assert SMALL == faulty.stored("b")


def test_a_copy_that_always_fails_inside_a_200_raises(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on("copy", do=says(200, b"<Error><Code>InternalError</Code></Error>"), times=None)

    with pytest.raises(UnavailableError, match="InternalError"):
        faulty.storage.copy("a", "b")

    assert None is faulty.stored("b")


@pytest.mark.parametrize("action", [cut_before, cut_after], ids=["before", "after"])
@pytest.mark.parametrize("mode", list(PutMode), ids=lambda mode: mode.value)
def test_a_copy_whose_connection_broke_is_repeated(faulty: Faulty, action: Action, mode: PutMode) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on("copy", "part", "complete", do=action)

    faulty.storage.copy("a", "b", mode=mode)

    assert SMALL == faulty.stored("b")
    assert [] == faulty.uploads()


@pytest.mark.parametrize("mode", list(PutMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("size", [0, 3000], ids=["empty", "small"])
def test_an_object_that_is_replaced_while_it_is_copied_is_not_copied(faulty: Faulty, mode: PutMode, size: int) -> None:
    """Else the new bytes would carry the sha256 of the old ones."""
    faulty.storage.put("a", b"." * size)

    def replaced(line: Line, seen: Seen, forward: Forward) -> None:
        faulty.write("a", b"of another length")
        line.answer(forward(seen))

    faulty.front.on("copy", "part", "begin", do=replaced)

    if mode is PutMode.CREATE and size == 0:  # nothing of the source is asked for any more
        assert faulty.storage.copy("a", "b", mode=mode).size == 0
        return
    with pytest.raises(UnavailableError, match="replaced while"):
        faulty.storage.copy("a", "b", mode=mode)

    assert faulty.stored("b") is None
    assert [] == faulty.uploads()


def test_a_delete_whose_answer_is_lost_is_repeated(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on("delete", do=cut_after)

    faulty.storage.delete("a")

    assert None is faulty.stored("a")


def test_a_server_that_stalls_is_given_up_and_asked_again(faulty: Faulty) -> None:
    faulty.front.on("put", do=stall)

    faulty.storage.put("a", SMALL)

    assert 2 == faulty.front.count("put")
    assert SMALL == faulty.stored("a")


def test_a_server_that_stalls_for_good_leaves_nothing(faulty: Faulty) -> None:
    """Once only: libcurl judges the speed of the last five seconds, so that a stall after an upload takes eight."""
    faulty.front.on("part", do=stall, times=None)

    with pytest.raises(UnavailableError) as caught:
        faulty.made(attempts=1).put("a", LARGE)

    assert "timeout" == caught.value.code
    assert None is faulty.stored("a")
    assert [] == faulty.uploads()


@pytest.mark.parametrize("status", [200, 302, 403, 404, 511])
@pytest.mark.parametrize(
    ("body", "kind"),
    [(SMALL, "put"), (LARGE, "begin"), (LARGE, "part"), (LARGE, "complete")],
    ids=["put", "begin", "part", "complete"],
)
def test_a_sign_in_page_is_not_taken_for_a_stored_object(faulty: Faulty, body: bytes, kind: str, status: int) -> None:
    faulty.front.on(kind, do=says(status, PAGE, kind="text/html"), times=None)

    with pytest.raises(UnavailableError):
        faulty.storage.put("a", body)

    assert None is faulty.stored("a")
    assert [] == faulty.uploads()


def test_a_sign_in_page_is_not_taken_for_a_deletion(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on("delete", do=says(200, PAGE, kind="text/html"), times=None)

    with pytest.raises(UnavailableError):
        faulty.storage.delete("a")


def test_a_sign_in_page_is_not_taken_for_many_deletions(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on("post", do=says(200, PAGE, kind="text/html"), times=None)

    with pytest.raises(StorageError):
        faulty.storage.delete_many(["a"])


def test_a_wrong_clock_is_not_retried_and_is_reported(faulty: Faulty) -> None:
    faulty.front.on("put", do=fails(403, "RequestTimeTooSkewed"), times=None)

    with pytest.raises(AuthenticationError, match="clock of this machine"):
        faulty.storage.put("a", SMALL)

    assert 1 == faulty.front.count("put")
    assert None is faulty.stored("a")


@pytest.mark.parametrize("change", [-1, 1], ids=["shorter", "longer"])
def test_a_file_that_changes_its_size_during_the_upload_leaves_nothing(
    faulty: Faulty, tmp_path: Path, change: int
) -> None:
    path = tmp_path / "a"
    path.write_bytes(LARGE)

    def resize(done: int, total: int | None) -> None:
        with path.open("r+b") as file:
            file.truncate(len(LARGE) + change)

    with pytest.raises(IntegrityError):
        faulty.storage.put("a", path, on_progress=resize)

    assert None is faulty.stored("a")
    assert [] == faulty.uploads()


def test_the_error_after_a_storm_names_the_request(faulty: Faulty) -> None:
    faulty.front.on("put", do=fails(503, "ServiceUnavailable", ("x-amz-request-id", "tx-17")), times=None)

    with pytest.raises(UnavailableError) as caught:
        faulty.storage.put("a", SMALL)

    assert ("ServiceUnavailable", "tx-17") == (caught.value.code, caught.value.request_id)
