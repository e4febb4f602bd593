"""A third party's provider with secrets in every place that a settings model can have them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.registry import ProviderKind


class Auth(BaseModel):
    """How to sign in."""

    model_config = ConfigDict(extra="forbid")

    tenant: str
    client_secret: SecretStr


class VaultSettings(BaseModel):
    """Settings of the kind ``vault``."""

    model_config = ConfigDict(extra="forbid")

    bucket: str = Field(description="Where the objects are.")
    token: SecretStr
    region: str = "eu"
    retries: int = 3
    auth: Auth | None = None
    keys: list[SecretStr] = []
    headers: dict[str, SecretStr] = {}

    @field_validator("bucket")
    @classmethod
    def _lower(cls, bucket: str) -> str:
        if bucket != bucket.lower():
            raise ValueError(f"bucket names are lower case, unlike {bucket}")
        return bucket


class VaultProvider(MemoryProvider):
    """Keeps objects in memory, by bucket, and knows whether it was closed."""

    def __init__(self, settings: VaultSettings) -> None:
        super().__init__(MemorySettings(name=f"vault-{settings.bucket}"))
        self.settings = settings
        self.closed = False

    def close(self) -> None:
        self.closed = True
        super().close()


class LooseSettings(BaseModel):
    """Settings that let unknown fields in."""

    name: str = ""


KIND = ProviderKind(
    kind="vault",
    title="Vault",
    settings="vault_provider:VaultSettings",
    factory="vault_provider:VaultProvider",
)
