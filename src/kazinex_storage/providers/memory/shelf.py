"""Where the memory provider keeps objects: named stores of this process, and the settings that name one."""

from __future__ import annotations

import itertools
import threading
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from ...bodies.part_plan import crc32_of
from ...errors import NotFoundError
from ...keys import ObjectKey
from ...types import Buffer, ObjectInfo, PartInfo, PutOptions, UploadState
from ...values import value
from ..settings.summaries import describe

if TYPE_CHECKING:
    from ...retention import Protection


class MemorySettings(BaseModel):
    """Settings of the kind ``memory``."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=describe)

    name: str | None = None
    """Providers with the same name in one process share their objects; without a name they are private."""
    versioned: bool = False
    """Whether what is replaced or deleted stays, as an earlier version."""


@value(kw_only=False)
class StoredObject:
    """One version of one object."""

    data: bytes
    info: ObjectInfo
    deleted_at: datetime | None = None
    """When it was deleted, aware UTC; None while it was not."""
    tags: Mapping[str, str] = field(default_factory=dict)


@value(kw_only=False)
class Upload:
    """One upload in parts that is under way."""

    key: ObjectKey
    options: PutOptions
    begun_at: datetime
    """Aware UTC."""
    parts: dict[int, bytes] = field(default_factory=dict)
    """By number, from 1: the bytes."""


class Shelf:
    """The objects of one memory store, and the lock that makes each change atomic."""

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.earlier: dict[str, list[StoredObject]] = {}
        self.uploads: dict[str, Upload] = {}
        self.completed: dict[str, str | None] = {}
        self.protections: dict[str, Protection] = {}
        self.lock = threading.Lock()
        self.versions = itertools.count(1)

    def upload(self, state: UploadState) -> Upload:
        """Return the upload *state*; the lock is held.

        Raises:
            NotFoundError: it is gone.
        """
        found = self.uploads.get(state.upload_id)
        if found is None or found.key != state.key:
            raise NotFoundError("the upload is gone: completed or aborted; begin it again", key=state.key)
        return found


class Shelves:
    """The named stores of this process."""

    def __init__(self) -> None:
        self._named: dict[str, Shelf] = {}
        self._lock = threading.Lock()

    def get(self, name: str | None) -> Shelf:
        """Return the store of that *name*, always the same one; for None, a new private one."""
        if name is None:
            return Shelf()
        with self._lock:
            return self._named.setdefault(name, Shelf())

    def names(self) -> list[str]:
        """Return the names of the stores that hold something."""
        with self._lock:
            return [name for name, shelf in self._named.items() if shelf.objects]


SHELVES = Shelves()
"""The only state of this module: it has to outlive the providers that share a name."""


def part_of(number: int, data: Buffer) -> PartInfo:
    """Return what is known of a part."""
    crc32 = crc32_of(data)
    return PartInfo(number=number, size=len(data), etag=crc32, crc32=crc32)


def place(
    shelf: Shelf, key: str, data: bytes, info: ObjectInfo, tags: Mapping[str, str], *, versioned: bool
) -> ObjectInfo:
    """Make it the object, and what was there an earlier version; return *info* with its version. Hold the lock."""
    if versioned:
        info = replace(info, version=f"version-{next(shelf.versions)}")
        if (before := shelf.objects.get(key)) is not None:
            shelf.earlier.setdefault(key, []).insert(0, before)
    shelf.objects[key] = StoredObject(data, info, tags=tags)
    return info


def take(shelf: Shelf, key: str, *, versioned: bool) -> None:
    """Remove the object, if there is one; it stays as an earlier version. Hold the lock."""
    taken = shelf.objects.pop(key, None)
    if taken is not None and versioned:
        shelf.earlier.setdefault(key, []).insert(0, replace(taken, deleted_at=datetime.now(UTC)))


NO_SERVER = "no server answers requests for the memory of a process"
"""Why there are no addresses of what is in memory."""

CLASSES = ("STANDARD", "COLD")
"""Names for tests; they mean nothing here."""


class Labelled:
    """What a provider in memory does with the tags and classes of its objects."""

    @property
    @abstractmethod
    def shelf(self) -> Shelf:
        """The objects themselves."""

    def tags(self, key: ObjectKey) -> Mapping[str, str]:
        """Return the tags of an object."""
        return dict(self._find(key).tags)

    def set_tags(self, key: ObjectKey, tags: Mapping[str, str]) -> None:
        """Replace the tags of an object."""
        with self.shelf.lock:
            stored = self._find(key)
            self.shelf.objects[key] = replace(stored, tags=dict(tags))

    def set_storage_class(self, key: ObjectKey, storage_class: str) -> ObjectInfo:
        """Say that an object has another class."""
        with self.shelf.lock:
            stored = self._find(key)
            info = replace(stored.info, storage_class=storage_class)
            self.shelf.objects[key] = replace(stored, info=info)
        return info

    def _find(self, key: ObjectKey) -> StoredObject:
        stored = self.shelf.objects.get(key)
        if stored is None:
            raise NotFoundError("no object has that key", key=key)
        return stored
