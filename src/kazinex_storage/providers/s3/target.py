"""Where objects are and how their service has to be addressed: plain values that settings make and requests use.

``Preset`` is what is true of every bucket of a service, as data; ``Target`` is one bucket of it with credentials.
``settings.py`` makes targets; ``requests.py`` reads them. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from ...capabilities import Capability
from ...keys import MAX_KEY_BYTES
from ...secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ...types import MIB, PartRule, ProviderInfo
from ...values import value
from ..settings.place import (
    NO_CUSTOMER_KEYS,
    is_confidential,
    keeping_deleted,
    keeping_objects,
    with_customer_key,
)

if TYPE_CHECKING:
    from pydantic import SecretStr

NO_PUBLIC_URL = "set public_base_url to the address under which the bucket, or a CDN before it, is public"
"""Why a bucket without such a host has no lasting URLs."""

GIB = 1024 * MIB
"""One gibibyte, in bytes."""

DEFAULT_JURISDICTION = "default"
"""The name of no jurisdiction in R2's dashboard and resources."""


class CreateCopy(Enum):
    """How a service is asked to copy without replacing what is at the target."""

    STANDARD_HEADER = "if-none-match"
    """``If-None-Match: *`` on CopyObject."""
    CLOUDFLARE_HEADER = "cf-copy-destination-if-none-match"
    """R2's extension, beta — developers.cloudflare.com/r2/api/s3/extensions (read 2026-08)."""
    PARTS = "parts"
    """Only CompleteMultipartUpload takes a condition, so even small objects are copied as one part."""


@value
class Preset:
    """What all buckets of one service have in common."""

    title: str
    """The name of the service in messages."""
    part_rule: PartRule
    max_put_bytes: int
    """The most that one PutObject takes."""
    max_copy_bytes: int
    """The most that one CopyObject copies."""
    max_object_bytes: int
    create_copy: CreateCopy
    checksums: bool = True
    """Whether ``x-amz-checksum-*`` headers are verified; otherwise only the signed payload is."""
    announces_checksums: bool = False
    """Whether another header names their algorithm; without it Amazon accepts nothing into a locked bucket."""
    conditional_puts: bool = True
    """Whether PutObject and CompleteMultipartUpload honour If-None-Match and If-Match."""
    keeps_disposition: bool = True
    """Whether content disposition, encoding and language of an object are returned; otherwise the metadata keeps
    them."""
    decodes_gzip: bool = False
    """Whether objects with content encoding gzip are decoded for readers; the metadata keeps that encoding instead."""
    narrow_names: bool = False
    """Whether names are a subset of ASCII, so that ``names.py`` encodes keys."""
    pins_copied_parts: bool = True
    """Whether UploadPartCopy takes a condition on its source."""
    write_interval_s: float = 0.0
    """Seconds between two writes of one key; an earlier one gets a 429."""
    storage_classes: tuple[str, ...] = ()
    """Those that are known, that of an ordinary write first; empty where there is only one."""
    fixed_classes: bool = False
    """Whether there are no others."""
    tags: bool = False
    """Whether objects have tags."""
    forms: bool = False
    """Whether forms are taken by POST, and all of their conditions enforced."""
    missing: Mapping[Capability, str] = field(default_factory=dict)
    """Why what the service cannot do is not there."""
    folds_names: bool = False
    """Whether canonically equivalent Unicode names are one object: listings are then given in NFC."""


# AWS S3: docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html (read 2026-08). AWS has had 50 TB objects since
# December 2025; services that follow the API stop at 5 TiB, so that is the portable limit.
S3 = Preset(
    title="S3",
    part_rule=PartRule(min_part_bytes=5 * MIB, max_part_bytes=5 * GIB, max_parts=10_000),
    max_put_bytes=5 * GIB,
    max_copy_bytes=5 * GIB,
    max_object_bytes=5 * 1024 * GIB,
    create_copy=CreateCopy.PARTS,
    # docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html (read 2026-11); other services have others.
    storage_classes=(
        "STANDARD",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER_IR",
        "GLACIER",
        "DEEP_ARCHIVE",
    ),
    tags=True,
    forms=True,
    announces_checksums=True,  # docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html (read 2026-11)
)
"""Amazon S3, and services that follow its API."""

# developers.cloudflare.com/r2/platform/limits (page of 2026-06-08).
R2 = Preset(
    title="Cloudflare R2",
    # "All parts, except the last, must be the same size" — developers.cloudflare.com/r2/objects/upload-objects.
    part_rule=PartRule(min_part_bytes=5 * MIB, max_part_bytes=5 * GIB - 5 * MIB, max_parts=10_000, equal=True),
    max_put_bytes=5 * GIB - 5 * MIB,
    max_copy_bytes=5 * GIB - 5 * MIB,
    max_object_bytes=5 * 1024 * GIB - 5 * GIB,
    create_copy=CreateCopy.CLOUDFLARE_HEADER,
    pins_copied_parts=False,  # cloudflare-docs#32458: 501
    storage_classes=("STANDARD", "STANDARD_IA"),  # developers.cloudflare.com/r2/buckets/storage-classes (read 2026-11)
    fixed_classes=True,
    missing={
        Capability.TAGS: "R2 has no tags; keep them in metadata, or with the document",
        Capability.POST_POLICY: "R2 takes no forms; sign a PUT",
    },
    write_interval_s=1.0,
    folds_names=True,
    decodes_gzip=True,  # rclone#8137
)
"""Cloudflare R2."""

# supabase.com/docs/guides/storage/uploads/file-limits and supabase/storage's code (read 2026-08): no conditions, no
# checksums, 500 GB.
SUPABASE = Preset(
    title="Supabase Storage",
    part_rule=PartRule(min_part_bytes=5 * MIB, max_part_bytes=5 * GIB, max_parts=10_000),
    max_put_bytes=5 * GIB,
    max_copy_bytes=5 * GIB,
    max_object_bytes=500 * 1000**3,
    create_copy=CreateCopy.PARTS,
    checksums=False,
    conditional_puts=False,
    missing={
        Capability.CUSTOMER_KEYS: NO_CUSTOMER_KEYS,
        Capability.TAGS: "the service has no tags; keep them in metadata, or with the document",
        Capability.STORAGE_CLASS: "the service has one storage class",
        # github.com/supabase/storage/pull/594 (read 2026-11).
        Capability.POST_POLICY: "the service enforces nothing of a form but its expiry; sign a PUT",
    },
    keeps_disposition=False,
    narrow_names=True,
)
"""The S3 endpoint of Supabase Storage."""


@not_pickled(SEND_A_FILE_SYSTEM)
@value
class Credentials:
    """A key to sign with."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    """Aware UTC; None when they do not expire."""

    @classmethod
    def of(cls, access_key_id: str, secret: SecretStr, token: SecretStr | None) -> Credentials:
        """Return the key pair of settings, in the clear."""
        return cls(
            access_key_id=access_key_id,
            secret_access_key=secret.get_secret_value(),
            session_token=token.get_secret_value() if token else None,
        )


CredentialSource: TypeAlias = Callable[[], Credentials]
"""Returns credentials that are valid now; it may block, because a profile or an instance has to be asked."""


@not_pickled(SEND_A_FILE_SYSTEM)
@value
class RestEndpoint:
    """The REST interface of Supabase Storage, which has create-only writes."""

    url: str
    """No slash at the end."""
    service_key: str = field(repr=False)


@not_pickled(SEND_A_FILE_SYSTEM)
@value
class LockApi:
    """Where the lock rules of an R2 bucket are set."""

    url: str
    """Of the rules of the bucket."""
    token: str = field(repr=False)


@value
class Target:
    """One bucket, and how to reach it."""

    kind: str
    """The name in the registry."""
    preset: Preset
    endpoint_url: str
    """Scheme and host, and a path where the service has one; no slash at the end."""
    bucket: str
    region: str
    credentials: Credentials | CredentialSource
    prefix: str = ""
    """Keys are below it; empty, or ends with a slash."""
    virtual_host: bool = False
    """Whether the bucket is in the host name."""
    max_object_bytes: int
    """The limit of the service, or a lower one from the settings."""
    rest: RestEndpoint | None = None
    """Where create-only writes go if the S3 endpoint of the service has none."""
    jurisdiction: str | None = None
    """Where the bucket must be, which ``verify`` proves; on R2 each has its own endpoint."""
    residency: str | None = None
    """The regions that the bucket must be in one of, which ``verify`` proves; see ``settings/residency.py``."""
    other_endpoints: Mapping[str, str] = field(default_factory=dict)
    """The endpoints of the same account that this bucket is not behind, by jurisdiction."""
    locks: LockApi | None = None
    """Where lock rules are set, by which R2 keeps objects; None: nowhere."""
    object_lock: bool = False
    """Whether the bucket has Object Lock, so that objects can be retained and held."""
    public_base_url: str | None = None
    """Under which anyone reads the objects; what follows is the name of one in the bucket."""
    browser_origin: str | None = None
    """Scheme and host of the pages that upload with signed URLs, so that ``verify`` checks CORS."""
    customer_key: bytes | None = field(default=None, repr=False)
    """What the service encrypts each object with, and does not keep; 32 bytes."""
    versioned: bool = False
    """Whether the bucket keeps what is replaced or deleted."""
    keep_deleted_days: int | None = None
    """Days for which this library keeps what is deleted; None: it does not."""
    ca_file: str | None = None
    """Whose certificates every request trusts; None: what the transport trusts."""

    @property
    def location(self) -> str:
        """The bucket for messages, without a secret."""
        return f"{self.bucket}/{self.prefix}" if self.prefix else self.bucket

    @property
    def place(self) -> str:
        """Identifies the bucket and the prefix, however the endpoint is written and whatever kind the settings name."""
        scheme, _, host = self.endpoint_url.lower().partition("://")
        host = host.removesuffix({"https": ":443", "http": ":80"}.get(scheme, "")).removesuffix("/")
        if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            host = host.partition(".amazonaws.")[2]  # there a name is unique over all regions
        return f"{host.replace('.storage.supabase.co', '.supabase.co')}/{self.bucket}/{self.prefix}"

    @property
    def base_url(self) -> str:
        """The URL of the bucket, with a slash at the end."""
        scheme, _, host = self.endpoint_url.partition("://")
        if self.virtual_host:
            return f"{scheme}://{self.bucket}.{host}/"
        return f"{self.endpoint_url}/{self.bucket}/"

    @property
    def over_tls(self) -> bool:
        """Whether TLS protects what is sent, so that payloads need not be signed."""
        return self.endpoint_url.startswith("https://")

    @property
    def binds_checksums(self) -> bool:
        """Whether the signed header with a checksum proves a body, so that its payload need not be signed as well.

        So it is where no one can alter both on the way: over TLS, and on the way from this machine to itself.
        """
        return self.preset.checksums and is_confidential(self.endpoint_url)

    @property
    def body_checksum(self) -> str | None:
        """What the service verifies a body by besides the sha256; None where only a signed payload proves one."""
        return "crc32" if self.preset.checksums else None


_NEEDS_SERVICE_KEY = (
    "the S3 endpoint of the service always replaces; give the service key of the project, so that create-only writes "
    "can use its REST interface"
)

# Measured against a server that answers at once: 64 in flight are as fast as 128; a real service is 20 ms away.
CONCURRENCY = 64
"""How many requests at once pay off in bulk work."""

# 34 ms at 1.9 GiB/s. Bodies up to this size are hashed before they are sent, so that the object carries its sha256, or
# its CRC-32; larger ones are hashed while they are sent, and carry a sha256 if the caller declared it (ADR 0069).
HASH_FIRST_BYTES = 64 * MIB
"""The largest body that is read an extra time for its checksum."""

_MISSING = {
    Capability.SERVER_MOVE: "the S3 interface moves nothing: a move is a copy and then a delete",
    Capability.CHECKSUM: "metadata goes first, before larger bodies are hashed; storage.sha256(key) reads a record",
}
"""Why what no bucket can do is not there, and what to do about it."""


_OF_VERSIONS = {Capability.VERSIONS, Capability.UNDELETE}
_SWITCH = {
    Capability.VERSIONS: "turn versioning on for the bucket, and set versioned in the settings",
    Capability.UNDELETE: "turn versioning on for the bucket and set versioned, or set keep_deleted_days",
}
"""What a bucket without versioning lacks, where its service knows versions."""


def info_of(target: Target) -> ProviderInfo:
    """Return what a provider for *target* is and can do."""
    preset = target.preset
    capabilities, missing = _declared(target)
    info = ProviderInfo(
        kind=target.kind,
        location=target.location,
        place=target.place,
        capabilities=frozenset(capabilities),
        max_object_bytes=target.max_object_bytes,
        max_key_bytes=MAX_KEY_BYTES - len(target.prefix.encode()),
        part_rule=preset.part_rule,
        concurrency=CONCURRENCY,
        missing=missing,
        remote=True,
        carried_sha256_bytes=HASH_FIRST_BYTES,
        storage_classes=preset.storage_classes,
        write_interval_s=preset.write_interval_s,
        # By a checksum in a header, or by the signature over the payload.
        proves_puts=target.rest is None and (preset.checksums or not target.over_tls),
    )
    info = keeping_objects(info, target.object_lock or target.locks is not None)
    info = info if target.kind == "supabase" else with_customer_key(info, target.customer_key is not None)
    return info if target.versioned else keeping_deleted(info, target.keep_deleted_days, _switches(target))


def _declared(target: Target) -> tuple[set[Capability], dict[Capability, str]]:
    """Return what is declared, and why the rest is not."""
    preset = target.preset
    capabilities = {
        Capability.METADATA,
        Capability.SERVER_COPY,
        Capability.BULK_DELETE,
        Capability.PARTS,
        Capability.PRESIGN,
        Capability.STREAMED_WRITES,
        Capability.CONDITIONAL_READ,
        Capability.RESUMED_LISTING,
    }
    missing = {**_MISSING, **preset.missing}
    switched = {
        Capability.STORAGE_CLASS: bool(preset.storage_classes),
        Capability.TAGS: preset.tags,
        Capability.POST_POLICY: preset.forms,
        Capability.PUBLIC_URL: target.public_base_url is not None,
    }
    capabilities |= {capability for capability, declared in switched.items() if declared}
    if preset.conditional_puts:
        capabilities |= {Capability.CREATE_ONLY, Capability.CONDITIONAL}
    else:
        missing[Capability.CONDITIONAL] = (
            "the service replaces whatever is there; write each version under a key of its own"
        )
        if target.rest is not None:
            capabilities.add(Capability.CREATE_ONLY)
        else:
            missing[Capability.CREATE_ONLY] = _NEEDS_SERVICE_KEY
    if target.public_base_url is None:
        missing[Capability.PUBLIC_URL] = NO_PUBLIC_URL
    capabilities |= _OF_VERSIONS if target.versioned else set()
    return capabilities, missing


def _switches(target: Target) -> Mapping[Capability, str]:
    return _SWITCH if target.kind == "s3" else {}
