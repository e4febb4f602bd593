"""Answers that no honest service gives, fed to the exchanges by hand: nothing foreign gets through."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import (
    AccessDeniedError,
    ArchivedError,
    IntegrityError,
    NotFoundError,
    NotSupportedError,
    StorageError,
    UnavailableError,
)
from kazinex_storage.keys import ObjectKey, Prefix
from kazinex_storage.providers.objectstore.cycle_guard import CycleGuard
from kazinex_storage.providers.s3.answers import parse_page, parse_parts, parse_uploads
from kazinex_storage.providers.s3.errors import map_error
from kazinex_storage.providers.s3.exchanges import S3Provider
from kazinex_storage.providers.s3.headers import decode_text, encode_text
from kazinex_storage.providers.s3.target import R2, S3, Credentials, Target
from kazinex_storage.providers.s3.xml import parse_xml
from kazinex_storage.transport import Exchange, Many, Outcome, Request, Response
from kazinex_storage.types import ByteRange, Folder, ObjectInfo, PartInfo, PutMode, UploadState

T = TypeVar("T")
TARGET = Target(
    kind="r2",
    preset=R2,
    endpoint_url="https://example.invalid",
    bucket="example",
    region="auto",
    credentials=Credentials(access_key_id="example", secret_access_key="example"),  # noqa: S106
    prefix="acme/",
    max_object_bytes=R2.max_object_bytes,
)
KEEPS = replace(TARGET, kind="s3", preset=S3)  # R2 folds names


def answered(exchange: Exchange[T], *responses: Response) -> T:
    """Run *exchange* on these answers."""
    waiting = iter(responses)
    command = next(exchange)
    while True:
        assert isinstance(command, Request)
        try:
            command = exchange.send(next(waiting))
        except StopIteration as stop:
            result: T = stop.value
            return result


def listing(*names: str, folders: tuple[str, ...] = ()) -> Response:
    entries = "".join(f"<Contents><Key>{name}</Key><Size>1</Size></Contents>" for name in names)
    prefixes = "".join(f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>" for name in folders)
    body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}{prefixes}</ListBucketResult>"
    return Response(status=200, headers={}, body=body.encode())


def test_a_listing_never_shows_what_was_not_asked_for() -> None:
    exchanges = S3Provider(TARGET)
    names = ("acme/plans/a", "globex/plans/b", "acme", "acme/other", "acme/plans/", "plans/c", "acme/plansb")
    folders = ("acme/plans/x/", "globex/", "acme/y/")

    found = answered(exchanges.scan(Prefix("plans/")).next(), listing(*names))
    level = answered(exchanges.children(Prefix("plans/")).next(), listing(*names, folders=folders))

    assert ["plans/a"] == [info.key for info in found or ()]
    assert [Folder(prefix="plans/x/"), ObjectInfo(key="plans/a", size=1)] == list(level or ())


def test_another_version_than_the_one_that_was_asked_for_is_refused() -> None:
    """A cache or a proxy that ignores If-Match would mix two versions in one download."""
    exchange = S3Provider(TARGET).get(ObjectKey("a"), ByteRange(start=5, end=9), bytearray().extend, "old")
    headers = {"content-range": "bytes 5-8/20", "etag": '"new"'}

    with pytest.raises(IntegrityError, match="a different version"):
        answered(exchange, Response(status=206, headers=headers))


def test_a_service_that_ignores_the_range_is_noticed() -> None:
    exchange = S3Provider(TARGET).get(ObjectKey("a"), ByteRange(start=5, end=9), bytearray().extend, None)

    with pytest.raises(IntegrityError, match="whole object"):
        answered(exchange, Response(status=200, headers={"content-length": "20", "etag": '"1"'}))


@pytest.mark.parametrize("size", ["", "-1", "1e3", "\u0663", "9" * 5000])
def test_a_size_that_is_no_number_is_an_error_of_ours(size: str) -> None:
    body = f"<ListBucketResult><Contents><Key>a</Key><Size>{size}</Size></Contents></ListBucketResult>"

    with pytest.raises(UnavailableError, match="number"):
        parse_page(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a><b></a>",
        b"\xff\xfe<\x00a\x00/\x00>\x00",
        b"",
        b"<html>",
        b"<a>&undefined;</a>",
    ],
    ids=["entities", "not well-formed", "utf-16", "empty", "html", "unknown entity"],
)
def test_what_is_not_the_xml_of_the_service_is_refused(body: bytes) -> None:
    with pytest.raises(UnavailableError):
        parse_xml(body)


def test_a_page_that_does_not_say_how_to_go_on_is_an_error() -> None:
    with pytest.raises(UnavailableError, match="cut a listing off"):
        parse_page(b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")


def told(root: str, inside: str) -> Response:
    body = f"<{root}><IsTruncated>true</IsTruncated>{inside}</{root}>"
    return Response(status=200, headers={}, body=body.encode())


@pytest.mark.parametrize("entries", ["", "<Contents><Key>acme/a</Key><Size>1</Size></Contents>"], ids=["empty", "full"])
def test_a_listing_that_does_not_advance_ends_with_an_error(entries: str) -> None:
    page = told("ListBucketResult", f"{entries}<NextContinuationToken>t</NextContinuationToken>")
    pages = S3Provider(TARGET).scan(Prefix())
    if entries:
        assert answered(pages.next(), page)

    with pytest.raises(UnavailableError, match="does not advance"):
        answered(pages.next(), page, page)


@pytest.mark.parametrize("length", [2, 3, 7])
def test_a_listing_that_goes_in_circles_ends_with_an_error(length: int) -> None:
    tokens = [f"<NextContinuationToken>t{number % length}</NextContinuationToken>" for number in range(5 * length)]

    with pytest.raises(UnavailableError, match="does not advance"):
        answered(S3Provider(TARGET).scan(Prefix()).next(), *(told("ListBucketResult", token) for token in tokens))


def test_a_listing_of_uploads_that_goes_in_circles_ends_with_an_error() -> None:
    pages = [told("ListMultipartUploadsResult", f"<NextKeyMarker>acme/{n % 3}</NextKeyMarker>") for n in range(15)]

    with pytest.raises(UnavailableError, match="does not advance"):
        answered(S3Provider(TARGET).pending_uploads(Prefix()), *pages)


@given(st.integers(0, 20), st.integers(1, 20))
def test_a_cycle_guard_raises_in_every_cycle_and_nowhere_else(straight: int, circle: int) -> None:
    guard = CycleGuard()
    for step in range(straight + circle):
        guard.advance(step, empty=False)

    with pytest.raises(UnavailableError, match="does not advance"):
        for step in range(8 * (straight + circle) + 8):
            guard.advance(straight + step % circle, empty=False)


def test_a_list_of_parts_that_is_cut_off_without_a_part_is_an_error() -> None:
    state = UploadState(key="a", upload_id="1", size=9, part_bytes=5)

    with pytest.raises(UnavailableError, match="cut a list of parts off"):
        answered(S3Provider(TARGET).list_parts(state), told("ListPartsResult", ""))


def test_a_listing_of_parts_that_does_not_advance_ends_with_an_error() -> None:
    state = UploadState(key="a", upload_id="1", size=9, part_bytes=5)
    first, second = (
        told("ListPartsResult", f"<Part><PartNumber>{number}</PartNumber><Size>5</Size><ETag>e</ETag></Part>")
        for number in (1, 2)
    )

    for again in (first, second):
        with pytest.raises(UnavailableError, match="does not advance"):
            answered(S3Provider(TARGET).list_parts(state), first, second, again)


@pytest.mark.parametrize("upload", ["", "u"])
def test_a_listing_of_uploads_that_does_not_advance_ends_with_an_error(upload: str) -> None:
    markers = f"<NextKeyMarker>acme/a</NextKeyMarker><NextUploadIdMarker>{upload}</NextUploadIdMarker>"
    page = told("ListMultipartUploadsResult", markers)

    with pytest.raises(UnavailableError, match="does not advance"):
        answered(S3Provider(TARGET).pending_uploads(Prefix()), page, page)


@pytest.mark.parametrize("marker", ["", "<NextKeyMarker/>"], ids=["absent", "empty"])
def test_a_page_of_uploads_that_does_not_say_how_to_go_on_is_an_error(marker: str) -> None:
    page = told("ListMultipartUploadsResult", f"<Upload><Key>acme/a</Key><UploadId>u</UploadId></Upload>{marker}")

    with pytest.raises(UnavailableError, match="cut a listing"):
        answered(S3Provider(TARGET).pending_uploads(Prefix()), page)


NOT_FOUND = Response(status=404, headers={"content-type": "text/plain"}, body=b"404 page not found\n")
PAGE = Response(status=200, headers={"content-type": "text/html"}, body=b"<html>Sign in</html>")


def test_a_gateway_that_knows_no_route_is_no_word_on_an_object() -> None:
    """Traefik and Go say so in plain text while what is behind them restarts."""
    exchanges, key = S3Provider(TARGET), ObjectKey("a")

    for exchange in (
        exchanges.delete(key),
        exchanges.get(key, ByteRange(), bytearray().extend, None),
        exchanges.abort_upload(key, "1"),
    ):
        with pytest.raises(UnavailableError, match="something other than"):
            answered(exchange, NOT_FOUND)


ABSENT = Response(status=404, headers={}, body=b"<Error><Code>NoSuchKey</Code></Error>")


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        (NOT_FOUND, UnavailableError),
        (Response(status=404, headers={}), UnavailableError),
        (Response(status=206, headers={"etag": '"1"'}), UnavailableError),
        (ABSENT, NotFoundError),
    ],
    ids=["gateway", "silent", "there after all", "absent"],
)
def test_a_404_without_words_counts_when_the_service_gave_it(again: Response, expected: type[StorageError]) -> None:
    """HEAD has no body to judge: unless the service named its request, it is asked by GET."""
    bare = Response(status=404, headers={})

    with pytest.raises(expected):
        answered(S3Provider(TARGET).head(ObjectKey("a")), bare, again)


@pytest.mark.parametrize("name", ["x-amz-request-id", "cf-ray"])
def test_a_404_that_the_service_has_signed_is_enough(name: str) -> None:
    with pytest.raises(NotFoundError):
        answered(S3Provider(TARGET).head(ObjectKey("a")), Response(status=404, headers={name: "1"}))


@pytest.mark.parametrize("body", [b"", b"<Error><Code>NoSuchKey</Code></Error>"], ids=["empty", "error"])
def test_a_service_that_has_no_object_deletes_none(body: bytes) -> None:
    answered(S3Provider(TARGET).delete(ObjectKey("a")), Response(status=404, headers={}, body=body))


def test_a_sign_in_page_aborts_no_upload() -> None:
    with pytest.raises(UnavailableError, match="something other than"):
        answered(S3Provider(TARGET).abort_upload(ObjectKey("a"), "1"), PAGE)


def deleted(target: Target, body: str) -> list[type[StorageError] | None]:
    keys = [ObjectKey("a"), ObjectKey("M\u00fcller")]
    found = answered(S3Provider(target).delete_many(keys), Response(status=200, headers={}, body=body.encode()))
    return [None if error is None else type(error) for error in found]


def failure(name: str, code: str = "AccessDenied") -> str:
    return f"<DeleteResult><Error>{name}<Code>{code}</Code></Error></DeleteResult>"


def test_a_failure_is_reported_for_the_key_that_it_is_about() -> None:
    assert [None, AccessDeniedError] == deleted(KEEPS, failure("<Key>acme/M\u00fcller</Key>"))
    assert [None, AccessDeniedError] == deleted(TARGET, failure("<Key>acme/Mu\u0308ller</Key>"))
    assert [None, None] == deleted(TARGET, failure("<Key>acme/a</Key>", "NoSuchKey"))
    assert [None, None] == deleted(TARGET, "<DeleteResult/>")


def test_a_key_that_is_given_twice_fails_twice() -> None:
    answer = Response(status=200, headers={}, body=failure("<Key>acme/a</Key>").encode())

    found = answered(S3Provider(TARGET).delete_many([ObjectKey("a"), ObjectKey("a")]), answer)

    assert all(isinstance(error, AccessDeniedError) for error in found)


@pytest.mark.parametrize(
    "body",
    ["", " ", failure(""), failure("<Key/>"), failure("<Key>acme/b</Key>"), failure("<Key>acme/Mu\u0308ller</Key>")],
    ids=["empty", "blank", "no key", "empty key", "another key", "another spelling"],
)
def test_an_answer_that_does_not_say_what_was_deleted_is_an_error_of_each_key(body: str) -> None:
    assert [UnavailableError, UnavailableError] == deleted(KEEPS, body)


def test_keys_that_xml_cannot_carry_are_deleted_alone_and_fail_alone() -> None:
    keys = [ObjectKey("a"), ObjectKey("odd\uffff"), ObjectKey("odd\ufffe"), ObjectKey("z")]
    deleting = S3Provider(TARGET).delete_many(keys)

    singles = next(deleting)
    refused: Outcome[None] = Outcome(error=AccessDeniedError("no", key="acme/odd\ufffe"))
    batch = deleting.send([Outcome(), refused])
    with pytest.raises(StopIteration) as done:
        deleting.send(Response(status=403, headers={}, body=b"<Error><Code>AccessDenied</Code></Error>"))

    assert isinstance(singles, Many)
    assert isinstance(batch, Request)
    assert isinstance(batch.body, bytes)
    assert [b"<Key>acme/a</Key>", b"<Key>acme/z</Key>"] == re.findall(rb"<Key>.*?</Key>", batch.body)
    assert ["a", None, "odd\ufffe", "z"] == [error and error.key for error in done.value.value]


@pytest.mark.parametrize("text", ["", "plan", " a ", "M\u00fcller", "=?UTF-8?B?YQ==?=", "\u56f3" * 40, "a=?b"])
def test_any_text_survives_a_header(text: str) -> None:
    encoded = encode_text(text)

    assert encoded.isascii()
    assert text == decode_text(encoded)


def test_parts_of_two_versions_are_not_made_one_object() -> None:
    """R2 takes no condition on the source of a part, so that the version is looked at once more before the end."""
    exchange = S3Provider(replace(TARGET, preset=replace(R2, max_copy_bytes=1))).copy(
        ObjectKey("a"), ObjectKey("b"), PutMode.REPLACE
    )
    old = Response(status=200, headers={"content-length": "7", "etag": '"old"'})
    new = Response(status=200, headers={"content-length": "7", "etag": '"new"'})
    begun = Response(
        status=200,
        headers={},
        body=b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>",
    )
    part = PartInfo(number=1, size=7, etag="1")
    next(exchange)
    exchange.send(old)

    many = exchange.send(begun)
    assert isinstance(many, Many)
    look = exchange.send([Outcome(value=part)])
    abort = exchange.send(new)

    assert isinstance(look, Request)
    assert isinstance(abort, Request)
    assert ("HEAD", "DELETE") == (look.method, abort.method)
    listing_of_parts = exchange.send(Response(status=204, headers={}))  # a part may come after the abort
    assert isinstance(listing_of_parts, Request)
    gone = Response(status=404, headers={}, body=b"<Error><Code>NoSuchUpload</Code></Error>")
    with pytest.raises(UnavailableError, match="replaced while"):
        exchange.send(gone)


@pytest.mark.parametrize("truth", ["true", "True", "TRUE", "1", "yes", ""])
def test_a_page_with_a_token_is_not_the_last_whatever_it_says_of_being_cut(truth: str) -> None:
    more = f"<IsTruncated>{truth}</IsTruncated><NextContinuationToken>t</NextContinuationToken>"

    assert "t" == parse_page(f"<ListBucketResult>{more}</ListBucketResult>".encode()).token


@pytest.mark.parametrize("truth", ["true", "True", "1"])
@pytest.mark.parametrize(
    ("parse", "root"),
    [
        (parse_page, "ListBucketResult"),
        (parse_parts, "ListPartsResult"),
        (parse_uploads, "ListMultipartUploadsResult"),
    ],
)
def test_a_list_that_is_cut_without_saying_how_to_go_on_is_an_error(
    parse: Callable[[bytes], object], root: str, truth: str
) -> None:
    with pytest.raises(UnavailableError, match="without saying how to go on"):
        parse(f"<{root}><IsTruncated>{truth}</IsTruncated></{root}>".encode())


@pytest.mark.parametrize("written", ["2026-11-28T10:00:00.000", "2026-11-28T10:00:00Z", "2026-11-28T12:00:00+02:00"])
def test_a_moment_is_aware_utc_whatever_zone_the_service_writes(written: str) -> None:
    entry = f"<Contents><Key>a</Key><Size>1</Size><LastModified>{written}</LastModified></Contents>"

    ((_, _, _, moment),) = parse_page(f"<ListBucketResult>{entry}</ListBucketResult>".encode()).objects

    assert (datetime(2026, 11, 28, 10, tzinfo=UTC), timedelta(0)) == (moment, moment and moment.utcoffset())


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (403, "InvalidObjectState", ArchivedError),
        (409, "ConditionalRequestConflict", UnavailableError),
        (409, "", UnavailableError),
        (409, "RestoreAlreadyInProgress", NotSupportedError),
    ],
)
def test_a_permanent_refusal_is_not_reported_as_a_transient_one(
    status: int, code: str, expected: type[StorageError]
) -> None:
    error = map_error(Response(status=status, headers={}, body=f"<Error><Code>{code}</Code></Error>".encode()), "a")

    assert expected is type(error)
    assert error.retryable is (expected is UnavailableError)
