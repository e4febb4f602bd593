"""Tags, classes, public URLs and forms: what the rules of a storage say of them, without a service."""

from __future__ import annotations

import base64
import json

import pytest

from kazinex_storage import (
    FileTooLargeError,
    FileTypeRefusedError,
    NotSupportedError,
    Prefix,
    PutOptions,
    ReadOnlyError,
    RetentionError,
    SettingsError,
    Storage,
    UploadPolicy,
)
from kazinex_storage.bodies.stream import HEAD_BYTES
from kazinex_storage.contract_writing import PostOptions
from kazinex_storage.organisations.admission import OPERATOR_CHOICES, Proposal, TenantChoices
from kazinex_storage.providers.azure_blob import AzureBlobSettings, open_azure_blob
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.providers.s3 import R2Settings, S3Settings, open_r2, open_s3

KEYS = {"access_key_id": "fedcba9876543210fedcba9876543210", "secret_access_key": "0011223344556677" * 4}
S3 = S3Settings.model_validate(
    {
        "region": "eu-central-1",
        "bucket": "kazinex-website",
        "prefix": "site",
        "public_base_url": "https://f.example.com",
    }
    | KEYS
)
R2 = R2Settings.model_validate({"account_id": "0123456789abcdef0123456789abcdef", "bucket": "kazinex"} | KEYS)


@pytest.mark.parametrize(
    "tags",
    [
        {str(number): "" for number in range(11)},
        {"": "1"},
        {"a" * 129: "1"},
        {"a": "b" * 257},
        {"ü": "1"},
        {"a": "b\n"},
    ],
    ids=["too many", "no name", "long name", "long value", "other letters", "a line"],
)
def test_tags_that_some_service_does_not_take_are_refused_before_any_request(tags: dict[str, str]) -> None:
    with Storage(MemoryProvider()) as storage:
        with pytest.raises(ValueError, match=r"tags|tag "):
            storage.put("a", b"1", PutOptions(tags=tags))
        storage.put("a", b"1")
        with pytest.raises(ValueError, match=r"tags|tag "):
            storage.set_tags("a", tags)

        assert {} == storage.tags("a")


def test_what_is_written_once_may_get_other_tags_and_another_class_where_nothing_is_written_again() -> None:
    with Storage(MemoryProvider(), write_once=True) as storage:
        etag = storage.put("a", b"1").etag
        storage.set_tags("a", {"state": "approved"})

        assert (etag, "COLD") == ((info := storage.set_storage_class("a", "COLD")).etag, info.storage_class)
        assert {"state": "approved"} == storage.tags("a")
    with Storage(open_s3(S3), write_once=True) as storage, pytest.raises(NotSupportedError, match="written once"):
        storage.set_storage_class("a", "STANDARD_IA")


def test_what_is_held_is_replaced_by_no_stream() -> None:
    with Storage(MemoryProvider()) as storage:
        storage.put("a", b"1")
        storage.hold("a")

        with pytest.raises(RetentionError):
            storage.put("a", iter([bytes(HEAD_BYTES), b"1"]))
        with pytest.raises(RetentionError):
            storage.set_storage_class("a", "COLD")
        assert b"1" == storage.get_bytes("a")


def test_a_view_that_only_reads_shows_tags_and_changes_nothing() -> None:
    with Storage(MemoryProvider()) as storage:
        storage.put("a", b"1", PutOptions(tags={"state": "draft"}))
        view = storage.read_only()

        for change in (
            lambda: view.set_tags("a", {}),
            lambda: view.set_storage_class("a", "COLD"),
            lambda: view.put("a", iter([bytes(HEAD_BYTES), b"1"])),
        ):
            with pytest.raises(ReadOnlyError):
                change()
        assert {"state": "draft"} == view.tags("a")
        assert b"1" == storage.get_bytes("a")


def test_a_view_that_only_reads_signs_no_form() -> None:
    with Storage(open_s3(S3)) as storage, pytest.raises(ReadOnlyError):
        storage.read_only().presign_post("a")


def test_a_public_url_has_the_folder_of_the_settings_and_that_of_the_storage() -> None:
    with Storage(open_s3(S3)) as storage:
        found = storage.scoped("plans").public_url("Plan Ü.pdf")

    assert "https://f.example.com/site/plans/Plan%20%C3%9C.pdf" == found


def test_a_public_url_of_azure_names_the_blob() -> None:
    settings = AzureBlobSettings.model_validate(
        {
            "account": "kazinexexample",
            "container": "kazinex-documents",
            "account_key": base64.b64encode(b"example example example example!").decode(),
            "public_base_url": "https://cdn.example.com/kazinex-documents",
        }
    )
    with Storage(open_azure_blob(settings)) as storage:
        assert "https://cdn.example.com/kazinex-documents/a/b%3D2E" == storage.public_url("a/b.")


def test_without_a_public_host_the_refusal_says_what_to_set() -> None:
    with Storage(open_r2(R2)) as storage, pytest.raises(NotSupportedError, match="public_base_url"):
        storage.public_url("a")


def test_r2_refuses_tags_forms_and_classes_that_it_does_not_have() -> None:
    with Storage(open_r2(R2)) as storage:
        with pytest.raises(NotSupportedError, match="R2 has no tags"):
            storage.set_tags("a", {"a": "1"})
        with pytest.raises(NotSupportedError, match="sign a PUT"):
            storage.presign_post("a")
        with pytest.raises(NotSupportedError, match="no storage class 'GLACIER'"):
            storage.put("a", b"1", PutOptions(storage_class="GLACIER"))


def test_a_tenant_names_no_public_host_unless_the_host_lets_them() -> None:
    proposal = Proposal(kind="s3", settings=S3, organisation="acme", others=(), guarded=())

    with pytest.raises(SettingsError, match="public_base_url"):
        TenantChoices()(proposal)
    assert OPERATOR_CHOICES(proposal) is None


def test_a_form_has_the_limits_of_the_policy_and_names_every_field() -> None:
    policy = UploadPolicy(max_file_bytes=1000, ceiling=10_000, extensions=frozenset({"pdf"}))
    with Storage(open_s3(S3)) as opened:
        storage = opened.with_policy(policy)
        form = storage.presign_post("a.pdf", PostOptions(content_type="application/*"))
        said = json.loads(base64.b64decode(form.fields["policy"]))

        with pytest.raises(FileTypeRefusedError):
            storage.presign_post("a.exe")
        with pytest.raises(FileTooLargeError):
            storage.presign_post("a.pdf", PostOptions(max_bytes=1001))

    named = {name for condition in said["conditions"] if isinstance(condition, dict) for name in condition}
    assert ["content-length-range", 0, 1000] in said["conditions"]
    assert ["starts-with", "$Content-Type", "application/"] in said["conditions"]
    assert set(form.fields) - {"policy", "x-amz-signature"} <= named
    assert "site/a.pdf" == form.fields["key"]
    assert form.fields["x-amz-signature"] not in repr(form)


def test_no_form_is_signed_for_what_is_written_once() -> None:
    with Storage(open_s3(S3)) as opened:
        once = Storage(opened.operations.context.provider, write_once=True, prefix=Prefix.folder("once"))

        with pytest.raises(NotSupportedError, match="written once"):
            once.presign_post("a.pdf")
