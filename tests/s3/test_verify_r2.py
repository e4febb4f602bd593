"""verify() behind the strict R2 front: tokens, jurisdictions, locks, clock and CORS as R2 has them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from kazinex_storage import CheckStatus, Storage, VerificationReport, verify
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import R2, Credentials, Target
from kazinex_storage.testing.emulators.cloudflare import R2Front, Token, r2_front
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import RetryPolicy, Transport, TransportSettings


@pytest.fixture(scope="module")
def front(ministack_server: S3Server) -> Iterator[R2Front]:
    with r2_front(ministack_server, tls=True) as front:
        yield front


@pytest.fixture(scope="module")
def bucket(front: R2Front) -> str:
    return front.make_bucket("kazinex-documents")


def target_of(front: R2Front, bucket: str, token: Token, jurisdiction: str | None = None) -> Target:
    endpoints = {name: front.endpoint(name) for name in ("default", "eu", "fedramp", "us")}
    return Target(
        kind="r2",
        preset=replace(R2, write_interval_s=0),  # the front takes more than one write a second
        endpoint_url=endpoints.pop(jurisdiction or "default"),
        bucket=bucket,
        region="auto",
        credentials=Credentials(access_key_id=token.access_key_id, secret_access_key=token.secret_access_key),
        max_object_bytes=R2.max_object_bytes,
        jurisdiction=jurisdiction,
        other_endpoints=endpoints,
    )


def verified(front: R2Front, target: Target) -> VerificationReport:
    settings = TransportSettings(ca_file=front.ca_file, proxy="")
    policy = RetryPolicy(attempts=2, base_s=0.001, first_429_wait_s=0)
    with contextlib.closing(Transport(settings=settings, retry=policy)) as transport:
        return verify(Storage(S3Provider(target), transport=transport))


def diagnosis(report: VerificationReport) -> str:
    """Return the first diagnosis with its fix."""
    found = next(check for check in report.checks if check.status is CheckStatus.FAILED)
    return f"{found.name}: {found.diagnosis}; {found.fix}".lower()


def test_a_token_for_the_objects_of_one_bucket_is_enough(front: R2Front, bucket: str) -> None:
    before = len(front.log)

    report = verified(front, target_of(front, bucket, front.token([bucket])))

    assert report.ok, report.failure
    assert [] == [seen for seen in front.log[before:] if seen.path in ("/", f"/{bucket}") and seen.method != "GET"]
    assert "Contents" not in front.client().list_objects_v2(Bucket=bucket, Prefix=".kazinex-verify/")


def test_one_write_a_second_of_a_key_is_respected(front: R2Front, bucket: str) -> None:
    """A refusal would be counted, and be a warning in the log of everybody who verifies."""
    front.rules.one_write_per_second = True
    before = len(front.log)
    try:
        report = verified(front, replace(target_of(front, bucket, front.token([bucket])), preset=R2))
    finally:
        front.rules.one_write_per_second = False

    assert report.ok, report.failure
    assert [] == [seen for seen in front.log[before:] if seen.status == 429]


def test_every_fault_of_a_token_has_its_own_diagnosis(front: R2Front, bucket: str) -> None:
    good, other = front.token([bucket]), front.make_bucket()
    tokens = {
        "unknown": replace(good, access_key_id="0" * 32),
        "wrong": replace(good, secret_access_key="0" * 64),
        "read-only": front.token([bucket], write=False),
        "other bucket": front.token([other]),
    }

    found = {name: diagnosis(verified(front, target_of(front, bucket, token))) for name, token in tokens.items()}

    assert len(set(found.values())) == len(found)
    assert "access key id" in found["unknown"]
    assert "secret" in found["wrong"]
    assert "blank" in found["wrong"] or "space" in found["wrong"]
    assert found["read-only"].startswith("write:")
    assert "bucket" in found["other bucket"]


def test_a_bucket_in_other_letter_case_is_not_there(front: R2Front, bucket: str) -> None:
    found = diagnosis(verified(front, target_of(front, bucket.title(), front.token())))

    assert "case" in found


@pytest.mark.parametrize("everywhere", [True, False], ids=["account", "bucket"])
def test_a_bucket_in_another_jurisdiction_is_found_there(front: R2Front, everywhere: bool) -> None:
    bucket = front.make_bucket(jurisdiction="eu")
    token = front.token(None if everywhere else [bucket])

    found = diagnosis(verified(front, target_of(front, bucket, token)))

    assert "jurisdiction" in found
    assert "'eu'" in found


def test_residency_is_proved_when_it_is_demanded(front: R2Front) -> None:
    bucket = front.make_bucket(jurisdiction="eu")

    report = verified(front, target_of(front, bucket, front.token([bucket]), "eu"))

    assert report.ok, report.failure
    assert CheckStatus.PASSED is next(check for check in report.checks if check.name == "residency").status


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda front: setattr(front.rules, "enabled", False), "enable"),
        (lambda front: setattr(front.rules, "clock_shift_s", 20 * 60), "clock"),
    ],
    ids=["not enabled", "clock"],
)
def test_what_is_wrong_around_the_bucket_is_reported(
    front: R2Front, bucket: str, spoil: Callable[[R2Front], None], word: str
) -> None:
    spoil(front)
    try:
        found = diagnosis(verified(front, target_of(front, bucket, front.token([bucket]))))
    finally:
        front.rules.enabled, front.rules.clock_shift_s = True, 0

    assert word in found


def test_a_bucket_lock_is_a_warning_because_documents_can_be_stored(front: R2Front, bucket: str) -> None:
    front.rules.locked_prefixes = (".kazinex-verify/",)
    try:
        report = verified(front, target_of(front, bucket, front.token([bucket])))
    finally:
        front.rules.locked_prefixes = ()

    warnings = [check for check in report.checks if check.status is CheckStatus.WARNING]
    assert report.ok, report.failure
    assert any("lock" in (check.diagnosis or "") for check in warnings)


def test_missing_cors_is_a_warning_when_browsers_upload(front: R2Front, bucket: str) -> None:
    target = replace(target_of(front, bucket, front.token([bucket])), browser_origin="https://app.example.com")

    before = verified(front, target)
    front.rules.browser_origins = ("https://app.example.com",)
    after = verified(front, target)
    front.rules.browser_origins = ()

    assert [CheckStatus.WARNING, CheckStatus.PASSED] == [
        next(check for check in report.checks if check.name == "cors").status for report in (before, after)
    ]


def test_a_certificate_of_an_unknown_authority_is_reported(front: R2Front, bucket: str) -> None:
    target = target_of(front, bucket, front.token([bucket]))
    with contextlib.closing(
        Transport(settings=TransportSettings(proxy=""), retry=RetryPolicy(attempts=1))
    ) as transport:
        report = verify(Storage(S3Provider(target), transport=transport))

    assert "certificate" in diagnosis(report)
