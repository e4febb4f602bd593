"""What providers can do beyond the core, as data: ``ProviderInfo.capabilities`` names them.

Declared means proven by the conformance kit, both ways: what is not declared is refused before any request.
"""

from __future__ import annotations

from enum import Enum


class Capability(Enum):
    """What a provider can do beyond the core. Declared means proven by the conformance kit."""

    CREATE_ONLY = "create-only"
    """A put with ``PutMode.CREATE`` is refused atomically when the key exists, whatever the size."""
    CONDITIONAL = "conditional"
    """A put with ``if_match`` replaces only that version."""
    METADATA = "metadata"
    """Metadata, content disposition, cache control, content encoding and content language come back from ``head``."""
    CHECKSUM = "checksum"
    """``head`` returns the sha256 of what was put with one."""
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
