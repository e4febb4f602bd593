"""Whole reads of blobs that azure-storage-blob wrote are compared with the MD5 that the service keeps of them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from azure.storage.blob import BlobType, ContentSettings

from kazinex_storage import AsyncStorage, Checksum, IntegrityError, Storage
from kazinex_storage.providers.azure_blob.answers import checksum_in

from ..s3.proxy import flip_answer
from .conftest import Faulty

BODY = bytes(range(251)) * 4000  # about 1 MB: two windows of a stream
LARGE = bytes(range(251)) * 80_000  # about 20 MB: two spans of a download
MD5 = base64.b64encode(hashlib.md5(BODY, usedforsecurity=False).digest()).decode()

Read: TypeAlias = Callable[[Storage, Path], bytes]


def get_bytes(storage: Storage, folder: Path) -> bytes:
    return storage.get_bytes("a")


def get(storage: Storage, folder: Path) -> bytes:
    found = io.BytesIO()
    storage.transport.run(storage.operations.get("a", found.write))
    return found.getvalue()


def download(storage: Storage, folder: Path) -> bytes:
    storage.download("a", folder / "a")
    return (folder / "a").read_bytes()


def stream(storage: Storage, folder: Path) -> bytes:
    with storage.stream("a") as chunks:
        return b"".join(chunks)


def asynchronously(storage: Storage, folder: Path) -> bytes:
    return asyncio.run(AsyncStorage(storage).get_bytes("a"))


READS = pytest.mark.parametrize("read", [get_bytes, get, download, stream, asynchronously], ids=lambda r: r.__name__)


@READS
def test_an_altered_byte_of_what_others_wrote_is_found(faulty: Faulty, tmp_path: Path, read: Read) -> None:
    faulty.witness.upload_blob("a", BODY)
    assert BODY == read(faulty.storage, tmp_path)
    (tmp_path / "a").unlink(missing_ok=True)
    faulty.front.on("get", do=flip_answer(200_000), times=None)

    with pytest.raises(IntegrityError):
        read(faulty.storage, tmp_path)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("skip", [0, 1], ids=["first span", "second span"])
def test_an_altered_span_of_a_download_of_what_others_wrote_is_found(faulty: Faulty, tmp_path: Path, skip: int) -> None:
    md5 = bytearray(hashlib.md5(LARGE, usedforsecurity=False).digest())
    faulty.witness.upload_blob("a", LARGE, content_settings=ContentSettings(content_md5=md5))
    faulty.front.on("get", do=flip_answer(1_000_000), skip=skip)

    with pytest.raises(IntegrityError, match="md5"):
        faulty.storage.download("a", tmp_path / "a")

    assert [] == list(tmp_path.iterdir())


@READS
def test_a_blob_without_an_md5_is_read(faulty: Faulty, tmp_path: Path, read: Read) -> None:
    """Append blobs have none: what is appended changes the bytes and not the MD5 that a writer may have given."""
    faulty.witness.upload_blob("a", BODY, blob_type=BlobType.APPENDBLOB)

    assert BODY == read(faulty.storage, tmp_path)
    assert faulty.storage.head("a").checksum is None


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        pytest.param({"content-md5": MD5}, True, id="the whole"),
        pytest.param({"content-md5": MD5, "x-ms-blob-type": "BlockBlob"}, True, id="a block blob"),
        pytest.param({"content-md5": MD5, "x-ms-blob-type": "AppendBlob"}, False, id="an append blob"),
        pytest.param({"content-md5": MD5, "content-range": "bytes 0-9/20"}, False, id="of a span"),
        pytest.param({"x-ms-blob-content-md5": MD5, "content-range": "bytes 0-9/20"}, True, id="beside a span"),
        pytest.param({"content-md5": "%%"}, False, id="no base64"),
        pytest.param({"content-md5": base64.b64encode(b"short").decode()}, False, id="no MD5"),
        pytest.param({}, False, id="nothing"),
    ],
)
def test_what_a_read_is_compared_with(headers: dict[str, str], known: bool) -> None:
    expected = Checksum(algorithm="md5", value=base64.b64decode(MD5).hex())

    assert (expected if known else None) == checksum_in(headers)
