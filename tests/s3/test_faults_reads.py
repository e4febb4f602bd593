"""Reads through a network that fails: the right bytes or an error, never other bytes, never a file that is half one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from kazinex_storage import (
    AsyncStorage,
    AuthenticationError,
    IntegrityError,
    NotFoundError,
    RateLimitedError,
    Storage,
    StorageError,
    UnavailableError,
)
from kazinex_storage.types import MIB, ByteRange

from .faulty import Faulty
from .proxy import Action, cut_after, cut_answer, cut_before, fails, flip_answer, passing, says, shortened, stall

BODY = bytes(range(251)) * 4000  # about 1 MB
LARGE = bytes(range(251)) * 80_000  # about 20 MB: two spans of a download
PAGE = b"<!DOCTYPE html><html><title>Welcome to the hotel</title></html>"

Read: TypeAlias = Callable[[Storage, Path], bytes]


def get_bytes(storage: Storage, folder: Path) -> bytes:
    return storage.get_bytes("a")


def download(storage: Storage, folder: Path) -> bytes:
    storage.download("a", folder / "a")
    return (folder / "a").read_bytes()


def stream(storage: Storage, folder: Path) -> bytes:
    with storage.stream("a") as chunks:
        return b"".join(chunks)


def get_many(storage: Storage, folder: Path) -> bytes:
    ((_, outcome),) = storage.get_many(["a"])
    return outcome.result()


def asynchronously(storage: Storage, folder: Path) -> bytes:
    async def run() -> bytes:
        return await AsyncStorage(storage).get_bytes("a")

    return asyncio.run(run())


READS = pytest.mark.parametrize(
    "read", [get_bytes, download, stream, get_many, asynchronously], ids=lambda r: r.__name__
)


@READS
@pytest.mark.parametrize("action", [cut_before, cut_after, cut_answer(0), cut_answer(1), cut_answer(600_000)])
def test_a_read_whose_connection_broke_goes_on_where_it_was(
    faulty: Faulty, tmp_path: Path, read: Read, action: Action
) -> None:
    faulty.storage.put("a", BODY)
    faulty.front.on("get", do=action)

    assert BODY == read(faulty.storage, tmp_path)


@READS
def test_a_read_that_breaks_again_and_again_ends(faulty: Faulty, tmp_path: Path, read: Read) -> None:
    faulty.storage.put("a", BODY)
    faulty.front.on("get", do=cut_answer(1000), times=None)

    with pytest.raises(UnavailableError):
        read(faulty.storage, tmp_path)

    assert [] == list(tmp_path.iterdir())


@READS
@pytest.mark.parametrize("at", [0, 500_000, len(BODY) - 1])
def test_a_byte_that_is_altered_on_the_way_down_is_found(faulty: Faulty, tmp_path: Path, read: Read, at: int) -> None:
    faulty.storage.put("a", BODY)
    faulty.front.on("get", do=flip_answer(at), times=None)

    with pytest.raises(IntegrityError):
        read(faulty.storage, tmp_path)

    assert [] == list(tmp_path.iterdir())


@READS
@pytest.mark.parametrize("by", [1, 1000])
def test_an_object_that_arrives_shorter_and_says_so_is_found(
    faulty: Faulty, tmp_path: Path, read: Read, by: int
) -> None:
    faulty.storage.put("a", BODY)
    faulty.front.on("get", do=shortened(by, told=True), times=None)

    with pytest.raises(StorageError):
        read(faulty.storage, tmp_path)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("at", [0, 16 * MIB - 1])
@pytest.mark.parametrize("skip", [0, 1], ids=["first span", "second span"])
def test_an_altered_span_of_a_download_is_found(faulty: Faulty, tmp_path: Path, at: int, skip: int) -> None:
    faulty.storage.put("a", LARGE)
    at = min(at, len(LARGE) - 16 * MIB - 1) if skip else at
    faulty.front.on("get", do=flip_answer(at), skip=skip)

    with pytest.raises(IntegrityError):
        faulty.storage.download("a", tmp_path / "a")

    assert [] == list(tmp_path.iterdir())


def test_a_span_of_a_download_that_breaks_off_goes_on(faulty: Faulty, tmp_path: Path) -> None:
    faulty.storage.put("a", LARGE)
    faulty.front.on("get", do=cut_answer(1_000_000), times=2)

    faulty.storage.download("a", tmp_path / "a")

    assert LARGE == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize("span", [ByteRange(start=10, end=1010), ByteRange(start=10), ByteRange(start=-1000)])
def test_a_span_that_arrives_shorter_and_says_so_is_found(faulty: Faulty, span: ByteRange) -> None:
    """No checksum covers a span; that it is the span that was asked for can be told."""
    faulty.storage.put("a", BODY)
    faulty.front.on("get", do=shortened(1, told=True), times=None)

    with pytest.raises((IntegrityError, UnavailableError)):
        faulty.storage.get_bytes("a", span)


@READS
def test_an_object_that_is_replaced_while_it_is_read_is_never_mixed(faulty: Faulty, tmp_path: Path, read: Read) -> None:
    faulty.storage.put("a", BODY)
    other = BODY[::-1]

    def cut_and_replace(line: object, seen: object, forward: object) -> None:
        cut_answer(600_000)(line, seen, forward)  # type: ignore[arg-type]
        faulty.write("a", other)

    faulty.front.on("get", do=cut_and_replace)

    try:
        assert read(faulty.storage, tmp_path) in (BODY, other)
    except StorageError:
        assert [] == list(tmp_path.iterdir())


@READS
@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_storm_that_passes_is_sat_out(faulty: Faulty, tmp_path: Path, read: Read, status: int) -> None:
    faulty.storage.put("a", BODY)
    faulty.front.on("get", do=fails(status, "SlowDown", ("Retry-After", "0")), times=3)

    assert BODY == read(faulty.storage, tmp_path)


@READS
@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_storm_that_does_not_pass_ends_the_read(faulty: Faulty, tmp_path: Path, read: Read, status: int) -> None:
    faulty.storage.put("a", BODY)
    faulty.front.on("get", do=fails(status, "TooManyRequests" if status == 429 else "InternalError"), times=None)

    with pytest.raises(RateLimitedError if status == 429 else UnavailableError):
        read(faulty.storage, tmp_path)

    assert 4 == faulty.front.count("get")
    assert [] == list(tmp_path.iterdir())


@READS
@pytest.mark.parametrize("status", [200, 302, 403, 404, 511])
def test_a_sign_in_page_is_not_taken_for_an_object(faulty: Faulty, tmp_path: Path, read: Read, status: int) -> None:
    faulty.front.on("get", do=says(status, PAGE, kind="text/html"), times=None)

    with pytest.raises(UnavailableError):
        read(faulty.storage, tmp_path)

    assert [] == list(tmp_path.iterdir())


def test_a_sign_in_page_says_nothing_of_an_object(faulty: Faulty) -> None:
    faulty.front.on("head", do=says(200, PAGE, kind="text/html"), times=None)

    with pytest.raises(UnavailableError):
        faulty.storage.exists("a")


def test_a_stored_web_page_is_an_object_like_any_other(faulty: Faulty) -> None:
    faulty.storage.put("a.html", PAGE)

    assert PAGE == faulty.storage.get_bytes("a.html")
    assert "text/html" == faulty.storage.head("a.html").content_type


@pytest.mark.parametrize(
    "action",
    [says(200, PAGE, kind="text/html"), says(200, b"<ListBucketResult>"), shortened(20, told=True), says(200)],
    ids=["page", "broken", "shorter", "empty"],
)
def test_a_listing_that_is_none_is_not_taken_for_an_empty_folder(faulty: Faulty, action: Action) -> None:
    faulty.storage.put("a", b"1")
    faulty.front.on("list", do=action, times=None)

    with pytest.raises(UnavailableError):
        list(faulty.storage.list())


@pytest.mark.parametrize("action", [cut_before, cut_after, cut_answer(50), fails(503, "SlowDown")])
def test_a_listing_that_breaks_off_is_repeated(faulty: Faulty, action: Action) -> None:
    faulty.storage.put("a", b"1")
    faulty.front.on("list", do=action, times=2)

    assert ["a"] == [info.key for info in faulty.storage.list()]


def test_a_server_that_always_stalls_is_unavailable(faulty: Faulty) -> None:
    faulty.front.on("get", do=stall, times=None)

    with pytest.raises(UnavailableError) as caught:
        faulty.made(attempts=2).get_bytes("a")

    assert ("timeout", 2) == (caught.value.code, faulty.front.count("get"))


def test_a_server_that_stalls_once_is_asked_again(faulty: Faulty) -> None:
    faulty.storage.put("a", BODY)
    faulty.front.on("get", do=stall)

    assert BODY == faulty.storage.get_bytes("a")


def test_a_wrong_clock_is_not_retried_and_is_reported(faulty: Faulty) -> None:
    faulty.front.on("get", do=fails(403, "RequestTimeTooSkewed"), times=None)

    with pytest.raises(AuthenticationError, match="clock of this machine"):
        faulty.storage.get_bytes("a")

    assert 1 == faulty.front.count("get")


def test_a_missing_bucket_is_not_a_missing_object(faulty: Faulty) -> None:
    faulty.front.on("get", do=fails(404, "NoSuchBucket"), times=None)

    with pytest.raises(StorageError, match="bucket") as caught:
        faulty.storage.get_bytes("a")

    assert not isinstance(caught.value, NotFoundError)


def test_the_proxy_alone_changes_nothing(faulty: Faulty) -> None:
    faulty.front.on(do=passing, times=None)
    faulty.storage.put("a", BODY)

    assert BODY == faulty.storage.get_bytes("a")


@pytest.mark.parametrize("told", ["bytes 0-9/1000", "bytes 100-109/1000", "bytes 100-299/1000"])
def test_another_span_than_was_asked_for_is_never_taken(faulty: Faulty, told: str) -> None:
    answer = says(206, b"0123456789", ("Content-Range", told), ("ETag", '"1"'))
    faulty.front.on("get", do=answer, times=None)
    taken: list[bytes] = []

    with pytest.raises(IntegrityError, match=r"a different part|ignores ranges"):
        taken.append(faulty.storage.get_bytes("a", ByteRange(start=100, end=200)))

    assert [] == taken
