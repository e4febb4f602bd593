"""Azure through a network that fails: the whole right object or none, never a wrong answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    AsyncStorage,
    AuthenticationError,
    BulkError,
    IntegrityError,
    NotFoundError,
    PreconditionFailedError,
    PutMode,
    PutOptions,
    RateLimitedError,
    StorageError,
    UnavailableError,
)
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.testing.bench import is_proved
from kazinex_storage.transport import Authorisation
from kazinex_storage.types import ByteRange

from ..s3.proxy import (
    Action,
    Answer,
    Forward,
    Line,
    Seen,
    cut_after,
    cut_answer,
    cut_before,
    flip_answer,
    flip_request,
    says,
    shortened,
    stall,
)
from .conftest import Faulty, azure_fails

SMALL = b"a document" * 100
LARGE = bytes(range(256)) * (9 * 4096 + 1)  # a little more than 9 MiB: two blocks
CREATE = PutOptions(mode=PutMode.CREATE)
PAGE = b"<!DOCTYPE html><html><title>Welcome to the hotel</title></html>"

BODIES = pytest.mark.parametrize(("body", "publishes"), [(SMALL, "put"), (LARGE, "commit")], ids=["small", "large"])


def clock_is_off(line: Line, seen: Seen, forward: Forward) -> None:
    code = ("x-ms-error-code", "AuthenticationFailed")
    says(403, b"", code, ("x-ms-request-id", "example"), ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"))(line, seen, forward)


def test_a_repeat_carries_the_signature_of_then(faulty: Faulty) -> None:
    provider = faulty.storage._provider
    assert isinstance(provider, AzureBlobProvider)
    signing = provider._signing
    signing._minted = (Authorisation(query="sig=outdated"), float("inf"))

    def renew(line: Line, seen: Seen, forward: Forward) -> None:
        signing._minted = (None, 0.0)
        azure_fails(503, "ServerBusy")(line, seen, forward)

    faulty.front.on("put", do=renew)

    faulty.storage.put("a", SMALL)

    assert 2 == faulty.front.count("put")
    assert SMALL == faulty.stored("a")


def test_the_source_of_a_copy_is_signed_with_its_target(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on("copy", do=azure_fails(503, "ServerBusy"))

    faulty.storage.copy("a", "b")

    assert SMALL == faulty.stored("b")


@BODIES
@pytest.mark.parametrize("action", [cut_before, cut_after], ids=["before", "after"])
@pytest.mark.parametrize("mode", list(PutMode), ids=lambda mode: mode.value)
def test_a_write_whose_connection_broke_is_repeated(
    faulty: Faulty, body: bytes, publishes: str, action: Action, mode: PutMode
) -> None:
    faulty.front.on(publishes, do=action)

    info = faulty.storage.put("a", body, PutOptions(mode=mode))

    assert 2 == faulty.front.count(publishes)
    assert body == faulty.stored("a")
    assert len(body) == info.size
    assert is_proved(info, body)
    assert info.etag == faulty.storage.head("a").etag


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
@pytest.mark.parametrize("options", [CREATE, None], ids=["create", "update"])
def test_a_write_that_may_have_succeeded_is_never_reported_as_refused(
    faulty: Faulty, body: bytes, publishes: str, options: PutOptions | None
) -> None:
    if options is None:
        options = PutOptions(if_match=faulty.storage.put("a", b"before").etag)
    faulty.front.on(publishes, do=cut_after)
    faulty.front.on("head", do=azure_fails(500, "InternalError"), times=None)

    with pytest.raises(UnavailableError, match="not known whether"):
        faulty.storage.put("a", body, options)

    assert body == faulty.stored("a")


@BODIES
def test_a_write_whose_every_answer_is_lost_ends_with_the_whole_object_or_none(
    faulty: Faulty, body: bytes, publishes: str
) -> None:
    faulty.front.on(publishes, do=cut_after, times=None)

    with pytest.raises(UnavailableError):
        faulty.storage.put("a", body, CREATE)

    assert faulty.stored("a") in (None, body)


@pytest.mark.parametrize(("status", "code"), [(500, "InternalError"), (503, "ServerBusy"), (429, "TooManyRequests")])
@pytest.mark.parametrize(("body", "kind"), [(SMALL, "put"), (LARGE, "block"), (LARGE, "commit")])
class TestStorms:
    def test_a_storm_that_passes_is_sat_out(
        self, faulty: Faulty, body: bytes, kind: str, status: int, code: str
    ) -> None:
        faulty.front.on(kind, do=azure_fails(status, code, ("Retry-After", "0")), times=2)

        faulty.storage.put("a", body, CREATE)

        assert body == faulty.stored("a")

    def test_a_storm_that_does_not_pass_ends_the_write(
        self, faulty: Faulty, body: bytes, kind: str, status: int, code: str
    ) -> None:
        faulty.front.on(kind, do=azure_fails(status, code), times=None)

        with pytest.raises((RateLimitedError, UnavailableError)) as caught:
            faulty.storage.put("a", body, CREATE)

        assert caught.value.retryable
        assert "put 'a' on azure_blob" in str(caught.value)
        assert None is faulty.stored("a")


@pytest.mark.parametrize(("body", "kind", "at"), [(SMALL, "put", 999), (LARGE, "block", 700_000)])
def test_a_byte_that_is_altered_on_the_way_up_is_refused_by_the_service(
    faulty: Faulty, body: bytes, kind: str, at: int
) -> None:
    """The service says Md5Mismatch; Azurite says InvalidOperation, which is an error all the same."""
    faulty.front.on(kind, do=flip_request(at), times=None)

    with pytest.raises(StorageError):
        faulty.storage.put("a", body)

    assert None is faulty.stored("a")


def test_a_byte_that_is_altered_on_the_way_down_is_found(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on("get", do=flip_answer(500), times=None)

    with pytest.raises(IntegrityError):
        faulty.storage.get_bytes("a")


@pytest.mark.parametrize("action", [cut_answer(500), shortened(3, told=False)], ids=["cut", "closed"])
def test_a_download_that_breaks_off_goes_on_where_it_stopped(faulty: Faulty, action: Action) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on("get", do=action)

    assert SMALL == faulty.storage.get_bytes("a")
    assert 2 == faulty.front.count("get")


def test_a_download_does_not_go_on_in_another_version(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)

    def cut_and_replace(line: Line, seen: Seen, forward: Forward) -> None:
        answer = forward(seen)
        faulty.witness.upload_blob("a", SMALL[::-1], overwrite=True)
        line.answer(answer, at=500)

    faulty.front.on("get", do=cut_and_replace)

    with pytest.raises(StorageError):
        faulty.storage.get_bytes("a")


@pytest.mark.parametrize("kind", ["get", "head", "put", "delete", "list", "batch", "block", "commit", "copy"])
def test_a_sign_in_page_is_not_taken_for_an_answer(faulty: Faulty, kind: str) -> None:
    faulty.storage.put("b", SMALL)
    storage = faulty.made(attempts=1)
    faulty.front.on(kind, do=says(200, PAGE, kind="text/html"), times=None)

    acts: dict[str, Callable[[], object]] = {
        "get": lambda: storage.get_bytes("b"),
        "head": lambda: storage.head("b"),
        "put": lambda: storage.put("a", SMALL),
        "delete": lambda: storage.delete("b"),
        "list": lambda: list(storage.list()),
        "batch": lambda: storage.delete_many(["b"]),
        "block": lambda: storage.put("a", LARGE),
        "commit": lambda: storage.put("a", LARGE),
        "copy": lambda: storage.copy("b", "a"),
    }
    with pytest.raises((UnavailableError, BulkError), match="something other than Azure"):
        acts[kind]()

    assert SMALL == faulty.stored("b")
    assert None is faulty.stored("a")


@pytest.mark.parametrize("kind", ["get", "head"])
def test_a_gateway_that_says_404_does_not_prove_that_nothing_is_there(faulty: Faulty, kind: str) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on(kind, do=says(404, PAGE, kind="text/html"), times=None)

    with pytest.raises(UnavailableError):
        faulty.storage.get_bytes("a") if kind == "get" else faulty.storage.exists("a")


def test_another_span_than_was_asked_for_is_refused_before_its_first_byte(faulty: Faulty, tmp_path: Path) -> None:
    faulty.storage.put("a", SMALL)

    def elsewhere(line: Line, seen: Seen, forward: Forward) -> None:
        moved = [(name, "bytes=0-4" if name.lower() == "range" else value) for name, value in seen.headers]
        line.answer(forward(Seen(seen.method, seen.target, moved, seen.body)))

    faulty.front.on("get", do=elsewhere, times=None)

    with pytest.raises(IntegrityError, match="none of it was taken"):
        faulty.storage.get_bytes("a", ByteRange(start=5, end=10))


def test_a_server_that_stalls_is_given_up_and_asked_again(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)
    faulty.front.on("get", do=stall)

    assert SMALL == faulty.storage.get_bytes("a")


def test_a_signature_that_the_service_refuses_is_reported_without_it(faulty: Faulty) -> None:
    faulty.front.on("put", do=clock_is_off, times=None)

    with pytest.raises(AuthenticationError) as caught:
        faulty.storage.put("a", SMALL)

    assert "clock" in str(caught.value)
    assert "sig=" not in str(caught.value)


def test_a_listing_that_comes_back_to_where_it_was_ends(faulty: Faulty) -> None:
    page = (
        b'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs></Blobs>'
        b"<NextMarker>again</NextMarker></EnumerationResults>"
    )
    faulty.front.on("list", do=says(200, page, ("x-ms-request-id", "example")), times=None)

    with pytest.raises(UnavailableError, match="does not advance"):
        list(faulty.storage.list())


@pytest.mark.parametrize("action", [cut_before, cut_after], ids=["before", "after"])
@pytest.mark.parametrize("mode", list(PutMode), ids=lambda mode: mode.value)
def test_a_copy_whose_answer_is_lost_knows_its_own_copy(faulty: Faulty, action: Action, mode: PutMode) -> None:
    faulty.storage.put("a", SMALL, PutOptions(metadata={"author": "A. Müller"}))
    faulty.front.on("copy", do=action)

    info = faulty.storage.copy("a", "b", mode=mode)

    assert SMALL == faulty.stored("b")
    assert info.etag == faulty.storage.head("b").etag
    assert {"author": "A. Müller"} == faulty.storage.head("b").metadata


def test_a_copy_is_of_one_version(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)

    def replaced(line: Line, seen: Seen, forward: Forward) -> None:
        faulty.witness.upload_blob("a", b"another", overwrite=True)
        line.answer(forward(seen))

    faulty.front.on("copy", do=replaced)

    with pytest.raises((UnavailableError, PreconditionFailedError)):
        faulty.storage.copy("a", "b")

    assert None is faulty.stored("b")


def test_a_batch_that_is_answered_in_part_is_not_counted(faulty: Faulty) -> None:
    for key in "abc":
        faulty.storage.put(key, SMALL)

    def without_the_last(line: Line, seen: Seen, forward: Forward) -> None:
        answer = forward(seen)
        parts = answer.body.split(b"--batch")
        line.answer(Answer(answer.status, answer.headers, b"--batch".join([*parts[:-2], parts[-1]])))

    faulty.front.on("batch", do=without_the_last, times=None)

    with pytest.raises(StorageError, match="which objects it deleted"):
        faulty.storage.delete_many(list("abc"))


@pytest.mark.parametrize("status", [400, 405, 409, 501])
def test_where_there_are_no_batches_objects_are_deleted_one_by_one(faulty: Faulty, status: int) -> None:
    for key in "abc":
        faulty.storage.put(key, SMALL)
    lease = faulty.witness.get_blob_client("b").acquire_lease()
    faulty.front.on("batch", do=azure_fails(status, "FeatureNotSupported"), times=None)

    with pytest.raises(BulkError) as caught:
        faulty.storage.delete_many(["a", "b", "c", "missing"])

    assert [("LockedError", "b")] == [
        (type(failure).__name__, getattr(failure, "key", None)) for failure in caught.value.failures
    ]
    assert ["b"] == list(faulty.witness.list_blob_names())
    lease.release()


def test_a_refusal_in_a_batch_is_reported_for_its_key(faulty: Faulty) -> None:
    for key in "abc":
        faulty.storage.put(key, SMALL)
    lease = faulty.witness.get_blob_client("b").acquire_lease()

    with pytest.raises(BulkError) as caught:
        faulty.storage.delete_many(list("abc"))

    assert ["LockedError"] == [type(failure).__name__ for failure in caught.value.failures]
    assert ["b"] == list(faulty.witness.list_blob_names())
    lease.release()


def test_a_batch_that_is_refused_failed_for_its_own_blobs_only(faulty: Faulty) -> None:
    keys = [f"k{index:03}" for index in range(300)]
    for key in keys:
        faulty.witness.upload_blob(key, b"1")
    faulty.front.on("batch", do=azure_fails(403, "AuthorizationPermissionMismatch"))

    with pytest.raises(BulkError, match="of 300 failed, the others are done") as caught:
        faulty.made(silence_s=30).delete_many(keys)  # 256 at once take Azurite a second on a busy machine

    left = list(faulty.witness.list_blob_names())
    assert left in (keys[:256], keys[256:])
    assert left == [getattr(failure, "key", None) for failure in caught.value.failures]
    assert {"AccessDeniedError"} == {type(failure).__name__ for failure in caught.value.failures}


def test_a_missing_object_in_a_batch_is_no_error(faulty: Faulty) -> None:
    faulty.storage.put("a", SMALL)

    faulty.storage.delete_many(["a", "missing"])

    assert [] == list(faulty.witness.list_blob_names())


def test_a_cancelled_write_leaves_nothing(faulty: Faulty) -> None:
    async def run() -> None:
        task = asyncio.create_task(AsyncStorage(faulty.storage).put("a", LARGE))
        while not faulty.front.count("block"):
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    faulty.front.on("commit", do=stall, times=None)
    asyncio.run(run())

    assert None is faulty.stored("a")


def test_a_container_that_is_gone_is_no_empty_one(faulty: Faulty) -> None:
    faulty.witness.delete_container()

    for act in (
        lambda: list(faulty.storage.list()),
        lambda: faulty.storage.get_bytes("a"),
        lambda: faulty.storage.delete("a"),
        lambda: faulty.storage.delete_many(["a"]),
    ):
        with pytest.raises(StorageError, match="container") as caught:
            act()
        assert not isinstance(caught.value, NotFoundError)
