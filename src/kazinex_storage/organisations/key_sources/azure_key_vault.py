"""Azure Key Vault and Managed HSM, by azure-keyvault-keys: data keys wrapped under an RSA key by RSA-OAEP-256.

The SDK wraps with the public key, and the service unwraps. Anybody with the public key could wrap as well, so a data
key is no proof of who made it; ``data_keys.py`` binds each to its organisation. Key ids name their version:
learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates (read 2026-11).
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

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

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.keyvault.keys import KeyClient, KeyVaultKey
    from azure.keyvault.keys.crypto import CryptographyClient

T = TypeVar("T")

_TIMEOUT_S: Final = 10
_RETRIES: Final = 2
_MISSING: Final = (
    "Azure Key Vault needs azure-keyvault-keys and azure-identity; pip install 'kazinex-storage[keyvault]'"
)


class AzureKeyVault:
    """A ``KeySource`` over a key of Azure Key Vault. Thread-safe and fork-safe; needs azure-keyvault-keys.

    The process needs the permissions get, wrapKey and unwrapKey on the key (role Key Vault Crypto Service Encryption
    User).
    """

    kind = "azure-key-vault"

    def __init__(
        self,
        key: str,
        *,
        credential: TokenCredential | None = None,
        client_id: str | None = None,
        ca_file: str | None = None,
        check_resource: bool = True,
    ) -> None:
        """Wrap under the newest version of *key*; nothing is asked yet.

        Args:
            key: ``https://example.vault.azure.net/keys/kazinex``, without a version; ``{organisation}`` in the name
                stands for the id of the organisation, where each has a key of its own.
            credential: Who asks; by default what azure-identity finds for the process.
            client_id: Of a managed identity, where the machine has several.
            ca_file: Whose certificates are trusted; for emulators.
            check_resource: Refuse a service that asks for tokens of another one. False is for emulators.

        Raises:
            SettingsError: that is no key without a version.
        """
        self.vault, self.key = _parts(key)
        self._credential, self._client_id = credential, client_id
        self._options: dict[str, object] = {
            "connection_timeout": _TIMEOUT_S,
            "read_timeout": _TIMEOUT_S,
            "retry_total": _RETRIES,
            "verify_challenge_resource": check_resource,
            **({} if ca_file is None else {"connection_verify": ca_file}),
        }
        self._lock = ForkLock()
        self._client: KeyClient | None = None
        self._pid = 0

    def wrap(self, data_key: bytes, organisation: str) -> WrappedKey:
        """Wrap *data_key* under the newest version: one request, for the public key.

        Raises:
            SealError: the key is disabled, so that nobody could unwrap.
        """
        from_service = self._newest(organisation)
        if from_service.properties.enabled is False:
            raise SealError(
                f"the key {from_service.name!r} of Azure Key Vault cannot be used: it is disabled; enable it"
            )
        given = MaskedBytes(data_key)

        def wrap() -> str:
            crypto = self._crypto(_id_of(from_service))
            from azure.keyvault.keys.crypto import KeyWrapAlgorithm

            return base64.b64encode(crypto.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, given).encrypted_key).decode()

        name = from_service.name or ""
        return WrappedKey(
            source=self.kind,
            key=f"{self.vault}/keys/{name}",
            version=_version(from_service),
            text=self._asked(name, wrap),
        )

    def unwrap(self, wrapped: WrappedKey, organisation: str) -> bytes:  # noqa: ARG002  # RSA-OAEP binds nothing
        """Return the data key: two requests.

        Raises:
            SealError: what was wrapped is altered, or the key is gone or disabled.
            SettingsError: another vault wrapped it.
        """
        if not wrapped.key.startswith(f"{self.vault}/keys/"):
            raise SettingsError(
                f"a data key is wrapped by {wrapped.key}, which is not in {self.vault}; open it with that vault"
            )
        try:
            blob = base64.b64decode(wrapped.text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise SealError(
                f"a data key wrapped by {wrapped.key} is cut or altered; restore it from a backup"
            ) from error

        def unwrap() -> bytes:
            from azure.keyvault.keys.crypto import KeyWrapAlgorithm

            crypto = self._crypto(f"{wrapped.key}/{wrapped.version}")
            return MaskedBytes(crypto.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, blob).key)

        return self._asked(wrapped.key, unwrap)

    def newest(self, organisation: str) -> tuple[str, str]:
        """Return the name of the key and its newest version: one request."""
        found = self._newest(organisation)
        return f"{self.vault}/keys/{found.name}", _version(found)

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()

    def __repr__(self) -> str:
        return f"AzureKeyVault({f'{self.vault}/keys/{self.key}'!r})"

    def _newest(self, organisation: str) -> KeyVaultKey:
        name = key_name(self.key, organisation)
        return self._asked(name, lambda: self._connected().get_key(name))

    def _asked(self, key: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except StorageError:
            raise
        except ImportError as error:
            raise SettingsError(_MISSING) from error
        except Exception as error:  # those of azure-core are many, and credentials come from anywhere
            # Those of azure-core hold the key in a request or an answer.
            raise _mapped(error, f"the key {key!r} of Azure Key Vault") from without_frames(error)

    def _crypto(self, key_id: str) -> CryptographyClient:
        from azure.keyvault.keys.crypto import CryptographyClient

        return CryptographyClient(key_id, self._identity(), **self._options)

    def _connected(self) -> KeyClient:
        from azure.keyvault.keys import KeyClient

        with self._lock:
            if self._client is None or self._pid != os.getpid():
                leak_after_fork(self._client)
                self._client, self._pid = KeyClient(self.vault, self._identity(), **self._options), os.getpid()
            return self._client

    def _identity(self) -> TokenCredential:
        if self._credential is None:
            from azure.identity import DefaultAzureCredential

            self._credential = DefaultAzureCredential(managed_identity_client_id=self._client_id)
        return self._credential


def _parts(key: str) -> tuple[str, str]:
    parts = urlsplit(key)
    folder, _, name = parts.path.strip("/").partition("/")
    if parts.scheme != "https" or not parts.hostname or folder != "keys" or not name or "/" in name or parts.query:
        raise SettingsError(
            f"{clean_text(key)!r} is no key of a vault without a version; write https://NAME.vault.azure.net/keys/KEY"
        )
    return f"https://{parts.netloc}", name


def _id_of(key: KeyVaultKey) -> str:
    return str(key.id)


def _version(key: KeyVaultKey) -> str:
    return str(key.properties.version or "")


def _mapped(error: Exception, where: str) -> StorageError:
    """Return our error for one of azure-core's; codes: learn.microsoft.com/azure/key-vault/general/rest-error-codes."""
    status = getattr(error, "status_code", None)
    said = clean_text(str(error))
    code = str(status) if isinstance(status, int) else None
    if status == 404:
        return SealError(f"{where} is not there, or was deleted; recover it, or correct its name ({said})", code=code)
    if isinstance(error, ValueError) or (status == 403 and ("KeyDisabled" in said or "disabled" in said)):
        return SealError(f"{where} cannot be used: it is disabled, expired or not valid yet ({said})", code=code)
    if status == 400:
        return SealError(
            f"{where} cannot be used: what was wrapped is altered, or wrapped by another key ({said})", code=code
        )
    if status == 403:
        return AccessDeniedError(
            f"{where}: the process may not use it; allow get, wrapKey and unwrapKey ({said})", code=code
        )
    if status == 401 or type(error).__name__ in ("ClientAuthenticationError", "CredentialUnavailableError"):
        return AuthenticationError(f"{where}: Azure does not accept the identity of the process ({said})", code=code)
    if status == 429:
        return RateLimitedError(f"{where}: Azure asks to slow down; try again", code=code)
    if isinstance(status, int) and status < 500:
        return SettingsError(f"{where}: Azure refuses ({said})", code=code)
    return UnavailableError(f"{where} does not answer; look at the network and at Azure ({said})", code=code)
