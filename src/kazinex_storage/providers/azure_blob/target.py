"""Where blobs are and what requests are authorised by: plain values that settings make and requests use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ...types import MIB, PartRule

# learn.microsoft.com/azure/storage/blobs/scalability-targets (read 2026-08): 50,000 blocks of at most 4,000 MiB.
PART_RULE: Final = PartRule(min_part_bytes=1, max_part_bytes=4000 * MIB, max_parts=50_000)
"""How a large blob is cut into blocks."""

MAX_OBJECT_BYTES: Final = 50_000 * 4000 * MIB
"""The largest block blob."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKey:
    """The key of a storage account; shared access signatures are minted from it."""

    key: str = field(repr=False)
    """Base64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SasToken:
    """A shared access signature that somebody gave us."""

    token: str = field(repr=False)
    """A query without the question mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One container, and how to reach it."""

    account: str
    container: str
    endpoint_url: str
    """Scheme and host, on Azurite the account as well; no slash at the end."""
    credential: AccountKey | SasToken
    prefix: str = ""
    """Keys are below it; empty, or ends with a slash."""
    max_object_bytes: int = MAX_OBJECT_BYTES
    """The service's limit, or the lower one of the settings."""

    @property
    def location(self) -> str:
        """The container for messages, without a secret."""
        return f"{self.account}/{self.container}/{self.prefix}".removesuffix("/")

    @property
    def base_url(self) -> str:
        """The URL of the container, without a slash at the end."""
        return f"{self.endpoint_url}/{self.container}"
