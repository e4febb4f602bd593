"""Lock rules of an R2 bucket: the theme of the kit behind the R2 front and the API of Cloudflare."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from kazinex_storage import Retention, RetentionError, Storage, verify
from kazinex_storage.providers.s3 import R2Settings
from kazinex_storage.providers.s3.provider import S3Provider, open_r2
from kazinex_storage.testing import Harness
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_retention import RetentionContract
from kazinex_storage.testing.emulators.cloudflare import R2Front, r2_front
from kazinex_storage.testing.emulators.cloudflare.lock_rules import LockRule, LockRules, lock_rules
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.verbs import AnyProvider

from .conftest import S3Harness

LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


@pytest.fixture(scope="module")
def front(ministack_server: S3Server) -> Iterator[R2Front]:
    with r2_front(ministack_server) as front:
        yield front


@pytest.fixture(scope="module")
def api(front: R2Front) -> Iterator[LockRules]:
    with lock_rules(front) as found:
        yield found


@pytest.fixture(scope="module")
def r2_bucket(front: R2Front) -> str:
    return front.make_bucket()


def settings_of(front: R2Front, api: LockRules, bucket: str, **more: str) -> R2Settings:
    key = front.token([bucket])
    fields = {
        "account_id": front.account_id,
        "bucket": bucket,
        "endpoint_url": front.endpoint_url,
        "access_key_id": key.access_key_id,
        "secret_access_key": key.secret_access_key,
        "api_token": api.token,
        "api_url": api.url,
    }
    return R2Settings.model_validate({**fields, **more})


class LockedHarness(S3Harness):
    """A folder of one bucket."""

    def __init__(self, front: R2Front, api: LockRules, bucket: str) -> None:
        self._front, self._api, self._bucket = front, api, bucket
        self._witness = front.client()
        self._prefix = ""

    def make(self) -> AnyProvider:
        self._prefix = f"{secrets.token_hex(4)}/"
        target = settings_of(self._front, self._api, self._bucket, prefix=self._prefix).target()
        return S3Provider(replace(target, preset=replace(target.preset, write_interval_s=0)))


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
class TestBucketLocks(RetentionContract, OnBench):
    """The theme of the kit."""

    @pytest.fixture(autouse=True)
    def _use(self, front: R2Front, api: LockRules, r2_bucket: str) -> None:
        self._given = front, api, r2_bucket

    def harness(self) -> Harness:
        return LockedHarness(*self._given)


def test_the_service_keeps_the_object_from_the_witness_and_other_rules_stay(front: R2Front, api: LockRules) -> None:
    bucket, witness = front.make_bucket(), front.client()
    other: LockRule = {"id": "yearly", "enabled": False, "prefix": "x/", "condition": {"type": "Indefinite"}}
    api.rules[bucket] = [other]
    with Storage(open_r2(settings_of(front, api, bucket))) as storage:
        storage.put("a", b"1")
        storage.retain("a", Retention(until=LATER))
        storage.hold("a")

        with pytest.raises(RetentionError):
            storage.delete("a")
        with pytest.raises(ClientError, match="ObjectLockedByBucketPolicy"):
            witness.delete_object(Bucket=bucket, Key="a")
        assert ["yearly", "a", "a"] == [rule["id"] if rule == other else rule["prefix"] for rule in api.rules[bucket]]
        storage.release("a")
        storage.retain("a", None, bypass=True)
        assert [other] == api.rules[bucket]


def test_verify_proves_that_rules_can_be_set(front: R2Front, api: LockRules) -> None:
    bucket = front.make_bucket()
    with Storage(open_r2(settings_of(front, api, bucket))) as storage:
        assert "object lock" in [check.name for check in verify(storage).checks if check.status.value == "passed"]
    with Storage(open_r2(settings_of(front, api, bucket, api_token="x" * 40))) as storage:
        report = verify(storage)

    (failed,) = [check for check in report.checks if check.name == "object lock"]
    assert "Workers R2 Storage: Edit" in str(failed.error)
    assert "x" * 40 not in str(report.to_dict())
