"""The options of file systems: those of fsspec, which all have, and the settings of each built-in kind, by name.

fsspec passes the storage options of a user to the constructor, and the kinds of third parties have settings of their
own. So ``ProviderFileSystem`` and ``BucketFileSystem`` take options of any name, and raise TypeError for those that the
kind does not have. Type checkers see the names below.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict, cast

from ..storage.ranges import BLOCK_BYTES, GAP_BYTES, check_joining
from ..storage.rules import check_digest
from ..types import DigestChoice
from ..values import value
from .hints import IGNORED_BY_FILE_SYSTEMS, FileSystemHints, without

if TYPE_CHECKING:
    from pydantic import SecretStr

Secret: TypeAlias = "str | SecretStr | None"  # noqa: S105  # a type
"""A secret, which stays in this process; None is that of the environment."""


class HonouredOptions(TypedDict, total=False):
    """The keywords of a constructor that have an effect and do not say where the objects are."""

    asynchronous: bool
    loop: asyncio.AbstractEventLoop | None
    batch_size: int | None
    max_concurrency: int | None
    """Requests at once."""
    default_block_size: int | None
    block_size: int | None
    blocksize: int | None
    default_cache_type: str | None
    max_gap_bytes: int
    max_block_bytes: int
    digest: DigestChoice | None
    read_only: bool


class Options(HonouredOptions, FileSystemHints, total=False):
    """These, which ``FileSystemOptions`` explains, and the hints that ``hints.py`` explains."""


@value
class FileSystemOptions:
    """The same options as one value.

    Raises:
        TypeError: an option is not known.
        ValueError: *max_gap_bytes* is negative, *max_block_bytes* not positive, or *digest* none that there is.
    """

    asynchronous: bool = False
    """Whether coroutines are awaited directly on the running loop, by fsspec's convention."""
    loop: asyncio.AbstractEventLoop | None = None
    """What other libraries run coroutines on from blocking code; without one, fsspec's."""
    batch_size: int | None = None
    """How many requests at once; None leaves it to the provider, -1 means all."""
    max_concurrency: int | None = None
    """The name that other file systems have for *batch_size*, which wins."""
    default_block_size: int | None = None
    """Bytes that readers fetch at a time when less is asked for; None is 1 MiB."""
    block_size: int | None = None
    """The same."""
    blocksize: int | None = None
    """The same."""
    default_cache_type: str | None = None
    """The cache of fsspec that each reader has; None is a buffer of one block."""
    max_gap_bytes: int = GAP_BYTES
    """The most bytes between two ranges of one object that ``cat_ranges`` reads along, to save a request."""
    max_block_bytes: int = BLOCK_BYTES
    """The most bytes that it joins such ranges to."""
    digest: DigestChoice | None = None
    """What proves the objects that are written: ``service`` or ``sha256``, see ``Storage``; None is what the storage
    does, by default ``service``. Documents have their sha256 in any case."""
    read_only: bool = False
    """Whether every call that would change something raises ``ReadOnlyError``, a ``PermissionError``, beforehand."""

    @classmethod
    def split(cls, given: Mapping[str, object]) -> tuple[FileSystemOptions, dict[str, object]]:
        """Return the options among *given*, and the rest, which are settings.

        Raises:
            NotImplementedError: *use_listings_cache*, or something else that no file system does here.
        """
        own = {name: value for name, value in given.items() if name in Options.__annotations__}
        return cls.of(cast("Options", own)), {name: value for name, value in given.items() if name not in own}

    @classmethod
    def of(cls, given: Options) -> FileSystemOptions:
        """Return *given* without the hints that are ignored.

        Raises:
            TypeError: an option is not known.
            NotImplementedError: *use_listings_cache*, or something else that no file system does here.
        """
        return cls(**cast("HonouredOptions", without(cast("Mapping[str, object]", given), IGNORED_BY_FILE_SYSTEMS)))

    def __post_init__(self) -> None:
        check_joining(self.max_gap_bytes, self.max_block_bytes)
        if self.digest is not None:
            check_digest(self.digest)


class EncryptionOptions(Options, total=False):
    """What the settings of every kind have; see docs/encryption.md and docs/versions.md."""

    age_recipients: str | None
    age_identities: Secret
    keep_deleted_days: int | None
    """How many days what is deleted stays; see docs/versions.md."""


class LocalOptions(EncryptionOptions, total=False):
    """The fields of ``LocalSettings``."""

    root: str | os.PathLike[str]
    create: bool
    durable: bool
    access: Literal["owner", "group", "umask"]
    lock_timeout_s: float


class BucketOptions(EncryptionOptions, total=False):
    """What the settings of every kind with buckets have; the bucket itself is in the URL."""

    prefix: str
    endpoint_url: str | None
    ca_file: str | None
    public_base_url: str | None
    max_file_size: int | None


class S3Options(BucketOptions, total=False):
    """The fields of ``S3Settings``."""

    customer_key: Secret
    region: str | None
    access_key_id: str | None
    secret_access_key: Secret
    session_token: Secret
    profile: str | None
    addressing: Literal["auto", "path", "virtual"]
    browser_origin: str | None
    residency: str | None
    object_lock: bool
    versioned: bool


class R2Options(BucketOptions, total=False):
    """The fields of ``R2Settings``."""

    customer_key: Secret
    account_id: str
    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    api_token: Secret
    jurisdiction: Literal["eu", "fedramp", "us"] | None
    browser_origin: str | None
    api_url: str | None


class SupabaseOptions(BucketOptions, total=False):
    """The fields of ``SupabaseSettings``."""

    project_ref: str
    region: str
    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    service_key: Secret
    residency: str | None


class AzureOptions(BucketOptions, total=False):
    """The fields of ``AzureBlobSettings``."""

    customer_key: Secret

    account: str | None
    account_key: Secret
    connection_string: Secret
    sas_token: Secret
    tenant_id: str | None
    client_id: str | None
    client_secret: Secret
    private_key: Secret
    certificate: str | None
    identity: Literal["managed", "workload"] | None
    login_url: str | None
    browser_origin: str | None
    body_checksum: Literal["md5", "crc64"]
    residency: str | None
    resource_id: str | None
    management_url: str | None
    immutability: bool
    versioned: bool


class SharePointOptions(EncryptionOptions, total=False):
    """The fields of ``SharePointSettings``, but for what verification looks up."""

    tenant_id: str
    client_id: str
    client_secret: Secret
    private_key: Secret
    certificate: str | None
    refresh_token: Secret
    site_url: str
    root_folder: str
    cloud: Literal["global", "us_gov", "us_dod", "china"]
    site_id: str | None
    drive_id: str | None
    login_url: str | None
    graph_url: str | None
    ca_file: str | None
    permanent_delete: bool
    hold_label: str | None
    residency: str | None
    max_file_size: int | None
