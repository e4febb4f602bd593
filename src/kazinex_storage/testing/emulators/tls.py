"""A certificate authority for one test run: it lives in a temporary folder and signs names of this machine."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOCAL_NAMES = ("localhost", "*.localhost", "127.0.0.1")
"""Names of this machine."""

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAuthority:
    """Signs certificates that a client accepts when it trusts ``ca_file``."""

    ca_file: str
    """The authority's certificate in PEM, for ``SSL_CERT_FILE``, ``ca_file`` or boto3's ``verify``."""
    folder: Path
    _key: ec.EllipticCurvePrivateKey = field(repr=False)
    _certificate: x509.Certificate = field(repr=False)

    def server_context(self, names: Sequence[str] = LOCAL_NAMES) -> ssl.SSLContext:
        """Return a context for a server that calls itself by *names*: host names, wildcards and IP addresses.

        Raises:
            OSError: the folder is gone.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server_certificate(names))
        return context

    def server_certificate(self, names: Sequence[str] = LOCAL_NAMES) -> Path:
        """Write a certificate for *names* with its key into one PEM file of the folder.

        Raises:
            OSError: the folder is gone.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        serial = x509.random_serial_number()
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        certificate = (
            _builder("server of a test", self._certificate.subject, key.public_key(), serial)
            .add_extension(x509.SubjectAlternativeName([_name(text) for text in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        path = self.folder / f"server-{serial:x}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
        return path


@contextmanager
def certificate_authority() -> Iterator[CertificateAuthority]:
    """Make an authority, and forget it in the end.

    Raises:
        OSError: there is no temporary folder.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
    certificate = (
        _builder("authority of a test", name, key.public_key(), x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signing(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    with tempfile.TemporaryDirectory(prefix="kazinex-ca-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "ca.pem"
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        yield CertificateAuthority(ca_file=str(path), folder=Path(folder), _key=key, _certificate=certificate)


def _builder(
    common_name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, serial: int
) -> x509.CertificateBuilder:
    # A day before, because tests shift clocks.
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    return x509.CertificateBuilder(issuer, subject, key, serial, now - _DAY, now + _DAY)


def _signing() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
