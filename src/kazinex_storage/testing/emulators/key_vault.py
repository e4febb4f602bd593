"""A strict stand-in for the keys of Azure Key Vault, as its REST API documents them: get, wrapkey, unwrapkey.

learn.microsoft.com/rest/api/keyvault/keys (7.5, read 2026-11): RSA keys with versions, disabled and deleted ones,
tokens by a challenge (learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses).
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .http import Answer, Received, http_server
from .tls import CertificateAuthority

_PATH = re.compile(r"/keys/([0-9A-Za-z-]{1,127})(?:/([0-9a-f]{32}))?/?(?:(wrapkey|unwrapkey))?")
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_BITS = 2048


@dataclass(slots=True)
class VaultKey:
    """One key of the vault."""

    versions: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    """By version, the newest last."""
    enabled: bool = True

    def rotate(self) -> None:
        """Add a version, which wraps from now on."""
        self.versions[secrets.token_hex(16)] = rsa.generate_private_key(65537, _BITS)


@dataclass(slots=True)
class KeyVaultEmulator:
    """A running one."""

    address: str = ""
    token: str = field(default_factory=lambda: secrets.token_hex(12), repr=False)
    """Accepted; a test replaces it to let the old one expire."""
    keys: dict[str, VaultKey] = field(default_factory=dict)
    """By name; a test deletes one to destroy it."""
    denied: set[str] = field(default_factory=set)
    """Operations that the caller has no permission for: get, wrapkey, unwrapkey."""
    requests: list[str] = field(default_factory=list)
    """Method and path of each."""

    def answer(self, request: Received) -> Answer:
        """Answer one request."""
        self.requests.append(f"{request.method} {request.path}")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            challenge = 'Bearer authorization="https://login.example.com/tenant", resource="https://vault.azure.net"'
            return _error(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", challenge)
        found = _PATH.fullmatch(request.path)
        if found is None or "api-version=" not in request.query:
            return _error(400, "BadParameter", "the path or the api-version is not supported")
        name, version, verb = found[1], found[2], found[3] or "get"
        if request.method != ("GET" if verb == "get" else "POST"):
            return _error(405, "BadParameter", "the method is not supported")
        if verb in self.denied:
            return _error(403, "Forbidden", f"The user does not have keys {verb} permission", inner="ForbiddenByPolicy")
        key = self.keys.get(name)
        version = version or (list(key.versions)[-1] if key is not None else "")
        if key is None or version not in key.versions:
            return _error(404, "KeyNotFound", f"A key with (name/id) {name}/{version} was not found in this key vault.")
        if verb != "get" and not key.enabled:
            return _error(403, "Forbidden", f"Operation {verb} is not allowed on a disabled key.", inner="KeyDisabled")
        kid = f"{self.address}/keys/{name}/{version}"
        return _json(
            200, self._described(kid, key, version) if verb == "get" else _used(kid, key, version, verb, request)
        )

    def _described(self, kid: str, key: VaultKey, version: str) -> Mapping[str, object]:
        public = key.versions[version].public_key().public_numbers()
        operations = ["wrapKey", "unwrapKey"]
        jwk = {"kid": kid, "kty": "RSA", "key_ops": operations, "n": _number(public.n), "e": _number(public.e)}
        return {"key": jwk, "attributes": {"enabled": key.enabled, "created": 1764000000, "updated": 1764000000}}


@contextmanager
def key_vault_emulator(authority: CertificateAuthority) -> Iterator[KeyVaultEmulator]:
    """Run one on a loopback port with a certificate of *authority*, and a key named ``kazinex``."""
    emulator = KeyVaultEmulator(keys={"kazinex": VaultKey()})
    emulator.keys["kazinex"].rotate()
    with http_server(emulator.answer, authority.server_context()) as port:
        emulator.address = f"https://localhost:{port}"
        yield emulator


def _used(kid: str, key: VaultKey, version: str, verb: str, request: Received) -> Mapping[str, object]:
    body = json.loads(request.body)
    if body.get("alg") != "RSA-OAEP-256":
        return {"error": {"code": "BadParameter", "message": "the algorithm is not supported"}}
    given, private = _bytes(body["value"]), key.versions[version]
    try:
        made = private.public_key().encrypt(given, _OAEP) if verb == "wrapkey" else private.decrypt(given, _OAEP)
    except ValueError:
        return {"error": {"code": "BadParameter", "message": "the value cannot be unwrapped"}}
    return {"kid": kid, "value": _text(made)}


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _error(status: int, code: str, message: str, challenge: str | None = None, inner: str | None = None) -> Answer:
    error: dict[str, object] = {"code": code, "message": message}
    if inner is not None:
        error["innererror"] = {"code": inner}
    answer = _json(status, {"error": error})
    if challenge is not None:
        answer.headers["www-authenticate"] = challenge
    return answer


def _json(status: int, document: Mapping[str, object]) -> Answer:
    if status == 200 and "error" in document:
        status = 400
    return Answer(status=status, headers={"content-type": "application/json"}, body=json.dumps(document).encode())
