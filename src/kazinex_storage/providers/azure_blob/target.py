"""Where blobs are and what authorises requests: plain values that settings make and requests use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Final, TypeAlias

from ...secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ...types import MIB, PartRule
from ...values import value
from ..settings.bearer import TokenSource
from ..settings.entra import AppIdentity
from .checksums import BodyChecksum

# learn.microsoft.com/azure/storage/blobs/scalability-targets: 50,000 blocks of at most 4,000 MiB.
PART_RULE: Final = PartRule(min_part_bytes=1, max_part_bytes=4000 * MIB, max_parts=50_000)
"""How a large blob is cut into blocks."""

MAX_OBJECT_BYTES: Final = 50_000 * 4000 * MIB
"""The largest block blob."""

PAGE_BLOBS: Final = 5000
"""Blobs in one page of a listing: the most that Azure gives (List Blobs, maxresults)."""


@not_pickled(SEND_A_FILE_SYSTEM)
@value
class AccountKey:
    """The key of a storage account, from which shared access signatures are minted."""

    key: str = field(repr=False)
    """Base64."""


@not_pickled(SEND_A_FILE_SYSTEM)
@value
class SasToken:
    """A shared access signature that was given to us."""

    token: str = field(repr=False)
    """A query without the question mark; empty where *source* gives them."""
    source: Callable[[], str] | None = field(default=None, repr=False)
    """Returns one that is good now, with or without the question mark; it may block."""


@value
class Identity:
    """An identity of Microsoft Entra; signatures are minted from keys that it gets for seven days."""

    tokens: TokenSource = field(repr=False)
    app: AppIdentity | None = None
    """The app registration; None for the identity of the machine."""
    client_id: str | None = None
    """The identity of the machine to use, where there are several."""


@not_pickled(SEND_A_FILE_SYSTEM)
@value
class DelegatedKey:
    """A user delegation key."""

    fields: Mapping[str, str]
    """Its description in signatures, by the names of azure-storage-blob."""
    value: str = field(repr=False)
    """Base64."""
    expires_at: datetime
    """Aware UTC."""


SigningKey: TypeAlias = AccountKey | DelegatedKey
"""What signatures are minted from."""


Credential: TypeAlias = AccountKey | SasToken | Identity
"""What settings can give."""


@value
class Residence:
    """Where an account must be, and how Azure Resource Manager is asked for it."""

    demanded: str
    """Regions; see ``settings/residency.py``."""
    url: str
    """Of the account in Azure Resource Manager."""
    tokens: TokenSource = field(repr=False)
    """For Azure Resource Manager."""


@value
class Target:
    """One container, and how to reach it."""

    account: str
    container: str
    endpoint_url: str
    """Scheme and host, and on Azurite the account; no slash at the end."""
    credential: Credential
    prefix: str = ""
    """Keys are below it; empty, or ends with a slash."""
    keep_deleted_days: int | None = None
    """Days for which this library keeps what is deleted; None: it does not."""
    max_object_bytes: int = MAX_OBJECT_BYTES
    """The limit of the service, or a lower one from the settings."""
    public_base_url: str | None = None
    """Under which anyone reads the blobs; what follows is the name of one in the container."""
    browser_origin: str | None = None
    """The origin of pages that upload directly to the container; ``verify`` then checks CORS."""
    residency: Residence | None = None
    """Where the account must be, and how to find out; None demands nothing."""
    customer_key: bytes | None = field(default=None, repr=False)
    """What the service encrypts each blob with, and does not keep; 32 bytes."""
    versioned: bool = False
    """Whether the account has versioning turned on, so that what is replaced or deleted can be brought back."""
    immutability: bool = False
    """Whether the container supports version-level immutability, so that blobs can be retained and held."""
    page_blobs: int = PAGE_BLOBS
    """Blobs in one page of a listing, 5,000 at most."""
    ca_file: str | None = None
    """Whose certificates every request trusts; None: what the transport trusts."""
    body_checksum: BodyChecksum = "md5"
    """The checksum by which the service verifies bodies."""

    @property
    def location(self) -> str:
        """The container for messages, without a secret."""
        return f"{self.account}/{self.container}/{self.prefix}".removesuffix("/")

    @property
    def place(self) -> str:
        """Identifies the container and the prefix, however they are written."""
        return f"{self.endpoint_url.partition('://')[2].lower()}/{self.container}/{self.prefix}"

    @property
    def signs(self) -> bool:
        """Whether the credential can sign URLs for others."""
        return not isinstance(self.credential, SasToken)

    @property
    def base_url(self) -> str:
        """The URL of the container, without a slash at the end."""
        return f"{self.endpoint_url}/{self.container}"
