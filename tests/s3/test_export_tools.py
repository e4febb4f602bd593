"""Other tools with our options on the same bucket: boto3 reads what each writes, and each reads what boto3 wrote."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import SplitResult, parse_qs, urlsplit

import boto3
import duckdb
import duckdb_extension_httpfs  # type: ignore[import-untyped]
import obstore
import pyarrow.fs
import pytest
import s3fs  # type: ignore[import-untyped]
from obstore.store import S3Store

from kazinex_storage.providers.s3 import R2Settings, S3Settings
from kazinex_storage.testing.servers import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "live/export"
SCRIPTS = Path(sysconfig.get_path("scripts"))

# Two parts of every tool and a rest; the largest default is 10 MiB, of pyarrow, and s3fs is told 5 MiB.
LARGE = 21 * 1024 * 1024 + 7

BEGUN = b"""<?xml version="1.0" encoding="UTF-8"?>
<InitiateMultipartUploadResult><Bucket>plans</Bucket><Key>key</Key><UploadId>1</UploadId></InitiateMultipartUploadResult>"""
COMPLETED = b"""<?xml version="1.0" encoding="UTF-8"?>
<CompleteMultipartUploadResult><ETag>"0123456789abcdef0123456789abcdef-3"</ETag></CompleteMultipartUploadResult>"""

# Headers that R2 answers 501 to, or that say that the body has a trailer, which it does as well:
# developers.cloudflare.com/r2/api/s3/api (read 2026-08). Over TLS SDKs put into a trailer what they put into
# x-amz-checksum-* here, so that none of these may be sent either.
REFUSED = re.compile(r"x-amz-(trailer|decoded-content-length|sdk-checksum|checksum|acl|tagging|expected)")

Settings = R2Settings | S3Settings


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut *data* as a program that writes a stream does: unequally, and never at the end of a part."""
    start = 0
    for size in cycle((3_000_017, 4_500_001, 1_200_007)):
        if start >= len(data):
            return
        yield data[start : start + size]
        start += size


class Tool(Protocol):
    def write(self, key: str, data: bytes) -> None: ...

    def read(self, key: str) -> bytes: ...


class Boto3:
    def __init__(self, settings: Settings, folder: Path) -> None:
        options: dict[str, Any] = settings.export("boto3")
        self._client: S3Client = boto3.client("s3", **options)
        self._bucket = settings.bucket

    def write(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=f"{PREFIX}/{key}", Body=data)

    def read(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self._bucket, Key=f"{PREFIX}/{key}")["Body"].read()


class S3fs:
    def __init__(self, settings: Settings, folder: Path) -> None:
        self._fs = s3fs.S3FileSystem(**settings.export("s3fs"), skip_instance_cache=True)
        self._base = f"{settings.bucket}/{PREFIX}"

    def write(self, key: str, data: bytes) -> None:
        with self._fs.open(f"{self._base}/{key}", "wb", block_size=5 * 1024 * 1024) as file:
            for piece in pieces(data):
                file.write(piece)

    def read(self, key: str) -> bytes:
        data: bytes = self._fs.cat_file(f"{self._base}/{key}")
        return data


class Obstore:
    def __init__(self, settings: Settings, folder: Path) -> None:
        options: dict[str, Any] = settings.export("obstore")
        self._store = S3Store(**options)

    def write(self, key: str, data: bytes) -> None:
        obstore.put(self._store, key, data)

    def read(self, key: str) -> bytes:
        return bytes(obstore.get(self._store, key).bytes())


class PyArrow:
    def __init__(self, settings: Settings, folder: Path) -> None:
        options: dict[str, Any] = settings.export("pyarrow")
        self._fs = pyarrow.fs.S3FileSystem(**options)
        self._base = f"{settings.bucket}/{PREFIX}"

    def write(self, key: str, data: bytes) -> None:
        with self._fs.open_output_stream(f"{self._base}/{key}") as stream:
            for piece in pieces(data):
                stream.write(piece)

    def read(self, key: str) -> bytes:
        with self._fs.open_input_stream(f"{self._base}/{key}") as stream:
            return bytes(stream.read())


class Rclone:
    def __init__(self, settings: Settings, folder: Path) -> None:
        self._config = folder / "rclone.conf"
        self._config.write_text(settings.export("rclone", name="site"), encoding="utf-8")
        self._file = folder / "file"
        self._base = f"site:{settings.bucket}/{PREFIX}"

    def write(self, key: str, data: bytes) -> None:
        self._file.write_bytes(data)
        self._run("copyto", "--s3-upload-cutoff", "5Mi", str(self._file), f"{self._base}/{key}")

    def read(self, key: str) -> bytes:
        return self._run("cat", f"{self._base}/{key}")

    def _run(self, *arguments: str) -> bytes:
        command = [str(SCRIPTS / "rclone"), "--config", str(self._config), *arguments]
        return subprocess.run(command, capture_output=True, check=True).stdout


class AwsCli:
    def __init__(self, settings: Settings, folder: Path) -> None:
        config = folder / "aws-config"
        config.write_text(settings.export("aws-cli", name="site"), encoding="utf-8")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._environ = clean | {
            "AWS_CONFIG_FILE": str(config),
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1",
        }
        self._file = folder / "file"
        self._base = f"s3://{settings.bucket}/{PREFIX}"

    def write(self, key: str, data: bytes) -> None:
        self._file.write_bytes(data)
        self._copy(str(self._file), f"{self._base}/{key}")

    def read(self, key: str) -> bytes:
        self._copy(f"{self._base}/{key}", str(self._file))
        return self._file.read_bytes()

    def _copy(self, source: str, target: str) -> None:
        command = [str(SCRIPTS / "aws"), "--profile", "site", "s3", "cp", "--only-show-errors", source, target]
        subprocess.run(command, capture_output=True, check=True, env=self._environ)


class DuckDb:
    def __init__(self, settings: Settings, folder: Path) -> None:
        self._statement = settings.export("duckdb")
        self._base = f"s3://{settings.bucket}/{PREFIX}"

    def write(self, key: str, data: bytes) -> None:
        with closing(self._connect()) as connection:
            connection.execute(f"COPY (SELECT ?::BLOB) TO '{self._base}/{key}' (FORMAT blob)", [data])

    def read(self, key: str) -> bytes:
        with closing(self._connect()) as connection:
            row = connection.execute("SELECT content FROM read_blob(?)", [f"{self._base}/{key}"]).fetchone()
        assert row is not None
        content: bytes = row[0]
        return content

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Load the extension from its package: DuckDB itself would download it."""
        folder = Path(duckdb_extension_httpfs.__file__).parent / "extensions" / f"v{duckdb.__version__}"
        connection = duckdb.connect()
        connection.load_extension(str(folder / "httpfs.duckdb_extension"))
        connection.execute(self._statement)
        return connection


TOOLS: dict[str, Callable[[Settings, Path], Tool]] = {
    "boto3": Boto3,
    "s3fs": S3fs,
    "obstore": Obstore,
    "pyarrow": PyArrow,
    "rclone": Rclone,
    "aws-cli": AwsCli,
    "duckdb": DuckDb,
}


class Recorder:
    """Takes whatever is uploaded and remembers the requests, as R2 would have seen them."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, SplitResult, dict[str, str], int]] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                size = self._skip_body()
                url = urlsplit(self.path)
                requests.append((self.command, url, {name.lower(): text for name, text in self.headers.items()}, size))
                body = b"" if self.command != "POST" else BEGUN if url.query.startswith("uploads") else COMPLETED
                self.send_response(404 if self.command == "HEAD" else 200)
                self.send_header("ETag", '"0123456789abcdef0123456789abcdef"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_GET = do_HEAD = do_POST = do_DELETE = answer  # noqa: N815 - names of the base class

            def _skip_body(self) -> int:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                size = 0
                while chunk := int(self.rfile.readline().partition(b";")[0], 16):
                    size += len(self.rfile.read(chunk + 2)) - 2
                while self.rfile.readline().strip():
                    pass
                return size

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def part_sizes(self) -> list[int]:
        """Bytes of each part, in order."""
        found = {
            int(parse_qs(url.query)["partNumber"][0]): size
            for _, url, _, size in self.requests
            if "partNumber" in parse_qs(url.query)
        }
        return [found[number] for number in sorted(found)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture(params=list(TOOLS))
def recorded_tool(
    request: pytest.FixtureRequest, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Tool:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if request.param == "pyarrow":  # it has no option for this
        monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    settings = R2Settings.model_validate(
        {
            "account_id": "0" * 32,
            "access_key_id": "example",
            "secret_access_key": "example-not-real",
            "bucket": "plans",
            "prefix": PREFIX,
            "endpoint_url": recorder.url,
        }
    )
    return TOOLS[request.param](settings, tmp_path)


@pytest.fixture(params=["r2", "s3"])
def settings(
    request: pytest.FixtureRequest, seaweedfs_server: S3Server, bucket_of: Callable[[S3Server], str]
) -> Settings:
    place = {
        "access_key_id": seaweedfs_server.access_key_id,
        "secret_access_key": seaweedfs_server.secret_access_key,
        "bucket": bucket_of(seaweedfs_server),
        "endpoint_url": seaweedfs_server.endpoint_url,
        "prefix": PREFIX,
    }
    if request.param == "s3":
        return S3Settings.model_validate({**place, "region": seaweedfs_server.region})
    return R2Settings.model_validate({**place, "account_id": "0" * 32})


@pytest.fixture(params=list(TOOLS))
def tool(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Tool:
    return TOOLS[request.param](settings, tmp_path)


@pytest.fixture
def witness(seaweedfs_server: S3Server) -> Iterator[S3Client]:
    client = seaweedfs_server.client()
    yield client
    client.close()


@pytest.mark.parametrize("size", [1000, LARGE], ids=["one request", "parts"])
def test_boto3_reads_what_a_tool_writes(settings: Settings, tool: Tool, witness: S3Client, size: int) -> None:
    key, data = f"{secrets.token_hex(4)}.bin", secrets.token_bytes(size)

    tool.write(key, data)

    found = witness.get_object(Bucket=settings.bucket, Key=f"{PREFIX}/{key}")["Body"].read()
    assert data == found


def test_a_tool_reads_what_boto3_wrote(settings: Settings, tool: Tool, witness: S3Client) -> None:
    key, data = f"{secrets.token_hex(4)} Plan Müller.bin", secrets.token_bytes(1000)
    witness.put_object(Bucket=settings.bucket, Key=f"{PREFIX}/{key}", Body=data)

    found = tool.read(key)

    assert data == found


@pytest.mark.parametrize("size", [1000, LARGE], ids=["one request", "parts"])
def test_no_tool_sends_r2_what_it_refuses(recorded_tool: Tool, recorder: Recorder, size: int) -> None:
    with suppress(subprocess.CalledProcessError):  # rclone misses what it wrote: nothing is kept here
        recorded_tool.write("key", secrets.token_bytes(size))

    assert {"PUT"} <= {method for method, _, _, _ in recorder.requests}
    refused = [
        (method, url.path, name, text)
        for method, url, headers, _ in recorder.requests
        for name, text in headers.items()
        if REFUSED.match(name) or "aws-chunked" in text
    ]
    assert [] == refused


def test_no_tool_touches_the_bucket_itself(recorded_tool: Tool, recorder: Recorder) -> None:
    """A token for the objects of one bucket is not granted that."""
    with suppress(subprocess.CalledProcessError):
        recorded_tool.write("key", secrets.token_bytes(1000))

    paths = {url.path for method, url, _, _ in recorder.requests if not url.query.startswith(("list-type", "prefix"))}
    assert set() == {path for path in paths if not path.startswith("/plans/")}


def test_every_tool_sends_parts_of_one_size(recorded_tool: Tool, recorder: Recorder) -> None:
    with suppress(subprocess.CalledProcessError):
        recorded_tool.write("key", secrets.token_bytes(LARGE))

    sizes = recorder.part_sizes or [size for method, _, _, size in recorder.requests if method == "PUT"]
    *full, last = sizes
    assert LARGE == sum(sizes)
    assert len(set(full)) <= 1
    assert all(size >= 5 * 1024 * 1024 for size in full)
    assert last <= max(sizes)
