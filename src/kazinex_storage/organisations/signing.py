"""What signs the evidence of an organisation, and what checks such a signature: Ed25519 (RFC 8032).

The private key is derived by HKDF (RFC 5869) from the keys of the organisation, so that nothing more has to be kept or
backed up; the public key can be given to anyone, and it opens nothing. Each sealing key has one pair for each
organisation: after a rotation the next report is signed under another one, and the earlier one stays known as long as
its sealing key is on the ring.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ..errors import SettingsError
from ..secrecy.masking import MaskedBytes
from ..secrecy.pickling import not_pickled
from ..storage.states import StateKeys
from ..values import value
from .catalogue import Catalogue, keys_of

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
except ModuleNotFoundError as _error:
    raise SettingsError("signing evidence needs cryptography; pip install 'kazinex-storage[sql]'") from _error

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_KEY_BYTES: Final = 32  # of a private key of Ed25519: RFC 8032, 5.1.5
_SALT: Final = b"kazinex-storage evidence 1"


@value
class EvidenceKey:
    """The public half of what signs the evidence of one organisation. No secret."""

    organisation: str
    id: str
    """The id of the sealing key that it was derived from; each report names it."""
    pem: str
    """As ``openssl`` reads it: SubjectPublicKeyInfo in PEM."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {"organisation": self.organisation, "id": self.id, "pem": self.pem}


@not_pickled("let the other process derive it from the keys of the catalogue")
class EvidenceSigner:
    """Signs the evidence of one organisation. Never shown."""

    __slots__ = ("_private", "key")

    def __init__(self, organisation: str, key_id: str, secret: bytes) -> None:
        """Derive the pair from *secret*, the key of the organisation with that id."""
        self._private = _private(organisation, MaskedBytes(secret))
        del secret
        self.key = EvidenceKey(organisation=organisation, id=key_id, pem=_pem(self._private))
        """What checks the signatures."""

    @property
    def key_id(self) -> str:
        """The id of the sealing key that it was derived from."""
        return self.key.id

    def sign(self, message: bytes) -> str:
        """Return the signature of *message*, in base64; the same each time."""
        return base64.b64encode(self._private.sign(message)).decode()

    def __repr__(self) -> str:
        return f"EvidenceSigner({self.key.organisation!r}, {self.key.id})"


def evidence_signer(catalogue: Catalogue, organisation: str) -> EvidenceSigner:
    """Return what signs the evidence of *organisation* now.

    Raises:
        SettingsError: the catalogue has no keys, or they cannot be read or made.
    """
    key_id, secret = _keys(catalogue, organisation).sealing()
    return EvidenceSigner(organisation, key_id, secret)


def evidence_key(catalogue: Catalogue, organisation: str, key_id: str | None = None) -> EvidenceKey:
    """Return the public key of *organisation*: that of now, or the one of *key_id*, which an earlier report names.

    Give it to whoever checks reports before they get one, by another way than the reports.

    Raises:
        SettingsError: the catalogue has no keys, they cannot be read or made, or none has that id.
    """
    if key_id is None:
        return evidence_signer(catalogue, organisation).key
    secret = _keys(catalogue, organisation).checking(key_id)
    if secret is None:
        raise SettingsError(
            f"the sealing key {key_id!r} is not at hand; put it back into KAZINEX_STORAGE_KEY or the key file, or use "
            "the public key that was given away when it was in use"
        )
    return EvidenceSigner(organisation, key_id, secret).key


def is_signed(message: bytes, signature: str, pem: str) -> bool:
    """Say whether *signature*, in base64, is that of *message* by the holder of the public key *pem*.

    Raises:
        SettingsError: *pem* is no public key of Ed25519.
    """
    key = _public(pem)
    try:
        found = base64.b64decode(signature, validate=True)
        key.verify(found, message)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    # Several texts decode to the same bytes (unused bits before the padding); only the one that was written counts.
    return base64.b64encode(found).decode() == signature


def same_key(pem: str, other: str) -> bool:
    """Say whether two texts are the same public key, however their lines end.

    Raises:
        SettingsError: one is no public key of Ed25519.
    """
    return _public(pem) == _public(other)


def _keys(catalogue: Catalogue, organisation: str) -> StateKeys:
    keys = keys_of(catalogue, organisation)
    if keys is None:
        raise SettingsError(
            "this catalogue has no keys, so nothing signs evidence; use one in a database, with KAZINEX_STORAGE_KEY or "
            "a key file"
        )
    return keys


def _private(organisation: str, secret: bytes) -> Ed25519PrivateKey:
    # The keys of organisations differ already; the name is bound once more, as for everything that is derived.
    derive = HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=_SALT, info=organisation.encode())
    return Ed25519PrivateKey.from_private_bytes(derive.derive(secret))


def _pem(private: Ed25519PrivateKey) -> str:
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def certificates_of(texts: Iterable[bytes]) -> list[Certificate]:
    """Return the certificates in *texts*, each once; a text in PEM may hold several.

    Raises:
        SettingsError: a text is none.
    """
    from cryptography.x509 import load_pem_x509_certificates  # which few need

    found: dict[bytes, Certificate] = {}
    for text in texts:
        try:
            certificates = load_pem_x509_certificates(text)
        except ValueError as error:
            raise SettingsError("that is no certificate in PEM; give those of the time stamp service") from error
        found |= {each.public_bytes(Encoding.DER): each for each in certificates}
    return list(found.values())


def public_keys_in(text: str) -> tuple[str, ...]:
    """Return the public keys in PEM that *text* holds, such as what was kept of several years.

    Raises:
        SettingsError: it holds none, or something else than keys of Ed25519.
    """
    end = "-----END PUBLIC KEY-----"
    keys = tuple(f"{part.strip()}\n{end}\n" for part in text.split(end)[:-1])
    for pem in keys or (text,):
        _public(pem)
    return keys


@lru_cache(maxsize=64)  # a file is checked line by line, and reading a key takes a third of the time of a check
def _public(pem: str) -> Ed25519PublicKey:
    try:
        found = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError("that is no public key in PEM; `evidence_key` returns it") from error
    if not isinstance(found, Ed25519PublicKey):
        raise SettingsError("that is a public key of another kind than Ed25519; `evidence_key` returns the right one")
    return found
