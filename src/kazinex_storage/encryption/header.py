"""The header of an age file: who can open it, and the key of its payload — c2sp.org/age (read 2026-11).

Written for X25519 recipients alone, and always to ``PREFIX_BYTES``, so that the size of the plain text follows from
that of the object in a listing: a stanza that every reader has to ignore fills it. Another such stanza keeps the sha256
of the plain text, where that is known when writing begins; it is encrypted under a key derived from the file key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from ..values import value

VERSION: Final = b"age-encryption.org/v1\n"
NONCE_BYTES: Final = 16
"""What follows the header: the salt of the payload key."""
PREFIX_BYTES: Final = 1024
"""Bytes of what is written before the first chunk: header, then salt. Room for eight recipients and the sha256."""
MOST_RECIPIENTS: Final = 8
"""How many recipients fit into that."""
MOST_HEADER_BYTES: Final = 64 * 1024
"""Headers of others that are longer are refused."""

_FILE_KEY_BYTES: Final = 16
_X25519: Final = b"age-encryption.org/v1/X25519"
_SHA256: Final = "kazinex-sha256"
_FILLER: Final = b"-> kazinex-grease "
_ONCE: Final = bytes(12)  # each of the keys that it goes with encrypts once
_COLUMNS: Final = 64


@value(kw_only=False)
class Stanza:
    """One line of arguments, the first of which is the type, and a body."""

    arguments: tuple[str, ...]
    body: bytes


@value
class Header:
    """A header that was parsed; it proves nothing before ``file_key_of`` has checked it."""

    length: int
    """Bytes, with the last line feed."""
    stanzas: tuple[Stanza, ...]
    signed: bytes
    mac: bytes


@value(kw_only=False)
class Opened:
    """What an identity finds in a header."""

    file_key: bytes
    sha256: str | None
    """Of the plain text, where the writer knew it before he began."""


def build_prefix(recipients: Sequence[X25519PublicKey], sha256: str | None) -> tuple[bytes, bytes]:
    """Return ``PREFIX_BYTES`` that begin a new file for *recipients*, and the key of its payload."""
    file_key = os.urandom(_FILE_KEY_BYTES)
    lines = [VERSION, *(_wrapped(file_key, recipient) for recipient in recipients)]
    if sha256 is not None:
        kept = ChaCha20Poly1305(_derived(file_key, b"", _SHA256.encode())).encrypt(_ONCE, bytes.fromhex(sha256), None)
        lines.append(f"-> {_SHA256} ".encode() + _unpadded(kept) + b"\n\n")
    end = 4 + 43 + 1  # "--- ", the MAC and a line feed
    missing = PREFIX_BYTES - NONCE_BYTES - end - len(_FILLER) - 2 - sum(map(len, lines))
    signed = b"".join([*lines, _FILLER, b"x" * missing, b"\n\n---"])
    mac = hmac.digest(_derived(file_key, b"", b"header"), signed, "sha256")
    salt = os.urandom(NONCE_BYTES)
    return b"".join([signed, b" ", _unpadded(mac), b"\n", salt]), payload_key(file_key, salt)


def parse_header(data: bytes) -> Header | None:
    """Return the header that *data* begins with; None when it is not complete.

    Raises:
        ValueError: it is no header of an age file, or not as every writer has to write it.
    """
    if not data.startswith(VERSION):
        if VERSION.startswith(data):
            return None
        raise ValueError("it does not begin as an age file")
    found, stanzas = len(VERSION), list[Stanza]()
    while (end := data.find(b"\n", found)) >= 0:
        line = data[found:end]
        if line.startswith(b"---"):
            if not line.startswith(b"--- "):
                raise ValueError("the line of the MAC is malformed")
            mac = _decoded(line[4:])
            if not stanzas or len(mac) != 32:
                raise ValueError("it has no recipient, or no MAC")
            return Header(length=end + 1, stanzas=tuple(stanzas), signed=data[: found + 3], mac=mac)
        arguments = _arguments(line)
        body = _body(data, end + 1)
        if body is None:
            break
        stanzas.append(Stanza(arguments, body[0]))
        found = body[1]
    if len(data) > MOST_HEADER_BYTES:
        raise ValueError(f"its header has more than {MOST_HEADER_BYTES:,} bytes")
    return None


def open_header(header: Header, identities: Sequence[X25519PrivateKey]) -> Opened | None:
    """Return what the first of *identities* that fits finds; None when the file is for others.

    Raises:
        ValueError: it is damaged: the MAC does not fit, or a stanza that is ours to read is malformed.
    """
    if any(stanza.arguments[0] == "scrypt" for stanza in header.stanzas) and len(header.stanzas) > 1:
        raise ValueError("a passphrase goes with no other recipient")
    for stanza in header.stanzas:
        if stanza.arguments[0] == "X25519":
            file_key = _unwrapped(stanza, identities)
            if file_key is not None:
                expected = hmac.digest(_derived(file_key, b"", b"header"), header.signed, "sha256")
                if not hmac.compare_digest(expected, header.mac):
                    raise ValueError("the MAC of its header does not fit")
                return Opened(file_key, _kept_sha256(header, file_key))
    return None


def payload_key(file_key: bytes, salt: bytes) -> bytes:
    """Return the key of the chunks."""
    return _derived(file_key, salt, b"payload")


def _wrapped(file_key: bytes, recipient: X25519PublicKey) -> bytes:
    secret = X25519PrivateKey.generate()
    share = secret.public_key().public_bytes_raw()
    key = _derived(secret.exchange(recipient), share + recipient.public_bytes_raw(), _X25519)
    body = ChaCha20Poly1305(key).encrypt(_ONCE, file_key, None)
    return b"-> X25519 " + _unpadded(share) + b"\n" + _unpadded(body) + b"\n"


def _unwrapped(stanza: Stanza, identities: Sequence[X25519PrivateKey]) -> bytes | None:
    if len(stanza.arguments) != 2 or len(stanza.body) != _FILE_KEY_BYTES + 16:
        raise ValueError("its X25519 stanza is malformed")
    share = _decoded(stanza.arguments[1].encode())
    if len(share) != 32:
        raise ValueError("its X25519 stanza is malformed")
    for identity in identities:
        # A share of low order makes a secret that everybody knows; the library refuses that with a ValueError.
        secret = identity.exchange(X25519PublicKey.from_public_bytes(share))
        key = _derived(secret, share + identity.public_key().public_bytes_raw(), _X25519)
        try:
            return ChaCha20Poly1305(key).decrypt(_ONCE, stanza.body, None)
        except InvalidTag:
            continue
    return None


def _kept_sha256(header: Header, file_key: bytes) -> str | None:
    for stanza in header.stanzas:
        if stanza.arguments[0] == _SHA256 and len(stanza.arguments) == 2:
            kept = _decoded(stanza.arguments[1].encode())
            try:
                return ChaCha20Poly1305(_derived(file_key, b"", _SHA256.encode())).decrypt(_ONCE, kept, None).hex()
            except InvalidTag as error:
                raise ValueError("the sha256 that its header keeps is damaged") from error
    return None


def _arguments(line: bytes) -> tuple[str, ...]:
    if not line.startswith(b"-> "):
        raise ValueError("a stanza of its header is malformed")
    arguments = line[3:].split(b" ")
    if not all(arguments) or any(not 33 <= code <= 126 for argument in arguments for code in argument):
        raise ValueError("a stanza of its header has an argument that is none")
    return tuple(argument.decode("ascii") for argument in arguments)


def _body(data: bytes, start: int) -> tuple[bytes, int] | None:
    """Return the body that begins at *start*, and where it ends: with the first line that is not full."""
    lines = list[bytes]()
    while (end := data.find(b"\n", start)) >= 0:
        line, start = data[start:end], end + 1
        if len(line) > _COLUMNS:
            raise ValueError("a line of its header is too long")
        lines.append(line)
        if len(line) < _COLUMNS:
            return _decoded(b"".join(lines)), start
    return None


def _derived(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    """Return 32 bytes of HKDF-SHA-256 — RFC 5869, of which one block is needed."""
    extracted = hmac.digest(salt or bytes(hashlib.sha256().digest_size), secret, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")


def _unpadded(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    """Return what *text* says in base64 without padding, if it is written in the one way that counts."""
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("its base64 is malformed") from error
    if _unpadded(data) != text:
        raise ValueError("its base64 is not canonical")
    return data
