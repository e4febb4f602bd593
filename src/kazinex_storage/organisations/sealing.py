"""Secrets at rest: AES-256-GCM, bound to the organisation, the record, the field and the settings they belong to.

An envelope is ``kzx2.<key id>.<base64url of nonce and ciphertext>``. What it belongs to is authenticated with it, so an
envelope opens neither in another row nor next to another address. Those of ``kzx1``, which the first release wrote, did
not bind the settings; they still open, and ``reseal`` replaces them. A ring holds several keys: the first seals, all
open, which is what rotation needs. ``keyfile.py`` keeps a ring on disk. The keys that upload states are sealed with are
derived from the same ring.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Iterable
from typing import Protocol, cast

from ..errors import SealError, SettingsError
from ..lazy import regex
from ..secrecy.masking import Masked, MaskedBytes
from ..secrecy.pickling import not_pickled

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ModuleNotFoundError as _error:
    raise SettingsError("sealing secrets needs cryptography; pip install 'kazinex-storage[sql]'") from _error

KEY_BYTES = 32
"""The length of a key: AES-256."""

# NIST SP 800-38D, 8.2: a nonce of 96 random bits is safe for 2^32 messages under one key; we seal thousands.
_NONCE_BYTES = 12
_SCHEME = "kzx2"
_OLD_SCHEME = "kzx1"
_TAG_BYTES = 16
DESTROYED = "DataKeyDestroyed"
"""The code of the error for a key that was destroyed on purpose."""

_SEPARATOR = regex(r"[\s,]+")


def _keys_in(text: str) -> list[bytes | None]:
    """Return the raw keys in *text*, None for a part that is not one."""
    keys: list[bytes | None] = []
    for part in _SEPARATOR.split(text):
        padded = part.replace("-", "+").replace("_", "/").rstrip("=")
        try:
            key = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if part:
            keys.append(MaskedBytes(key) if len(key) == KEY_BYTES else None)
    return keys


@not_pickled("give the other process a key ring or a key file of its own")
class KeyRing:
    """One or more keys: the first seals, all open. Never shown, never pickled."""

    __slots__ = ("_ciphers", "_keys", "current", "sealing")

    def __init__(self, keys: Iterable[bytes]) -> None:
        """Take raw *keys* of 32 bytes each.

        Raises:
            SettingsError: there is none, or one has another length.
        """
        self._keys = tuple(MaskedBytes(key) for key in keys)
        del keys
        if not self._keys or any(len(key) != KEY_BYTES for key in self._keys):
            raise SettingsError(
                f"sealing needs at least one key, and each has {KEY_BYTES} bytes; make one with {_RECIPE}"
            )
        self._ciphers = {_key_id(key): AESGCM(key) for key in self._keys}
        self.current = _key_id(self._keys[0])
        """The id of the key that seals."""
        self.sealing = self._ciphers[self.current]
        """Its cipher."""

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Read base64 keys separated by commas or white space.

        Raises:
            SettingsError: there is none, or one is not base64 of 32 bytes; the text is not quoted.
        """
        keys = _keys_in(text)
        wrong, count = next((number for number, key in enumerate(keys, 1) if key is None), None), len(keys)
        if wrong is not None:
            del text, keys  # so that a traceback with local variables shows no key
            raise SettingsError(
                f"sealing key {wrong} of {count} is not base64 of {KEY_BYTES} bytes; make one with {_RECIPE}"
            )
        return cls(key for key in keys if key is not None)

    @classmethod
    def generate(cls) -> KeyRing:
        """Make a ring of one random key."""
        return cls((os.urandom(KEY_BYTES),))

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the sealing one first."""
        return tuple(_key_id(key) for key in self._keys)

    def with_first(self, other: KeyRing) -> KeyRing:
        """Return a ring that seals with the first key of *other* and opens with the keys of both."""
        return KeyRing(dict.fromkeys((*other._keys, *self._keys)))

    def with_further(self, other: KeyRing) -> KeyRing:
        """Return a ring that seals as this one does and opens with the keys of both."""
        return KeyRing(dict.fromkeys((*self._keys, *other._keys)))

    def only_first(self) -> KeyRing:
        """Return a ring of the sealing key alone."""
        return KeyRing(self._keys[:1])

    def export(self) -> str:
        """Return the keys in clear, one base64 line each, as ``parse`` reads them."""
        return "".join(f"{base64.urlsafe_b64encode(key).decode()}\n" for key in self._keys)

    def derived(self, key_id: str, label: bytes) -> bytes | None:
        """Return a key for the purpose *label*, derived from the key of that id; None when that is not on the ring."""
        for key in self._keys:
            if _key_id(key) == key_id:
                return hmac.digest(key, b"kazinex-storage derived key\0" + label, "sha256")
        return None

    def cipher(self, key_id: str) -> AESGCM | None:
        """Return the cipher of the key of that id, if it is on the ring."""
        return self._ciphers.get(key_id)

    def for_sealing(self) -> KeyRing:
        """Return this ring."""
        return self

    def for_opening(self, _key_id: str, /) -> KeyRing:
        """Return this ring."""
        return self

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.ids)})"


class RingSource(Protocol):
    """Where a sealer takes its ring from: a ``KeyRing`` itself, a ``KeyFile``, or the data keys of an organisation."""

    def for_sealing(self) -> KeyRing:
        """Return the ring that seals now.

        Raises:
            SettingsError: it cannot be read or made.
        """
        ...

    def for_opening(self, key_id: str, /) -> KeyRing:
        """Return the newest ring at hand, looking again when *key_id* is not on it.

        Raises:
            SettingsError: it cannot be read.
        """
        ...


class OrganisationRings(Protocol):
    """Gives each organisation a ring of its own."""

    def of(self, organisation: str, /) -> RingSource:
        """Return where the ring of the organisation is taken from; nothing is read yet."""
        ...

    def prepare(self, organisation: str, /) -> None:
        """Have the key at hand that seals for the organisation now."""
        ...


@not_pickled("give the other process a key ring or a key file of its own")
class Sealer:
    """Seals and opens secrets. Thread-safe and fork-safe."""

    __slots__ = ("_keys", "_rings")

    def __init__(self, keys: RingSource, rings: OrganisationRings | None = None) -> None:
        """Take one ring for all organisations from *keys*, or that of each from *rings*, which knows of *keys* too."""
        self._keys = keys
        self._rings = rings

    @property
    def keys(self) -> RingSource:
        """Where the ring is taken from that is everybody's."""
        return self._keys

    def of(self, organisation: str) -> RingSource:
        """Return where the ring of the organisation is taken from."""
        return self._keys if self._rings is None else self._rings.of(organisation)

    def prepare(self, organisation: str) -> None:
        """Have what seals for the organisation at hand, so that a transaction does not wait for a key service.

        Raises:
            SettingsError: the keys cannot be read or made.
            StorageError: the key service refuses, or does not answer.
        """
        if self._rings is not None:
            self._rings.prepare(organisation)

    def seal(self, secret: str, *, organisation: str, record: str, field: str, settings: str = "") -> str:
        """Return the envelope of *secret*, which opens for the same organisation, record, field and settings only.

        Args:
            settings: The kind and the public settings of the record, as text that is the same each time.

        Raises:
            SettingsError: the keys cannot be read or made.
        """
        secret = Masked(secret)
        ring = self.of(organisation).for_sealing()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + ring.sealing.encrypt(
            nonce, secret.encode("utf-8", "surrogatepass"), _bound(_SCHEME, organisation, record, field, settings)
        )
        return f"{_SCHEME}.{ring.current}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, envelope: str, *, organisation: str, record: str, field: str, settings: str = "") -> str:
        """Return the secret in *envelope*.

        Raises:
            SealError: its key is not at hand, it was altered, or it belongs to another organisation, record, field or
                to other settings.
            SettingsError: the keys cannot be read.
        """
        subject = f"the secret {field!r} of the provider {record!r} cannot be opened"
        scheme, key_id, sealed = _parse(envelope, subject)
        ring = self.of(organisation).for_opening(key_id)
        cipher = ring.cipher(key_id)
        if cipher is None:
            raise SealError(
                f"{subject}: it is sealed under the key {key_id}, at hand are {', '.join(ring.ids)}; put that key "
                "back into KAZINEX_STORAGE_KEY or the key file, or enter the secret again"
            )
        bound = _bound(scheme, organisation, record, field, settings)
        try:
            secret = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
        except InvalidTag as error:
            raise SealError(
                f"{subject}: it was altered, or moved from another record, or its settings were changed behind "
                "the back of this package; restore the record from a backup, or enter it again"
            ) from error
        return secret.decode("utf-8", "surrogatepass")

    def is_current(self, envelope: str, organisation: str = "") -> bool:
        """Say whether *envelope* is sealed as it would be now: under the same key, in the same scheme.

        Raises:
            SealError: it is no envelope.
            SettingsError: the keys cannot be read or made.
        """
        scheme, key_id, _ = _parse(envelope, "a secret cannot be read")
        return (scheme, key_id) == (_SCHEME, self.of(organisation).for_sealing().current)


class OrganisationKeys:
    """The keys for the upload states of one organisation; those of another one do not open. Old keys go on checking."""

    __slots__ = ("_label", "_source")

    def __init__(self, source: RingSource, organisation: str) -> None:
        """Derive from the ring of *source*, which is read when it is needed."""
        self._source = source
        self._label = json.dumps(["upload state", organisation]).encode()

    def sealing(self) -> tuple[str, bytes]:
        """Return the id and the key that seals now.

        Raises:
            SettingsError: the ring cannot be read or made.
        """
        ring = self._source.for_sealing()
        return ring.current, cast(bytes, ring.derived(ring.current, self._label))

    def checking(self, key_id: str) -> bytes | None:
        """Return the key of that id; None when the ring has none, or not any more.

        Raises:
            SettingsError: the ring cannot be read.
        """
        try:
            return self._source.for_opening(key_id).derived(key_id, self._label)
        except SealError as error:
            if error.code != DESTROYED:
                raise
            return None


def _parse(envelope: str, subject: str) -> tuple[str, str, bytes]:
    scheme, _, rest = envelope.partition(".")
    key_id, _, text = rest.partition(".")
    if scheme not in (_SCHEME, _OLD_SCHEME):
        raise SealError(f"{subject}: it is not sealed as {_SCHEME}; use the release that sealed it, or enter it again")
    try:
        sealed = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        sealed = b""
    # Several texts decode to the same bytes (unused bits before the padding); only the one that was written counts.
    if len(sealed) < _NONCE_BYTES + _TAG_BYTES or base64.urlsafe_b64encode(sealed).decode() != text:
        raise SealError(f"{subject}: its envelope is cut or altered; restore it from a backup, or enter it again")
    return scheme, key_id, sealed


def _key_id(key: bytes) -> str:
    # One-way: 64 bits of a hash of 256 random bits distinguish keys and reveal nothing about them.
    return hashlib.sha256(b"kazinex-storage key id\0" + key).hexdigest()[:16]


def _bound(scheme: str, organisation: str, record: str, field: str, settings: str) -> bytes:
    # JSON keeps the parts apart: ("a", "bc") and ("ab", "c") differ.
    parts = [scheme, organisation, record, field]
    return json.dumps(parts if scheme == _OLD_SCHEME else [*parts, settings]).encode()


_RECIPE = "`python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'`"
