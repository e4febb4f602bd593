"""The keys that a storage encrypts for, and those that it reads with: ``Storage(..., encryption=Age(...))``."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from ..errors import SealError, SettingsError
from ..secrecy.pickling import not_pickled
from . import bech32
from .chunks import ChunkCipher, plain_size, sealed_size
from .header import (
    MOST_RECIPIENTS,
    NONCE_BYTES,
    PREFIX_BYTES,
    Header,
    build_prefix,
    open_header,
    parse_header,
    payload_key,
)

_RECIPIENT, _IDENTITY = "age", "age-secret-key-"


@not_pickled("send the texts of its keys, as secrets are sent, and make it there")
class Age:
    """X25519 keys of the age format. Thread-safe; an identity is shown by nothing.

    Example:
        >>> secret = generate_identity()
        >>> keys = Age(identities=[secret])
        >>> keys.recipients == (recipient_of(secret),)
        True
    """

    __slots__ = ("_identities", "_public", "recipients")

    def __init__(self, *, recipients: Iterable[str] = (), identities: Iterable[str] = ()) -> None:
        """Write for *recipients*, each of which can read alone, and read with *identities*.

        Args:
            recipients: ``age1…``, eight at most; without any, those of *identities*. Objects that were written before
                stay readable for those that they were written for.
            identities: ``AGE-SECRET-KEY-1…``, of which any may fit; without any, objects are written and not read.

        Raises:
            SettingsError: there is no key at all, or too many, or one is none; the message never has an identity.
        """
        self._identities = tuple(_identity(text) for text in identities)
        public = tuple(_recipient(text) for text in recipients)
        self._public = public or tuple(identity.public_key() for identity in self._identities)
        if not 1 <= len(self._public) <= MOST_RECIPIENTS:
            raise SettingsError(f"encryption is for 1 to {MOST_RECIPIENTS} recipients, not {len(self._public)}")
        self.recipients = tuple(bech32.encode(_RECIPIENT, key.public_bytes_raw()) for key in self._public)
        """Who can read what is written from now on."""

    @property
    def reads(self) -> bool:
        """Whether there is an identity to read with."""
        return bool(self._identities)

    def begin(self, sha256: str | None) -> tuple[bytes, ChunkCipher]:
        """Return the first ``PREFIX_BYTES`` of a new object, and what seals its chunks; *sha256* of it, if known."""
        prefix, key = build_prefix(self._public, sha256)
        return prefix, ChunkCipher(key)

    def begun(self, prefix: bytes) -> ChunkCipher:
        """Return what seals the chunks of an object that began with *prefix*.

        Raises:
            SealError: it was begun for others, or is damaged.
        """
        header = self.parse(prefix)
        if header is None:
            raise SealError("the encrypted upload was altered; begin it again")
        return self.cipher(header, prefix)[0]

    def parse(self, data: bytes) -> Header | None:
        """Return the header that *data* begins with; None while it is not complete.

        Raises:
            SealError: it is none.
        """
        try:
            return parse_header(data)
        except ValueError as error:
            raise SealError(
                f"the object is not one that was encrypted here: {error}; read it by a storage without encryption"
            ) from error

    def cipher(self, header: Header, data: bytes) -> tuple[ChunkCipher, str | None]:
        """Return what opens the chunks of the object that begins with *data*, and its sha256 where that is kept.

        Raises:
            SealError: no identity at hand opens it, or it is damaged.
        """
        salt = data[header.length : header.length + NONCE_BYTES]
        if len(salt) < NONCE_BYTES:
            raise SealError("the encrypted object is cut; restore it from a copy")
        try:
            opened = open_header(header, self._identities)
        except ValueError as error:
            raise SealError(f"the encrypted object is damaged: {error}; restore it from a copy") from error
        if opened is None:
            raise SealError(
                "the object is encrypted, and "
                + ("none of the identities at hand opens it" if self._identities else "there is no identity to open it")
                + "; give the storage the identity of a recipient that it was written for"
            )
        return ChunkCipher(payload_key(opened.file_key, salt)), opened.sha256

    def __repr__(self) -> str:
        return f"Age(recipients={list(self.recipients)}, identities={len(self._identities)})"


def generate_identity() -> str:
    """Return a new identity, ``AGE-SECRET-KEY-1…``: whoever has it reads everything that is written for it."""
    return bech32.encode(_IDENTITY, X25519PrivateKey.generate().private_bytes_raw()).upper()


def recipient_of(identity: str) -> str:
    """Return the recipient, ``age1…``, that is written to so that *identity* can read.

    Raises:
        SettingsError: it is no identity.
    """
    return bech32.encode(_RECIPIENT, _identity(identity).public_key().public_bytes_raw())


def stored_size(size: int) -> int:
    """Return the bytes that an object of *size* bytes takes at the service; for one that this package wrote."""
    return PREFIX_BYTES + sealed_size(size)


def listed_size(stored: int, prefix: int = PREFIX_BYTES) -> int:
    """Return the bytes of plain text in an object of *stored* bytes, *prefix* of which come before its chunks.

    An object that cannot be one of ours has the size that it has.
    """
    found = plain_size(stored - prefix) if stored > prefix else None
    return stored if found is None else found


def _identity(text: str) -> X25519PrivateKey:
    try:
        prefix, data = bech32.decode(text.strip())
        if prefix != _IDENTITY or len(data) != 32:
            raise ValueError("it is a key of another kind")
    except ValueError as error:
        # Not the cause: it would quote nothing, but the frames of its traceback hold the text.
        raise SettingsError(f"an identity of age begins with AGE-SECRET-KEY-1: {error}") from None
    return X25519PrivateKey.from_private_bytes(data)


def _recipient(text: str) -> X25519PublicKey:
    try:
        prefix, data = bech32.decode(text.strip())
        if prefix != _RECIPIENT or len(data) != 32:
            raise ValueError("it is a key of another kind")
    except ValueError as error:
        raise SettingsError(f"a recipient of age begins with age1: {error}") from None
    return X25519PublicKey.from_public_bytes(data)
