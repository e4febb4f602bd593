"""HashiCorp Vault, OpenBao, and what else speaks the HTTP API of their transit engine.

Encrypt and decrypt with ``associated_data``, which transit authenticates for AEAD keys (aes256-gcm96, the default, and
chacha20-poly1305): developer.hashicorp.com/vault/api-docs/secret/transit (read 2026-11). The text that it gives back
begins with ``vault:v<version>:``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import quote, urlsplit

from ...errors import (
    AccessDeniedError,
    AuthenticationError,
    IntegrityError,
    RateLimitedError,
    SealError,
    SettingsError,
    StorageError,
    UnavailableError,
    clean_text,
)
from ...json_text import parse_json, write_json
from ...lazy import regex
from ...secrecy.masking import Masked, MaskedBytes
from ...transport import Exchange, Request, Response, RetryPolicy, Transport, TransportSettings
from .source import WrappedKey, key_name

TokenSource: TypeAlias = "Callable[[], str] | Path"
"""Where the token of the process is: what returns it, or the file that an agent of Vault keeps it in."""

_TIMEOUT_S: Final = 10
_ATTEMPTS: Final = 3
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_WRAPPED: Final = regex(r"vault:v([0-9]{1,9}):[A-Za-z0-9+/=]+")


class VaultTransit:
    """A ``KeySource`` over a key of Vault's transit engine. Thread-safe and fork-safe; needs no library of Vault's.

    The token needs ``update`` on ``<mount>/encrypt/<key>`` and ``<mount>/decrypt/<key>``, ``read`` on
    ``<mount>/keys/<key>``.
    """

    kind = "vault"

    def __init__(
        self,
        address: str,
        key: str,
        *,
        token: TokenSource,
        mount: str = "transit",
        namespace: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        """Wrap under *key* of the engine at *mount* of the server at *address*; nothing is asked yet.

        Args:
            address: Such as ``https://vault.example.com:8200``; without TLS on this machine alone.
            key: ``{organisation}`` in it stands for the id of the organisation, where each has a key of its own.
            token: Asked for, or read, before each request, so that a renewed one is used.
            namespace: Of Vault Enterprise and OpenBao.
            ca_file: Whose certificates are trusted, if not those that the system trusts.

        Raises:
            SettingsError: the address cannot be used.
        """
        self.address, self.key, self.mount = _checked(address), key, mount.strip("/")
        self._token, self._namespace = token, namespace
        known = TransportSettings(first_byte_timeout_s=_TIMEOUT_S, idle_timeout_s=_TIMEOUT_S, ca_file=ca_file)
        self._transport = Transport(settings=known, retry=RetryPolicy(attempts=_ATTEMPTS, budget_s=_TIMEOUT_S))

    def wrap(self, data_key: bytes, organisation: str) -> WrappedKey:
        """Wrap *data_key*: one request."""
        name = key_name(self.key, organisation)
        body = {"plaintext": _text(data_key), "associated_data": _context(organisation)}
        text = self._asked("POST", f"encrypt/{quote(name, safe='')}", name, body).get("ciphertext")
        version = _WRAPPED.fullmatch(text) if isinstance(text, str) else None
        if not isinstance(text, str) or version is None:
            raise self._strange(name)
        return WrappedKey(source=self.kind, key=name, version=version[1], text=text)

    def unwrap(self, wrapped: WrappedKey, organisation: str) -> bytes:
        """Return the data key: one request."""
        body = {"ciphertext": wrapped.text, "associated_data": _context(organisation)}
        answer = self._asked("POST", f"decrypt/{quote(wrapped.key, safe='')}", wrapped.key, body)
        try:
            return MaskedBytes(base64.b64decode(Masked(answer.get("plaintext")), validate=True))
        except (binascii.Error, ValueError):
            raise self._strange(wrapped.key) from None

    def newest(self, organisation: str) -> tuple[str, str]:
        """Return the name of the key and its newest version: one request."""
        name = key_name(self.key, organisation)
        return name, str(self._asked("GET", f"keys/{quote(name, safe='')}", name, None).get("latest_version", ""))

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def __repr__(self) -> str:
        return f"VaultTransit({self.address!r}, {self.key!r})"

    def _asked(self, method: str, path: str, key: str, body: Mapping[str, str] | None) -> Mapping[str, object]:
        headers = [("X-Vault-Token", self._current_token()), ("X-Vault-Request", "true")]
        if self._namespace is not None:
            headers.append(("X-Vault-Namespace", self._namespace))
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        request = Request(
            method=method,
            url=f"{self.address}/v1/{quote(self.mount)}/{path}",
            headers=tuple(headers),
            body=None if body is None else MaskedBytes(write_json(dict(body)).encode()),
            operation="ask Vault",
        )
        where = f"the key {key!r} of the Vault at {self.address}"
        try:
            response = self._transport.run(_answer_to(request))
        except (UnavailableError, IntegrityError) as error:
            raise UnavailableError(f"{where} does not answer; look at the network, and whether it is sealed") from error
        if response.status != 200:
            raise _mapped(response, where)
        data = _object(response.body).get("data")
        if not isinstance(data, dict):
            raise self._strange(key)
        return data

    def _current_token(self) -> str:
        if not isinstance(self._token, Path):
            return Masked(self._token())
        try:
            return Masked(self._token.read_text(encoding="ascii").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"the token of Vault cannot be read from {str(self._token)!r}; let its agent write one there"
            ) from error

    def _strange(self, key: str) -> UnavailableError:
        return UnavailableError(f"what answers at {self.address} for the key {key!r} is no Vault; correct the address")


def _checked(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username is not None:
        raise SettingsError(f"{clean_text(address)!r} is no address of a Vault; write https://vault.example.com:8200")
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise SettingsError(f"{address!r} is without TLS, and keys are sent there; write https://")
    return address.rstrip("/")


def _context(organisation: str) -> str:
    return _text(write_json(["kazinex-storage data key", organisation]).encode())


def _text(data: bytes) -> str:
    return Masked(base64.b64encode(data).decode())


def _answer_to(request: Request) -> Exchange[Response]:
    response: Response = yield request
    return response


def _object(body: bytes) -> Mapping[str, object]:
    try:
        found = parse_json(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _mapped(response: Response, where: str) -> StorageError:
    """Return our error for an answer of Vault's; statuses: developer.hashicorp.com/vault/api-docs#http-status-codes."""
    errors = _object(response.body).get("errors")
    said = " ".join(str(text) for text in errors) if isinstance(errors, list) else ""
    because, code, status = f" ({clean_text(said)})" if said else "", str(response.status), response.status
    if status == 429 or status == 473:
        return RateLimitedError(f"{where}: it asks to slow down; try again", code=code)
    if status >= 500 or status == 472:
        return UnavailableError(
            f"{where} is of no use now: Vault is sealed, or a standby; look at its state{because}", code=code
        )
    if status == 403 and "invalid token" in said:
        return AuthenticationError(f"{where}: the token is not accepted; have its agent renew it{because}", code=code)
    if status == 403:
        return AccessDeniedError(f"{where}: the token may not use it; extend its policy{because}", code=code)
    if status == 404 or "encryption key not found" in said:
        return SealError(f"{where} is not there; restore it, or correct its name and mount{because}", code=code)
    if status == 400:
        return SealError(
            f"{where} cannot be used: what was wrapped is altered, another organisation's, or under a version that is "
            f"not allowed any more{because}",
            code=code,
        )
    return SettingsError(f"{where}: the server refuses{because}; look at the address", code=code)
