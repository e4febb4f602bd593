"""Publish whole files: fill a temporary file, write the sidecar, wait for the disk, then one atomic link or rename."""

from __future__ import annotations

import itertools
import os
import stat
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ...bodies.digest import OVERLAP_BYTES
from ...bodies.source import Source
from ...errors import AlreadyExistsError, IntegrityError, InvalidKeyError, PreconditionFailedError, UnavailableError
from ...types import PutMode, PutOptions
from . import disk
from .locks import Lock, Locks, Note
from .names import KEPT, split, to_disk
from .sidecar import Sidecar, Sidecars, version_of
from .temporary import Temporary
from .tree import Tree, write_all

if TYPE_CHECKING:
    from ...bodies.stream import Stream

# A delete may prune the folder at the same instant, and the write starts over; each time, another process progressed.
_ATTEMPTS = 100


class Writer:
    """Writes files of one tree together with their sidecars."""

    def __init__(self, tree: Tree, sidecars: Sidecars, locks: Locks) -> None:
        self._tree = tree
        self._locks = locks
        self._sidecars = sidecars

    def write(self, key: str, source: Source | Stream, options: PutOptions) -> tuple[os.stat_result, Sidecar]:
        """Write *source* and publish it under *key*; return what is there now.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE`` and the key exists.
            PreconditionFailedError: the file is not the version ``if_match``.
            InvalidKeyError: the key is the folder of other keys.
            IntegrityError: from the source.
            UnavailableError: the folder was removed by others every time it was made.
            OSError: as the system says.
        """
        folders, name = split(key)
        try:
            for _ in range(_ATTEMPTS):
                pruned = True
                try:
                    with self._tree.folder(folders, create=True) as parent:
                        try:
                            return self._attempt(parent, name, key, source, options)
                        except FileNotFoundError:
                            pruned = disk.was_removed(parent)
                            raise
                except FileNotFoundError:
                    if not pruned:
                        raise  # not because of a delete
        except BaseException:
            self._tree.prune(folders)
            raise
        raise UnavailableError("the folder of the key was removed again and again while writing", key=key)

    def _attempt(
        self, parent: int, name: str, key: str, source: Source | Stream, options: PutOptions
    ) -> tuple[os.stat_result, Sidecar]:
        # The check that counts is made when publishing; this one avoids reading a body for nothing.
        _check(self._status(parent, name), key, options)
        # A stream is read once: the name keeps others from removing the folder, after which a source is read again.
        with Temporary(parent, self._tree, named=not isinstance(source, Source)) as temporary:
            return self._fill(temporary, parent, name, key, source, options)

    def _fill(
        self, temporary: Temporary, parent: int, name: str, key: str, source: Source | Stream, options: PutOptions
    ) -> tuple[os.stat_result, Sidecar]:
        descriptor = temporary.descriptor
        # The disk is waited for while a large body is hashed; a small one joins its sidecar.
        small = isinstance(source, Source) and source.size < OVERLAP_BYTES
        self._copy(temporary, source, wait=not small)
        checksum = source.checksum
        kept = replace(options, metadata=dict(options.metadata))
        sidecar = Sidecar(options=kept, sha256=checksum.value if checksum is not None else None)
        with self._locks.held(key) as lock:
            old = self._status(parent, name)
            _check(old, key, options)
            if old is not None:
                check_free(self._tree, key, version_of(old))
            note = Note(key=key, versions=(version_of(old),) if old is not None else (), temporary=temporary.name)
            # The clock may stop or go back: no two versions of one key may have the same modification time.
            least = old.st_mtime_ns + 1 if old is not None else 0
            version = self._write_sidecar(temporary, sidecar, least, lock, note, (descriptor,) if small else ())
            published = to_disk(name)
            try:
                source.check_cancelled()
                if options.mode is PutMode.CREATE:
                    temporary.link(published)
                else:
                    temporary.replace(published, free=old is None)
            except BaseException as error:
                self._sidecars.remove(key, version)
                lock.done()
                if isinstance(error, FileExistsError):
                    raise _exists(key) from None
                raise
            if old is not None:
                self._sidecars.remove(key, version_of(old))
            lock.done()
        self._tree.sync(parent)
        return temporary.status(), sidecar

    def _copy(self, temporary: Temporary, source: Source | Stream, *, wait: bool) -> None:
        """Write the body with its modification time, and *wait* for the disk."""
        descriptor, stamp = temporary.descriptor, time.time_ns()

        def finish(file: int) -> None:
            temporary.stamp(stamp)
            if wait:
                self._tree.sync(file)

        data = None if wait else source.data()
        if data is None:
            source.write_to(descriptor, finish)
            return
        write_all(descriptor, data)
        finish(descriptor)
        if os.fstat(descriptor).st_size != source.size:
            raise IntegrityError("the file that was written was changed by another program; nothing was stored")

    def _write_sidecar(
        self, temporary: Temporary, sidecar: Sidecar, least: int, lock: Lock, note: Note, files: tuple[int, ...]
    ) -> str:
        """Write the sidecar under a modification time of at least *least* that no version of the key carries.

        The *files* are on the disk when it is.
        """
        status = temporary.status()
        for step in itertools.count():
            version = version_of(status)
            if status.st_mtime_ns >= least:
                lock.note(replace(note, versions=(*note.versions, version)))
                if self._sidecars.write(note.key, version, sidecar, *files):
                    break
            # File systems keep times to between 1 ns and 2 s: the step grows until the version is a new one.
            least = max(least, status.st_mtime_ns) + 10 ** min(step, 10)
            temporary.stamp(least)
            if not files:
                self._tree.sync(temporary.descriptor)
            status = temporary.status()
        return version

    def _status(self, parent: int, name: str) -> os.stat_result | None:
        self._tree.check_spelling(parent, name, writing=True)
        try:
            return disk.status(to_disk(name), parent)
        except FileNotFoundError:
            return None


def check_free(tree: Tree, key: str, version: str) -> None:
    """Refuse a change of the file *key*, whose lock is held, while something keeps it. One look where nothing is kept.

    Raises:
        RetentionError: something does.
    """
    if tree.has(KEPT):
        from .keeping import check_kept

        check_kept(tree, key, version)


def _check(old: os.stat_result | None, key: str, options: PutOptions) -> None:
    if old is not None and stat.S_ISDIR(old.st_mode):
        raise InvalidKeyError(
            "other keys have this one as their folder, and a disk cannot hold both; choose another", key=key
        )
    if old is not None and options.mode is PutMode.CREATE:
        raise _exists(key)
    found = version_of(old) if old is not None else None
    if options.if_match is not None and found != options.if_match:
        raise PreconditionFailedError(f"the object is version {found}, not {options.if_match}; read it again", key=key)


def _exists(key: str) -> AlreadyExistsError:
    return AlreadyExistsError("an object has that key already; nothing was changed", key=key)
