"""A storage on a real S3 server behind a proxy that fails as told, and boto3 past the proxy as the witness."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kazinex_storage import Storage
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import Target
from kazinex_storage.transport import RetryPolicy, Transport, TransportSettings

from .proxy import Proxy, proxy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Faulty:
    """One storage, its proxy and its witness."""

    def __init__(self, target: Target, front: Proxy, witness: S3Client, ca_file: Path | None) -> None:
        self.front = front
        self.target = dataclasses.replace(target, endpoint_url=front.url)
        self._witness = witness
        self._ca_file = str(ca_file) if ca_file is not None else None
        self._ends = contextlib.ExitStack()
        self.storage = self.made()

    def made(self, attempts: int = 4) -> Storage:
        """Make a storage that tries so often, without waiting."""
        retry = RetryPolicy(attempts=attempts, base_s=0.001, first_429_wait_s=0)
        # Whole seconds are what libcurl counts idle time in.
        settings = TransportSettings(
            first_byte_timeout_s=1, idle_timeout_s=1, connect_timeout_s=5, proxy="", ca_file=self._ca_file
        )
        transport = self._ends.enter_context(contextlib.closing(Transport(8, settings=settings, retry=retry)))
        return self._ends.enter_context(Storage(S3Provider(self.target), transport=transport))

    def stored(self, key: str) -> bytes | None:
        """What boto3 reads."""
        try:
            return self._witness.get_object(Bucket=self.target.bucket, Key=self.target.prefix + key)["Body"].read()
        except self._witness.exceptions.NoSuchKey:
            return None

    def write(self, key: str, data: bytes) -> None:
        """Let boto3 write."""
        self._witness.put_object(Bucket=self.target.bucket, Key=self.target.prefix + key, Body=data)

    def uploads(self) -> list[str]:
        """The unfinished uploads that boto3 lists."""
        found = self._witness.list_multipart_uploads(Bucket=self.target.bucket, Prefix=self.target.prefix)
        return [upload["Key"] for upload in found.get("Uploads", [])]

    def close(self) -> None:
        self._ends.close()


@contextmanager
def faulty_before(target: Target, witness: S3Client, folder: Path | None = None) -> Iterator[Faulty]:
    """Put a proxy before *target*; over TLS when there is a *folder* for its certificate."""
    context = None
    if folder is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed(folder))
    with proxy(target.endpoint_url, context) as front:
        found = Faulty(target, front, witness, folder / "server.pem" if folder is not None else None)
        try:
            yield found
        finally:
            found.close()


def self_signed(folder: Path) -> Path:
    """Write a certificate for this machine that nobody signed, with its key, into one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    return path
