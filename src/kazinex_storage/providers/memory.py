"""Objects in the memory of this process: the reference implementation of the contract, and a fast double for tests.

Everything the contract asks for stands here in its shortest form; read it beside ``provider.py``.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from ..errors import AlreadyExistsError, ClosedError, NotFoundError, PreconditionFailedError, StorageError
from ..keys import ObjectKey, Prefix
from ..source import BUFFER_BYTES, Source
from ..types import ByteRange, Capability, Folder, ObjectInfo, ProviderInfo, PutMode, PutOptions, Sink


class MemorySettings(BaseModel):
    """Settings of the kind ``memory``."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str | None = None
    """Providers of the same name in one process share their objects; without a name they are private."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One version of one object."""

    data: bytes
    info: ObjectInfo


class Shelf:
    """The objects of one memory store, and the lock that makes each change atomic."""

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.lock = threading.Lock()
        self.versions = itertools.count(1)


class Shelves:
    """The named stores of this process."""

    def __init__(self) -> None:
        self._named: dict[str, Shelf] = {}
        self._lock = threading.Lock()

    def get(self, name: str | None) -> Shelf:
        """Return the store of that name, the same one each time; a new private one for None."""
        if name is None:
            return Shelf()
        with self._lock:
            return self._named.setdefault(name, Shelf())


SHELVES = Shelves()
"""The only state of this module: it has to outlive the providers that share a name."""


class MemoryProvider:
    """Keeps objects in a dictionary. Zero requests; nothing survives the process."""

    def __init__(self, settings: MemorySettings | None = None) -> None:
        """Open the store that *settings* name, or a private one."""
        name = settings.name if settings is not None else None
        self._shelf: Shelf | None = SHELVES.get(name)
        self._info = ProviderInfo(
            kind="memory",
            location=name or "private",
            capabilities=frozenset(
                {
                    Capability.CREATE_ONLY,
                    Capability.CONDITIONAL,
                    Capability.METADATA,
                    Capability.CHECKSUM,
                    Capability.SERVER_COPY,
                    Capability.BULK_DELETE,
                }
            ),
            max_object_bytes=2**40,  # ours: more than any machine holds
        )

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        return self._info

    @property
    def shelf(self) -> Shelf:
        """The objects themselves, for tests that look behind the provider.

        Raises:
            ClosedError: the provider was closed.
        """
        if self._shelf is None:
            raise ClosedError("the storage was closed; make a new one")
        return self._shelf

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        """Write the whole of *source*.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE`` and the key exists.
            PreconditionFailedError: the object is not the version ``if_match``.
            IntegrityError: from the source.
        """
        data = source.data()
        if data is None:
            buffer = bytearray(source.size)
            with source.open() as reader:
                position, view = 0, memoryview(buffer)
                while count := reader.readinto(view[position : position + BUFFER_BYTES]):
                    position += count
            data = bytes(buffer)
        shelf = self.shelf
        info = ObjectInfo(
            key=key,
            size=len(data),
            etag=str(next(shelf.versions)),
            last_modified=datetime.now(UTC),
            content_type=options.content_type,
            content_disposition=options.content_disposition,
            cache_control=options.cache_control,
            metadata=dict(options.metadata),
            checksum=source.checksum,
        )
        with shelf.lock:
            self._check(shelf.objects.get(key), key, options.mode, options.if_match)
            shelf.objects[key] = StoredObject(data, info)
        return info

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        """Push the bytes of *span* into *sink*.

        Raises:
            NotFoundError: no such key.
            PreconditionFailedError: the object is not the version *if_match*.
        """
        stored = self._find(key)
        self._check(stored, key, PutMode.REPLACE, if_match)
        start, end = span.resolve(stored.info.size)
        if end - start == len(stored.data):
            sink(stored.data)
        elif end > start:
            sink(memoryview(stored.data)[start:end])
        return stored.info

    def head(self, key: ObjectKey) -> ObjectInfo:
        """Return what is known of the object.

        Raises:
            NotFoundError: no such key.
        """
        return self._find(key).info

    def delete(self, key: ObjectKey) -> None:
        """Remove the object; silent when there is none."""
        with self.shelf.lock:
            self.shelf.objects.pop(key, None)

    def delete_many(self, keys: Sequence[ObjectKey]) -> Sequence[StorageError | None]:
        """Remove every object of *keys*."""
        for key in keys:
            self.delete(key)
        return [None] * len(keys)

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
        """Give the object a second key.

        Raises:
            NotFoundError: there is no *source*.
            AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
        """
        stored, shelf = self._find(source), self.shelf
        info = replace(stored.info, key=target, etag=str(next(shelf.versions)), last_modified=datetime.now(UTC))
        with shelf.lock:
            self._check(shelf.objects.get(target), target, mode, None)
            shelf.objects[target] = StoredObject(stored.data, info)
        return info

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with *prefix*, in the order of the keys."""
        shelf = self.shelf
        with shelf.lock:
            keys = sorted(key for key in shelf.objects if key.startswith(prefix))
        for key in keys:
            stored = shelf.objects.get(key)
            if stored is not None:
                yield stored.info

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        """Yield the objects and folders one level below *prefix*, in the order of the keys."""
        folder = None
        for info in self.scan(prefix):
            head, slash, _ = info.key[len(prefix) :].partition("/")
            if not slash:
                yield info
            elif head != folder:
                folder = head
                yield Folder(prefix=f"{prefix}{head}/")

    def close(self) -> None:
        """Forget the objects, unless other providers of the same name hold them."""
        self._shelf = None

    def _find(self, key: ObjectKey) -> StoredObject:
        stored = self.shelf.objects.get(key)
        if stored is None:
            raise NotFoundError("no object has that key", key=key)
        return stored

    @staticmethod
    def _check(stored: StoredObject | None, key: ObjectKey, mode: PutMode, if_match: str | None) -> None:
        if stored is not None and mode is PutMode.CREATE:
            raise AlreadyExistsError("an object has that key already; nothing was changed", key=key)
        found = stored.info.etag if stored is not None else None
        if if_match is not None and found != if_match:
            raise PreconditionFailedError(f"the object is version {found}, not {if_match}; read it again", key=key)
