"""The contract on a local disk: files below a root, with the keys as their paths.

No symbolic link below the root is followed. Files that other programs put there are objects too, if their names
are keys. On Windows links are looked for, not ruled out: see ``by_path.py``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from ...bodies.source import BUFFER_BYTES, Source
from ...capabilities import KEEPS, Capability
from ...errors import IntegrityError, NotFoundError, PreconditionFailedError, StorageError
from ...keys import ObjectKey, Prefix
from ...system import pread, pread_into
from ...types import ByteRange, Diagnosis, Folder, ObjectInfo, ProviderInfo, PutMode, PutOptions, Sink
from ..settings.place import keeping_deleted
from . import disk
from .diagnose import diagnose
from .locks import Locks, Note
from .names import RESERVED, split, to_disk
from .settings import LocalSettings
from .sidecar import Sidecars, object_info, version_of
from .tree import Mapped, Tree, map_error
from .unkeyed import remove_rest
from .write import Writer, check_free

if TYPE_CHECKING:
    from ...retention import Protection, Retention
    from .keeping import KeptFiles
    from .listing import Listings

if TYPE_CHECKING:
    from ...bodies.stream import Stream

if TYPE_CHECKING:
    from ...contract_reading import Page

# Writers that wait for the same disk share its flushes; more than about 16 gained nothing.
_CONCURRENCY = 16

_ALL = Prefix()


_MISSING = {
    Capability.TAGS: "files have no tags; keep them in metadata",
    Capability.STORAGE_CLASS: "a disk has one storage class",
    Capability.PUBLIC_URL: "no server answers requests for a local disk",
    Capability.POST_POLICY: "no server answers requests for a local disk; the routes of docs/http-api.md do",
    Capability.CUSTOMER_KEYS: "a disk encrypts nothing by itself; encrypt on this side, see docs/encryption.md",
    Capability.SERVER_MOVE: "a file and what is kept with it are two: it is copied, then deleted",
    Capability.BULK_DELETE: "each file is removed by a call of its own",
    Capability.PRESIGN: "no server answers requests for a local disk; the routes of docs/http-api.md do",
    Capability.PARTS: "a file is written in one go; after an error write it again",
    Capability.RESUME: "a file is written in one go; after an error write it again",
}
"""Why what no disk can do is not there, and what to do about it."""


class LocalProvider:
    """Stores objects as files. A put waits for the disk (fsync) unless the settings say otherwise."""

    refuses_kept = True

    def __init__(self, settings: LocalSettings) -> None:
        """Open the root.

        Raises:
            SettingsError: the root is missing, is not a folder, or may not be entered; or the settings ask for
                encryption, which ``Registry.open`` heeds.
        """
        root = os.fspath(settings.unencrypted().root)
        self._tree = Tree(root, create=settings.create, durable=settings.durable, access=settings.access)
        self._sidecars = Sidecars(self._tree)
        self._locks = Locks(self._tree, self._sidecars.clear, settings.lock_timeout_s)
        self._writer = Writer(self._tree, self._sidecars, self._locks)
        info = ProviderInfo(
            kind="local",
            location=root,
            place=self._tree.place,
            capabilities=frozenset(
                {
                    Capability.CREATE_ONLY,
                    Capability.CONDITIONAL,
                    Capability.METADATA,
                    Capability.CHECKSUM,
                    Capability.SERVER_COPY,
                    *KEEPS,
                    Capability.STREAMED_WRITES,
                    Capability.CONDITIONAL_READ,
                    Capability.RESUMED_LISTING,
                }
            ),
            ours=KEEPS,
            missing=_MISSING,
            max_object_bytes=2**63 - 1,  # the largest offset of the POSIX file interface
            hierarchical=True,
            ignores_case=self._tree.ignores_case,
            concurrency=_CONCURRENCY,
            proves_puts=True,
        )
        self._info = keeping_deleted(info, settings.keep_deleted_days, {})
        from .resident import ResidentFiles  # for those who open a root, not for all who look at its settings

        self.resident = ResidentFiles.of(self._tree)
        """What reads small objects that are in memory without waiting for the disk; see ``lifting.py``."""
        self._locks.settle_all()

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        return self._info

    def put(self, key: ObjectKey, source: Source | Stream, options: PutOptions) -> ObjectInfo:
        """Write the whole of *source*; on the disk when this returns.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE`` and the key exists.
            PreconditionFailedError: the object is not the version ``if_match``.
            IntegrityError: from the source.
            QuotaExceededError: the disk is full.
            InvalidKeyError: a disk cannot hold the key, or not together with the existing ones.
            AccessDeniedError: the folder may not be written, or a link is in the way.
        """
        self._tree.check_open()
        with Mapped(key, writing=True):
            status, sidecar = self._writer.write(key, source, options)
        return object_info(key, status, version_of(status), sidecar)

    def put_stream(self, key: ObjectKey, stream: Stream, options: PutOptions) -> ObjectInfo:
        """Write all that *stream* gives, into the file that is published; see ``put``."""
        return self.put(key, stream, options)

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        """Push the bytes of *span* into *sink*.

        Raises:
            NotFoundError: no such key.
            PreconditionFailedError: the object is not the version *if_match*.
            IntegrityError: the file was written to while it was read.
        """
        return self._read(key, span, sink, if_match)

    def get_changed(self, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str) -> ObjectInfo:
        """Push the bytes of *span* into *sink*, unless the object is the version *if_none_match*.

        Raises:
            NotModifiedError: it is.
            NotFoundError: no such key.
            IntegrityError: the file was written to while it was read.
        """
        return self._read(key, span, sink, None, if_none_match)

    def list_page(self, prefix: Prefix, token: str | None, limit: int, one_level: bool) -> Page:
        """Return the page after the key *token*; folders that are before it are not read.

        Raises:
            AccessDeniedError: a folder may not be read.
        """
        from ...contract_reading import Page, name_of  # as in _read

        entries = self._listings.after(prefix, token or "", one_level)
        found = list(islice(entries, limit))
        return Page(entries=found, token=name_of(found[-1]) if len(found) == limit else None)

    @property
    def _listings(self) -> Listings:
        from .listing import Listings  # what only looks at settings does without

        return Listings(self._tree)

    def _read(
        self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None, if_none_match: str | None = None
    ) -> ObjectInfo:
        descriptor, info = self._open(key)
        try:
            if if_match is not None and info.etag != if_match:
                raise PreconditionFailedError(
                    f"the object is version {info.etag}, not {if_match}; read it again", key=key
                )
            if if_none_match is not None and info.etag == if_none_match:
                from ...contract_reading import not_modified  # what only looks at settings does without

                raise not_modified(key, if_none_match, info.last_modified)
            start, end = span.resolve(info.size)
            self._push(descriptor, start, end, sink, key)
            if version_of(os.fstat(descriptor)) != info.etag:
                raise IntegrityError("the file was written to by another program while it was read", key=key)
        finally:
            os.close(descriptor)
        return info

    def head(self, key: ObjectKey) -> ObjectInfo:
        """Return what is known of the object.

        Raises:
            NotFoundError: no such key.
        """
        descriptor, info = self._open(key)
        os.close(descriptor)
        return info

    def delete(self, key: ObjectKey) -> None:
        """Remove the object and the folders that it leaves empty; silent when there is none.

        Raises:
            AccessDeniedError: the folder may not be written.
        """
        self._tree.check_open()
        folders, name = split(key)
        with (
            Mapped(key),
            suppress(FileNotFoundError, NotADirectoryError),
            self._tree.folder(folders) as parent,
            self._locks.held(key) as lock,
        ):
            self._tree.check_spelling(parent, name)
            status = disk.status(to_disk(name), parent)
            if stat.S_ISDIR(status.st_mode):
                return
            version = version_of(status)
            check_free(self._tree, key, version)
            lock.note(Note(key=key, versions=(version,)))
            disk.remove(to_disk(name), parent)
            self._tree.sync(parent)
            self._sidecars.remove(key, version)
            lock.done()
        self._tree.prune(folders)

    def remove_unkeyed(self, prefix: Prefix) -> None:
        """Remove what no key names below *prefix*, including links and empty folders; objects stay.

        Raises:
            AccessDeniedError: a folder may not be written.
        """
        remove_rest(self._tree, prefix)

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
        """Copy inside the kernel, sharing the blocks where the file system can; atomic like a put.

        Raises:
            NotFoundError: there is no *source*.
            AlreadyExistsError: ``PutMode.CREATE`` and *target* exists.
            IntegrityError: the file no longer has the sha256 that was recorded when it was put.
        """
        descriptor, info = self._open(source)
        with open(descriptor, "rb", buffering=0) as file, Source.of(file, sha256=info.sha256) as body:
            return self.put(target, body, PutOptions.of(info, mode))

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        """Yield every object below *prefix* in the order of the keys; sweeps temporary files of killed writers."""
        return self._listings.scan(prefix)

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        """Yield objects, and folders that hold at least one, one level below *prefix* in the order of the keys."""
        return self._listings.children(prefix)

    def sweep(self, prefix: Prefix = _ALL, *, dry_run: bool = False) -> int:
        """Remove what killed writers left of keys below *prefix*, or only count it; safe while others write.

        Temporary names are swept by every listing and not counted; sidecars of versions that were never published, or
        belong to files that other programs deleted, only here. Reads the whole tree.

        Raises:
            UnavailableError: the disk does not answer.
        """
        found = 0
        if not dry_run:
            for _ in self.scan(prefix):
                pass
        with Mapped(RESERVED):
            for key, version in self._sidecars.marks():
                if not key.startswith(prefix):
                    continue
                folders, name = split(key)
                with self._locks.held(key):  # a writer publishes under the lock, so nothing is half done here
                    status = None
                    with suppress(FileNotFoundError, NotADirectoryError), self._tree.folder(folders) as parent:
                        status = disk.status(to_disk(name), parent)
                    if status is None or version_of(status) != version:
                        found += 1
                        if not dry_run:
                            self._sidecars.remove(key, version)
        return found

    def check_key(self, key: ObjectKey) -> None:
        """Refuse a key with a segment that is too long for a disk, or reserved."""
        split(key)

    def diagnose(self, error: StorageError, check: str) -> Diagnosis | None:  # noqa: ARG002  # all checks alike
        """Explain what the disk refused, from the error alone."""
        return diagnose(error)

    def protection(self, key: ObjectKey) -> Protection:
        """Return what keeps the file.

        Raises:
            NotFoundError: no such key.
        """
        return self._kept.protection(key)

    def retain(self, key: ObjectKey, retention: Retention | None, bypass: bool) -> None:  # noqa: ARG002  # was judged
        """Set the retention of the file, or end it; on the disk when this returns.

        Raises:
            NotFoundError: no such key.
        """
        self._kept.retain(key, retention)

    def hold(self, key: ObjectKey, held: bool) -> None:
        """Begin or end a hold of the file; on the disk when this returns.

        Raises:
            NotFoundError: no such key.
        """
        self._kept.hold(key, held)

    def close(self) -> None:
        """Close the root."""
        self._tree.close()

    @property
    def _kept(self) -> KeptFiles:
        from .keeping import KeptFiles  # for those who keep files, not for all who open a root

        return KeptFiles(self._tree, self._locks)

    def _open(self, key: ObjectKey) -> tuple[int, ObjectInfo]:
        """Open the file of *key*; return its descriptor, and what file and sidecar say of it."""
        self._tree.check_open()
        split(key)  # refuses the names that are ours
        try:
            while True:
                descriptor = self._tree.open(key)
                try:
                    status = os.fstat(descriptor)
                    if not stat.S_ISREG(status.st_mode):
                        raise NotFoundError("no object has that key", key=key)
                    version = version_of(status)
                    sidecar = self._sidecars.read(key, version)
                    if sidecar is not None or self._is_current(key, version):
                        return descriptor, object_info(key, status, version, sidecar)
                except BaseException:
                    os.close(descriptor)
                    raise
                os.close(descriptor)  # replaced between opening and looking for the sidecar: take the new one
        except StorageError:
            raise
        except OSError as error:  # as Mapped does, which costs three calls
            raise map_error(error, key) from error

    def _is_current(self, key: str, version: str) -> bool:
        folders, name = split(key)
        with self._tree.folder(folders) as parent:
            return version_of(disk.status(to_disk(name), parent)) == version

    def _push(self, descriptor: int, start: int, end: int, sink: Sink, key: str) -> None:
        if start < end <= start + BUFFER_BYTES:  # most objects: one read, and bytes that the caller may keep
            try:
                data = pread(descriptor, end - start, start)
            except OSError as error:
                raise map_error(error, key) from error
            if data:
                sink(data)
                start += len(data)
        if start == end:
            return
        buffer = memoryview(bytearray(BUFFER_BYTES))
        while start < end:
            with Mapped(key):
                count = pread_into(descriptor, buffer[: end - start], start)
            if count == 0:
                raise IntegrityError("the file was truncated by another program while it was read", key=key)
            sink(buffer[:count])
            start += count
