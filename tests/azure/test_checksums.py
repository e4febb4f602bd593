"""Bodies proved by CRC-64: as the service has computed it, as Microsoft's own client sends it, and past no error.

Azurite takes no CRC-64, so a front before it does what Put Blob and Put Block are documented to do with the header. It
computes with azure-storage-extensions, and azure-storage-blob, which uses that as well, is the witness of the front.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobClient, ContainerClient, ContainerSasPermissions, generate_container_sas
from azure.storage.extensions.checksums import crc64
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import (
    CheckStatus,
    IntegrityError,
    NotSupportedError,
    PutMode,
    PutOptions,
    SettingsError,
    Storage,
    UnavailableError,
    verify,
)
from kazinex_storage.providers.azure_blob import AzureBlobSettings, open_azure_blob
from kazinex_storage.providers.azure_blob.checksums import BodyChecksum, prover_of
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import AccountKey, Target
from kazinex_storage.testing.bench import is_proved, pattern, sha256
from kazinex_storage.testing.servers import AzuriteServer
from kazinex_storage.transport import RetryPolicy, Transport
from kazinex_storage.types import MIB

from ..s3.proxy import Answer, Forward, Line, Proxy, Seen, cut_after, cut_before, flip_request, proxy
from .conftest import Faulty, azure_kind

SMALL = b"a document" * 100
LARGE = pattern(17 * MIB + 5)  # three blocks
CREATE = PutOptions(mode=PutMode.CREATE)


def header_of(data: bytes) -> str:
    return base64.b64encode(crc64.compute(data, 0).to_bytes(8, "little")).decode()


def verifying(line: Line, seen: Seen, forward: Forward) -> None:
    """Do with ``x-ms-content-crc64`` what the service does, and let Azurite do the rest."""
    headers = {name.lower(): value for name, value in seen.headers}
    claimed = headers.get("x-ms-content-crc64")
    if claimed is None:
        line.answer(forward(seen))
    elif "content-md5" in headers:
        line.answer(_refusal("InvalidHeaderValue", "both checksums"))
    elif claimed != header_of(seen.body):
        line.answer(_refusal("Crc64Mismatch", f"<ServerCalculatedCrc>{header_of(seen.body)}</ServerCalculatedCrc>"))
    else:
        others = [(name, value) for name, value in seen.headers if name.lower() != "x-ms-content-crc64"]
        answer = forward(Seen(seen.method, seen.target, others, seen.body))
        line.answer(Answer(answer.status, [*answer.headers, ("x-ms-content-crc64", claimed)], answer.body))


def _refusal(code: str, more: str) -> Answer:
    body = f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{code}</Code><Message>No.</Message>{more}</Error>"
    headers = [("Content-Type", "application/xml"), ("x-ms-error-code", code), ("x-ms-request-id", "example")]
    return Answer(400, headers, body.encode())


@pytest.fixture
def service(azurite_server: AzuriteServer) -> Iterator[Proxy]:
    """Azurite behind the front."""
    with proxy(azurite_server.host_url, kind_of=azure_kind) as front:
        front.on(do=verifying, times=None)
        yield front


@pytest.fixture
def proved(service: Proxy, target: Target, witness: ContainerClient) -> Iterator[Faulty]:
    """A storage that proves its bodies by CRC-64, with a proxy on the way to the front."""
    by_crc64 = replace(target, body_checksum="crc64")
    with proxy(service.url, kind_of=azure_kind) as way, closing(Faulty(by_crc64, way, witness)) as found:
        yield found


def key_of(target: Target) -> str:
    assert isinstance(target.credential, AccountKey)
    return target.credential.key


def signature_of(target: Target) -> str:
    """What authorises a request of the witness: a key would sign the header that the front takes off."""
    return generate_container_sas(
        target.account,
        target.container,
        account_key=key_of(target),
        permission=ContainerSasPermissions(read=True, write=True, create=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )


def theirs(url: str) -> BlobClient:
    """Microsoft's client for one blob, which goes through no proxy of the environment and repeats nothing."""
    transport = RequestsTransport(use_env_settings=False)
    return BlobClient.from_blob_url(
        url, transport=transport, retry_total=0, max_single_put_size=8 * MIB, max_block_size=8 * MIB
    )


def names_of(seen: Seen) -> set[str]:
    return {name.lower() for name, _ in seen.headers}


# Answers of the service as they stand in the recorded tests of Microsoft's client for JavaScript.
@pytest.mark.parametrize(
    ("body", "said"),
    [(b"Hello World", "YeJLfssylmU="), (b"a" * 512, "u661BimQ84c="), (b"b" * 1024, "pK+ypU+jreM=")],
    ids=["text", "512", "1024"],
)
def test_it_is_what_the_service_computes(body: bytes, said: str) -> None:
    assert ("x-ms-content-crc64", said) == prover_of("crc64")(body).header


@given(st.binary(max_size=5000))
def test_it_is_what_microsofts_own_library_computes(body: bytes) -> None:
    prove = prover_of("crc64")

    assert ("x-ms-content-crc64", header_of(body)) == prove(body).header
    assert prove(body) == prove(bytearray(body)) == prove(memoryview(body))


def test_the_front_takes_what_microsofts_own_client_sends(
    service: Proxy, target: Target, witness: ContainerClient
) -> None:
    query = signature_of(target)
    for body in (SMALL, LARGE):
        name = f"theirs-{len(body)}"
        url = f"{service.url}/{target.account}/{target.container}/{name}?{query}"
        with theirs(url) as client:
            client.upload_blob(body, validate_content="crc64", length=len(body))
        assert body == witness.download_blob(name).readall()
    kinds = {seen.kind for seen in service.seen if "x-ms-content-crc64" in names_of(seen)}
    assert {"put", "block"} <= kinds


def test_the_front_refuses_another_body(service: Proxy, target: Target, witness: ContainerClient) -> None:
    url = f"{service.url}/{target.account}/{target.container}/theirs?{signature_of(target)}"
    with proxy(service.url, kind_of=azure_kind) as way, theirs(url.replace(service.url, way.url)) as client:
        way.on("put", do=flip_request(3))
        with pytest.raises(HttpResponseError, match="Crc64Mismatch"):
            client.upload_blob(SMALL, validate_content="crc64")
    assert not witness.get_blob_client("theirs").exists()


@pytest.mark.parametrize("body", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_what_is_proved_by_it_is_stored(proved: Faulty, body: bytes) -> None:
    info = proved.storage.put("a", body, CREATE)

    assert body == proved.stored("a") == proved.storage.get_bytes("a")
    assert is_proved(info, body)
    sent = [names_of(seen) for seen in proved.front.seen if seen.kind in ("put", "block")]
    assert sent
    assert all("x-ms-content-crc64" in names and "content-md5" not in names for names in sent)


@pytest.mark.parametrize(("body", "kind", "at"), [(SMALL, "put", 999), (LARGE, "block", 700_000)])
def test_a_byte_that_is_altered_on_the_way_up_is_refused(proved: Faulty, body: bytes, kind: str, at: int) -> None:
    proved.front.on(kind, do=flip_request(at), times=None)

    with pytest.raises(IntegrityError):
        proved.storage.put("a", body)

    assert None is proved.stored("a")


@pytest.mark.parametrize(("body", "kind"), [(SMALL, "put"), (LARGE, "block"), (LARGE, "commit")])
def test_a_write_whose_answer_is_lost_is_repeated(proved: Faulty, body: bytes, kind: str) -> None:
    proved.front.on(kind, do=cut_after)

    proved.storage.put("a", body, CREATE)

    assert body == proved.stored("a")


@pytest.mark.parametrize("first", ["md5", "crc64"])
@pytest.mark.parametrize("then", ["md5", "crc64"])
def test_an_upload_goes_on_whatever_its_parts_were_proved_by(
    service: Proxy, target: Target, witness: ContainerClient, first: BodyChecksum, then: BodyChecksum
) -> None:
    """Parts that are there are known again and not sent again; what was altered at its source is."""
    with (
        proxy(service.url, kind_of=azure_kind) as way,
        closing(Faulty(replace(target, body_checksum=first), way, witness)) as one,
        closing(Faulty(replace(target, body_checksum=then), way, witness)) as other,
    ):
        state = one.storage.begin_upload("a", len(LARGE), CREATE)
        way.on("commit", do=cut_before, times=None)
        with pytest.raises(UnavailableError):
            one.made(attempts=1).resume_upload(state, LARGE)
        way.clear()
        before = way.count("block")
        changed = bytes([LARGE[0] ^ 1]) + LARGE[1:]

        info = other.storage.resume_upload(state, changed)

        assert (4, 1) == (before, way.count("block") - before)
        assert changed == witness.download_blob("a").readall()
        assert sha256(changed) == info.sha256


def test_a_service_that_does_not_take_it_is_reported(target: Target) -> None:
    """Azurite answers 500, which is tried again before it is told."""
    with closing(Transport(retry=RetryPolicy(attempts=2, base_s=0.001))) as transport:
        provider = AzureBlobProvider(replace(target, body_checksum="crc64"))
        with Storage(provider, transport=transport) as storage:
            for body in (SMALL, LARGE):
                with pytest.raises(NotSupportedError):
                    storage.put("a", body)
            report = verify(storage)

    failed = next(check for check in report.checks if check.status is CheckStatus.FAILED)
    assert "write" == failed.name
    assert "body_checksum" in (failed.fix or "")


def test_settings_choose_it(target: Target, service: Proxy, witness: ContainerClient) -> None:
    settings = AzureBlobSettings.model_validate(
        {
            "account": target.account,
            "account_key": key_of(target),
            "container": target.container,
            "endpoint_url": f"{service.url}/{target.account}",
            "body_checksum": "crc64",
        }
    )
    with Storage(open_azure_blob(settings)) as storage:
        storage.put("a", SMALL)

    assert SMALL == witness.download_blob("a").readall()
    assert "x-ms-content-crc64" in names_of(service.seen[-1])


def test_a_provider_that_cannot_compute_it_is_not_opened(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "awscrt", None)
    monkeypatch.setitem(sys.modules, "awscrt.checksums", None)

    with pytest.raises(SettingsError, match="azure-crc64"):
        AzureBlobProvider(replace(target, body_checksum="crc64"))
    AzureBlobProvider(target).close()
