"""A strict stand-in for the transit engine of HashiCorp Vault, as its HTTP API documents it.

developer.hashicorp.com/vault/api-docs/secret/transit (read 2026-11): AES-256-GCM keys with versions, authenticated
data, policies of tokens, versions that are not allowed any more, and a server that is sealed.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .http import Answer, Received, http_server

_PATH = re.compile(r"/v1/transit/(encrypt|decrypt|keys)/([A-Za-z0-9._-]+)")
_TEXT = re.compile(r"vault:v([0-9]+):(.+)")
_NONCE = 12


@dataclass(slots=True)
class TransitKey:
    """One key of the engine."""

    versions: list[AESGCM] = field(default_factory=lambda: [_generated()])
    min_decryption_version: int = 1

    def rotate(self) -> None:
        """Add a version, which encrypts from now on."""
        self.versions.append(_generated())


@dataclass(slots=True)
class VaultEmulator:
    """A running one."""

    address: str = ""
    token: str = field(default_factory=lambda: f"hvs.{secrets.token_hex(12)}", repr=False)
    """Accepted; a test replaces it to let the old one expire."""
    keys: dict[str, TransitKey] = field(default_factory=dict)
    """By name; a test deletes one to destroy it."""
    denied: set[str] = field(default_factory=set)
    """Paths that the policy of the token does not allow, such as ``transit/decrypt/kazinex``."""
    sealed: bool = False
    requests: list[str] = field(default_factory=list)
    """Method and path of each."""

    def answer(self, request: Received) -> Answer:
        """Answer one request."""
        self.requests.append(f"{request.method} {request.path}")
        if self.sealed:
            return _errors(503, "Vault is sealed")
        if request.headers.get("x-vault-token") != self.token:
            return _errors(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
        found = _PATH.fullmatch(request.path)
        if found is None:
            return _errors(404, f"no handler for route {request.path.removeprefix('/v1/')!r}. route entry not found.")
        if request.path.removeprefix("/v1/") in self.denied:
            return _errors(403, "1 error occurred:\n\t* permission denied\n\n")
        verb, key = found[1], self.keys.get(found[2])
        if verb == "keys":
            if request.method != "GET":
                return _errors(405)
            return _errors(404) if key is None else _data(_described(found[2], key))
        if request.method not in ("POST", "PUT"):
            return _errors(405)
        if key is None:
            return _errors(400, "encryption key not found")
        try:
            body = json.loads(request.body)
            associated = base64.b64decode(body.get("associated_data", ""), validate=True)
            return _encrypted(key, body, associated) if verb == "encrypt" else _decrypted(key, body, associated)
        except (ValueError, binascii.Error, KeyError, TypeError):
            return _errors(400, "failed to base64-decode plaintext")


@contextmanager
def vault_emulator() -> Iterator[VaultEmulator]:
    """Run one on a loopback port, with a key named ``kazinex``."""
    emulator = VaultEmulator(keys={"kazinex": TransitKey()})
    with http_server(emulator.answer) as port:
        emulator.address = f"http://127.0.0.1:{port}"
        yield emulator


def _encrypted(key: TransitKey, body: Mapping[str, str], associated: bytes) -> Answer:
    plain, nonce = base64.b64decode(body["plaintext"], validate=True), os.urandom(_NONCE)
    text = base64.b64encode(nonce + key.versions[-1].encrypt(nonce, plain, associated)).decode()
    version = len(key.versions)
    return _data({"ciphertext": f"vault:v{version}:{text}", "key_version": version})


def _decrypted(key: TransitKey, body: Mapping[str, str], associated: bytes) -> Answer:
    found = _TEXT.fullmatch(body["ciphertext"])
    if found is None:
        return _errors(400, "invalid ciphertext: no prefix")
    version, sealed = int(found[1]), base64.b64decode(found[2], validate=True)
    if not 1 <= version <= len(key.versions):
        return _errors(400, "invalid ciphertext: version is too new")
    if version < key.min_decryption_version:
        return _errors(400, "ciphertext or signature version is disallowed by policy (too old)")
    try:
        plain = key.versions[version - 1].decrypt(sealed[:_NONCE], sealed[_NONCE:], associated)
    except (InvalidTag, ValueError):
        return _errors(400, "invalid ciphertext: unable to decrypt")
    return _data({"plaintext": base64.b64encode(plain).decode()})


def _described(name: str, key: TransitKey) -> dict[str, object]:
    return {
        "name": name,
        "type": "aes256-gcm96",
        "latest_version": len(key.versions),
        "min_decryption_version": key.min_decryption_version,
        "supports_encryption": True,
        "supports_decryption": True,
    }


def _generated() -> AESGCM:
    return AESGCM(AESGCM.generate_key(256))


def _data(data: Mapping[str, object]) -> Answer:
    return _json(200, {"request_id": secrets.token_hex(8), "lease_id": "", "renewable": False, "data": data})


def _errors(status: int, *errors: str) -> Answer:
    return _json(status, {"errors": list(errors)})


def _json(status: int, document: Mapping[str, object]) -> Answer:
    return Answer(status=status, headers={"content-type": "application/json"}, body=json.dumps(document).encode())
