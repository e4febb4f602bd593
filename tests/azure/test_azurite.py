"""What Azurite holds to, on which other tests rest, and what it gets wrong: where it changes, these tests say so."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob import ContainerClient, generate_blob_sas

from kazinex_storage.testing.servers import AzuriteServer

BLOCK_BLOB = {"x-ms-blob-type": "BlockBlob"}
MD5_OF_NOTHING = "1B2M2Y8AsgTpgAmY7PhCfg=="


@pytest.fixture
def sas(azurite_server: AzuriteServer, witness: ContainerClient) -> Sas:
    return Sas(azurite_server, witness.container_name)


class Sas:
    """Signs addresses of blobs."""

    def __init__(self, server: AzuriteServer, container: str) -> None:
        self._server, self._container = server, container

    def url(self, name: str, permission: str = "r", hours: int = 1) -> str:
        token = generate_blob_sas(
            self._server.account,
            self._container,
            name,
            account_key=self._server.account_key,
            permission=permission,
            expiry=datetime.now(UTC) + timedelta(hours=hours),
        )
        return f"{self._server.account_url}/{self._container}/{name}?{token}"


def send(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, str | None]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, method=method, headers=named)  # noqa: S310  # made by this test
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("x-ms-error-code")


def test_a_signature_holds_for_one_blob_one_time_and_one_permission(witness: ContainerClient, sas: Sas) -> None:
    witness.upload_blob("a", b"1")
    witness.upload_blob("b", b"2")

    assert (200, None) == send(sas.url("a"))
    assert (403, "AuthorizationFailure") == send(sas.url("a").replace("/a?", "/b?"))
    assert (403, "AuthorizationFailure") == send(sas.url("a", hours=-1))
    assert 403 == send(sas.url("a"), "PUT", b"x", **BLOCK_BLOB)[0]


def test_permission_to_create_does_not_replace(witness: ContainerClient, sas: Sas) -> None:
    witness.upload_blob("a", b"1")

    assert (403, "AuthorizationPermissionMismatch") == send(sas.url("a", "c"), "PUT", b"x", **BLOCK_BLOB)


def test_conditions_are_checked(witness: ContainerClient) -> None:
    witness.upload_blob("a", b"1")

    with pytest.raises(ResourceExistsError) as caught:
        witness.upload_blob("a", b"2")

    assert (409, "BlobAlreadyExists") == (caught.value.status_code, getattr(caught.value, "error_code", None))


@pytest.mark.parametrize("more", ["", "&comp=block&blockid=AAAA"], ids=["blob", "block"])
def test_a_wrong_md5_is_refused_by_another_code(sas: Sas, more: str) -> None:
    """The service says Md5Mismatch; Azurite InvalidOperation."""
    headers = {**BLOCK_BLOB, "Content-MD5": MD5_OF_NOTHING}

    assert (400, "InvalidOperation") == send(sas.url("a", "cw") + more, "PUT", b"x", **headers)


@pytest.mark.parametrize("more", ["", "&comp=block&blockid=AAAA"], ids=["blob", "block"])
def test_a_crc64_is_not_supported(sas: Sas, more: str) -> None:
    """So a body is proved by its MD5 here."""
    headers = {**BLOCK_BLOB, "x-ms-content-crc64": "AAAAAAAAAAA="}

    assert (500, "FeatureNotSupported") == send(sas.url("a", "cw") + more, "PUT", b"x", **headers)


def test_putting_from_a_url_is_not_implemented(witness: ContainerClient, sas: Sas) -> None:
    """Neither Put Blob From URL nor Put Block From URL: both are proved by their documented requests alone."""
    witness.upload_blob("a", b"1")
    target = witness.get_blob_client("b")

    with pytest.raises(HttpResponseError) as whole:
        target.upload_blob_from_url(sas.url("a"))
    with pytest.raises(HttpResponseError) as block:
        target.stage_block_from_url("AAAA", sas.url("a"))

    assert (501, 501) == (whole.value.status_code, block.value.status_code)


def test_a_synchronous_copy_from_a_url_works(witness: ContainerClient, sas: Sas) -> None:
    witness.upload_blob("a", b"1")

    witness.get_blob_client("b").start_copy_from_url(sas.url("a"), requires_sync=True)

    assert b"1" == witness.download_blob("b").readall()


@pytest.mark.parametrize("name", ["x//y", "/x", "x.", "x/", "x y ", " x", "ü é 😀.pdf", "a%41+&=", "a?b#c"])
def test_a_name_is_kept_as_it_is(witness: ContainerClient, name: str) -> None:
    """A dot or a slash at the end as well, which the service drops."""
    witness.upload_blob(name, b"1")

    assert [name] == list(witness.list_blob_names())


def test_a_backslash_becomes_a_slash(witness: ContainerClient) -> None:
    witness.upload_blob("x\\y", b"1")

    assert ["x/y"] == list(witness.list_blob_names())


@pytest.mark.parametrize("name", ["x/./y", "x/../y"])
def test_a_dot_segment_is_resolved_before_the_signature_is_checked(witness: ContainerClient, name: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        witness.upload_blob(name, b"1")

    assert 403 == caught.value.status_code


def test_uncommitted_blocks_are_listed_when_asked_for(witness: ContainerClient) -> None:
    witness.get_blob_client("a").stage_block("AAAA", b"1")

    assert [] == list(witness.list_blob_names())
    assert ["a"] == [found.name for found in witness.list_blobs(include=["uncommittedblobs"])]


def test_a_batch_answers_for_each_blob(witness: ContainerClient) -> None:
    witness.upload_blob("a", b"1")

    answers = witness.delete_blobs("a", "missing", raise_on_any_failure=False)

    assert [202, 404] == [answer.status_code for answer in answers]
