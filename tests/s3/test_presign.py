"""Signed URLs do what they say and nothing else, on servers that judge them; who sends them is urllib."""

from __future__ import annotations

import hashlib
import logging
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import NotSupportedError, SettingsError
from kazinex_storage.providers.s3.part_requests import upload_query
from kazinex_storage.providers.s3.presign import presign
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.requests import Requests
from kazinex_storage.providers.s3.signing import auth_of
from kazinex_storage.providers.s3.target import SUPABASE, Credentials, Target
from kazinex_storage.storage.disposition import attachment
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.types import PresignedUrl, PresignOptions, PutMode, UploadState

CREDENTIALS = Credentials(access_key_id="example-id", secret_access_key="example-secret")  # noqa: S106
UPLOAD = UploadState(key="a", upload_id="1", size=1, part_bytes=1)


def requests_of(target: Target) -> Requests:
    return Requests(target, auth_of(target))


def send(
    url: PresignedUrl, body: bytes = b"", *, headers: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    request = urllib.request.Request(  # noqa: S310  # the URL comes from the code under test
        url.url,
        data=body if url.method == "PUT" else None,
        headers=dict(url.headers if headers is None else headers),
        method=url.method,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


@pytest.fixture
def signing(seaweedfs_server: S3Server, seaweedfs_target: Target) -> Iterator[Storage]:
    """A storage on the server that verifies signatures."""
    with Storage(S3Provider(seaweedfs_target)) as storage:
        yield storage


@pytest.mark.parametrize("filename", ["Plan.pdf", "Plan Müller 100% „final“ (1).pdf", "図面 A;B=C,'D'.dwg"])
def test_a_file_is_saved_under_its_original_name(storage: Storage, filename: str) -> None:
    storage.put("a", b"1")

    url = storage.presign("a", PresignOptions(content_disposition=attachment(filename)))

    status, headers, body = send(url)
    assert (200, b"1") == (status, body)
    assert attachment(filename) == headers["Content-Disposition"]


def test_a_put_is_bound_to_its_type(signing: Storage) -> None:
    url = signing.presign("a", PresignOptions(method="PUT", content_type="application/pdf"))

    status, _, _ = send(url, b"1", headers={"Content-Type": "text/html"})

    assert 403 == status
    assert not signing.exists("a")


def test_a_put_is_bound_to_its_length(signing: Storage) -> None:
    url = signing.presign("a", PresignOptions(method="PUT", size=5))

    status, _, _ = send(url, b"123456", headers={})

    assert 403 == status
    assert not signing.exists("a")


def test_a_put_is_bound_to_its_bytes(signing: Storage) -> None:
    url = signing.presign("a", PresignOptions(method="PUT", sha256=hashlib.sha256(b"12345").hexdigest()))

    status, _, _ = send(url, b"54321")

    assert 400 <= status < 500
    assert not signing.exists("a")


def test_a_put_without_a_checksum_signs_none(storage: Storage) -> None:
    """SDKs of 2025 signed the CRC-32 of an empty body, and every upload failed (petdex#465)."""
    url = storage.presign("a", PresignOptions(method="PUT"))

    assert {} == dict(url.headers)
    assert "checksum" not in url.url


def test_a_url_for_one_key_opens_no_other(signing: Storage) -> None:
    signing.put("a", b"1")
    signing.put("b", b"2")
    url = signing.presign("a")

    status, _, body = send(replace(url, url=url.url.replace("/a?", "/b?")))

    assert 403 == status
    assert b"2" != body


def test_a_url_that_creates_refuses_an_existing_key(storage: Storage) -> None:
    url = storage.presign("a", PresignOptions(method="PUT", mode=PutMode.CREATE))

    statuses = [send(url, body)[0] for body in (b"first", b"second")]

    assert [200, 412] == statuses
    assert b"first" == storage.get_bytes("a")


def test_an_expired_url_is_refused(signing: Storage) -> None:
    signing.put("a", b"1")
    url = signing.presign("a", PresignOptions(expires_in=timedelta(seconds=1)))
    stale = replace(url, url=url.url.replace("X-Amz-Date=20", "X-Amz-Date=19"))

    assert 403 == send(stale)[0]


@pytest.mark.parametrize("expires_in", [timedelta(milliseconds=999), timedelta(days=7, seconds=1)])
def test_an_expiry_that_the_service_does_not_take_is_refused(target: Target, expires_in: timedelta) -> None:
    with pytest.raises(ValueError, match="7 days"):
        Storage(S3Provider(target)).presign("a", PresignOptions(expires_in=expires_in))


def test_a_url_does_not_outlive_temporary_credentials(target: Target) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=5)
    temporary = replace(CREDENTIALS, session_token="example-token", expires_at=soon)  # noqa: S106

    url = presign(requests_of(target), temporary, "a", PresignOptions(expires_in=timedelta(hours=1)))

    assert soon == url.expires_at
    assert "X-Amz-Security-Token=example-token" in url.url


def test_expired_credentials_sign_nothing(target: Target) -> None:
    gone = replace(CREDENTIALS, expires_at=datetime.now(UTC) - timedelta(seconds=1))

    with pytest.raises(SettingsError, match="expired"):
        presign(requests_of(target), gone, "a", PresignOptions())


def test_a_service_without_conditions_binds_no_url_to_an_absent_key(target: Target) -> None:
    protocol = requests_of(replace(target, preset=SUPABASE))

    with pytest.raises(NotSupportedError, match="Supabase"):
        presign(protocol, CREDENTIALS, "a", PresignOptions(method="PUT", mode=PutMode.CREATE))


@pytest.mark.parametrize(
    "upload", [replace(UPLOAD, mode=PutMode.CREATE), replace(UPLOAD, if_match="1")], ids=["create", "if_match"]
)
def test_a_service_without_conditions_completes_no_upload_that_has_one(target: Target, upload: UploadState) -> None:
    protocol = requests_of(replace(target, preset=SUPABASE))

    with pytest.raises(NotSupportedError, match="Supabase"):
        presign(protocol, CREDENTIALS, "a", PresignOptions(method="POST", upload=upload))


def test_signing_writes_no_secret_into_the_log(target: Target, caplog: pytest.LogCaptureFixture) -> None:
    """botocore's own signing logs the canonical request, with the token in it, and the signature."""
    temporary = replace(CREDENTIALS, session_token="example-token")  # noqa: S106

    with caplog.at_level(logging.DEBUG):
        url = presign(requests_of(target), temporary, "a", PresignOptions()).url

    signature = url.partition("X-Amz-Signature=")[2]
    assert re.fullmatch("[0-9a-f]{64}", signature)
    assert signature not in caplog.text
    assert "example-token" not in caplog.text
    assert "X-Amz-Credential" not in caplog.text


@pytest.mark.parametrize("token", [None, "a+b/c=="])
@pytest.mark.parametrize(
    "options",
    [
        PresignOptions(content_disposition=attachment("Plan Müller 100% (1).pdf")),
        PresignOptions(method="PUT", content_type="text/plain; charset=utf-8", size=5, mode=PutMode.CREATE),
        PresignOptions(method="HEAD", expires_in=timedelta(days=7)),
        PresignOptions(method="POST", upload=replace(UPLOAD, upload_id="a b~+/=", mode=PutMode.CREATE)),
    ],
    ids=["get", "put", "head", "complete"],
)
def test_a_url_is_signed_as_botocore_signs_it(
    seaweedfs_target: Target, token: str | None, options: PresignOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials, protocol = replace(CREDENTIALS, session_token=token), requests_of(seaweedfs_target)
    key, query = "o/Pläne 100%~+=&'.pdf", upload_query("a b~+/=") if options.upload is not None else ""

    url = presign(protocol, credentials, key, options, query)

    moment = datetime.strptime(parse_qs(url.url)["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment)
    keys = BotoCredentials(credentials.access_key_id, credentials.secret_access_key, token)
    request = AWSRequest(method=options.method, url=url.url.partition("X-Amz-Algorithm=")[0][:-1], headers=url.headers)
    seconds = int(options.expires_in.total_seconds())
    S3SigV4QueryAuth(keys, "s3", seaweedfs_target.region, expires=seconds).add_auth(request)
    assert request.url == url.url


def test_signing_sends_no_request(target: Target) -> None:
    nowhere = replace(target, endpoint_url="http://127.0.0.1:9")

    url = Storage(S3Provider(nowhere)).presign("a")

    assert url.url.startswith("http://127.0.0.1:9/")


def test_a_url_is_in_no_repr(storage: Storage) -> None:
    url = storage.presign("a", PresignOptions(method="PUT", content_type="application/pdf"))

    assert "Signature" not in repr(url)


@given(filename=st.text(min_size=1, max_size=60))
def test_any_file_name_becomes_an_ascii_header(filename: str) -> None:
    header = attachment(filename)

    assert header.isascii()
    assert header.isprintable()
    assert header.startswith('attachment; filename="')
    assert 2 == header.count('"')
