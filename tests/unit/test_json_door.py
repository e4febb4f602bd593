"""Values of ours that leave the process as JSON: each comes back, and no other text is more than an error of ours."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kazinex_storage
from kazinex_storage.documents.receipts import Clock, StoredDocument
from kazinex_storage.errors import InvalidJsonError, InvalidKeyError
from kazinex_storage.json_text import parse_json, parse_own_json, write_json
from kazinex_storage.keys import DocumentKey
from kazinex_storage.providers.local.locks import Lock, Note
from kazinex_storage.providers.local.sidecar import Sidecar, Sidecars
from kazinex_storage.providers.local.tree import Tree
from kazinex_storage.storage.tickets import PartsTicket, TicketPart
from kazinex_storage.types import Checksum, PresignedUrl, PutMode, PutOptions, UploadState

# What JSON has no numbers for is refused before there is a value; texts with it are below.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=10,
)
SHA256 = st.text("0123456789abcdef", min_size=64, max_size=64)
OR_NONE = st.none() | st.text()
TIMES = st.datetimes(timezones=st.just(UTC))
STATES = st.builds(
    UploadState,
    key=st.text(min_size=1),
    upload_id=st.text(min_size=1),
    size=st.integers(min_value=0),
    part_bytes=st.integers(min_value=1),
    mode=st.sampled_from(PutMode),
    if_match=OR_NONE,
    write_token=st.text(),
    sha256=st.none() | SHA256,
    provider_state=st.text(),
    scope=st.text(),
    provider=st.text(),
    location=st.text(),
    mac=st.just("") | st.from_regex(r"[0-9a-f]{16}\.[0-9a-f]{64}", fullmatch=True),
)
OTHER_WRITERS = {
    "organisations/sealing.py": "the bytes that secrets are sealed with, and that keys are derived from",
    "organisations/settings.py": "the bytes that settings are compared by",
    "providers/s3/rest.py": "requests to Supabase",
    "providers/settings/entra.py": "requests to Entra",
    "providers/sharepoint/requests.py": "requests to Graph",
}
"""The modules that write JSON of another form, and what it is."""
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
DOCUMENTS = st.builds(DocumentKey, IDS, IDS, IDS, IDS, st.just("Plan Müller.pdf") | IDS)
RECEIPTS = st.builds(
    StoredDocument,
    document=DOCUMENTS,
    provider=st.text(),
    kind=st.text(),
    key=st.text(),
    size=st.integers(min_value=0),
    sha256=st.none() | SHA256,
    etag=OR_NONE,
    content_type=OR_NONE,
    stored_at=st.none() | TIMES,
    service_checksum=st.none() | st.builds(Checksum, algorithm=st.text(), value=st.text()),
    stored_by=OR_NONE,
    stored_at_by=st.sampled_from(get_args(Clock)),
    unasked=st.lists(st.text()).map(tuple),
)
STATE = UploadState(key="a", upload_id="b", size=5, part_bytes=5)
RECEIPT = StoredDocument(
    document=DocumentKey("org-1", "bridge", "DRG-1", "P01", "a.pdf"),
    provider="p",
    kind="local",
    key="org-1/bridge/DRG-1/P01/a.pdf",
    size=5,
    sha256=None,
    etag=None,
    content_type=None,
    stored_at=None,
    service_checksum=Checksum(algorithm="md5", value="0"),
)


def read_receipt(text: str) -> object:
    """Return the receipt that a program with the text of one makes of it."""
    return StoredDocument.from_dict(parse_json(text))  # type: ignore[arg-type]  # that is what is tried


def refused_or_read(read: Callable[[str], object], text: str) -> None:
    # A text that is no state at all has always been a plain ValueError; wrong fields are an InvalidJsonError.
    refused = ValueError if read == UploadState.from_json else InvalidJsonError
    with suppress(refused, InvalidKeyError):
        read(text)


@given(STATES)
def test_an_upload_state_comes_back(state: UploadState) -> None:
    assert state == UploadState.from_json(state.to_json())


@given(RECEIPTS)
def test_a_receipt_comes_back(receipt: StoredDocument) -> None:
    assert receipt == read_receipt(write_json(receipt.to_dict()))


@given(
    st.builds(
        Sidecar,
        options=st.builds(PutOptions, content_type=OR_NONE, metadata=st.dictionaries(st.text(), st.text())),
        sha256=OR_NONE,
    )
)
def test_a_side_car_comes_back(sidecar: Sidecar) -> None:
    with tempfile.TemporaryDirectory() as root:
        sidecars = Sidecars(Tree(root, create=False, durable=False))

        sidecars.write("a", "1", sidecar)

        assert sidecar == sidecars.read("a", "1")


@given(st.builds(Note, key=st.text(), versions=st.lists(st.text()).map(tuple), temporary=OR_NONE))
def test_the_note_of_a_lock_comes_back(note: Note) -> None:
    with tempfile.TemporaryFile() as file:
        lock = Lock(file.fileno())

        lock.note(note)

        assert note == lock.left()


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_damaged_note_is_none(text: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"\x01" + text)
        file.flush()

        found = Lock(file.fileno()).left()

    assert found is None or isinstance(found, Note)


@given(TIMES, st.frozensets(st.text()), st.text(), st.dictionaries(st.text(), st.text()))
def test_a_ticket_gives_a_client_every_request(
    at: datetime, bound: frozenset[str], url: str, headers: dict[str, str]
) -> None:
    request = PresignedUrl(method="PUT", url=url, headers=headers, expires_at=at)
    part = TicketPart(number=1, offset=0, size=5, request=request)
    ticket = PartsTicket(state=STATE, parts=(part,), complete=request, abort=request, expires_at=at, bound=bound)

    found = parse_own_json(ticket.to_json())

    wanted = {"method": "PUT", "url": url, "headers": headers}
    assert found == {
        "expires_at": at.isoformat(),
        "bound": sorted(bound),
        "parts": [{"number": 1, "offset": 0, "size": 5, **wanted}],
        "complete": wanted,
        "abort": wanted,
    }


@given(JSON.map(json.dumps) | st.text() | st.sampled_from(["NaN", '{"version": Infinity}', "[" * 100_000, "1" * 5_000]))
@pytest.mark.parametrize("read", [UploadState.from_json], ids=["state"])
def test_any_text_is_a_value_or_an_error_of_ours(read: Callable[[str], object], text: str) -> None:
    refused_or_read(read, text)


@given(JSON)
def test_any_json_is_a_receipt_or_an_error_of_ours(value: object) -> None:
    refused_or_read(lambda _: StoredDocument.from_dict(value), "")  # type: ignore[arg-type]


@given(st.data())
@pytest.mark.parametrize(
    ("read", "written"),
    [
        pytest.param(UploadState.from_json, STATE.to_json(), id="state"),
        pytest.param(read_receipt, write_json(RECEIPT.to_dict()), id="receipt"),
    ],
)
def test_a_value_with_any_field_altered_is_a_value_or_an_error_of_ours(
    read: Callable[[str], object], written: str, data: st.DataObject
) -> None:
    fields = json.loads(written)
    name = data.draw(st.sampled_from(sorted(fields)) | st.text())
    below = fields[name] if isinstance(fields.get(name), dict) and data.draw(st.booleans()) else fields
    if below is not fields:
        name = data.draw(st.sampled_from(sorted(below)) | st.text())
    if data.draw(st.booleans()):
        below[name] = data.draw(JSON)
    else:
        below.pop(name, None)

    refused_or_read(read, json.dumps(fields))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", "5"),
        ("size", -1),
        ("size", True),
        ("sha256", 5),
        ("stored_at", "yesterday"),
        ("stored_at_by", "moon"),
        ("service_checksum", {"algorithm": "md5"}),
        ("unasked", "p"),
        ("document", "org-1/bridge/DRG-1/P01/a.pdf"),
        ("document", {"organisation": "org-1"}),
        ("another", 1),
    ],
)
def test_a_wrong_receipt_is_refused_by_the_name_of_the_field(name: str, value: object) -> None:
    with pytest.raises(InvalidJsonError, match=f"'{name}' .*; give what to_dict returned"):
        StoredDocument.from_dict({**RECEIPT.to_dict(), name: value})


@pytest.mark.parametrize(
    "name", sorted({*RECEIPT.to_dict()} - {"stored_at", "service_checksum", "stored_by", "unasked"})
)
def test_a_receipt_needs_the_fields_of_every_release(name: str) -> None:
    fields = RECEIPT.to_dict()
    del fields[name]

    if name == "stored_at_by":
        assert "service" == StoredDocument.from_dict(fields).stored_at_by
    else:
        with pytest.raises(InvalidJsonError, match=f"'{name}'"):
            StoredDocument.from_dict(fields)


def test_a_receipt_that_is_no_object_is_refused() -> None:
    for value in (None, [], "text", 5, [["document", "x"]]):
        with pytest.raises(InvalidJsonError, match="no object"):
            StoredDocument.from_dict(value)  # type: ignore[arg-type]  # that is what is tried


def test_what_this_package_wrote_names_no_field_twice() -> None:
    twice = STATE.to_json().replace('"size": 5', '"size": 5, "size": 6')

    assert {"a": 2} == parse_json('{"a": 1, "a": 2}')
    with pytest.raises(ValueError, match="twice"):
        parse_own_json('[{"a": 1, "a": 2}]')
    with pytest.raises(ValueError, match="no upload state"):
        UploadState.from_json(twice)


def test_bytes_that_are_no_text_are_not_quoted() -> None:
    with pytest.raises(ValueError, match="no text") as caught:
        parse_json(b'{"secret": "example-not-real\xff"}')

    assert caught.value.__cause__ is None
    assert "example-not-real" not in str(vars(caught.value))
    assert not isinstance(caught.value, UnicodeDecodeError)


def test_json_is_written_by_one_door() -> None:
    """What only services read, or what a seal is over, has a form of its own."""
    root = Path(kazinex_storage.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if path.relative_to(root).parts[0] != "testing"
        if re.search(r"^\s*(import json\b|from json import)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert {*OTHER_WRITERS, "json_text.py"} == found


def test_numbers_that_json_does_not_know_are_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json({"size": float("nan")})


def test_states_keep_the_names_of_earlier_releases() -> None:
    state = replace(STATE, write_token="example", provider_state="{}")  # noqa: S106  # no secret

    fields = json.loads(state.to_json())

    assert ("example", "{}") == (fields["mark"], fields["kept"])
    assert not {"write_token", "provider_state"} & set(fields)
    assert "kept" not in json.loads(STATE.to_json())


def test_times_of_receipts_keep_their_moment() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(microseconds=1)

    again = read_receipt(write_json(replace(RECEIPT, stored_at=at).to_dict()))

    assert isinstance(again, StoredDocument)
    assert at == again.stored_at
