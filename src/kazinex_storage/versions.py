"""Earlier versions of objects, and objects that were deleted but can be brought back, as values."""

from __future__ import annotations

from datetime import datetime

from .values import value


@value
class ObjectVersion:
    """One version of an object, as the place keeps it."""

    key: str
    version: str
    """What the place calls it; ``get_bytes``, ``head``, ``stream``, ``download`` and ``restore`` take it."""
    size: int
    """Bytes."""
    etag: str | None = None
    """Opaque name of these bytes, where the place lists it."""
    last_modified: datetime | None = None
    """When it was written; aware UTC."""
    is_current: bool = False
    """Whether it is what the key names now."""


@value
class DeletedObject:
    """An object that was deleted and can be brought back."""

    key: str
    version: str
    """What ``undelete`` takes to bring back exactly this; a key may have been deleted more than once."""
    size: int
    """Bytes."""
    deleted_at: datetime | None = None
    """Aware UTC; None where the place does not say."""
    expires_at: datetime | None = None
    """When it is gone for good, aware UTC; None where the rules of the place decide that."""
