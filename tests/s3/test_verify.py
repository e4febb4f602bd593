"""verify() on buckets: what it finds wrong, and what it tells the administrator to do."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import secrets
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from kazinex_storage import Check, CheckStatus, Storage, VerificationReport, verify
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import R2, SUPABASE, Credentials, RestEndpoint, Target
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import RetryPolicy, Transport, TransportSettings

from ..organisations.binding import bound_once
from ..transport.connect_proxy import HOST, private_network
from .conftest import target_of
from .faulty import Faulty, self_signed
from .proxy import Action, Forward, Line, Proxy, Seen, cut_before, fails, passing, proxy, says

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SETTINGS = TransportSettings(connect_timeout_s=5, first_byte_timeout_s=5, idle_timeout_s=5, proxy="")
QUICK = RetryPolicy(attempts=2, base_s=0.001, first_429_wait_s=0)
UNPACED = dataclasses.replace(R2, write_interval_s=0)
"""For servers that take several writes of one key in a second."""
PAGE = b"<!DOCTYPE html><html><title>Welcome to the hotel</title></html>"
KEPT = Credentials(access_key_id="example", secret_access_key="example")  # noqa: S106
"""For servers that no request reaches."""


def verified(target: Target) -> VerificationReport:
    with contextlib.closing(Transport(settings=SETTINGS, retry=QUICK)) as transport:
        provider = S3Provider(target)
        return verify(Storage(provider, transport=transport))


def failure(report: VerificationReport) -> Check:
    return next(check for check in report.checks if check.status is CheckStatus.FAILED)


def check_of(report: VerificationReport, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


def with_keys(target: Target, key_id: str | None = None, secret: str | None = None, token: str | None = None) -> Target:
    kept = target.credentials
    assert isinstance(kept, Credentials)
    keys = Credentials(
        access_key_id=key_id or kept.access_key_id,
        secret_access_key=secret or kept.secret_access_key,
        session_token=token,
    )
    return dataclasses.replace(target, credentials=keys)


@pytest.fixture
def front(seaweedfs_server: S3Server) -> Iterator[Proxy]:
    """A proxy before SeaweedFS."""
    with proxy(seaweedfs_server.endpoint_url) as found:
        yield found


@pytest.fixture
def r2(front: Proxy, seaweedfs_server: S3Server, bucket_of: Callable[[S3Server], str]) -> Target:
    """A bucket behind the proxy that takes itself for one of R2."""
    target = target_of(seaweedfs_server, bucket_of(seaweedfs_server), prefix=f"{secrets.token_hex(4)}/")
    return dataclasses.replace(target, kind="r2", preset=UNPACED, endpoint_url=front.url)


def test_a_good_bucket_passes_every_check_and_keeps_nothing(target: Target, witness: S3Client) -> None:
    report = verified(target)

    assert report.ok
    assert {CheckStatus.PASSED} == {check.status for check in report.checks}
    assert 0 == witness.list_objects_v2(Bucket=target.bucket, Prefix=target.prefix)["KeyCount"]


def test_a_bucket_that_anybody_may_read_fails(seaweedfs_target: Target, seaweedfs_server: S3Server) -> None:
    """What verifies is private (issue 18, C5)."""
    resource = f"arn:aws:s3:::{seaweedfs_target.bucket}/*"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": [resource]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    witness = seaweedfs_server.client()
    witness.put_bucket_policy(Bucket=seaweedfs_target.bucket, Policy=policy)
    try:
        report = verified(seaweedfs_target)
    finally:
        witness.delete_bucket_policy(Bucket=seaweedfs_target.bucket)

    assert ["private"] == [check.name for check in report.checks if check.status is CheckStatus.FAILED]
    assert "anybody can read" in str(failure(report).diagnosis)
    assert "Block Public Access" in str(failure(report).fix)


def test_a_server_that_answers_everything_without_credentials_is_a_warning(
    front: Proxy, seaweedfs_server: S3Server, seaweedfs_target: Target
) -> None:
    def signed_or_page(line: Line, seen: Seen, forward: Forward) -> None:
        named = {name.lower() for name, _ in seen.headers}
        (passing if "authorization" in named else says(200, PAGE))(line, seen, forward)

    front.on("get", do=signed_or_page, times=None)

    report = verified(dataclasses.replace(seaweedfs_target, endpoint_url=front.url))

    assert report.ok
    assert CheckStatus.WARNING is check_of(report, "private").status


def test_nothing_is_asked_that_a_token_for_objects_may_not_ask(r2: Target, front: Proxy) -> None:
    front.on("put", do=fails(403, "AccessDenied"), times=None)

    verified(r2)

    asked = {(seen.method, seen.target.partition("?")[0]) for seen in front.seen}
    assert not {("HEAD", f"/{r2.bucket}/"), ("HEAD", f"/{r2.bucket}"), ("GET", "/")} & asked
    assert all(seen.target.startswith(f"/{r2.bucket}/") for seen in front.seen)


def test_an_access_key_id_that_is_not_known(target: Target) -> None:
    check = failure(verified(with_keys(target, key_id="0123456789abcdef")))

    assert "list" == check.name
    assert "access key id is not known" in str(check.diagnosis)
    assert "same key" in str(check.fix)


def test_a_secret_of_another_key(seaweedfs_server: S3Server, bucket_of: Callable[[S3Server], str]) -> None:
    target = target_of(seaweedfs_server, bucket_of(seaweedfs_server))

    check = failure(verified(with_keys(target, secret="not-the-secret")))  # noqa: S106

    assert "secret access key does not belong to it" in str(check.diagnosis)
    assert "without a blank or line break at its end" in str(check.fix)


def test_a_bucket_that_does_not_exist(target: Target) -> None:
    check = failure(verified(dataclasses.replace(target, bucket="no-such-bucket-example")))

    assert "there is no bucket 'no-such-bucket-example'" in str(check.diagnosis)
    assert "capitals included" in str(check.fix)


def test_a_bucket_in_another_letter_case(target: Target) -> None:
    check = failure(verified(dataclasses.replace(target, bucket=target.bucket.capitalize())))

    assert f"there is {target.bucket!r}" in str(check.diagnosis)
    assert repr(target.bucket) in str(check.fix)


@pytest.mark.parametrize("code", ["NoSuchBucket", "AccessDenied"])
def test_a_bucket_of_another_jurisdiction(r2: Target, front: Proxy, code: str) -> None:
    """R2 says the one to a token for the account, and the other to a token for the bucket."""
    with proxy() as other:
        other.on(do=fails(404 if code == "NoSuchBucket" else 403, code), times=None)
        elsewhere = {"eu": front.url, "us": other.url}
        target = dataclasses.replace(r2, endpoint_url=other.url, other_endpoints=elsewhere)

        check = failure(verified(target))

    assert "is in the jurisdiction eu, and the settings say default" in str(check.diagnosis)
    assert "set the jurisdiction to 'eu'" in str(check.fix)


def test_a_bucket_that_is_not_where_its_documents_must_stay(r2: Target, front: Proxy) -> None:
    with proxy() as other:
        other.on(do=fails(404, "NoSuchBucket"), times=None)
        target = dataclasses.replace(
            r2, endpoint_url=other.url, other_endpoints={"default": front.url}, jurisdiction="eu"
        )

        report = verified(target)

    assert "is in the jurisdiction default, and the settings say eu" in str(failure(report).diagnosis)
    assert "make a new bucket there" in str(failure(report).fix)
    assert CheckStatus.SKIPPED is check_of(report, "residency").status


def test_other_endpoints_that_do_not_answer_do_not_hide_that_the_bucket_is_missing(r2: Target, closed: str) -> None:
    target = dataclasses.replace(r2, bucket="no-such-bucket-example", other_endpoints={"eu": closed})

    assert "there is no bucket" in str(failure(verified(target)).diagnosis)


@pytest.mark.parametrize(
    ("action", "meaning", "fix"),
    [
        (fails(401, "Unauthorized"), "not known to this account", "Manage API tokens"),
        (fails(403, "InvalidAccessKeyId"), "not known to this account", "Manage API tokens"),
        (
            says(
                400,
                b"<Error><Code>InvalidArgument</Code><Message>Credential access key has length 20, should be 32"
                b"</Message></Error>",
            ),
            "not known to this account",
            "compare the access key id",
        ),
        (fails(403, "SignatureDoesNotMatch"), "secret access key does not belong", "not the value of the token"),
        (fails(403, "AccessDenied"), "valid, but not for the bucket", "Object Read & Write at Cloudflare dashboard"),
        (fails(403, "NotEntitled"), "R2 is not enabled", "purchase of R2"),
        (fails(400, "ExpiredToken"), "session token has expired", "new temporary credentials"),
        (fails(400, "InvalidToken"), "session token has expired", "all three parts"),
        (
            fails(301, "PermanentRedirect", ("x-amz-bucket-region", "eu-central-1")),
            "wants the region 'eu-central-1'",
            "set the region to 'eu-central-1'",
        ),
        (
            fails(400, "AuthorizationHeaderMalformed", more="<Region>eu-west-1</Region>"),
            "wants the region 'eu-west-1'",
            "set the region",
        ),
        (says(200, PAGE, kind="text/html"), "something other than the storage service", "sign in to the network"),
        (says(403, PAGE, kind="text/html"), "status 403, text/html", "let the proxy pass"),
        (says(302, b"", ("Location", "http://127.0.0.1/login")), "status 302", "sign in to the network"),
        (says(200, b"OK", kind="text/html; charset=utf-8"), "something other than", "correct the endpoint"),
    ],
    ids=lambda value: None if callable(value) else "_".join(str(value).split()[:4]),
)
def test_what_the_service_answers_is_explained(
    r2: Target, front: Proxy, action: Action, meaning: str, fix: str
) -> None:
    front.on(do=action, times=None)

    check = failure(verified(r2))

    assert "list" == check.name
    assert meaning in str(check.diagnosis)
    assert fix in str(check.fix)


@pytest.mark.parametrize(("minutes", "said"), [(20, "20 minutes behind"), (-90, "90 minutes ahead of")])
def test_the_diagnosis_of_a_wrong_clock_says_by_how_much_it_is_off(
    r2: Target, front: Proxy, minutes: int, said: str
) -> None:
    theirs = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    front.on(do=fails(403, "RequestTimeTooSkewed", ("Date", theirs)), times=None)

    check = failure(verified(r2))

    assert said in str(check.diagnosis)
    assert "NTP" in str(check.fix)


def test_the_time_in_the_error_goes_before_the_one_of_a_proxy(r2: Target, front: Proxy) -> None:
    theirs = (datetime.now(UTC) + timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ours = format_datetime(datetime.now(UTC), usegmt=True)
    front.on(
        do=fails(403, "RequestTimeTooSkewed", ("Date", ours), more=f"<ServerTime>{theirs}</ServerTime>"), times=None
    )

    assert "20 minutes behind" in str(failure(verified(r2)).diagnosis)


def test_a_clock_is_blamed_for_a_signature_that_it_spoils(r2: Target, front: Proxy) -> None:
    theirs = format_datetime(datetime.now(UTC) + timedelta(minutes=20), usegmt=True)
    front.on(do=fails(403, "SignatureDoesNotMatch", ("Date", theirs)), times=None)

    assert "20 minutes behind" in str(failure(verified(r2)).diagnosis)


def test_a_token_that_may_only_read(r2: Target, front: Proxy) -> None:
    front.on("put", do=fails(403, "AccessDenied"), times=None)

    report = verified(r2)

    assert CheckStatus.PASSED is check_of(report, "list").status
    assert "write" == failure(report).name
    assert "may list the bucket" in str(failure(report).diagnosis)
    assert "Object Read only" in str(failure(report).diagnosis)
    assert "Object Read & Write" in str(failure(report).fix)


ALL = ("s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject")


@pytest.fixture
def identity(seaweedfs_server: S3Server) -> Callable[..., tuple[str, str]]:
    """Makes an access key that may do no more than is said, on one bucket."""
    # boto3-stubs[s3] knows S3 only.
    iam: Any = boto3.client(
        "iam",
        endpoint_url=seaweedfs_server.endpoint_url,
        aws_access_key_id=seaweedfs_server.access_key_id,
        aws_secret_access_key=seaweedfs_server.secret_access_key,
        region_name=seaweedfs_server.region,
    )

    def make(bucket: str, *actions: str) -> tuple[str, str]:
        name = f"user-{secrets.token_hex(4)}"
        places = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": places}
        iam.create_user(UserName=name)
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="all-it-may", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    return make


@pytest.mark.parametrize(
    ("actions", "name", "meaning"),
    [
        (ALL[:2], "write", "may list the bucket"),
        (ALL[:3], "delete", "but not delete in it"),
        (("s3:ListBucket", "s3:PutObject", "s3:DeleteObject"), "read", "but not read in it"),
    ],
    ids=["read only", "no delete", "no read"],
)
def test_an_identity_with_fewer_rights(
    seaweedfs_target: Target,
    identity: Callable[..., tuple[str, str]],
    actions: tuple[str, ...],
    name: str,
    meaning: str,
) -> None:
    keys = identity(seaweedfs_target.bucket, *actions)

    report = verified(with_keys(seaweedfs_target, *keys))

    assert CheckStatus.PASSED is check_of(report, "list").status
    assert name == failure(report).name
    assert meaning in str(failure(report).diagnosis)
    assert "s3:PutObject" in str(failure(report).fix)


def test_an_identity_of_another_bucket(seaweedfs_target: Target, identity: Callable[..., tuple[str, str]]) -> None:
    keys = identity("another-bucket-example", *ALL)

    check = failure(verified(with_keys(seaweedfs_target, *keys)))

    assert "list" == check.name
    assert "the key is valid, but not for the bucket" in str(check.diagnosis)


def test_an_identity_with_all_rights_on_the_bucket_alone_is_enough(
    seaweedfs_target: Target, identity: Callable[..., tuple[str, str]]
) -> None:
    keys = identity(seaweedfs_target.bucket, *ALL)

    assert verified(with_keys(seaweedfs_target, *keys)).ok


def test_a_key_that_may_not_delete(r2: Target, front: Proxy) -> None:
    front.on("delete", do=fails(403, "AccessDenied"), times=None)

    check = failure(verified(r2))

    assert ("delete", True) == (check.name, "but not delete in it" in str(check.diagnosis))


def test_a_bucket_lock_is_a_warning_that_names_what_remains(
    r2: Target, front: Proxy, seaweedfs_server: S3Server
) -> None:
    front.on("delete", do=fails(403, "ObjectLockedByBucketPolicy"), times=None)

    report = verified(r2)

    check = check_of(report, "delete")
    assert report.ok
    assert CheckStatus.WARNING is check.status
    assert "neither deleted nor replaced" in str(check.diagnosis)
    assert "Bucket lock rules" in str(check.fix)
    remains = seaweedfs_server.client().list_objects_v2(Bucket=r2.bucket, Prefix=r2.prefix)
    assert 1 == remains["KeyCount"]


def test_a_service_key_that_is_not_accepted(r2: Target, front: Proxy) -> None:
    refusal = b'{"statusCode":"403","error":"Unauthorized","message":"Invalid Compact JWS"}'
    front.on("post", do=says(400, refusal, kind="application/json"), times=None)
    rest = RestEndpoint(url=f"{front.url}/storage/v1", service_key="sb_secret_example")

    check = failure(verified(dataclasses.replace(r2, kind="supabase", preset=SUPABASE, rest=rest)))

    assert "create-only" == check.name
    assert "service key is not accepted" in str(check.diagnosis)
    assert "not the publishable" in str(check.fix)


@pytest.fixture
def closed() -> str:
    """The address of a port where nobody listens."""
    with proxy() as gone:
        pass
    return gone.url


def nowhere(endpoint_url: str, kind: str = "r2") -> Target:
    return Target(
        kind=kind,
        preset=UNPACED,
        endpoint_url=endpoint_url,
        bucket="documents",
        region="auto",
        credentials=KEPT,
        max_object_bytes=R2.max_object_bytes,
    )


def test_a_host_that_does_not_exist() -> None:
    check = failure(verified(nowhere("https://0123456789abcdef.invalid")))

    assert "host name '0123456789abcdef.invalid' is not known" in str(check.diagnosis)
    assert "correct the account id" in str(check.fix)


def test_a_port_without_a_listener(closed: str) -> None:
    check = failure(verified(nowhere(closed)))

    assert "does not answer" in str(check.diagnosis)
    assert "firewall" in str(check.diagnosis)
    assert "https_proxy" in str(check.fix)


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Proxy]:
    """A server with a certificate that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with proxy(context=context) as found:
        yield found


def test_a_certificate_without_a_known_issuer(tls: Proxy) -> None:
    check = failure(verified(nowhere(tls.url)))

    assert "not signed by an authority that this machine trusts" in str(check.diagnosis)
    assert "ca_file" in str(check.fix)


def test_plain_http_to_a_port_that_speaks_tls(tls: Proxy) -> None:
    check = failure(verified(nowhere(f"http://localhost:{tls.port}")))

    assert "may speak TLS" in str(check.diagnosis)
    assert "write https://" in str(check.fix)


def test_tls_to_a_port_that_speaks_plain_http(seaweedfs_server: S3Server) -> None:
    check = failure(verified(nowhere(seaweedfs_server.endpoint_url.replace("http", "https"), kind="s3")))

    assert "the port does not speak TLS" in str(check.diagnosis)


def test_browsers_that_may_upload_are_found_out_without_the_right_to_read_the_rules(
    cors_target: Target, witness_of_cors: S3Client
) -> None:
    rule = {"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["PUT", "POST"], "AllowedHeaders": ["*"]}
    witness_of_cors.put_bucket_cors(Bucket=cors_target.bucket, CORSConfiguration={"CORSRules": [rule]})  # type: ignore[list-item]

    report = verified(cors_target)

    assert CheckStatus.PASSED is check_of(report, "cors").status


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"AllowedOrigins": ["https://other.example.com"], "AllowedMethods": ["PUT"]}, "no CORS rule"),
        ({"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}, "PUT"),
        (
            {"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["content-type"]},
            "x-amz-checksum-sha256",
        ),
        ({"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]}, "POST"),
    ],
    ids=["other origin", "other method", "other header", "no end of uploads"],
)
def test_browsers_that_may_not_upload_are_a_warning_with_the_rule_to_add(
    cors_target: Target, witness_of_cors: S3Client, rule: dict[str, list[str]], said: str
) -> None:
    witness_of_cors.put_bucket_cors(Bucket=cors_target.bucket, CORSConfiguration={"CORSRules": [rule]})  # type: ignore[list-item]

    report = verified(cors_target)

    check = check_of(report, "cors")
    assert report.ok
    assert CheckStatus.WARNING is check.status
    assert said in str(check.diagnosis)
    assert "https://app.example.com" in str(check.fix)
    assert "expose ETag" in str(check.fix)


def test_a_bucket_without_any_rule_answers_403_to_a_preflight(r2: Target, front: Proxy) -> None:
    """SeaweedFS allows everybody where no rule is set; R2 and S3 answer like this."""
    front.on("options", do=fails(403, "AccessForbidden"))

    report = verified(dataclasses.replace(r2, browser_origin="https://app.example.com"))

    check = check_of(report, "cors")
    assert CheckStatus.WARNING is check.status
    assert "from there (status 403)" in str(check.diagnosis)
    assert "Settings, CORS Policy" in str(check.fix)


def test_a_preflight_is_not_signed(r2: Target, front: Proxy) -> None:
    verified(dataclasses.replace(r2, browser_origin="https://app.example.com"))

    preflights = [seen for seen in front.seen if seen.method == "OPTIONS"]
    assert 2 == len(preflights)
    for preflight in preflights:
        assert not {"authorization", "x-amz-date"} & {name.lower() for name, _ in preflight.headers}


@pytest.fixture
def witness_of_cors(seaweedfs_server: S3Server) -> S3Client:
    return seaweedfs_server.client()


@pytest.fixture
def cors_target(
    seaweedfs_server: S3Server, bucket_of: Callable[[S3Server], str], witness_of_cors: S3Client
) -> Iterator[Target]:
    bucket = bucket_of(seaweedfs_server)
    yield dataclasses.replace(target_of(seaweedfs_server, bucket), browser_origin="https://app.example.com")
    witness_of_cors.delete_bucket_cors(Bucket=bucket)


@pytest.fixture
def elsewhere() -> Iterator[Proxy]:
    """The endpoint of no jurisdiction."""
    with proxy() as found:
        yield found


def in_eu(r2: Target, outside: str) -> Target:
    return dataclasses.replace(r2, jurisdiction="eu", other_endpoints={"default": outside})


@pytest.mark.parametrize("action", [fails(404, "NoSuchBucket"), fails(403, "AccessDenied")], ids=["missing", "refused"])
def test_a_bucket_that_only_its_jurisdiction_knows_is_there(r2: Target, elsewhere: Proxy, action: Action) -> None:
    elsewhere.on(do=action, times=None)

    report = verified(in_eu(r2, elsewhere.url))

    assert CheckStatus.PASSED is check_of(report, "residency").status
    assert 1 == len(elsewhere.seen)


def test_behind_a_proxy_with_a_private_authority_all_is_asked_by_that_way(
    seaweedfs_server: S3Server, bucket_of: Callable[[S3Server], str]
) -> None:
    """Diagnoses and further checks run over the transport of the storage (issue 19)."""
    target = target_of(seaweedfs_server, bucket_of(seaweedfs_server), prefix=f"{secrets.token_hex(4)}/")
    with private_network() as network, proxy(seaweedfs_server.endpoint_url, network.context) as front:
        url = f"https://{HOST}:{front.port}"
        behind = dataclasses.replace(
            target, kind="r2", preset=UNPACED, endpoint_url=url, browser_origin="https://app.example.com"
        )
        with contextlib.closing(Transport(settings=network.settings, retry=QUICK)) as transport:
            good, missing, wrong = (
                verify(Storage(S3Provider(found), transport=transport))
                for found in (
                    in_eu(behind, url),
                    dataclasses.replace(behind, bucket="no-such-bucket-example"),
                    with_keys(behind, secret="not-the-secret"),  # noqa: S106
                )
            )

    assert "not in the jurisdiction eu" in str(check_of(good, "residency").diagnosis)
    assert CheckStatus.PASSED is check_of(good, "cors").status
    assert "there is no bucket 'no-such-bucket-example'" in str(failure(missing).diagnosis)
    assert "secret" in str(failure(wrong).diagnosis)


def test_a_bucket_that_the_default_endpoint_shows_as_well_is_not_in_the_jurisdiction(r2: Target, front: Proxy) -> None:
    report = verified(in_eu(r2, front.url))

    check = check_of(report, "residency")
    assert not report.ok
    assert CheckStatus.FAILED is check.status
    assert "not in the jurisdiction eu" in str(check.diagnosis)
    assert "Specify jurisdiction" in str(check.fix)


def test_another_bucket_of_the_same_name_elsewhere_is_no_proof_against(r2: Target, elsewhere: Proxy) -> None:
    empty = b"<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
    elsewhere.on("list", do=says(200, empty), times=None)
    elsewhere.on("head", do=says(404), times=None)

    report = verified(in_eu(r2, elsewhere.url))

    assert CheckStatus.PASSED is check_of(report, "residency").status


def test_a_default_endpoint_that_does_not_answer_proves_nothing(r2: Target, closed: str) -> None:
    report = verified(in_eu(r2, closed))

    check = check_of(report, "residency")
    assert report.ok
    assert CheckStatus.WARNING is check.status
    assert "is not proved" in str(check.diagnosis)


@pytest.mark.parametrize(
    "action",
    [fails(429, "SlowDown"), fails(501, "NotImplemented"), fails(400, "InvalidRegionName"), fails(404, "NoSuchKey")],
    ids=["busy", "not implemented", "region", "no key"],
)
def test_a_refusal_that_is_not_about_the_bucket_proves_nothing(r2: Target, elsewhere: Proxy, action: Action) -> None:
    elsewhere.on(do=action, times=None)

    report = verified(in_eu(r2, elsewhere.url))

    check = check_of(report, "residency")
    assert CheckStatus.WARNING is check.status
    assert "is not proved" in str(check.diagnosis)


def test_an_address_that_is_not_cloudflares_proves_nothing(r2: Target) -> None:
    report = verified(dataclasses.replace(r2, jurisdiction="eu"))

    assert "cannot be proved" in str(check_of(report, "residency").diagnosis)


def test_a_service_that_fails_for_a_moment_is_no_unexpected_response(r2: Target, front: Proxy) -> None:
    front.on("list", do=says(503, PAGE, kind="text/html"), times=2)
    front.on(do=passing, times=None)

    check = failure(verified(r2))

    assert "does not answer properly" in str(check.diagnosis)


def test_a_diagnosis_without_a_connection_goes_by_the_error(r2: Target, front: Proxy) -> None:
    """The provider's own transport may know another proxy or authority than the one of the storage."""
    front.on("list", do=fails(403, "SignatureDoesNotMatch"))
    front.on(do=cut_before, times=None)

    assert "secret access key does not belong" in str(failure(verified(r2)).diagnosis)


def test_a_bucket_is_verified_over_tls(faulty_tls: Faulty) -> None:
    report = verify(faulty_tls.storage)

    assert report.ok
    assert faulty_tls.front.url.startswith("https://")


def test_no_secret_is_in_the_report(r2: Target, front: Proxy) -> None:
    hidden = "example-secret-not-real"
    front.on(do=fails(403, "SignatureDoesNotMatch"), times=None)

    report = verified(with_keys(r2, secret=hidden, token="example-session-token"))  # noqa: S106

    assert hidden not in str(report.to_dict())
    assert "example-session-token" not in str(report.to_dict())


def test_a_place_belongs_to_the_first_organisation(target: Target) -> None:
    with Storage(S3Provider(target)) as place:
        bound_once(place)
