"""What providers can do beyond the core, as data: ``ProviderInfo.capabilities`` names them.

Declared means proven by the conformance kit, both ways: what is not declared is refused before any request.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class Capability(Enum):
    """What a provider can do beyond the core. Declared means proven by the conformance kit."""

    CREATE_ONLY = "create-only"
    """A put with ``PutMode.CREATE`` is refused atomically when the key exists, whatever the size."""
    CONDITIONAL = "conditional"
    """A put with ``if_match`` replaces only that version."""
    METADATA = "metadata"
    """Metadata, content disposition, cache control, content encoding and content language come back from ``head``."""
    CHECKSUM = "checksum"
    """``head`` returns the sha256 of what was put with one, whatever its size."""
    SERVER_COPY = "server-copy"
    """The service copies without the bytes passing through this process."""
    SERVER_MOVE = "server-move"
    """The service gives an object another key, in one step."""
    BULK_DELETE = "bulk-delete"
    """Many keys are deleted in one request."""
    PRESIGN = "presign"
    """URLs can be signed for clients that hold no credentials."""
    PARTS = "parts"
    """Uploads can be sent in parts, in any order, and resumed by another process."""
    RESUME = "resume"
    """Uploads can be resumed by another process, in order only; goes without saying where ``PARTS`` is declared."""
    RETENTION = "retention"
    """Objects can be kept from change and removal until a date."""
    LEGAL_HOLD = "legal-hold"
    """Objects can be kept from change and removal for as long as a hold lasts."""
    VERSIONS = "versions"
    """What is replaced stays as an earlier version, which can be listed, read and restored."""
    UNDELETE = "undelete"
    """What is deleted can be brought back, for as long as the place keeps it."""
    TAGS = "tags"
    """Objects carry tags that can be changed without writing them again."""
    STORAGE_CLASS = "storage-class"
    """A put chooses the storage class, or access tier, and ``head`` reports it."""
    CUSTOMER_KEYS = "customer-keys"
    """The service encrypts with a key that comes with each request, and keeps none (SSE-C and its like)."""
    PUBLIC_URL = "public-url"
    """Objects have a lasting URL under a public or CDN host of the settings."""
    POST_POLICY = "post-policy"
    """Browser forms can be signed, which upload by POST within limits."""
    CONDITIONAL_READ = "conditional-read"
    """A read of a version that the caller has already is answered without its bytes."""
    RESUMED_LISTING = "resumed-listing"
    """A listing can be continued by another process, from a token."""
    STREAMED_WRITES = "streamed-writes"
    """A body of unknown length is sent as it comes, without a spool on the disk."""


KEEPS: Final = frozenset({Capability.RETENTION, Capability.LEGAL_HOLD})
"""What keeps objects from change and removal."""
