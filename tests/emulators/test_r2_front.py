"""The R2 front refuses what R2 refuses, and boto3, set up as R2 wants it, works through it."""

from __future__ import annotations

import gzip
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from kazinex_storage.testing.emulators.cloudflare import Answer, Kind, R2Front, RequestFault, r2_front
from kazinex_storage.testing.servers import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1024 * 1024


@pytest.fixture(params=[False, True], ids=["http", "tls"], scope="module")
def front(ministack_server: S3Server, request: pytest.FixtureRequest) -> Iterator[R2Front]:
    with r2_front(ministack_server, tls=request.param) as front:
        yield front


@pytest.fixture(scope="module")
def bucket(front: R2Front) -> str:
    return front.make_bucket()


@pytest.fixture
def client(front: R2Front, bucket: str) -> Iterator[S3Client]:
    """boto3 with a token for the objects of the bucket."""
    client = front.client(front.token([bucket]))
    yield client
    client.close()


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_boto3_works_through_it(client: S3Client, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="a/Plan Müller +.pdf", Body=b"12345", Metadata={"author": "a"})

    found = client.get_object(Bucket=bucket, Key="a/Plan Müller +.pdf")
    listed = client.list_objects_v2(Bucket=bucket, Prefix="a/")["Contents"]
    client.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a/Plan Müller +.pdf"})
    client.delete_object(Bucket=bucket, Key="a/Plan Müller +.pdf")

    assert (b"12345", {"author": "a"}) == (found["Body"].read(), found["Metadata"])
    assert ["a/Plan Müller +.pdf"] == [entry["Key"] for entry in listed]
    assert 5 == client.head_object(Bucket=bucket, Key="b")["ContentLength"]


def test_uploads_in_parts_work_through_it(client: S3Client, bucket: str) -> None:
    upload = client.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    parts = []
    for number, size in enumerate((5 * MIB, 5 * MIB, 7), 1):
        answer = client.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=b"1" * size)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    client.complete_multipart_upload(
        Bucket=bucket,
        Key="parts",
        UploadId=upload,
        MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
    )

    assert 10 * MIB + 7 == client.head_object(Bucket=bucket, Key="parts")["ContentLength"]


@pytest.mark.parametrize(
    ("sizes", "code"), [((6, 5, 1), "InvalidPart"), ((5, 6), "InvalidPart"), ((1, 5), "EntityTooSmall")]
)
def test_unequal_and_small_parts_are_refused_at_the_end(
    client: S3Client, bucket: str, sizes: tuple[int, ...], code: str
) -> None:
    upload = client.create_multipart_upload(Bucket=bucket, Key="unequal")["UploadId"]
    parts = []
    for number, size in enumerate(sizes, 1):
        body = b"1" * size * MIB
        answer = client.upload_part(Bucket=bucket, Key="unequal", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    found = refusal(
        lambda: client.complete_multipart_upload(
            Bucket=bucket,
            Key="unequal",
            UploadId=upload,
            MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
        )
    )

    assert (400, code) == found


def test_a_token_for_objects_may_not_look_at_buckets(client: S3Client, bucket: str) -> None:
    assert (403, "403") == refusal(lambda: client.head_bucket(Bucket=bucket))
    assert (403, "AccessDenied") == refusal(client.list_buckets)
    assert (403, "AccessDenied") == refusal(lambda: client.get_bucket_cors(Bucket=bucket))
    assert (403, "AccessDenied") == refusal(lambda: client.create_bucket(Bucket="example"))


def test_a_token_reaches_its_buckets_alone(front: R2Front, client: S3Client) -> None:
    other = front.make_bucket()

    assert (403, "AccessDenied") == refusal(lambda: client.list_objects_v2(Bucket=other))


def test_a_token_without_write_reads(front: R2Front, bucket: str, client: S3Client) -> None:
    client.put_object(Bucket=bucket, Key="readable", Body=b"1")
    reader = front.client(front.token([bucket], write=False))

    assert b"1" == reader.get_object(Bucket=bucket, Key="readable")["Body"].read()
    assert (403, "AccessDenied") == refusal(lambda: reader.put_object(Bucket=bucket, Key="a", Body=b"1"))
    assert (403, "AccessDenied") == refusal(lambda: reader.delete_object(Bucket=bucket, Key="readable"))


def with_keys(front: R2Front, key_id: str, secret: str, region: str = "auto") -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=front.endpoint_url,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name=region,
        verify=front.ca_file,
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required", proxies={}),
    )


def test_wrong_keys_are_distinguished(front: R2Front, bucket: str) -> None:
    token, expired = front.token([bucket]), front.token([bucket], expired=True)

    unknown = with_keys(front, "0" * 32, token.secret_access_key)
    wrong = with_keys(front, token.access_key_id, "0" * 64)
    gone = with_keys(front, expired.access_key_id, expired.secret_access_key)
    foreign = with_keys(front, token.access_key_id, token.secret_access_key, "eu-central-1")

    assert (401, "Unauthorized") == refusal(lambda: unknown.list_objects_v2(Bucket=bucket))
    assert (403, "SignatureDoesNotMatch") == refusal(lambda: wrong.list_objects_v2(Bucket=bucket))
    assert (401, "Unauthorized") == refusal(lambda: gone.list_objects_v2(Bucket=bucket))
    assert (400, "InvalidRegionName") == refusal(lambda: foreign.list_objects_v2(Bucket=bucket))


def test_a_bucket_is_in_its_jurisdiction_alone(front: R2Front) -> None:
    bucket = front.make_bucket(jurisdiction="eu")
    token = front.token([bucket])

    assert "Contents" not in front.client(token, "eu").list_objects_v2(Bucket=bucket)
    assert (404, "NoSuchBucket") == refusal(lambda: front.client(token).list_objects_v2(Bucket=bucket))


def test_a_wrong_clock_and_an_account_without_r2_are_refused(front: R2Front, client: S3Client, bucket: str) -> None:
    front.rules.clock_shift_s = 20 * 60
    skewed = refusal(lambda: client.list_objects_v2(Bucket=bucket))
    front.rules.clock_shift_s, front.rules.enabled = 0, False
    disabled = refusal(lambda: client.list_objects_v2(Bucket=bucket))
    front.rules.enabled = True

    assert ((403, "RequestTimeTooSkewed"), (403, "NotEntitled")) == (skewed, disabled)


def test_a_second_write_within_a_second_is_refused_before_its_condition(
    front: R2Front, client: S3Client, bucket: str
) -> None:
    front.rules.one_write_per_second = True
    client.put_object(Bucket=bucket, Key="contended", Body=b"1")

    found = refusal(lambda: client.put_object(Bucket=bucket, Key="contended", Body=b"2", IfNoneMatch="*"))

    front.rules.one_write_per_second = False
    assert (429, "TooManyRequests") == found
    assert (412, "PreconditionFailed") == refusal(
        lambda: client.put_object(Bucket=bucket, Key="contended", Body=b"2", IfNoneMatch="*")
    )


def test_a_locked_object_is_neither_replaced_nor_deleted(front: R2Front, client: S3Client, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="locked/a", Body=b"1")
    front.rules.locked_prefixes = ("locked/",)

    found = [
        refusal(lambda: client.put_object(Bucket=bucket, Key="locked/a", Body=b"2")),
        refusal(lambda: client.delete_object(Bucket=bucket, Key="locked/a")),
    ]

    front.rules.locked_prefixes = ()
    assert [(403, "ObjectLockedByBucketPolicy")] * 2 == found


def test_names_are_folded_and_shown_as_they_were_uploaded_last(client: S3Client, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="fold/Mu\u0308ller", Body=b"1")

    found = client.get_object(Bucket=bucket, Key="fold/M\u00fcller")["Body"].read()

    listed = client.list_objects_v2(Bucket=bucket, Prefix="fold/")["Contents"]
    assert b"1" == found
    assert ["fold/Mu\u0308ller"] == [entry["Key"] for entry in listed]


@pytest.mark.parametrize(
    "call",
    [
        lambda client, bucket: client.put_object(Bucket=bucket, Key="a", Body=b"1", ACL="public-read"),
        lambda client, bucket: client.put_object(Bucket=bucket, Key="a", Body=b"1", Tagging="a=b"),
        lambda client, bucket: client.get_object_tagging(Bucket=bucket, Key="a"),
        lambda client, bucket: client.upload_part_copy(
            Bucket=bucket,
            Key="a",
            UploadId="1",
            PartNumber=1,
            CopySource={"Bucket": bucket, "Key": "b"},
            CopySourceIfMatch="x",
        ),
    ],
    ids=["acl", "tagging header", "tagging", "condition of a copied part"],
)
def test_what_r2_does_not_implement_is_501(
    client: S3Client, bucket: str, call: Callable[[S3Client, str], object]
) -> None:
    assert (501, "NotImplemented") == refusal(lambda: call(client, bucket))


def test_the_checksums_that_boto3_sends_by_itself_over_tls_are_refused(front: R2Front, bucket: str) -> None:
    """Over plain http botocore sends a header instead: R2's failure shows only over TLS."""
    token = front.token([bucket])
    client = boto3.client(
        "s3",
        endpoint_url=front.endpoint_url,
        aws_access_key_id=token.access_key_id,
        aws_secret_access_key=token.secret_access_key,
        region_name="auto",
        verify=front.ca_file,
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )

    if front.ca_file is not None:
        assert (501, "NotImplemented") == refusal(lambda: client.put_object(Bucket=bucket, Key="a", Body=b"1"))
    else:
        client.put_object(Bucket=bucket, Key="a", Body=b"1")


def test_a_wrong_digest_stores_nothing(client: S3Client, bucket: str) -> None:
    found = refusal(
        lambda: client.put_object(Bucket=bucket, Key="wrong", Body=b"1", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    )

    assert (400, "BadDigest") == found
    assert (404, "404") == refusal(lambda: client.head_object(Bucket=bucket, Key="wrong"))


def test_names_and_metadata_have_limits(client: S3Client, bucket: str) -> None:
    long, heavy = "a" * 1025, {"a": "1" * 8200}

    assert (400, "KeyTooLongError") == refusal(lambda: client.put_object(Bucket=bucket, Key=long, Body=b"1"))
    assert (400, "MetadataTooLarge") == refusal(
        lambda: client.put_object(Bucket=bucket, Key="a", Body=b"1", Metadata=heavy)
    )


def raw(front: R2Front, method: str, target: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    parts = urlsplit(front.endpoint_url)
    if front.ca_file is not None:
        context = ssl.create_default_context(cafile=front.ca_file)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(parts.netloc, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc)
    connection.request(method, target, headers=headers or {})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


@pytest.mark.parametrize(("expires_s", "shift_s", "status"), [(60, 0, 200), (60, 120, 400), (604_801, 0, 400)])
def test_signed_urls_expire(
    front: R2Front, client: S3Client, bucket: str, expires_s: int, shift_s: float, status: int
) -> None:
    client.put_object(Bucket=bucket, Key="linked", Body=b"1")
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "linked"}, ExpiresIn=expires_s)
    front.rules.clock_shift_s = shift_s

    found = raw(front, "GET", url.removeprefix(front.endpoint_url)).status

    front.rules.clock_shift_s = 0
    assert status == found


def test_browsers_are_answered_by_the_cors_policy(front: R2Front, bucket: str) -> None:
    headers = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "PUT"}
    before = raw(front, "OPTIONS", f"/{bucket}/a", headers).status
    front.rules.browser_origins = ("https://app.example.com",)

    after = raw(front, "OPTIONS", f"/{bucket}/a", headers)

    front.rules.browser_origins = ()
    assert (403, 204) == (before, after.status)
    assert "https://app.example.com" == after.headers["Access-Control-Allow-Origin"]


def test_compressed_objects_lose_their_length(client: S3Client, bucket: str) -> None:
    body = gzip.compress(b"plain")
    client.put_object(Bucket=bucket, Key="zipped", Body=body, ContentEncoding="gzip")

    head, found = client.head_object(Bucket=bucket, Key="zipped"), client.get_object(Bucket=bucket, Key="zipped")

    assert "content-length" not in head["ResponseMetadata"]["HTTPHeaders"]
    assert b"plain" == found["Body"].read()


def test_a_completion_may_fail_inside_a_200(front: R2Front, client: S3Client, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="origin", Body=b"1")
    front.rules.fail_inside_200 = 1

    found = refusal(
        lambda: client.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "origin"})
    )

    assert "InternalError" == found[1]


def test_more_than_a_thousand_keys_are_not_deleted_at_once(client: S3Client, bucket: str) -> None:
    keys = [{"Key": str(number)} for number in range(1001)]

    found = refusal(lambda: client.delete_objects(Bucket=bucket, Delete={"Objects": keys}))  # type: ignore[typeddict-item]

    assert (400, "MalformedXML") == found


@pytest.mark.parametrize("kind", [Kind.CUT_BEFORE, Kind.CUT_AFTER])
def test_a_cut_comes_before_or_after_the_work(front: R2Front, client: S3Client, bucket: str, kind: Kind) -> None:
    name = f"cut-{kind.name}"
    front.faults.add(RequestFault(kind=kind, method="PUT", contains=name))

    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        client.put_object(Bucket=bucket, Key=name, Body=b"1")

    stored = "Contents" in client.list_objects_v2(Bucket=bucket, Prefix=name)
    assert (kind is Kind.CUT_AFTER) == stored


def test_answers_are_replaced_cut_and_altered(front: R2Front, client: S3Client, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="fault", Body=b"12345")
    front.faults.add(RequestFault(kind=Kind.ANSWER, contains="/fault", answer=Answer(status=503)))
    front.faults.add(RequestFault(kind=Kind.CORRUPT, contains="/fault", at=1))
    front.faults.add(RequestFault(kind=Kind.CUT_INSIDE, contains="/fault", at=2))

    replaced = refusal(lambda: client.get_object(Bucket=bucket, Key="fault"))
    altered = client.get_object(Bucket=bucket, Key="fault")["Body"].read()
    with pytest.raises(botocore.exceptions.ResponseStreamingError):
        client.get_object(Bucket=bucket, Key="fault")["Body"].read()

    assert 503 == replaced[0]
    assert b"13345" == altered


def test_the_log_has_every_request_and_no_signature(front: R2Front, client: S3Client, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="logged", Body=b"1")
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "logged"})
    raw(front, "GET", url.removeprefix(front.endpoint_url))

    put, get = front.log[-2:]

    assert ("PUT", f"/{bucket}/logged", 200) == (put.method, put.path, put.status)
    assert "X-Amz-Signature=&" in f"{get.query}&"


def test_a_client_without_its_authority_does_not_trust_its_certificate(front: R2Front) -> None:
    if front.ca_file is not None:
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE"):
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(front.endpoint_url, timeout=10)
    else:
        assert front.endpoint_url.startswith("http://127.0.0.1:")
