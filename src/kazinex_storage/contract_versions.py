"""What a provider adds when its place keeps earlier versions, or what was deleted.

``contract.py`` has the verbs that every provider owes. Where a place keeps nothing that was deleted, ``Storage`` can
do so by itself (``storage/trash.py``): a provider without ``Undeleter`` owes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .keys import ObjectKey, Prefix
from .types import ByteRange, ObjectInfo, Sink

if TYPE_CHECKING:
    from .versions import DeletedObject, ObjectVersion


@runtime_checkable
class VersionKeeper(Protocol):
    """What a provider adds to declare ``Capability.VERSIONS``. A version never changes."""

    def versions(self, key: ObjectKey) -> Sequence[ObjectVersion]:
        """Return the versions of the object, the newest first; of an object that was deleted, what is kept of it.

        Raises:
            NotFoundError: nothing is kept under that key.
        """
        ...

    def head_version(self, key: ObjectKey, version: str) -> ObjectInfo:
        """Return what is known of one version, as ``StorageProvider.head`` does.

        Raises:
            NotFoundError: there is no such version of the object.
        """
        ...

    def get_version(self, key: ObjectKey, version: str, span: ByteRange, sink: Sink) -> ObjectInfo:
        """Push the bytes of *span* of one version into *sink*, as ``StorageProvider.get`` does.

        Raises:
            NotFoundError: there is no such version of the object.
        """
        ...

    def restore(self, key: ObjectKey, version: str) -> ObjectInfo:
        """Make what *version* holds the object; what the key names now becomes an earlier version. Atomic like a put.

        Raises:
            NotFoundError: there is no such version of the object.
        """
        ...


@runtime_checkable
class Undeleter(Protocol):
    """What a provider adds to declare ``Capability.UNDELETE``: it keeps what is deleted, for a while at least."""

    def deleted(self, prefix: Prefix) -> Sequence[DeletedObject]:
        """Return what was deleted below *prefix* and can be brought back, the latest first; each delete is one entry.

        Raises:
            StorageError: the service refuses.
        """
        ...

    def undelete(self, key: ObjectKey, version: str | None) -> ObjectInfo:
        """Bring back what was deleted last, or exactly *version*; the object is as it was, under its key.

        Raises:
            NotFoundError: nothing that was deleted is kept under that key.
            AlreadyExistsError: the key names an object.
        """
        ...

    def purge(self, key: ObjectKey) -> None:
        """Remove the object and all that is kept of it, for good; no error when there is nothing.

        Raises:
            RetentionError: something of it may not be removed yet.
        """
        ...
