"""AWS Key Management Service, by boto3, which finds and renews the credentials of the process.

Encrypt and Decrypt with an encryption context, which KMS authenticates and writes into CloudTrail:
docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html (read 2026-11). A key that rotates by itself keeps
its ARN, and KMS knows from the text which of its versions wrapped.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypedDict, TypeVar, cast

from ...errors import (
    AccessDeniedError,
    AuthenticationError,
    RateLimitedError,
    SealError,
    SettingsError,
    StorageError,
    UnavailableError,
    clean_text,
)
from ...secrecy.masking import MaskedBytes, without_frames
from ...transport.fork_lock import ForkLock, leak_after_fork
from .source import WrappedKey, key_name

T = TypeVar("T")

# A wrap takes tens of milliseconds; a transaction of the catalogue may wait for one.
_CONNECT_S, _READ_S, _ATTEMPTS = 3, 10, 3

# docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors and CommonErrors.html (read 2026-11).
_GONE: Final = {
    "NotFoundException": "there is no such key",
    "DisabledException": "the key is disabled; enable it",
    "KMSInvalidStateException": "the key waits for its deletion, or its material is not there; cancel that",
    "InvalidKeyUsageException": "the key is not one for encryption; name a symmetric one",
    "InvalidCiphertextException": "what it was given is altered, or was wrapped for another organisation",
    "IncorrectKeyException": "it was wrapped by another key",
    "InvalidGrantTokenException": "its grant is of no use",
}
_REFUSED: Final = frozenset({"AccessDeniedException", "AccessDenied"})
_UNKNOWN: Final = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
    }
)
_SLOWER: Final = frozenset({"ThrottlingException", "LimitExceededException", "RequestLimitExceeded"})


class _Encrypted(TypedDict):
    CiphertextBlob: bytes
    KeyId: str


class _Decrypted(TypedDict):
    Plaintext: bytes


class _Metadata(TypedDict):
    Arn: str


class _Described(TypedDict):
    KeyMetadata: _Metadata


class KMSClient(Protocol):
    """What is used of boto3's client; its arguments have the names of the service."""

    def encrypt(self, *, KeyId: str, Plaintext: bytes, EncryptionContext: Mapping[str, str]) -> _Encrypted:  # noqa: N803
        """Wrap."""
        ...

    def decrypt(self, *, KeyId: str, CiphertextBlob: bytes, EncryptionContext: Mapping[str, str]) -> _Decrypted:  # noqa: N803
        """Unwrap."""
        ...

    def describe_key(self, *, KeyId: str) -> _Described:  # noqa: N803
        """Return what the key is."""
        ...

    def close(self) -> None:
        """Close idle connections."""
        ...


class AwsKms:
    """A ``KeySource`` over AWS KMS. Thread-safe and fork-safe; needs boto3.

    The process needs ``kms:Encrypt``, ``kms:Decrypt`` and ``kms:DescribeKey`` on the key.
    """

    kind = "aws-kms"

    def __init__(
        self, key: str, *, region: str | None = None, profile: str | None = None, endpoint: str | None = None
    ) -> None:
        """Wrap under *key*: an ARN, an id, or ``alias/...``; nothing is asked yet.

        Args:
            key: ``{organisation}`` in it stands for the id of the organisation, where each has a key of its own.
            region: Where the key is; by default what the AWS configuration says.
            profile: Of the shared AWS configuration.
            endpoint: Another address than Amazon's own.
        """
        self.key = key
        """As it was given."""
        self._region, self._profile, self._endpoint = region, profile, endpoint
        self._lock = ForkLock()
        self._client: KMSClient | None = None
        self._pid = 0

    def wrap(self, data_key: bytes, organisation: str) -> WrappedKey:
        """Wrap *data_key*: one request."""
        name = key_name(self.key, organisation)
        given = MaskedBytes(data_key)
        answer = self._asked(
            name, lambda kms: kms.encrypt(KeyId=name, Plaintext=given, EncryptionContext=_context(organisation))
        )
        text = base64.b64encode(answer["CiphertextBlob"]).decode()
        return WrappedKey(source=self.kind, key=answer["KeyId"], version="", text=text)

    def unwrap(self, wrapped: WrappedKey, organisation: str) -> bytes:
        """Return the data key: one request, which names the key, so that no other one is tried."""
        blob = _blob(wrapped)
        answer = self._asked(
            wrapped.key,
            lambda kms: kms.decrypt(KeyId=wrapped.key, CiphertextBlob=blob, EncryptionContext=_context(organisation)),
        )
        return MaskedBytes(answer["Plaintext"])

    def newest(self, organisation: str) -> tuple[str, str]:
        """Return the ARN of the key; KMS keeps its versions to itself."""
        name = key_name(self.key, organisation)
        answer = self._asked(name, lambda kms: kms.describe_key(KeyId=name))
        return answer["KeyMetadata"]["Arn"], ""

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()

    def __repr__(self) -> str:
        return f"AwsKms({self.key!r})"

    def _asked(self, key: str, ask: Callable[[KMSClient], T]) -> T:
        try:
            return ask(self._connected())
        except StorageError:
            raise
        except Exception as error:  # botocore's errors are many, and credentials come from anywhere
            raise _mapped(error, key) from without_frames(error)  # those of botocore hold the key in a request

    def _connected(self) -> KMSClient:
        with self._lock:
            if self._client is None or self._pid != os.getpid():
                leak_after_fork(self._client)
                self._client, self._pid = self._made(), os.getpid()
            return self._client

    def _made(self) -> KMSClient:
        try:
            from boto3.session import Session
            from botocore.config import Config
        except ImportError as error:
            raise SettingsError("AWS KMS needs boto3; pip install 'kazinex-storage[kms]'") from error
        config = Config(
            connect_timeout=_CONNECT_S,
            read_timeout=_READ_S,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )
        session = Session(profile_name=self._profile, region_name=self._region)
        return cast(KMSClient, session.client("kms", endpoint_url=self._endpoint, config=config))


def _context(organisation: str) -> Mapping[str, str]:
    # KMS takes no empty value.
    return {"kazinex-storage": "data key", "organisation": organisation or "-"}


def _blob(wrapped: WrappedKey) -> bytes:
    try:
        return base64.b64decode(wrapped.text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SealError(f"a data key wrapped by {wrapped.key} is cut or altered; restore it from a backup") from error


def _mapped(error: Exception, key: str) -> StorageError:
    """Return our error for one of botocore's, whose texts name principals and keys, and are cut."""
    response = getattr(error, "response", None)
    code = str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
    where = f"the key {key!r} of AWS KMS"
    if code in _GONE:
        return SealError(f"{where} cannot be used: {_GONE[code]}", code=code)
    said = f" ({clean_text(str(error))})"
    if code in _REFUSED:
        return AccessDeniedError(
            f"{where}: the process may not use it; allow kms:Encrypt, kms:Decrypt and kms:DescribeKey{said}", code=code
        )
    if code in _UNKNOWN or type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError"):
        return AuthenticationError(f"{where}: AWS does not accept the credentials of the process{said}", code=code)
    if code in _SLOWER:
        return RateLimitedError(f"{where}: AWS asks to slow down; try again", code=code)
    if type(error).__name__ in ("NoRegionError", "ProfileNotFound", "ParamValidationError", "InvalidRegionError"):
        return SettingsError(f"{where} is not reachable by these settings{said}")
    if code and code not in ("DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException"):
        return SettingsError(f"{where}: AWS refuses{said}", code=code)
    return UnavailableError(f"{where} does not answer; look at the network and at AWS{said}", code=code or None)
