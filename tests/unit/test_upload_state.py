"""The serialised state of an upload: what is written comes back, and nothing else is taken for one."""

from __future__ import annotations

import json

import pytest

from kazinex_storage.types import PutMode, UploadState

STATE = UploadState(
    key="folder/Plan Müller.pdf",
    upload_id="an id",
    size=20,
    part_bytes=8,
    mode=PutMode.CREATE,
    write_token="0123456789abcdef",  # noqa: S106  # no secret
    sha256="0" * 64,
    scope="acme/",
    provider="r2",
    location="bucket/prefix",
    mac="0123456789abcdef." + "0" * 64,
)

# What version 2 writes, letter for letter: a state may be older than the release that reads it.
WRITTEN = (
    '{"version": 2, "key": "folder/Plan M\\u00fcller.pdf", "upload_id": "an id", "size": 20, "part_bytes": 8, '
    '"mode": "create", "if_match": null, "mark": "0123456789abcdef", '
    '"sha256": "0000000000000000000000000000000000000000000000000000000000000000", '
    '"scope": "acme/", "provider": "r2", "location": "bucket/prefix", '
    '"mac": "0123456789abcdef.0000000000000000000000000000000000000000000000000000000000000000"}'
)


def test_a_state_is_written_in_the_form_of_version_1() -> None:
    assert WRITTEN == STATE.to_json()


def test_what_was_written_comes_back() -> None:
    assert STATE == UploadState.from_json(WRITTEN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "{",
        "1",
        WRITTEN.replace('"version": 2', '"version": 1'),
        "[" * 100_000,
        '{"a":' * 100_000,
        WRITTEN[:-1],
    ],
)
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no upload state of version 2"):
        UploadState.from_json(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", ""),
        ("key", None),
        ("upload_id", ""),
        ("upload_id", 7),
        ("size", -1),
        ("size", True),
        ("size", "20"),
        ("size", 2.5),
        ("part_bytes", 0),
        ("mode", "append"),
        ("if_match", 1),
        ("sha256", "0" * 63),
        ("sha256", "G" * 64),
        ("scope", None),
        ("provider", None),
        ("location", []),
        ("mac", None),
        ("mac", "0"),
        ("another", 1),
    ],
)
def test_an_altered_state_is_refused_by_the_name_of_the_field(name: str, value: object) -> None:
    altered = json.dumps({**json.loads(WRITTEN), name: value})

    with pytest.raises(ValueError, match=repr(name)):
        UploadState.from_json(altered)


@pytest.mark.parametrize("name", [name for name in json.loads(WRITTEN) if name != "version"])
def test_a_state_without_one_of_its_fields_is_refused(name: str) -> None:
    fields = json.loads(WRITTEN)
    del fields[name]

    with pytest.raises(ValueError, match=repr(name)):
        UploadState.from_json(json.dumps(fields))


def test_the_id_of_the_upload_is_not_shown() -> None:
    assert "an id" not in repr(STATE)
