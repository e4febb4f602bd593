"""AzureBlobProvider: the contract for Azure Blob Storage; each method runs one of ``exchanges.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...keys import MAX_KEY_BYTES, ObjectKey
from ...network_provider import NetworkPartUploader
from ...public_access import PublicAccess
from ...transport import Transport, TransportSettings
from ...types import Capability, ProviderInfo
from ..settings.entra import Tokens
from .exchanges import AzureBlobExchanges
from .target import PART_RULE, AccountKey, Identity, SasToken, Target

if TYPE_CHECKING:
    from .settings import AzureBlobSettings

_CAPABILITIES = frozenset(
    {
        Capability.METADATA,
        Capability.CREATE_ONLY,
        Capability.CONDITIONAL,
        Capability.SERVER_COPY,
        Capability.BULK_DELETE,
        Capability.PARTS,
    }
)
_CANNOT_SIGN = (
    "a shared access signature cannot sign others; give the key of the account, or an identity of Microsoft Entra"
)

_MAKE_PRIVATE = (
    "Azure portal, the storage account, Containers, the container, Change access level: Private; and in the account, "
    "Settings, Configuration: Allow Blob anonymous access disabled"
)

# As for S3: a real service is 20 ms away.
CONCURRENCY = 64
"""Requests at once that pay off in bulk work."""


class AzureBlobProvider(NetworkPartUploader[AzureBlobExchanges]):
    """One container of a storage account. Thread-safe and fork-safe; ``exchanges.py`` says what operations cost."""

    def __init__(self, target: Target, *, transport: Transport | None = None) -> None:
        """Use *target*; nothing is asked before the first call."""
        super().__init__(AzureBlobExchanges(target), _info(target), transport)
        self._credential = target.credential

    def use_settings(self, settings: TransportSettings) -> None:
        """Ask for tokens by *settings*."""
        if isinstance(self._credential, Identity) and isinstance(self._credential.tokens, Tokens):
            self._credential.tokens.use_settings(settings)

    def state_secret(self) -> bytes | None:
        """Return the key of the account, the signature that was given, or what the app proves itself with."""
        credential = self.exchanges.target.credential
        if isinstance(credential, AccountKey):
            return credential.key.encode()
        if isinstance(credential, SasToken):
            return credential.token.encode()
        proof = credential.app and (credential.app.secret or credential.app.private_key)
        return proof.encode() if proof else None  # the identity of a machine has nothing that lasts

    def public_access(self, key: ObjectKey) -> PublicAccess | None:
        """Return where anybody could read the blob, if the container were public."""
        url = self.exchanges.objects.protocol.url(self.exchanges.codec.name_of(key))
        return PublicAccess(url=url, fix=_MAKE_PRIVATE)


def open_azure_blob(settings: AzureBlobSettings) -> AzureBlobProvider:
    """Make the provider for a container of Azure Blob Storage."""
    return AzureBlobProvider(settings.target())


def _info(target: Target) -> ProviderInfo:
    return ProviderInfo(
        kind="azure_blob",
        location=target.location,
        place=target.place,
        capabilities=_CAPABILITIES | ({Capability.PRESIGN} if target.signs else set()),
        max_object_bytes=target.max_object_bytes,
        max_key_bytes=MAX_KEY_BYTES - len(target.prefix.encode()),
        part_rule=PART_RULE,
        concurrency=CONCURRENCY,
        missing={} if target.signs else {Capability.PRESIGN: _CANNOT_SIGN},
        remote=True,
    )
