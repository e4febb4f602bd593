"""Objects in the memory of this process: the reference implementation of the contract, and a fast double for tests.

Everything the contract asks for, in its shortest form; read it along with ``contract.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...bodies.part_plan import plan_parts
from ...bodies.source import BUFFER_BYTES, Source
from ...capabilities import KEEPS, Capability
from ...errors import (
    AlreadyExistsError,
    ClosedError,
    IntegrityError,
    PreconditionFailedError,
    RetentionError,
    StorageError,
)
from ...keys import ObjectKey, Prefix
from ...types import (
    MIB,
    Buffer,
    ByteRange,
    Checksum,
    Folder,
    ObjectInfo,
    PartInfo,
    PartRule,
    PendingUpload,
    ProviderInfo,
    PutMode,
    PutOptions,
    Sink,
    UploadState,
)
from .past import Past
from .shelf import (
    CLASSES,
    NO_SERVER,
    SHELVES,
    Labelled,
    MemorySettings,
    Shelf,
    StoredObject,
    Upload,
    part_of,
    place,
    take,
)

if TYPE_CHECKING:
    from ...bodies.stream import Stream
    from ...contract_reading import Page

_OF_VERSIONS = {Capability.VERSIONS, Capability.UNDELETE}
_RULE = PartRule(min_part_bytes=1, max_part_bytes=1024 * MIB, max_parts=10_000)


class MemoryProvider(Past, Labelled):
    """Keeps objects in a dictionary. No requests; nothing survives the process."""

    refuses_kept = True

    def __init__(self, settings: MemorySettings | None = None) -> None:
        """Open the store that *settings* name, or a private one."""
        name = settings.name if settings is not None else None
        self._versioned = settings is not None and settings.versioned
        self._shelf: Shelf | None = SHELVES.get(name)
        self._info = ProviderInfo(
            kind="memory",
            location=name or "private",
            place=f"memory/{name}" if name else "",
            capabilities=frozenset(
                {
                    Capability.CREATE_ONLY,
                    Capability.CONDITIONAL,
                    Capability.METADATA,
                    Capability.CHECKSUM,
                    Capability.SERVER_COPY,
                    Capability.SERVER_MOVE,
                    Capability.BULK_DELETE,
                    Capability.PARTS,
                    *KEEPS,
                    Capability.STREAMED_WRITES,
                    Capability.CONDITIONAL_READ,
                    Capability.RESUMED_LISTING,
                    Capability.TAGS,
                    Capability.STORAGE_CLASS,
                }
                | (_OF_VERSIONS if self._versioned else set())
            ),
            missing={
                **dict.fromkeys((Capability.PRESIGN, Capability.PUBLIC_URL, Capability.POST_POLICY), NO_SERVER),
                Capability.CUSTOMER_KEYS: "there is no service that would encrypt; encrypt on this side, see "
                "docs/encryption.md",
                **({} if self._versioned else dict.fromkeys(_OF_VERSIONS, "set versioned in the settings")),
            },
            max_object_bytes=2**40,  # ours: more than any machine holds
            part_rule=_RULE,
            proves_puts=True,
            storage_classes=CLASSES,
            classes_in_place=True,
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
        return self._store(key, data, options, source.checksum)

    def put_stream(self, key: ObjectKey, stream: Stream, options: PutOptions) -> ObjectInfo:
        """Write all that *stream* gives; see ``put``."""
        data = b"".join(map(bytes, stream.chunks()))
        return self._store(key, data, options, stream.checksum)

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

    def get_changed(self, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str) -> ObjectInfo:
        """Push the bytes of *span* into *sink*, unless the object is the version *if_none_match*.

        Raises:
            NotModifiedError: it is.
            NotFoundError: no such key.
        """
        info = self._find(key).info
        if info.etag == if_none_match:
            from ...contract_reading import not_modified  # what only looks at settings does without

            raise not_modified(key, if_none_match, info.last_modified)
        return self.get(key, span, sink, None)

    def head(self, key: ObjectKey) -> ObjectInfo:
        """Return what is known of the object.

        Raises:
            NotFoundError: no such key.
        """
        return self._find(key).info

    def delete(self, key: ObjectKey) -> None:
        """Remove the object; silent when there is none."""
        with self.shelf.lock:
            self._change(self.shelf, key)
            take(self.shelf, key, versioned=self._versioned)

    def delete_many(self, keys: Sequence[ObjectKey]) -> Sequence[StorageError | None]:
        """Remove every object of *keys* that nothing keeps."""
        errors: list[StorageError | None] = [None] * len(keys)
        for index, key in enumerate(keys):
            try:
                self.delete(key)
            except RetentionError as error:
                errors[index] = error
        return errors

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
            self._change(shelf, target)
            return self._place(target, stored.data, info, stored.tags)

    def move(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
        """Give the object another key.

        Raises:
            NotFoundError: there is no *source*.
            AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
        """
        with self.shelf.lock:
            stored, shelf = self._find(source), self.shelf
            self._check(shelf.objects.get(target), target, mode, None)
            self._change(shelf, source, target)
            take(shelf, source, versioned=self._versioned)
            return self._place(target, stored.data, replace(stored.info, key=target), stored.tags)

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> UploadState:
        """Begin an upload in parts of 8 MiB.

        Raises:
            FileTooLargeError: 10,000 parts do not hold so many bytes.
        """
        shelf = self.shelf
        with shelf.lock:
            upload_id = f"upload-{next(shelf.versions)}"
            shelf.uploads[upload_id] = Upload(key, options, datetime.now(UTC))
        return UploadState(
            key=key,
            upload_id=upload_id,
            size=size,
            part_bytes=plan_parts(size, _RULE).part_bytes,
            mode=options.mode,
            if_match=options.if_match,
            sha256=sha256,
        )

    def put_part(self, state: UploadState, number: int, data: Buffer) -> PartInfo:
        """Keep one part.

        Raises:
            NotFoundError: the upload is gone.
        """
        with self.shelf.lock:
            self.shelf.upload(state).parts[number] = bytes(data)
        return part_of(number, data)

    def list_parts(self, state: UploadState) -> Sequence[PartInfo]:
        """Return the parts that are there, in order.

        Raises:
            NotFoundError: the upload is gone.
        """
        with self.shelf.lock:
            held = sorted(self.shelf.upload(state).parts.items())
        return [part_of(number, data) for number, data in held]

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> ObjectInfo:
        """Make the parts the object.

        Raises:
            AlreadyExistsError: it was begun with ``PutMode.CREATE``, and the key exists.
            PreconditionFailedError: the object is not the version ``if_match``.
            IntegrityError: the parts are not those that are there.
            NotFoundError: the upload is gone.
        """
        shelf = self.shelf
        with shelf.lock:
            upload = self.shelf.upload(state)
            held = [upload.parts.get(part.number) for part in parts]
        pairs = zip(parts, held, strict=True)
        chosen = [data for part, data in pairs if data is not None and part_of(part.number, data) == part]
        data = b"".join(chosen)
        if len(data) != state.size:
            raise IntegrityError("the parts are not those that were put; resume the upload", key=upload.key)
        checksum = Checksum(algorithm="sha256", value=hashlib.sha256(data).hexdigest())
        info = _info(upload.key, len(data), shelf, upload.options, checksum)
        with shelf.lock:
            self.shelf.upload(state)
            self._check(shelf.objects.get(upload.key), upload.key, upload.options.mode, upload.options.if_match)
            self._change(shelf, upload.key)
            info = self._place(upload.key, data, info, upload.options.tags)
            del shelf.uploads[state.upload_id]
            shelf.completed[state.upload_id] = info.etag
        return info

    def find_upload(self, state: UploadState) -> ObjectInfo | None:
        """Return the object that the upload became, while it is there."""
        stored = self.shelf.objects.get(state.key)
        etag = self.shelf.completed.get(state.upload_id)
        return stored.info if stored is not None and stored.info.etag == etag else None

    def abort_upload(self, key: ObjectKey, upload_id: str) -> None:
        """Forget the upload; silent when it is gone."""
        with self.shelf.lock:
            upload = self.shelf.uploads.get(upload_id)
            if upload is not None and upload.key == key:
                del self.shelf.uploads[upload_id]

    def pending_uploads(self, prefix: Prefix) -> Sequence[PendingUpload]:
        """Return the uploads that are under way."""
        with self.shelf.lock:
            uploads = list(self.shelf.uploads.items())
        return [
            PendingUpload(key=upload.key, upload_id=upload_id, begun_at=upload.begun_at)
            for upload_id, upload in uploads
            if upload.key.startswith(prefix)
        ]

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

    def list_page(self, prefix: Prefix, token: str | None, limit: int, one_level: bool) -> Page:
        """Return the page after the key *token*."""
        from ...contract_reading import page_after  # as above

        return page_after(self.children(prefix) if one_level else self.scan(prefix), token, limit)

    def close(self) -> None:
        """Forget the objects, unless other providers of the same name hold them."""
        self._shelf = None

    def _store(self, key: ObjectKey, data: bytes, options: PutOptions, checksum: Checksum | None) -> ObjectInfo:
        shelf = self.shelf
        info = _info(key, len(data), shelf, options, checksum)
        with shelf.lock:
            self._check(shelf.objects.get(key), key, options.mode, options.if_match)
            self._change(shelf, key)
            return self._place(key, data, info, options.tags)

    def _place(self, key: str, data: bytes, info: ObjectInfo, tags: Mapping[str, str]) -> ObjectInfo:
        """Make it the object; the lock is held."""
        if self._versioned:
            return place(self.shelf, key, data, info, tags, versioned=True)
        self.shelf.objects[key] = StoredObject(data, info, tags=tags)
        return info

    @staticmethod
    def _change(shelf: Shelf, *keys: str) -> None:
        if shelf.protections:
            from .keeping import check_change

            check_change(shelf, *keys)

    @staticmethod
    def _check(stored: StoredObject | None, key: ObjectKey, mode: PutMode, if_match: str | None) -> None:
        if stored is not None and mode is PutMode.CREATE:
            raise AlreadyExistsError("an object has that key already; nothing was changed", key=key)
        found = stored.info.etag if stored is not None else None
        if if_match is not None and found != if_match:
            raise PreconditionFailedError(f"the object is version {found}, not {if_match}; read it again", key=key)


def _info(key: str, size: int, shelf: Shelf, options: PutOptions, checksum: Checksum | None) -> ObjectInfo:
    return ObjectInfo(
        key=key,
        size=size,
        etag=str(next(shelf.versions)),
        last_modified=datetime.now(UTC),
        content_type=options.content_type,
        content_disposition=options.content_disposition,
        cache_control=options.cache_control,
        content_encoding=options.content_encoding,
        content_language=options.content_language,
        metadata=dict(options.metadata),
        storage_class=options.storage_class,
        checksum=checksum,
    )
