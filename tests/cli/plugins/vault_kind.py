"""A third party's kind with secrets, found through its entry point by the processes that the tests start."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, SecretStr

from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import AuthenticationError
from kazinex_storage.keys import ObjectKey
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.registry import ProviderKind
from kazinex_storage.types import ObjectInfo, PutOptions


class Auth(BaseModel):
    """How to sign in."""

    model_config = ConfigDict(extra="forbid")

    tenant: str
    client_secret: SecretStr


class VaultSettings(BaseModel):
    """Settings of the kind ``vault``."""

    model_config = ConfigDict(extra="forbid")

    bucket: str
    token: SecretStr
    spare_token: SecretStr | None = None
    auth: Auth | None = None
    retries: int = 3
    careless: bool = False
    """Whether its errors quote the token, as errors of a bad provider may."""


class VaultProvider(MemoryProvider):
    """Keeps objects in the memory of one process."""

    def __init__(self, settings: VaultSettings) -> None:
        super().__init__()
        self._settings = settings

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        """Put, or fail like a provider that was not tested."""
        if self._settings.careless:
            raise AuthenticationError(f"401 for the token {self._settings.token.get_secret_value()}")
        return super().put(key, source, options)


KIND = ProviderKind(
    kind="vault",
    title="Vault",
    settings="vault_kind:VaultSettings",
    factory="vault_kind:VaultProvider",
    harmless=frozenset({"bucket", "region", "retries"}),
)
