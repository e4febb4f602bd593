"""The null S3 server: compiled when it is needed, ended with this process."""

from __future__ import annotations

import datetime
import ipaddress
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .place import Place

SOURCE = Path(__file__).with_name("null_s3.c")


@contextmanager
def null_server(folder: Path) -> Iterator[tuple[Place, Place | None]]:
    """Run the server; yield it over plain HTTP and, where the headers of OpenSSL are installed, over TLS.

    Raises:
        FileNotFoundError: there is no C compiler.
    """
    home = folder / "null-s3"
    home.mkdir(exist_ok=True)
    program, with_tls = compiled(home)
    command = [str(program), str(len(os.sched_getaffinity(0)))]
    if with_tls:
        command += map(str, certificate(home))
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    with server.stdin, server.stdout:
        port, tls_port, *processes = map(int, server.stdout.readline().split())
        plain = Place(name="null server", endpoint_url=f"http://127.0.0.1:{port}", processes=tuple(processes))
        encrypted = replace(
            plain,
            name="null server over TLS",
            endpoint_url=f"https://127.0.0.1:{tls_port}",
            ca_file=str(home / "ca.pem"),
        )
        yield plain, encrypted if with_tls else None
    server.wait()


def compiled(home: Path) -> tuple[Path, bool]:
    """Compile the server, and say whether it can do TLS.

    Raises:
        FileNotFoundError: there is no C compiler.
        subprocess.CalledProcessError: it does not compile.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise FileNotFoundError("the null S3 server needs a C compiler; install gcc")
    program = home / "null_s3"
    command = [compiler, "-O2", "-o", str(program), str(SOURCE)]
    tried = subprocess.run([*command, "-DWITH_TLS", "-lssl", "-lcrypto"], check=False, capture_output=True, text=True)
    if tried.returncode == 0:
        return program, True
    subprocess.run(command, check=True)
    print("  no TLS: the headers of OpenSSL are missing (Debian: libssl-dev)", file=sys.stdout)
    return program, False


def certificate(home: Path) -> tuple[Path, Path]:
    """Make an authority, ``ca.pem``, and a certificate for 127.0.0.1 by it; return its chain and its key."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kazinex-storage benchmarks")])
    host = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        return made.not_valid_after(now + datetime.timedelta(days=2))

    root = (
        builder(name, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority, hashes.SHA256())
    )
    # rustls takes no authority's certificate for a server's own, and wants the purpose said.
    leaf = (
        builder(host, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]),
            critical=False,
        )
        .sign(authority, hashes.SHA256())
    )
    chain, secret = home / "server.pem", home / "server.key"
    pem = serialization.Encoding.PEM
    (home / "ca.pem").write_bytes(root.public_bytes(pem))
    chain.write_bytes(leaf.public_bytes(pem) + root.public_bytes(pem))
    unencrypted = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unencrypted))
    return chain, secret
