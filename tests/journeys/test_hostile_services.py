"""Services that answer what no service should: each provider ends in an error that names the cause, soon."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from kazinex_storage import ByteRange, Storage
from kazinex_storage.errors import IntegrityError, StorageError, UnavailableError
from kazinex_storage.providers.azure_blob import AzureBlobSettings, open_azure_blob
from kazinex_storage.providers.s3 import R2Settings, S3Settings, SupabaseSettings, open_r2, open_s3, open_supabase
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.providers.sharepoint.target import Target
from kazinex_storage.testing.emulators.http import Answer, Handler, Received, http_server
from kazinex_storage.transport import Gate
from kazinex_storage.verbs import AnyProvider

KEY = SecretStr("ab" * 32)


class GivenTokens:
    at_hand = "example"

    def __call__(self) -> str:
        return self.at_hand

    def invalidate(self, token: str) -> None:
        pass


def sharepoint(url: str) -> AnyProvider:
    return SharePointProvider(
        Target(
            graph_url=url,
            tokens=GivenTokens(),
            gate=Gate(),
            site_url="https://contoso.sharepoint.com/sites/a",
            site_id="site",
            drive_id="drive",
        )
    )


PROVIDERS: dict[str, Callable[[str], AnyProvider]] = {
    "s3": lambda url: open_s3(
        S3Settings(bucket="docs", region="r-1", access_key_id="AK", secret_access_key=KEY, endpoint_url=url)
    ),
    "r2": lambda url: open_r2(
        R2Settings(account_id="0" * 32, bucket="docs", access_key_id="1" * 32, secret_access_key=KEY, endpoint_url=url)
    ),
    "supabase": lambda url: open_supabase(
        SupabaseSettings(
            project_ref="abcdefghijklmnopqrst",
            bucket="docs",
            region="r-1",
            access_key_id="1" * 32,
            secret_access_key=KEY,
            endpoint_url=f"{url}/storage/v1/s3",
        )
    ),
    "azure": lambda url: open_azure_blob(
        AzureBlobSettings(
            account="plans", container="docs", account_key=SecretStr("YWJh" * 21 + "YQ=="), endpoint_url=f"{url}/plans"
        )
    ),
    "sharepoint": sharepoint,
}
S3_KINDS = ("s3", "r2", "supabase")
SIZES = ["-5", "1e3", "true", "null", '"5"', "9" * 30]
AZURE = {"x-ms-request-id": "1", "etag": '"a"'}


@contextmanager
def serving(kind: str, handler: Handler) -> Iterator[Storage]:
    with http_server(handler) as port, Storage(PROVIDERS[kind](f"http://127.0.0.1:{port}")) as storage:
        yield storage


def page(kind: str, token: str, size: str | None = None, url: str = "") -> Answer:
    """A page of a listing, with one object or none, and another page after it."""
    if kind in S3_KINDS:
        item = f"<Contents><Key>a</Key><Size>{size}</Size></Contents>" if size else ""
        text = (
            f"<ListBucketResult><IsTruncated>true</IsTruncated>{item}"
            f"<NextContinuationToken>{token}</NextContinuationToken></ListBucketResult>"
        )
        return Answer(status=200, body=text.encode())
    if kind == "azure":
        item = f"<Blob><Name>a</Name><Properties><Content-Length>{size}</Content-Length></Properties></Blob>"
        text = (
            f"<EnumerationResults><Blobs>{item if size else ''}</Blobs><NextMarker>{token}</NextMarker>"
            "</EnumerationResults>"
        )
        return Answer(status=200, headers=AZURE, body=text.encode())
    items = [] if size is None else [{"id": "1", "name": "a", "file": {}, "size": json.loads(size)}]
    return Answer(status=200, body=json.dumps({"value": items, "@odata.nextLink": f"{url}/next?t={token}"}).encode())


@pytest.mark.parametrize(
    "call", [lambda s: list(s.list()), lambda s: list(s.list(recursive=False))], ids=["all", "a level"]
)
@pytest.mark.parametrize("kind", PROVIDERS)
def test_empty_pages_with_fresh_tokens_come_to_an_end(kind: str, call: Callable[[Storage], object]) -> None:
    tokens = itertools.count()

    def answer(received: Received) -> Answer:
        return page(kind, str(next(tokens)), url=f"http://{received.headers['host']}")

    with serving(kind, answer) as storage, pytest.raises(UnavailableError, match="in a row without an entry") as caught:
        call(storage)

    assert "prefix" in str(caught.value)
    assert next(tokens) < 1_100


@pytest.mark.parametrize(
    ("kind", "size"),
    # Graph may leave the size out.
    [(kind, size) for kind in PROVIDERS for size in SIZES if (kind, size) != ("sharepoint", "null")],
    ids=lambda value: value[:9],
)
def test_a_size_that_no_object_has_is_an_error(kind: str, size: str) -> None:

    def answer(received: Received) -> Answer:
        return page(kind, "1", size, url=f"http://{received.headers['host']}")

    with serving(kind, answer) as storage, pytest.raises(UnavailableError):
        next(iter(storage.list()))


@pytest.mark.parametrize("kind", PROVIDERS)
def test_an_answer_nested_beyond_reason_is_an_error(kind: str) -> None:
    bodies = [b"[" * 50_000, b'{"error":' * 25_000, b"<a>" * 50_000, b"<ListBucketResult>" + b"<a>" * 100_000]
    for status in (200, 400):
        for body in bodies:

            def answer(_: Received, body: bytes = body, status: int = status) -> Answer:
                return Answer(status=status, headers=dict(AZURE), body=body)

            with serving(kind, answer) as storage, pytest.raises(StorageError):
                list(storage.list())


@pytest.mark.parametrize("status", [200, 206])
@pytest.mark.parametrize("kind", PROVIDERS)
def test_more_than_the_part_that_was_asked_for_names_its_cause(kind: str, status: int) -> None:
    data = bytes(1 << 20)

    def answer(received: Received) -> Answer:
        if kind == "sharepoint" and "download" not in received.path:
            item = {"id": "1", "name": "k", "file": {}, "size": len(data), "eTag": '"{a},1"'}
            url = f"http://{received.headers['host']}/download"
            return Answer(status=200, body=json.dumps({**item, "@microsoft.graph.downloadUrl": url}).encode())
        headers = {**AZURE, "etag": '"{a},1"', "content-length": str(len(data))}
        if status == 206:
            headers["content-range"] = f"bytes 4-7/{len(data)}"
        return Answer(status=status, headers=headers, body=data)

    with serving(kind, answer) as storage, pytest.raises(IntegrityError, match="ignores ranges"):
        storage.get_bytes("k", ByteRange(start=4, end=8))
