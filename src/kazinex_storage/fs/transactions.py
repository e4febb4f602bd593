"""Transactions of fsspec: what is written in one is collected, and published in order when it ends, or not at all.

Files keep their bytes when they are closed, so nothing is seen before the end. If publishing fails in the middle, what
it had created is removed again. ADR 0076 says what a crash leaves.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from fsspec.transaction import Transaction

from ..bodies.body import Spool
from ..bodies.source import Source
from ..errors import AccessDeniedError, AlreadyExistsError, BulkError, NotFoundError, NotSupportedError, StorageError
from ..storage.files import READ_AHEAD
from ..storage.rules import Body
from ..storage.sync import Storage
from ..transport import Call, Exchange
from ..types import ObjectInfo, PutMode, PutOptions
from .bulk import Bulk
from .file import WriteFile
from .lookups import Lookups
from .moves import Moves
from .spaces import Place
from .transfers import LocalPath, Transfers
from .upstream import Callback


class HeldFile(WriteFile):
    """Collects an object, and keeps it when it is closed, until ``commit`` publishes it or ``discard`` drops it."""

    def __init__(self, fs: Any, place: Place, storage: Storage, options: PutOptions) -> None:
        """Check the key and the policy; nothing is sent before ``commit``.

        Raises:
            StorageError: as ``ObjectWriter``.
        """
        super().__init__(fs, place.name, storage, place.key, options)
        self._collects = True
        self._kept: Spool | None = None
        self.storage = storage
        """What it will be published to."""
        self.place = place
        """Where."""
        self.options = options
        """How."""

    @property
    def held(self) -> bool:
        """Whether it was closed and waits to be published."""
        return self._kept is not None

    def close(self) -> None:
        """Keep what was written, unless an exception is passing through. No request."""
        if not self.closed and self._spool is not None and not self._passing():
            self._kept, self._spool = self._spool, None
        super().close()

    def publish(self) -> Exchange[ObjectInfo]:
        """Store what was kept, and return what was stored.

        Raises:
            ValueError: nothing is kept: the file is open, or was published or discarded.
            StorageError: it could not be stored; nothing was published.
        """
        kept, self._kept = self._kept, None
        if kept is None:
            raise ValueError(f"{self.path!r} has nothing to publish: close it first; once published, it is done")
        try:
            with Source(kept.body()) as body:
                self.info = yield from self.storage.operations.put(self.place.key, body, self.options)
            return self.info
        finally:
            kept.discard()

    def commit(self) -> None:
        """Store what was kept.

        Raises:
            ValueError: nothing is kept.
            StorageError: it could not be stored; nothing was published.
        """
        self.storage.transport.run(self.publish())

    def discard(self) -> None:
        """Close and publish nothing."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.discard()
        super().discard()

    def __del__(self) -> None:
        kept = getattr(self, "_kept", None)
        if kept is not None:
            kept.discard()
        super().__del__()


class ObjectTransaction(Transaction):
    """``with fs.transaction:`` — everything that is written in the block is published when it ends, or nothing is.

    It belongs to the file system: what other threads write through that meanwhile is part of it.
    """

    fs: Any
    files: deque[HeldFile]

    def __init__(self, fs: Any) -> None:
        """Belong to *fs*; nothing is collected before ``start``."""
        self.fs = fs
        self.files = deque()

    def start(self) -> None:
        """Collect from now on what is written.

        Raises:
            ValueError: a transaction is under way.
        """
        if self.fs._intrans:
            raise ValueError("a transaction of this file system is under way; end it, or make another file system")
        self._usual = self.fs._transfers, self.fs._bulk
        lookups, searches = self.fs._lookups, self.fs._searches
        transfers = HeldTransfers(lookups, self._add)
        bulk = Bulk(transfers, searches)
        bulk.moves = HeldMoves(transfers, searches)
        self.fs._transfers, self.fs._bulk = transfers, bulk
        self.fs._intrans = True

    def _add(self, place: Place, storage: Storage, options: PutOptions) -> HeldFile:
        file = HeldFile(self.fs, place, storage, options)
        self.files.append(file)
        return file

    def complete(self, commit: bool = True) -> None:
        """Publish what was written, in order, or nothing without *commit*; then the transaction is over.

        Raises:
            ValueError: a file is still open; nothing was published.
            AlreadyExistsError: an object was to be created and exists; nothing was published.
            StorageError: an object could not be stored; what had been published before it was removed again.
            BulkError: the same, but not all could be removed; it names what is left.
        """
        fs, files = self.fs, list(self.files)
        fs._transfers, fs._bulk = self._usual
        fs._intrans, fs._transaction, self.fs = False, None, None
        self.files.clear()
        try:
            still_open = [file.path for file in files if not file.closed]
            if commit and still_open:
                raise ValueError(f"close {', '.join(map(repr, still_open[:10]))} first; nothing was published")
            if commit:
                fs._call(_publish_all(fs._lookups, [file for file in files if file.held]))
        finally:
            for file in files:
                file.discard()


class HeldTransfers(Transfers):
    """Collects what is written to single objects, and refuses what else would change them."""

    def __init__(self, lookups: Lookups, add: Callable[[Place, Storage, PutOptions], HeldFile]) -> None:
        super().__init__(lookups)
        self.add = add
        """Makes a file of the transaction."""

    def pipe_file(self, path: str, value: Body, options: PutOptions) -> Exchange[ObjectInfo]:
        """Collect *value*; the result says how large it is."""
        storage, place, options = yield from self.writing(path, options)
        size = yield Call(_collect, self.add(place, storage, options), value)
        return ObjectInfo(key=place.key, size=cast(int, size))

    def put_file(
        self,
        lpath: LocalPath,
        path: str,
        callback: Callback,  # noqa: ARG002  # nothing is sent yet
        options: PutOptions,
    ) -> Exchange[None]:
        """Collect the local file *lpath*; a folder is passed over."""
        source = Path(lpath)
        if not (yield Call(source.is_dir)):
            yield from self.pipe_file(path, source, options)

    def cp_file(self, source: str, target: str) -> Exchange[ObjectInfo]:  # noqa: ARG002  # neither is touched
        """Refuse."""
        raise _only_writes("cp", target)
        yield  # makes this an exchange

    def mover(self, source: str, target: str) -> Exchange[Storage | None]:  # noqa: ARG002  # neither is touched
        """Refuse."""
        raise _only_writes("mv", target)
        yield  # makes this an exchange

    def rm_file(self, path: str) -> Exchange[None]:
        """Refuse."""
        raise _only_writes("rm", path)
        yield  # makes this an exchange

    def set_tags(self, path: str, tags: Mapping[str, str]) -> Exchange[None]:  # noqa: ARG002  # none is set
        """Refuse."""
        raise _only_writes("put_tags", path)
        yield  # makes this an exchange


class HeldMoves(Moves):
    """Refuses to remove."""

    def delete(self, names: Sequence[str]) -> Exchange[None]:
        """Refuse."""
        raise _only_writes("rm", ", ".join(names)[:200])
        yield  # makes this an exchange

    def clear(self, folder: str, *, everything: bool) -> Exchange[None]:  # noqa: ARG002  # nothing is removed
        """Refuse."""
        raise _only_writes("rm", folder)
        yield  # makes this an exchange

    def remove_folder(self, path: str) -> Exchange[None]:
        """Refuse."""
        raise _only_writes("rmdir", path)
        yield  # makes this an exchange


def _only_writes(operation: str, path: str) -> NotSupportedError:
    return NotSupportedError(
        "a transaction only writes whole objects; copy, move and remove before or after it",
        operation=operation,
        key=path,
    )


def _collect(file: HeldFile, value: Body) -> int:
    with file:
        if isinstance(value, bytes | bytearray | memoryview):
            file.write(value)
        elif isinstance(value, os.PathLike) or hasattr(value, "read") or isinstance(value, Source):
            with ExitStack() as stack:
                body = value if isinstance(value, Source) else stack.enter_context(Source.of(cast("Path", value)))
                reader = stack.enter_context(body.open())
                for chunk in iter(lambda: reader.read(READ_AHEAD), b""):
                    file.write(chunk)
        else:
            for part in value:
                file.write(part)
        return file.tell()


def _publish_all(lookups: Lookups, files: Sequence[HeldFile]) -> Exchange[None]:
    if not files:
        return
    window = yield from lookups.window([file.path for file in files], None)
    there = yield from lookups.gather([_is_there(file) for file in files], window)
    for file, exists in zip(files, there, strict=True):
        if exists and file.options.mode is PutMode.CREATE:
            raise AlreadyExistsError("an object has that key already; nothing was published", key=file.path)
    done: list[tuple[HeldFile, ObjectInfo]] = []
    for file in files:
        try:
            done.append((file, (yield from file.publish())))
        except Exception as error:
            created = {file.path for file, exists in zip(files, there, strict=True) if exists is False}
            left = yield from _undo(done, created)
            if left:
                raise BulkError(
                    f"{file.path!r} could not be stored, and of what was published before it, this could not be taken "
                    f"back: {', '.join(map(repr, left[:10]))}; {error}",
                    failures=[error],
                    operation="transaction",
                ) from error
            raise


def _is_there(file: HeldFile) -> Exchange[bool | None]:
    """Say whether something is replaced; None where that may not be asked."""
    try:
        return (yield from file.storage.operations.exists(file.place.key))
    except AccessDeniedError:
        return None


def _undo(done: Iterable[tuple[HeldFile, ObjectInfo]], created: set[str]) -> Exchange[list[str]]:
    """Remove what was published and *created*; return what is left because it replaced something or is written once."""
    left: list[str] = []
    for file, info in reversed(list(done)):
        if file.path not in created or file.place.write_once:
            left.append(file.path)
            continue
        operations = file.storage.operations
        try:
            now = yield from operations.head(file.place.key)
            if info.etag is not None and now.etag == info.etag:
                yield from operations.delete(file.place.key)
            else:
                left.append(file.path)  # another one replaced it
        except NotFoundError:
            continue
        except StorageError:
            left.append(file.path)
    return left
