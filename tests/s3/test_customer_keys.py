"""SSE-C: the service encrypts with a key that comes with each request; boto3 reads with that key, and not without."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from kazinex_storage.capabilities import Capability
from kazinex_storage.errors import AlreadyExistsError, NotSupportedError, SettingsError, StorageError
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.settings import R2Settings, S3Settings, SupabaseSettings
from kazinex_storage.providers.s3.target import Target
from kazinex_storage.registry import default_registry
from kazinex_storage.storage.sync import Storage
from kazinex_storage.types import ByteRange, PutMode, PutOptions
from kazinex_storage.verification.verify import verify

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = bytes(range(32))
SSE = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY.decode("latin-1")}


@pytest.fixture
def keyed(target: Target) -> Iterator[Storage]:
    with Storage(S3Provider(replace(target, customer_key=KEY))) as storage:
        yield storage


def test_the_service_gives_nothing_away_without_the_key(
    keyed: Storage, target: Target, witness: S3Client, tmp_path: Path
) -> None:
    body = os.urandom(9 * 1024 * 1024)
    keyed.put("small", b"plan", PutOptions(mode=PutMode.CREATE))
    keyed.put("large", body)  # in parts
    keyed.copy("small", "copy")

    assert b"plan" == keyed.get_bytes("small") == keyed.get_bytes("copy")
    assert body[70_000:70_005] == keyed.get_bytes("large", ByteRange(start=70_000, end=70_005))
    keyed.download("large", tmp_path / "large")
    assert body == (tmp_path / "large").read_bytes()
    assert (len(body), 4) == (keyed.head("large").size, keyed.head("small").size)
    assert {"small": 4, "large": len(body), "copy": 4} == {info.key: info.size for info in keyed.list()}
    for name in ("small", "large", "copy"):
        place = {"Bucket": target.bucket, "Key": target.prefix + name}
        with pytest.raises(ClientError):
            witness.get_object(**place)  # type: ignore[arg-type]
    raw = {**SSE, "SSECustomerKey": KEY}
    found = witness.get_object(Bucket=target.bucket, Key=f"{target.prefix}large", **raw)  # type: ignore[arg-type]
    assert body == found["Body"].read()
    with pytest.raises(AlreadyExistsError):
        keyed.put("small", b"other", PutOptions(mode=PutMode.CREATE))
    keyed.delete_many(["small", "large", "copy"])
    assert [] == list(keyed.list())


@pytest.mark.parametrize("server", ["ministack"], indirect=True)  # SeaweedFS copies no parts with a key
def test_a_copy_that_creates_carries_the_key_as_well(keyed: Storage) -> None:
    keyed.put("a", b"plan")

    keyed.copy("a", "b", mode=PutMode.CREATE)

    assert b"plan" == keyed.get_bytes("b")


def test_another_key_or_none_is_refused_as_a_permanent_error(keyed: Storage, target: Target) -> None:
    keyed.put("a", b"plan")

    for key in (None, bytes(32)):
        with Storage(S3Provider(replace(target, customer_key=key))) as other:
            for read in (other.get_bytes, other.head):
                with pytest.raises(StorageError) as caught:
                    read("a")
                assert not caught.value.retryable


def test_uploads_in_parts_are_resumed_with_the_key(keyed: Storage) -> None:
    body = os.urandom(11 * 1024 * 1024)
    state = keyed.begin_upload("a", len(body))

    assert len(body) == keyed.resume_upload(state, body).size
    assert body == keyed.get_bytes("a")


def test_urls_are_not_signed_because_they_would_need_the_key(keyed: Storage) -> None:
    assert keyed.info.can(Capability.CUSTOMER_KEYS)

    with pytest.raises(NotSupportedError, match="would need the customer's key"):
        keyed.presign("a")


def test_verify_finds_that_the_service_uses_the_key(keyed: Storage) -> None:
    report = verify(keyed)

    assert report.ok
    assert "customer key" in [check.name for check in report.checks]


def test_the_key_is_shown_nowhere(keyed: Storage, target: Target) -> None:
    text = base64.b64encode(KEY).decode()
    settings = S3Settings.model_validate({"bucket": "plans", "region": "eu-central-1", "customer_key": text})

    shown = repr(settings) + repr(settings.target()) + repr(keyed) + repr(replace(target, customer_key=KEY))

    assert text not in shown
    assert repr(KEY) not in shown


@pytest.mark.parametrize("kind", [S3Settings, R2Settings])
@pytest.mark.parametrize(("key", "url"), [("c2hvcnQ=", None), (base64.b64encode(KEY).decode(), "http://s3.example")])
def test_a_key_that_is_none_or_would_travel_in_clear_is_refused(
    kind: type[S3Settings | R2Settings], key: str, url: str | None
) -> None:
    name = "r2" if kind is R2Settings else "s3"
    own = {"account_id": secrets.token_hex(16), "access_key_id": "0" * 32, "secret_access_key": "0" * 64}
    settings = {"bucket": "plans", "customer_key": key, "endpoint_url": url}
    settings |= own if name == "r2" else {"region": "eu-central-1"}

    with pytest.raises(SettingsError, match="customer_key") as caught:
        default_registry().parse_settings(name, settings)

    assert key not in str(caught.value)


def test_a_service_that_takes_no_keys_says_so() -> None:
    assert "customer_key" not in SupabaseSettings.model_fields
