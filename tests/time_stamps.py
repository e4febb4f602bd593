"""A time stamp service (RFC 3161) on loopback: openssl signs what comes, as public services do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kazinex_storage.testing.emulators.http import Answer, Received, http_server

# The root has the key usage that openssl and rfc3161-client ask for; the extended one of the service is critical, as
# RFC 3161, 2.3 demands.
CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
[name]
CN = Example time stamps
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[service]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = tsa_one
[tsa_one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/service.pem
signer_key = {folder}/service.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class TimeStampService:
    """What is served, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.asked = 0
        self.answer: Answer | None = None
        """What is answered instead, until it is taken away."""
        folder.mkdir()
        (folder / "serial").write_text("01\n")
        (folder / "openssl.cnf").write_text(CONFIGURATION.format(folder=folder))
        self._openssl("req -x509 -newkey ed25519 -nodes -keyout root.key -out root.pem -days 30 -extensions root")
        self._openssl("req -new -newkey rsa:2048 -nodes -keyout service.key -out service.csr -subj /CN=stamps")
        self._openssl(
            "x509 -req -in service.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -out service.pem "
            "-extfile openssl.cnf -extensions service",
            configured=False,
        )

    @property
    def root(self) -> Path:
        """The certificate that whoever checks stamps is given."""
        return self.folder / "root.pem"

    def handle(self, request: Received) -> Answer:
        """Stamp what is asked."""
        self.asked += 1
        if self.answer is not None:
            return self.answer
        assert "application/timestamp-query" == request.headers["content-type"]
        (self.folder / "query").write_bytes(request.body)
        self._openssl("ts -reply -queryfile query -out reply")
        return Answer(
            status=200,
            headers={"content-type": "application/timestamp-reply"},
            body=(self.folder / "reply").read_bytes(),
        )

    def _openssl(self, arguments: str, *, configured: bool = True) -> None:
        command = ["openssl", *arguments.split(), *(["-config", "openssl.cnf"] if configured else [])]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        assert 0 == done.returncode, done.stderr


@contextmanager
def time_stamp_service(folder: Path) -> Iterator[TimeStampService]:
    """Serve until the context ends."""
    service = TimeStampService(folder)
    with http_server(service.handle) as port:
        service.url = f"http://127.0.0.1:{port}/"
        yield service
