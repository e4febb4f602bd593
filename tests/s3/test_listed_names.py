"""Names that other tools chose: what is listed can be used by its key, and leads to the object that was listed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kazinex_storage.errors import InvalidKeyError
from kazinex_storage.keys import ObjectKey, Prefix
from kazinex_storage.providers.s3.exchanges import S3Provider
from kazinex_storage.providers.s3.names import codec_of
from kazinex_storage.providers.s3.target import R2, S3, Target
from kazinex_storage.storage.sync import Storage
from kazinex_storage.transport import Response
from kazinex_storage.types import Folder, ObjectInfo

from .test_answers import TARGET, answered, listing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NFC, NFD = "M\u00fcller.pdf", "Mu\u0308ller.pdf"
FOLDS = TARGET
KEEPS = replace(TARGET, kind="s3", preset=S3)

assert R2.folds_names
assert not S3.folds_names


@given(
    names=st.lists(st.text(st.sampled_from("ab/. \\\n\u00fc*"), max_size=6), max_size=6),
    prefix=st.sampled_from(["", "a/"]),
)
@example(["a/b", "a/c"], "a/")
@example(["a\nb"], "")
@example(["x" * 1025, "b"], "")
def test_a_page_of_names_is_judged_as_each_of_them(names: list[str], prefix: str) -> None:
    codec = codec_of(replace(KEEPS, prefix=prefix))

    assert [codec.key_of(name) for name in names] == list(codec.keys_of(names))


def test_deleting_all_that_is_listed_leaves_other_objects_alone(
    storage: Storage, target: Target, witness: S3Client, caplog: pytest.LogCaptureFixture
) -> None:
    """macOS uploads names that are not NFC, which S3 takes for other objects."""
    names = {f"{target.prefix}{name}" for name in ("a", NFC, NFD, f"o/{NFD}", f"{NFD}/b")}
    for name in names:
        witness.put_object(Bucket=target.bucket, Key=name, Body=name.encode())

    found = [info.key for info in storage.list()]
    assert ["3 names in"] == [record.getMessage()[:10] for record in caplog.records]
    level = list(storage.list(recursive=False))
    assert "2 names in" in caplog.records[-1].getMessage()
    for key in found:
        storage.delete(key)

    left = {entry["Key"] for entry in witness.list_objects_v2(Bucket=target.bucket, Prefix=target.prefix)["Contents"]}
    assert [NFC, "a"] == found
    assert [NFC, "a", "o/"] == sorted(e.prefix if isinstance(e, Folder) else e.key for e in level)
    assert names - {f"{target.prefix}a", f"{target.prefix}{NFC}"} == left


def test_an_upload_under_a_name_of_another_form_is_not_ours(
    storage: Storage, target: Target, witness: S3Client
) -> None:
    for name in (NFC, NFD):
        witness.create_multipart_upload(Bucket=target.bucket, Key=target.prefix + name)

    found = storage.pending_uploads()

    assert [NFC] == [upload.key for upload in found]


def test_a_service_that_folds_names_shows_them_as_keys() -> None:
    found = answered(S3Provider(FOLDS).scan(Prefix()).next(), listing(f"acme/{NFD}", "acme/a//b"))

    assert [NFC] == [info.key for info in found or ()]


@pytest.mark.parametrize("target", [FOLDS, KEEPS], ids=["folds", "keeps"])
@pytest.mark.parametrize("name", ["a//b", "/a", "a/../b", "./a", "a/.", "a\\b", "a\x7f", "x" * 1025, "\u56f3" * 342])
def test_what_no_key_can_name_is_not_listed(target: Target, name: str) -> None:
    exchanges = S3Provider(target)

    found = answered(exchanges.children(Prefix()).next(), listing("acme/a", f"acme/{name}", folders=(f"acme/{name}/",)))

    assert [ObjectInfo(key="a", size=1)] == list(found or ())


@given(text=st.text(st.sampled_from("a.-/ ~!\\\x1f\x7f\u00fcu\u0308\u212b\ud800"), max_size=8))
@example(text="x" * 1024)
@example(text=f"{'x' * 1020}/..y")
def test_a_listed_name_is_a_key_exactly_when_it_is_the_encoded_form_of_one(text: str) -> None:
    expected: str | None
    try:
        expected = ObjectKey(text)
    except InvalidKeyError:
        expected = None

    assert expected == S3Provider(FOLDS).codec.key_of(f"acme/{text}")
    assert (expected if expected == text else None) == S3Provider(KEEPS).codec.key_of(f"acme/{text}")


def test_uploads_of_names_that_are_no_keys_are_left_out() -> None:
    entries = "".join(
        f"<Upload><Key>acme/{name}</Key><UploadId>1</UploadId></Upload>" for name in ("a", "b//c", NFD, "d/../e")
    )
    body = f"<ListMultipartUploadsResult>{entries}</ListMultipartUploadsResult>"

    found = answered(S3Provider(KEEPS).pending_uploads(Prefix()), Response(status=200, headers={}, body=body.encode()))

    assert ["a"] == [upload.key for upload in found]
