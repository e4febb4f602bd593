"""What a memory store keeps: earlier versions and what was deleted, if it is versioned; retention and holds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from ...errors import AlreadyExistsError, NotFoundError
from ...keys import ObjectKey, Prefix
from ...retention import Protection, Retention
from ...types import ByteRange, ObjectInfo, Sink
from ...versions import DeletedObject, ObjectVersion
from .keeping import check_change, find
from .shelf import Shelf, StoredObject, place


class Past:
    """The verbs of ``contract_versions.py`` and ``contract_retention.py``; the provider adds all others."""

    @property
    @abstractmethod
    def shelf(self) -> Shelf:
        """The objects themselves."""

    def versions(self, key: ObjectKey) -> Sequence[ObjectVersion]:
        """Return the versions of the object, the newest first.

        Raises:
            NotFoundError: nothing is kept under that key.
        """
        with self.shelf.lock:
            current = self.shelf.objects.get(key)
            found = [(stored, stored is current) for stored in self._all(key)]
        if not found:
            raise NotFoundError("no version of that key is kept", key=key)
        return [
            ObjectVersion(
                key=key,
                version=stored.info.version or "",
                size=stored.info.size,
                etag=stored.info.etag,
                last_modified=stored.info.last_modified,
                is_current=is_current,
            )
            for stored, is_current in found
        ]

    def head_version(self, key: ObjectKey, version: str) -> ObjectInfo:
        """Return what is known of one version.

        Raises:
            NotFoundError: there is no such version of the object.
        """
        return self._version(key, version).info

    def get_version(self, key: ObjectKey, version: str, span: ByteRange, sink: Sink) -> ObjectInfo:
        """Push the bytes of *span* of one version into *sink*.

        Raises:
            NotFoundError: there is no such version of the object.
        """
        stored = self._version(key, version)
        start, end = span.resolve(stored.info.size)
        if end > start:
            sink(stored.data[start:end])
        return stored.info

    def restore(self, key: ObjectKey, version: str) -> ObjectInfo:
        """Make what *version* holds the object, as a new version.

        Raises:
            NotFoundError: there is no such version of the object.
        """
        stored, shelf = self._version(key, version), self.shelf
        with shelf.lock:
            check_change(shelf, key)
            info = replace(stored.info, etag=str(next(shelf.versions)))
            return place(shelf, key, stored.data, info, stored.tags, versioned=True)

    def deleted(self, prefix: Prefix) -> Sequence[DeletedObject]:
        """Return what was deleted below *prefix*, the latest first."""
        with self.shelf.lock:
            earlier = [stored for kept in self.shelf.earlier.values() for stored in kept]
        found = [
            DeletedObject(
                key=stored.info.key,
                version=stored.info.version or "",
                size=stored.info.size,
                deleted_at=stored.deleted_at,
            )
            for stored in earlier
            if stored.deleted_at is not None and stored.info.key.startswith(prefix)
        ]
        return sorted(found, key=lambda one: one.deleted_at.timestamp() if one.deleted_at else 0.0, reverse=True)

    def undelete(self, key: ObjectKey, version: str | None) -> ObjectInfo:
        """Bring back what was deleted last, or exactly *version*.

        Raises:
            NotFoundError: nothing that was deleted is kept under that key.
            AlreadyExistsError: the key names an object.
        """
        shelf = self.shelf
        with shelf.lock:
            if key in shelf.objects:
                raise AlreadyExistsError("an object has that key; nothing was brought back", key=key)
            kept = shelf.earlier.get(key, [])
            for stored in kept:
                if stored.deleted_at is not None and version in (None, stored.info.version):
                    kept.remove(stored)
                    shelf.objects[key] = StoredObject(stored.data, stored.info)
                    return stored.info
        raise NotFoundError("nothing that was deleted is kept under that key", key=key)

    def purge(self, key: ObjectKey) -> None:
        """Remove the object and all that is kept of it."""
        with self.shelf.lock:
            check_change(self.shelf, key)
            self.shelf.objects.pop(key, None)
            self.shelf.earlier.pop(key, None)

    def protection(self, key: ObjectKey) -> Protection:
        """Return what keeps the object.

        Raises:
            NotFoundError: no such key.
        """
        with self.shelf.lock:
            return find(self.shelf, key)

    def retain(self, key: ObjectKey, retention: Retention | None, bypass: bool) -> None:  # noqa: ARG002  # was judged
        """Set the retention of the object, or end it.

        Raises:
            NotFoundError: no such key.
        """
        with self.shelf.lock:
            self.shelf.protections[key] = replace(find(self.shelf, key), retention=retention)

    def hold(self, key: ObjectKey, held: bool) -> None:
        """Begin or end a hold of the object.

        Raises:
            NotFoundError: no such key.
        """
        with self.shelf.lock:
            self.shelf.protections[key] = replace(find(self.shelf, key), held=held)

    def _all(self, key: str) -> list[StoredObject]:
        current = self.shelf.objects.get(key)
        return [*([current] if current is not None else []), *self.shelf.earlier.get(key, [])]

    def _version(self, key: ObjectKey, version: str) -> StoredObject:
        with self.shelf.lock:
            for stored in self._all(key):
                if stored.info.version == version:
                    return stored
        raise NotFoundError(f"there is no version {version!r} of that key", key=key)
