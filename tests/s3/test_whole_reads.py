"""Whole reads of objects that boto3 wrote are compared with what the service keeps of them, on SeaweedFS."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from kazinex_storage import AsyncStorage, Checksum, IntegrityError, Storage, UnavailableError
from kazinex_storage.fs import S3FileSystem
from kazinex_storage.providers.s3.answers import checksum_in
from kazinex_storage.providers.s3.target import Credentials, Target
from kazinex_storage.types import MIB, ByteRange

from .faulty import Faulty
from .proxy import Action, cut_answer, fails, flip_answer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import ChecksumAlgorithmType, ChecksumTypeType

BODY = bytes(range(251)) * 4000  # about 1 MB: two windows of a stream, one span of a download
LARGE = bytes(range(251)) * 80_000  # about 20 MB: two spans of a download, each a part
ALGORITHMS: list[ChecksumAlgorithmType] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]

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


def watched_download(storage: Storage, folder: Path) -> bytes:
    storage.download("a", folder / "a", on_progress=lambda done, total: None)
    return (folder / "a").read_bytes()


def stream(storage: Storage, folder: Path) -> bytes:
    with storage.stream("a") as chunks:
        return b"".join(chunks)


def get_many(storage: Storage, folder: Path) -> bytes:
    ((_, outcome),) = storage.get_many(["a"])
    return outcome.result()


def _file_system(storage: Storage) -> tuple[S3FileSystem, str]:
    exchanges: Any = storage.operations.context.exchanges
    target: Target = exchanges.target
    assert isinstance(target.credentials, Credentials)
    fs = S3FileSystem(
        endpoint_url=target.endpoint_url,
        region=target.region,
        access_key_id=target.credentials.access_key_id,
        secret_access_key=target.credentials.secret_access_key,
        skip_instance_cache=True,
    )
    return fs, f"{target.bucket}/{target.prefix}a"


def fs_cat(storage: Storage, folder: Path) -> bytes:
    fs, path = _file_system(storage)
    found = fs.cat(path)
    assert isinstance(found, bytes)
    return found


def fs_get(storage: Storage, folder: Path) -> bytes:
    fs, path = _file_system(storage)
    fs.get(path, str(folder / "a"))
    return (folder / "a").read_bytes()


def fs_get_of_a_folder(storage: Storage, folder: Path) -> bytes:
    fs, path = _file_system(storage)
    fs.get(path.removesuffix("a"), f"{folder}/", recursive=True)
    return (folder / "a").read_bytes()


def fs_get_into_a_file(storage: Storage, folder: Path) -> bytes:
    fs, path = _file_system(storage)
    found = io.BytesIO()
    fs.get_file(path, None, outfile=found)
    return found.getvalue()


def awaited_stream(storage: Storage, folder: Path) -> bytes:
    async def run() -> bytes:
        return b"".join([chunk async for chunk in AsyncStorage(storage).stream("a")])

    return asyncio.run(run())


READS = pytest.mark.parametrize(
    "read",
    [
        get_bytes,
        get,
        download,
        watched_download,
        stream,
        get_many,
        awaited_stream,
        fs_cat,
        fs_get,
        fs_get_of_a_folder,
        fs_get_into_a_file,
    ],
    ids=lambda r: r.__name__,
)


def write_in_parts(
    witness: S3Client, faulty: Faulty, body: bytes, *, algorithm: ChecksumAlgorithmType = "CRC64NVME", full: bool = True
) -> None:
    """Let boto3 write *body* as two parts, whose ETag is no MD5."""
    bucket, key, name = faulty.target.bucket, faulty.target.prefix + "a", f"Checksum{algorithm}"
    kind: ChecksumTypeType = "FULL_OBJECT" if full else "COMPOSITE"
    begun = witness.create_multipart_upload(Bucket=bucket, Key=key, ChecksumAlgorithm=algorithm, ChecksumType=kind)
    upload, middle, parts = begun["UploadId"], max(len(body) // 2, 5 * MIB), []
    for number, part in enumerate((body[:middle], body[middle:]), 1):
        done: Any = witness.upload_part(
            Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part, ChecksumAlgorithm=algorithm
        )
        parts.append({"PartNumber": number, "ETag": done["ETag"], name: done[name]})
    made: Any = {"Parts": parts}
    witness.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload=made, ChecksumType=kind)


@READS
def test_an_altered_byte_of_what_others_wrote_is_found(faulty: Faulty, tmp_path: Path, read: Read) -> None:
    faulty.write("a", BODY)
    assert BODY == read(faulty.storage, tmp_path)
    (tmp_path / "a").unlink(missing_ok=True)
    faulty.front.on("get", do=flip_answer(200_000), times=None)

    with pytest.raises(IntegrityError):
        read(faulty.storage, tmp_path)

    assert [] == list(tmp_path.iterdir())


@READS
def test_a_read_that_broke_off_is_compared_as_a_whole(faulty: Faulty, tmp_path: Path, read: Read) -> None:
    faulty.write("a", BODY)
    faulty.front.on("get", do=cut_answer(100_000))

    assert BODY == read(faulty.storage, tmp_path)

    (tmp_path / "a").unlink(missing_ok=True)
    faulty.front.on("get", do=cut_answer(100_000))
    faulty.front.on("get", do=flip_answer(50_000))
    with pytest.raises(IntegrityError):
        read(faulty.storage, tmp_path)


@READS
@pytest.mark.parametrize("algorithm", ["CRC32", "CRC64NVME"])
def test_parts_that_others_wrote_are_compared_by_the_checksum_of_the_whole(
    faulty: Faulty, tmp_path: Path, seaweedfs_witness: S3Client, read: Read, algorithm: ChecksumAlgorithmType
) -> None:
    write_in_parts(seaweedfs_witness, faulty, LARGE, algorithm=algorithm)
    assert LARGE == read(faulty.storage, tmp_path)
    (tmp_path / "a").unlink(missing_ok=True)
    faulty.front.on("get", do=flip_answer(-1), skip=0, times=None)

    with pytest.raises(IntegrityError):
        read(faulty.storage, tmp_path)

    assert [] == list(tmp_path.iterdir())


@READS
def test_parts_without_a_checksum_of_the_whole_are_read(
    faulty: Faulty, tmp_path: Path, seaweedfs_witness: S3Client, read: Read
) -> None:
    write_in_parts(seaweedfs_witness, faulty, LARGE, algorithm="SHA256", full=False)

    assert LARGE == read(faulty.storage, tmp_path)
    assert faulty.storage.head("a").checksum is None


@pytest.mark.parametrize("skip", [0, 1], ids=["first span", "second span"])
def test_an_altered_span_of_a_download_of_what_others_wrote_is_found(faulty: Faulty, tmp_path: Path, skip: int) -> None:
    faulty.write("a", LARGE)
    faulty.front.on("get", do=flip_answer(1_000_000), skip=skip)

    with pytest.raises(IntegrityError, match="md5"):
        faulty.storage.download("a", tmp_path / "a")

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("action", "error"),
    [(fails(503, "SlowDown"), UnavailableError), (fails(403, "AccessDenied"), None)],
    ids=["does not answer", "may not be asked"],
)
def test_who_may_not_ask_for_a_checksum_reads_without(
    faulty: Faulty, tmp_path: Path, seaweedfs_witness: S3Client, action: Action, error: type[UnavailableError] | None
) -> None:
    write_in_parts(seaweedfs_witness, faulty, LARGE)
    faulty.front.on("head", do=action, times=None)

    if error is None:
        assert LARGE == download(faulty.storage, tmp_path)
    else:
        with pytest.raises(error, match="503"):
            download(faulty.storage, tmp_path)
        assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_checksum_of_the_service_is_computed_as_it_does(
    faulty: Faulty, seaweedfs_witness: S3Client, algorithm: ChecksumAlgorithmType
) -> None:
    bucket, key = faulty.target.bucket, faulty.target.prefix + "a"
    seaweedfs_witness.put_object(Bucket=bucket, Key=key, Body=BODY, ChecksumAlgorithm=algorithm)
    told = seaweedfs_witness.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    headers = told["ResponseMetadata"]["HTTPHeaders"]
    del headers["etag"]

    found = checksum_in(headers)

    assert found is not None
    assert algorithm.lower() == found.algorithm
    assert BODY == faulty.storage.get_bytes("a")


def test_a_part_of_an_object_is_compared_with_nothing(faulty: Faulty) -> None:
    """No service keeps a checksum of any span, as the docs say."""
    faulty.write("a", BODY)
    faulty.front.on("get", do=flip_answer(0), times=None)

    assert BODY[10:1000] != faulty.storage.get_bytes("a", ByteRange(start=10, end=1000))


MD5 = hashlib.md5(BODY, usedforsecurity=False)
PLAIN = {"content-length": str(len(BODY)), "etag": f'"{MD5.hexdigest()}"'}
CRC = base64.b64encode(bytes(4)).decode()


@pytest.mark.parametrize(
    ("headers", "algorithm"),
    [
        pytest.param(PLAIN, "md5", id="one request"),
        pytest.param({**PLAIN, "x-amz-server-side-encryption": "AES256"}, "md5", id="keys of the service"),
        pytest.param({**PLAIN, "x-amz-server-side-encryption": "aws:kms"}, None, id="keys of KMS"),
        pytest.param({**PLAIN, "x-amz-server-side-encryption-customer-algorithm": "AES256"}, None, id="SSE-C"),
        pytest.param({**PLAIN, "x-goog-encryption-kms-key-name": "k"}, None, id="keys of Google's KMS"),
        pytest.param({**PLAIN, "etag": f'W/"{MD5.hexdigest()}"'}, None, id="a weak ETag"),
        pytest.param({**PLAIN, "etag": f'"{MD5.hexdigest()}-2"'}, None, id="parts"),
        pytest.param({"etag": PLAIN["etag"]}, None, id="decoded on the way"),
        pytest.param({**PLAIN, "x-amz-checksum-crc32": CRC}, "md5", id="the stronger one"),
        pytest.param({**PLAIN, "etag": '"x"', "x-amz-checksum-crc32": CRC}, "crc32", id="the only one"),
        pytest.param({**PLAIN, "etag": '"x"', "x-amz-checksum-crc32": f"{CRC}-3"}, None, id="of the parts"),
        pytest.param(
            {**PLAIN, "etag": '"x"', "x-amz-checksum-crc32": CRC, "x-amz-checksum-type": "COMPOSITE"}, None, id="typed"
        ),
        pytest.param({**PLAIN, "etag": '"x"', "x-amz-checksum-crc32": "%%%"}, None, id="no base64"),
        pytest.param(
            {**PLAIN, "etag": '"x"', "x-amz-checksum-crc32": CRC, "content-range": "bytes 0-9/20"}, None, id="of a span"
        ),
        pytest.param(
            {**PLAIN, "etag": '"x"', "x-amz-checksum-crc32": CRC, "content-range": "bytes 0-19/20"}, "crc32", id="whole"
        ),
        pytest.param({**PLAIN, "x-amz-meta-kazinex-sha256": "ab" * 32}, "sha256", id="ours"),
        pytest.param({**PLAIN, "x-amz-meta-kazinex-crc32": "0123abcd"}, "md5", id="stronger than ours"),
        pytest.param({**PLAIN, "etag": '"x-2"', "x-amz-meta-kazinex-crc32": "0123abcd"}, "crc32", id="only ours"),
        pytest.param({**PLAIN, "etag": '"x-2"', "x-amz-meta-kazinex-crc32": "0123abcg"}, None, id="malformed"),
        pytest.param({"etag": '"x-2"', "x-amz-meta-kazinex-crc32": "0123abcd"}, None, id="decoded, ours"),
    ],
)
def test_what_a_read_is_compared_with(headers: dict[str, str], algorithm: str | None) -> None:
    found = checksum_in(headers)

    assert algorithm == (found.algorithm if found is not None else None)


def test_the_etag_of_one_request_is_reported_as_the_md5(faulty: Faulty) -> None:
    faulty.write("a", BODY)

    assert Checksum(algorithm="md5", value=MD5.hexdigest()) == faulty.storage.head("a").checksum
