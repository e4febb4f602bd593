"""Texts that a broken or hostile service answers with: an error at a bounded cost, never a crash or an empty result."""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kazinex_storage
from kazinex_storage import DocumentKey, UploadState
from kazinex_storage.errors import IntegrityError, InvalidKeyError, InvalidUrlError, SettingsError, UnavailableError
from kazinex_storage.fs.urls import parse_url, strip_scheme
from kazinex_storage.json_text import MAX_CONTAINERS, parse_json
from kazinex_storage.keys import ObjectKey, Prefix
from kazinex_storage.organisations.rules import check_label, normal_label
from kazinex_storage.providers.azure_blob.answers import parse_blocks
from kazinex_storage.providers.azure_blob.answers import parse_object as parse_azure_object
from kazinex_storage.providers.azure_blob.answers import parse_page as parse_azure_page
from kazinex_storage.providers.objectstore.cycle_guard import EMPTY_PAGES, CycleGuard
from kazinex_storage.providers.objectstore.header_text import size_of
from kazinex_storage.providers.objectstore.xml_text import parse_xml
from kazinex_storage.providers.s3.answers import parse_object, parse_page, parse_parts
from kazinex_storage.providers.sharepoint.answers import item_of, next_offset
from kazinex_storage.providers.sharepoint.answers import parse_json as parse_answer
from kazinex_storage.providers.sharepoint.errors import codes_of
from kazinex_storage.providers.sharepoint.names import collide
from kazinex_storage.storage.disposition import attachment
from kazinex_storage.transport import Response
from kazinex_storage.transport.limits import NO_LIMIT, most_bytes

OWN_TEXT = ("json.loads(json.dumps(",)
"""Text that was written on the same line."""
DEEP = "[" * 100_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)
SIZES = ["-5", "+5", " 5", "5.0", "1e3", "", "five", "0x10", "\u0665", "9" * 19, "9" * 5000]


@given(JSON)
def test_json_is_read_as_python_reads_it(value: object) -> None:
    text = json.dumps(value)

    assert value == parse_json(text) == parse_json(text.encode())


@pytest.mark.parametrize(
    "text",
    [DEEP, '{"a":' * 100_000, "[],", "", "NaN", "[Infinity]", "-Infinity", "1" * 5000, "\ud800", b"\xff", b"\x00"],
    ids=lambda text: repr(text[:8]),
)
def test_what_is_no_json_is_a_value_error_and_nothing_else(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the class is what counts
        parse_json(text)


def test_json_of_nothing_but_lists_is_refused_before_it_takes_memory() -> None:
    for text in ("[" + "[]," * MAX_CONTAINERS + "[]]", "[" + "{}," * MAX_CONTAINERS + "{}]"):
        with pytest.raises(ValueError, match="objects and arrays"):
            parse_json(text)


def test_the_error_for_json_quotes_nothing_of_it() -> None:
    with pytest.raises(ValueError, match="line 1") as caught:
        parse_json('{"secret": "example-not-real" "')

    assert "example-not-real" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert "example-not-real" not in str(vars(caught.value))


def test_json_is_read_by_one_door() -> None:
    """``json.loads`` raises ``RecursionError`` and takes NaN: what comes from elsewhere goes through ``parse_json``."""
    root = Path(kazinex_storage.__file__).parent
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "testing" not in path.relative_to(root).parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("json.loads", "json.load", "json.JSONDecoder")
        if not ast.unparse(node).startswith(OWN_TEXT)
    }

    assert {"json_text.py"} == found


def test_a_state_that_is_nested_beyond_reason_is_none() -> None:
    for text in (DEEP, '{"version":' * 50_000, "null", "[]", "{}"):
        with pytest.raises(ValueError, match="no upload state"):
            UploadState.from_json(text)


def test_json_too_deep_for_graph_is_an_unexpected_response() -> None:
    response = Response(status=200, headers={}, body=DEEP.encode())

    with pytest.raises(UnavailableError, match="something other than"):
        parse_answer(response)
    assert [] == list(codes_of(response.body))
    assert [] == list(codes_of(b'{"error":' * 50_000))


@pytest.mark.parametrize(
    "body",
    [
        b"<r>" + b"<a>" * 500_000 + b"</a>" * 500_000 + b"</r>",
        b"<r>" + b"<a/>" * 700_000 + b"</r>",
        b"<r>" + b"<a>" * 20_000 + b"</a>" * 20_000 + b"</r>",
        b"<r>" + b"<a><b/>" * 20_000 + b"</a>" * 20_000 + b"</r>",
    ],
    ids=["deep and many", "many", "deep", "deep between leaves"],
)
@pytest.mark.parametrize(
    "read", [lambda body: parse_xml(body, "S3"), parse_page, parse_azure_page], ids=["xml", "s3", "azure"]
)
def test_xml_that_is_larger_or_deeper_than_any_answer_is_refused(read: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(UnavailableError, match=r"more elements|instead of a listing|instead of <"):
        read(body.replace(b"<r>", b"<ListBucketResult>").replace(b"</r>", b"</ListBucketResult>"))


def test_a_listing_that_says_nothing_of_a_bucket_is_none() -> None:
    for inside in (b"", b"<a/>", b"<a>" * 9 + b"</a>" * 9):
        with pytest.raises(UnavailableError, match="says nothing of a bucket"):
            parse_page(b"<ListBucketResult>" + inside + b"</ListBucketResult>")


def test_the_largest_pages_that_services_give_are_read() -> None:
    properties = "".join(f"<P{number}>x</P{number}>" for number in range(20))
    blob = f"<Blob><Name>n</Name><Properties><Content-Length>1</Content-Length>{properties}</Properties></Blob>"
    body = f"<EnumerationResults><Blobs>{blob * 5_000}</Blobs><NextMarker/></EnumerationResults>".encode()

    assert 5_000 == len(parse_azure_page(body).objects)


@given(st.integers(0, 10**18 - 1))
def test_every_size_that_an_object_can_have_is_read(size: int) -> None:
    assert size == size_of(str(size))


@pytest.mark.parametrize("text", SIZES, ids=lambda text: repr(text[:8]))
def test_a_size_that_no_object_has_is_refused_by_every_provider(text: str) -> None:
    assert size_of(text) is None
    reads: list[Callable[[], object]] = [
        lambda: parse_object("k", {"content-length": text}),
        lambda: parse_azure_object("k", {"content-length": text}),
        lambda: parse_azure_object("k", {"content-range": f"bytes 0-1/{text}"}),
        lambda: parse_page(
            f"<ListBucketResult><Contents><Key>k</Key><Size>{text}</Size></Contents></ListBucketResult>".encode()
        ),
        lambda: parse_parts(
            f"<ListPartsResult><Part><PartNumber>1</PartNumber><Size>{text}</Size></Part></ListPartsResult>".encode()
        ),
        lambda: parse_azure_page(
            f"<EnumerationResults><Blobs><Blob><Name>n</Name><Properties><Content-Length>{text}</Content-Length>"
            "</Properties></Blob></Blobs></EnumerationResults>".encode()
        ),
        lambda: parse_blocks(
            f"<BlockList><UncommittedBlocks><Block><Name>n</Name><Size>{text}</Size></Block></UncommittedBlocks>"
            "</BlockList>".encode()
        ),
        lambda: next_offset(Response(status=200, headers={}, body=_ranges(f"{text}-")), 100),
        lambda: next_offset(Response(status=200, headers={}, body=_ranges("101-")), 100),
    ]
    for read in reads:
        with pytest.raises(UnavailableError):
            read()


@pytest.mark.parametrize("size", [-5, True, "5", 1.5, 2**63, [], {}])
def test_a_size_of_graph_that_no_item_has_is_refused(size: object) -> None:
    for fields in ({"size": size}, {"folder": {"childCount": size}}):
        with pytest.raises(UnavailableError, match="a size that no item has"):
            item_of({"id": "1", "name": "a.pdf", "file": {}, **fields})


def test_an_item_of_graph_keeps_its_size_and_a_deleted_one_has_none() -> None:
    assert 7 == item_of({"id": "1", "name": "a.pdf", "file": {}, "size": 7}).size
    assert 0 == item_of({"id": "1", "deleted": {}}).size


@pytest.mark.parametrize("text", ["é", "=", "not base64", "", 5, None])
def test_a_hash_of_graph_that_is_no_base64_is_none(text: object) -> None:
    file = {"hashes": {"quickXorHash": text}}

    assert item_of({"id": "1", "name": "a.pdf", "file": file}).quickxor is None


def test_empty_pages_end_in_an_error_and_full_ones_do_not() -> None:
    guard = CycleGuard()
    for page in range(3 * EMPTY_PAGES):
        guard.advance(page, empty=page % EMPTY_PAGES != 0)

    with pytest.raises(UnavailableError, match="list a narrower prefix"):
        for page in range(EMPTY_PAGES):
            guard.advance(-page - 1, empty=True)


@pytest.mark.parametrize(
    ("asked", "status", "answer", "expected"),
    [
        (None, 200, {"content-length": "999"}, NO_LIMIT),
        ("bytes=0-3", 206, {"content-length": "4", "content-range": "bytes 0-3/10"}, 4),
        ("bytes=2-3", 206, {"content-range": "bytes 2-2/3"}, 2),
        ("bytes=0-3", 200, {"content-length": "4"}, 4),
        ("bytes=0-3", 200, {}, 4),
        ("bytes=-3", 206, {"content-range": "bytes 7-9/10"}, 3),
        ("bytes=-30", 200, {"content-length": "10"}, 30),
        ("bytes=7-", 206, {"content-range": "bytes 7-9/10"}, NO_LIMIT),
        ("bytes=0-", 200, {"content-length": "10"}, NO_LIMIT),
    ],
)
def test_what_was_asked_for_may_come(asked: str | None, status: int, answer: dict[str, str], expected: int) -> None:
    headers = [("Accept", "*/*"), *([("Range", asked)] if asked is not None else [])]

    assert expected == most_bytes(headers, status, answer, "get")


@pytest.mark.parametrize(
    ("asked", "status", "answer"),
    [
        ("bytes=0-3", 206, {"content-length": str(400 << 20), "content-range": "bytes 0-3/10"}),
        ("bytes=0-3", 206, {"content-range": "bytes 0-9/10"}),
        ("bytes=0-3", 200, {"content-length": "10"}),
        ("bytes=4-7", 200, {"content-length": "4"}),
        ("bytes=4-", 200, {}),
        ("bytes=-3", 200, {"content-length": "4"}),
    ],
)
def test_more_than_was_asked_for_is_refused_with_its_cause(asked: str, status: int, answer: dict[str, str]) -> None:
    with pytest.raises(IntegrityError, match="ignores ranges") as caught:
        most_bytes([("Range", asked)], status, answer, "get")

    assert "get" == caught.value.operation


MARKS = "a" + "\u0301\u0316" * 40_000


@pytest.mark.parametrize(
    "take",
    [
        lambda: ObjectKey(MARKS),
        lambda: Prefix(MARKS),
        lambda: DocumentKey("o", "p", "d", "r", MARKS),
        lambda: parse_url(f"kazinex://acme/p/{MARKS}"),
        lambda: strip_scheme(MARKS, "kazinex+local"),
        lambda: check_label(MARKS),
        lambda: attachment(MARKS),
    ],
    ids=["key", "prefix", "document", "URL", "path", "label", "attachment"],
)
def test_text_is_measured_before_it_is_normalised(take: Callable[[], object]) -> None:
    """Unicode's canonical order takes the square of a run of marks: 160 kB of them are seconds of a worker."""
    before = time.process_time()

    with pytest.raises((InvalidKeyError, InvalidUrlError, SettingsError, ValueError)):
        take()

    assert time.process_time() - before < 1


def test_names_of_a_service_are_measured_before_they_are_compared() -> None:
    before = time.process_time()

    assert collide(MARKS, MARKS.upper()) is False
    assert normal_label(MARKS) == MARKS

    assert time.process_time() - before < 1


def _ranges(text: str) -> bytes:
    return json.dumps({"nextExpectedRanges": [text]}).encode()
