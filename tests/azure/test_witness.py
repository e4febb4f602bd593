"""azure-storage-blob reads what we wrote, and we read what it wrote."""

from __future__ import annotations

import hashlib
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import ContainerClient, ContentSettings

from kazinex_storage import (
    AlreadyExistsError,
    ByteRange,
    NotFoundError,
    NotSupportedError,
    PresignOptions,
    PutMode,
    PutOptions,
    Storage,
    attachment,
)
from kazinex_storage.testing.servers import AzuriteServer

METADATA = {"author": "A. Müller", "drawing-no": "DRG-1", "2nd": "x"}


@pytest.mark.parametrize("size", [0, 1000, 9 * 1024 * 1024 + 1])
def test_the_witness_reads_what_was_put(storage: Storage, witness: ContainerClient, size: int) -> None:
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    options = PutOptions(
        content_type="application/pdf",
        content_disposition=attachment("Plan Müller.pdf"),
        cache_control="no-store",
        metadata=METADATA,
        digest="sha256",
    )

    info = storage.put("plans/Plan Müller #1 100%.pdf", body, options)

    blob = witness.get_blob_client("plans/Plan Müller #1 100%.pdf")
    found = blob.get_blob_properties()
    assert body == blob.download_blob().readall()
    assert f'"{info.etag}"' == found.etag
    assert ("application/pdf", "no-store") == (
        found.content_settings.content_type,
        found.content_settings.cache_control,
    )
    assert "filename*=" in (found.content_settings.content_disposition or "")
    assert hashlib.sha256(body).hexdigest() == found.metadata["kazinex_2dsha256"]
    assert "DRG-1" == found.metadata["drawing_2dno"]


def test_the_witness_reads_what_proves_what_was_put(storage: Storage, witness: ContainerClient) -> None:
    bodies = {"small": bytes(1000), "large": bytes(range(251)) * 40_000}
    for name, body in bodies.items():
        storage.put(name, body)

    found = {name: witness.get_blob_client(name).get_blob_properties() for name in bodies}

    assert hashlib.md5(bodies["small"], usedforsecurity=False).digest() == bytes(
        found["small"].content_settings.content_md5 or b""
    )
    assert {} == {name: value for name, value in found["small"].metadata.items() if "write" not in name}
    assert f"{zlib.crc32(bodies['large']):08x}" == found["large"].metadata["kazinex_2dcrc32"]


def test_what_the_witness_wrote_is_read(storage: Storage, witness: ContainerClient) -> None:
    settings = ContentSettings(content_type="application/pdf", content_disposition="inline", cache_control="no-store")
    witness.upload_blob("plans/a b.pdf", b"12345", metadata={"Author": "me"}, content_settings=settings)

    info = storage.head("plans/a b.pdf")

    assert (5, "application/pdf", "inline", "no-store") == (
        info.size,
        info.content_type,
        info.content_disposition,
        info.cache_control,
    )
    assert {"author": "me"} == info.metadata
    assert info.etag == witness.get_blob_client("plans/a b.pdf").get_blob_properties().etag.strip('"')
    assert b"234" == storage.get_bytes("plans/a b.pdf", ByteRange(start=1, end=4))
    assert ["plans/a b.pdf"] == [entry.key for entry in storage.list()]


def test_names_that_azure_does_not_keep_come_back(storage: Storage, witness: ContainerClient) -> None:
    storage.put("folder./rev.", b"1")

    assert ["folder=2E/rev=2E"] == list(witness.list_blob_names())
    assert ["folder./rev."] == [entry.key for entry in storage.list()]


@pytest.mark.parametrize("flag", ["hdi_isfolder", "Hdi_IsFolder"])
def test_directories_of_a_hierarchical_account_are_no_objects(
    storage: Storage, witness: ContainerClient, flag: str
) -> None:
    witness.upload_blob("folder", b"", metadata={flag: "true"})
    witness.upload_blob("folder/a", b"1")

    assert ["folder/a"] == [entry.key for entry in storage.list()]
    assert not storage.exists("folder")
    with pytest.raises(NotFoundError):
        storage.get_bytes("folder")


def test_snapshots_go_with_the_blob(storage: Storage, witness: ContainerClient) -> None:
    storage.put("a", b"1")
    storage.put("b", b"1")
    for name in "ab":
        witness.get_blob_client(name).create_snapshot()

    storage.delete("a")
    storage.delete_many(["b"])

    assert [] == list(witness.list_blob_names(include=["snapshots"]))


def test_the_witness_reads_a_copy_and_all_that_belongs_to_it(storage: Storage, witness: ContainerClient) -> None:
    options = PutOptions(content_type="application/pdf", metadata=METADATA, cache_control="no-store", digest="sha256")
    storage.put("a", b"12345", options)

    storage.copy("a", "b")

    found = witness.get_blob_client("b").get_blob_properties()
    assert ("application/pdf", "no-store") == (
        found.content_settings.content_type,
        found.content_settings.cache_control,
    )
    assert METADATA == storage.head("b").metadata
    assert hashlib.sha256(b"12345").hexdigest() == storage.head("b").sha256


def test_a_url_to_get_names_the_file_and_a_url_to_create_does_so_once(
    storage: Storage, witness: ContainerClient, azurite_server: AzuriteServer
) -> None:
    storage.put("plans/a.pdf", b"12345")
    url = storage.presign("plans/a.pdf", PresignOptions(content_disposition=attachment("Plan Müller.pdf")))

    assert "rscd=attachment" in url.url
    assert "sp=r&" in url.url
    assert "sr=b" in url.url
    assert azurite_server.account_key not in url.url
    assert url.expires_at - datetime.now(UTC) <= timedelta(minutes=15)


def test_the_witness_may_not_replace_what_a_create_only_write_made(storage: Storage, witness: ContainerClient) -> None:
    storage.put("a", b"1")

    with pytest.raises(ResourceExistsError):
        witness.upload_blob("a", b"2")


def test_a_url_for_too_long_is_refused(storage: Storage) -> None:
    with pytest.raises(ValueError, match="7 days"):
        storage.presign("a", PresignOptions(expires_in=timedelta(days=8)))


@pytest.mark.parametrize("size", [1, 9 * 1024 * 1024 + 1], ids=["one request", "blocks"])
def test_an_append_blob_is_replaced_or_named_as_what_it_is(
    storage: Storage, witness: ContainerClient, size: int
) -> None:
    blob = witness.get_blob_client("big.log")
    blob.create_append_blob()
    blob.append_block(b"line\n")

    with pytest.raises(AlreadyExistsError):
        storage.put("big.log", bytes(size), PutOptions(mode=PutMode.CREATE))
    refused = None
    try:
        storage.put("big.log", bytes(size))
    except NotSupportedError as error:
        refused = str(error)

    assert refused is None or "append or page blob" in refused
    assert (size if refused is None else 5) == blob.get_blob_properties().size
