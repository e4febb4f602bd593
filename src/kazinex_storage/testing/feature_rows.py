"""The rows and columns of docs/features.md: capabilities with their how-tos, and what each provider is opened with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from ..capabilities import Capability
from ..values import value


@value
class Row:
    """One capability."""

    capability: Capability
    title: str
    how: str
    """The page and the heading of its how-to, relative to docs/."""


@value
class Feature:
    """What the library does wherever the objects are."""

    title: str
    how: str
    """As in ``Row``."""
    says: str
    """In one line."""


@value
class Column:
    """One provider."""

    title: str
    kind: str
    settings: Mapping[str, object]
    """What it is opened with; obviously no real place."""
    switches: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings that switch capabilities on, by how the page calls them."""


_KEYS: Final = {"access_key_id": "fedcba9876543210fedcba9876543210", "secret_access_key": "0011223344556677" * 4}

_PUBLIC: Final = {"public_base_url": {"public_base_url": "https://files.example.com"}}

_KEPT: Final = {"keep_deleted_days": {"keep_deleted_days": 30}}
_KEYED: Final = {"customer_key": {"customer_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}}

COLUMNS: Final = (
    Column(
        title="R2",
        kind="r2",
        settings={"account_id": "0123456789abcdef0123456789abcdef", "bucket": "kazinex-documents", **_KEYS},
        switches={**_PUBLIC, **_KEYED, **_KEPT, "api_token": {"api_token": "example-token-not-real"}},
    ),
    Column(
        title="S3",
        kind="s3",
        settings={"region": "eu-central-1", "bucket": "kazinex-documents", **_KEYS},
        switches={**_PUBLIC, **_KEYED, "object_lock": {"object_lock": True}, "versioned": {"versioned": True}, **_KEPT},
    ),
    Column(
        title="Supabase",
        kind="supabase",
        settings={
            "project_ref": "abcdefghijklmnopqrst",
            "region": "eu-central-1",
            "bucket": "kazinex-documents",
            **_KEYS,
        },
        switches={"service_key": {"service_key": "sb_secret_example"}, **_PUBLIC, **_KEPT},
    ),
    Column(
        title="Azure",
        kind="azure_blob",
        settings={
            "account": "kazinexexample",
            "container": "kazinex-documents",
            "account_key": "ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZSBleGFtcGxlIQ==",
        },
        switches={
            **_PUBLIC,
            **_KEYED,
            "immutability": {"immutability": True},
            "versioned": {"versioned": True},
            **_KEPT,
        },
    ),
    Column(
        title="SharePoint",
        kind="sharepoint",
        settings={
            "tenant_id": "11111111-2222-3333-4444-555555555555",
            "client_id": "aaaaaaaa-0000-4000-8000-000000000000",
            "client_secret": "example-secret",
            "site_url": "https://contoso.sharepoint.com/sites/documents",
        },
        switches={**_KEPT, "hold_label": {"hold_label": "Kazinex hold"}},
    ),
    Column(
        title="local disk",
        kind="local",
        settings={"root": "/"},
        switches=_KEPT,
    ),
    Column(title="memory", kind="memory", settings={}, switches={"versioned": {"versioned": True}}),
)

ROWS: Final = (
    Row(capability=Capability.CREATE_ONLY, title="create-only writes", how="how-to.md#create-and-never-replace"),
    Row(capability=Capability.CONDITIONAL, title="replace one version only", how="how-to.md#replace-one-version-only"),
    Row(capability=Capability.CHECKSUM, title="sha256 with the object", how="integrity.md#the-sha256-of-an-object"),
    Row(capability=Capability.METADATA, title="metadata and HTTP headers", how="how-to.md#metadata-and-http-headers"),
    Row(capability=Capability.SERVER_COPY, title="copies on the server", how="how-to.md#copy-and-move"),
    Row(capability=Capability.SERVER_MOVE, title="moves in one step", how="how-to.md#copy-and-move"),
    Row(capability=Capability.BULK_DELETE, title="many deletes in a request", how="how-to.md#delete-many"),
    Row(capability=Capability.PRESIGN, title="signed URLs", how="how-to.md#signed-urls"),
    Row(capability=Capability.PARTS, title="uploads in parts", how="how-to.md#uploads-that-outlive-a-process"),
    Row(capability=Capability.TAGS, title="tags", how="object-options.md#tags"),
    Row(
        capability=Capability.STORAGE_CLASS,
        title="storage classes, access tiers",
        how="object-options.md#storage-classes",
    ),
    Row(capability=Capability.PUBLIC_URL, title="public and CDN URLs", how="object-options.md#public-urls"),
    Row(capability=Capability.POST_POLICY, title="forms for browsers (POST policy)", how="object-options.md#forms"),
    Row(
        capability=Capability.STREAMED_WRITES,
        title="bodies of unknown length, no spool",
        how="object-options.md#write-what-has-no-length-yet",
    ),
    Row(
        capability=Capability.CUSTOMER_KEYS,
        title="keys that come with each request (SSE-C, CPK)",
        how="encryption.md#keys-that-come-with-each-request",
    ),
    Row(capability=Capability.RESUME, title="resumed uploads", how="how-to.md#uploads-that-outlive-a-process"),
    Row(capability=Capability.VERSIONS, title="earlier versions", how="versions.md#earlier-versions"),
    Row(capability=Capability.UNDELETE, title="undelete", how="versions.md#bring-back-what-was-deleted"),
    Row(
        capability=Capability.CONDITIONAL_READ,
        title="read only what has changed",
        how="reading.md#read-only-what-has-changed",
    ),
    Row(
        capability=Capability.RESUMED_LISTING,
        title="continue a listing elsewhere",
        how="reading.md#continue-a-listing-in-another-process",
    ),
    Row(capability=Capability.RETENTION, title="retention of objects", how="retention.md#keep-an-object-until-a-date"),
    Row(capability=Capability.LEGAL_HOLD, title="legal holds of objects", how="retention.md#hold-an-object"),
)

LIBRARY: Final[tuple[Feature, ...]] = (
    Feature(
        title="documents kept until a date, or while a hold lasts",
        how="retention.md#keep-a-document",
        says="on every provider, by the register and every door; services that can keep objects are told",
    ),
    Feature(
        title="new documents kept by default",
        how="retention.md#keep-all-new-documents",
        says="for a period, by organisation and by project, from the transaction that records them on",
    ),
    Feature(
        title="folders and storages made equal",
        how="sync.md#keep-a-folder-and-a-storage-equal",
        says="one way, by time, size or sha256; deletes are limited and last, what is written once is never replaced",
    ),
    Feature(
        title="removed documents come back",
        how="versions.md#removed-documents",
        says="for 30 days, or as the place or the host says; the revision stays taken",
    ),
    Feature(
        title="removed for good",
        how="versions.md#remove-for-good",
        says="objects with all their versions, and what is kept of removed documents",
    ),
    Feature(
        title="signed, chained receipts",
        how="evidence.md#receipts",
        says="for all that a catalogue in a database knows of, whatever the door",
    ),
    Feature(
        title="the proof of one receipt",
        how="evidence.md#the-proof-of-one-receipt",
        says="a file that anybody checks with the public key",
    ),
    Feature(
        title="time stamps of others (RFC 3161)",
        how="evidence.md#time-stamps",
        says="of a service that the host names, over the chain of each project",
    ),
    Feature(
        title="evidence checked offline",
        how="evidence.md#receipts-without-this-package",
        says="by `kazinex-storage evidence verify`, openssl, or twenty lines of Python",
    ),
    Feature(
        title="data keys by a key service",
        how="keys.md#data-keys-by-a-key-service",
        says="AWS KMS, Azure Key Vault, HashiCorp Vault or the key ring, one key for each organisation of a catalogue",
    ),
    Feature(
        title="renewed, rewrapped and resealed keys",
        how="keys.md#renew-rewrap-reseal",
        says="they expire; one organisation after the other, with progress",
    ),
    Feature(
        title="destroyed keys",
        how="keys.md#destroy",
        says="one organisation alone becomes unreadable, and errors say who did it and why",
    ),
    Feature(
        title="two live versions of credentials",
        how="keys.md#two-versions-of-credentials",
        says="the new one is proven before the old one goes",
    ),
    Feature(
        title="client-side encryption (age)",
        how="encryption.md#encrypt-what-a-storage-holds",
        says="spans, sizes, sha256 and limits of the plain text; the tools `age` and `rage` open the objects",
    ),
    Feature(
        title="several recipients, storages that only write",
        how="encryption.md#write-for-several-read-with-one",
        says="eight recipients at most, each reads alone",
    ),
    Feature(
        title="encryption of an organisation's provider",
        how="encryption.md#encrypt-what-a-provider-of-an-organisation-holds",
        says="by two settings of every kind but memory; identities are sealed in the catalogue",
    ),
    Feature(
        title="encrypted uploads that outlive a process",
        how="encryption.md#resume-an-upload",
        says="on R2, S3, Supabase and Azure, by the same bytes alone",
    ),
    Feature(
        title="credentials from a function",
        how="keys.md#credentials-from-a-function",
        says="R2, S3, Supabase, Azure and SharePoint; local disks and memory have none",
    ),
    Feature(
        title="adopt what others wrote",
        how="integrity.md#adopt-what-others-wrote",
        says="hashed once and recorded, on every provider",
    ),
    Feature(
        title="types by content",
        how="content-types.md#compare-bytes-with-names",
        says="every way in of an organisation compares bytes, declared types and names",
    ),
    Feature(
        title="MIME types on the allowlist",
        how="content-types.md#types-as-an-allowlist",
        says="image/* and the like stand for their extensions",
    ),
    Feature(
        title="never-allowed extensions",
        how="content-types.md#the-list-of-what-nobody-should-allow",
        says="a preset of programs and scripts, also behind a second extension",
    ),
    Feature(
        title="names that deceive",
        how="content-types.md#names-that-deceive",
        says="invisible and look-alike characters and alternate streams are refused, with the name that they read as",
    ),
    Feature(
        title="residency",
        how="residency.md",
        says="R2, S3, Supabase, Azure, SharePoint: verify fails where the service says another place",
    ),
    Feature(
        title="views that only read",
        how="reading.md#views-that-only-read",
        says="storages, document stores and file systems; what is added later is refused too",
    ),
    Feature(
        title="many parts of one object in few requests",
        how="reading.md#many-parts-of-one-object",
        says="of one version; for objects, documents, and `cat_ranges` of file systems",
    ),
    Feature(
        title="a cache on a disk",
        how="reading.md#read-through-a-cache-on-a-disk",
        says="bounded, for many processes, asked at each read, apart for each organisation",
    ),
    Feature(
        title="a limit of bandwidth and requests",
        how="reading.md#keep-to-a-bandwidth",
        says="for a view and all that is done through it",
    ),
    Feature(
        title="storages and document stores that can be pickled",
        how="reading.md#send-a-storage-to-another-process",
        says="by name, without a secret",
    ),
)
