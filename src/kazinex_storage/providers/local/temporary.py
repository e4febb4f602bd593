"""Temporary files that become objects: unnamed where the system can, else under a reserved name in the same folder.

A writer that is killed leaves nothing of an unnamed file. A reserved name can stay behind; its writer held a lock on it
that the kernel releases, so a sweep distinguishes killed writers from running ones without a clock.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Self

from ...system import CLOSE_ON_EXEC, NO_FOLLOW, lock, unlock
from . import disk
from .names import RESERVED
from .tree import Tree

_PREFIX = f"{RESERVED}-"
_FLAGS = os.O_RDWR | CLOSE_ON_EXEC
_OLD_S = 86400.0
_UNNAMED = getattr(os, "O_TMPFILE", 0)
# How file systems without unnamed files answer (NFS and older overlayfs among them).
_NO_UNNAMED = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}


class Temporary:
    """A file of one folder that is not published yet; leaving the context removes what was not."""

    def __init__(self, parent: int, tree: Tree, *, named: bool = False) -> None:
        """Make the file in the folder of *tree* that is open as *parent*; *named* keeps that folder from being removed.

        Raises:
            OSError: as the system says.
        """
        self._parent = parent
        self._mode = tree.file_mode
        self.name = f"{_PREFIX}{secrets.token_hex(8)}"
        """The reserved name that it has, or gets for an instant while it replaces."""
        self.descriptor = -1 if named else self._open_unnamed()
        """Open for reading and writing."""
        self._named = self.descriptor < 0
        self._closed: os.stat_result | None = None
        if self._named:
            self.descriptor = self._open_named()
        tree.widen(self.descriptor)

    def status(self) -> os.stat_result:
        """Return what is known of the file; what it was when it was published, once it is closed.

        Raises:
            OSError: as the system says.
        """
        return self._closed if self._closed is not None else os.fstat(self.descriptor)

    def stamp(self, time_ns: int) -> None:
        """Set when it was written.

        Raises:
            OSError: as the system says.
        """
        disk.set_time(self.name, self._parent, self.descriptor, time_ns)

    def link(self, name: bytes) -> None:
        """Publish as *name*; one atomic step, refused when the name is taken.

        Raises:
            FileExistsError: the name is taken.
            OSError: as the system says.
        """
        if self._parent < 0:
            self._close_for_windows()
            disk.rename_free(self.name, name, self._parent)
            self._named = False
        elif self._named:
            os.link(self.name, name, src_dir_fd=self._parent, dst_dir_fd=self._parent, follow_symlinks=False)
        else:
            self._link_unnamed(name)

    def replace(self, name: bytes, *, free: bool = False) -> None:
        """Publish as *name*, replacing whatever is there; one atomic step, and quicker when the name is *free*.

        Raises:
            OSError: as the system says.
        """
        if not self._named:
            if free:
                with suppress(FileExistsError):  # another program was faster
                    self.link(name)
                    return
            self._link_unnamed(self.name)
            self._named = True
        if self._parent < 0:
            self._close_for_windows()
        disk.rename_over(self.name, name, self._parent)
        self._named = False

    def _link_unnamed(self, name: str | bytes) -> None:
        os.link(f"/proc/self/fd/{self.descriptor}", name, dst_dir_fd=self._parent, follow_symlinks=True)

    def _close_for_windows(self) -> None:
        """Close the file, which could not be renamed else; closing what was written to sets its time again."""
        self._closed = os.fstat(self.descriptor)
        self._close()
        self.stamp(self._closed.st_mtime_ns)

    def _close(self) -> None:
        if self.descriptor >= 0:
            unlock(self.descriptor)  # a child forked in the meantime would keep it
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._parent < 0:
            self._close()  # what is open is not removed there
        if self._named:
            with suppress(OSError):
                disk.remove(self.name, self._parent)
        self._close()

    def _open_unnamed(self) -> int:
        # Linking an unnamed file goes through /proc, which a bare container may lack.
        if not _UNNAMED or self._parent < 0 or not _has_proc():
            return -1
        try:
            descriptor = os.open(".", _FLAGS | _UNNAMED, self._mode, dir_fd=self._parent)
        except OSError as error:
            if error.errno in _NO_UNNAMED:
                return -1
            if error.errno == errno.EPERM and not os.fstat(self._parent).st_nlink:
                # ext4 says EPERM for a folder that was removed; everything else says ENOENT.
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from error
            raise
        lock(descriptor, wait=True)
        return descriptor

    def _open_named(self) -> int:
        while True:
            descriptor = disk.open_file(self.name, _FLAGS | os.O_CREAT | os.O_EXCL, self._parent, self._mode)
            lock(descriptor, wait=True)
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)  # a sweep was faster than the lock


@cache
def _has_proc() -> bool:
    return os.path.isdir("/proc/self/fd")


def is_temporary(name: str) -> bool:
    """Say whether *name* is one that temporary files get."""
    return name.startswith(_PREFIX)


def sweep(parent: int, name: str, *, held: bool = False) -> bool:
    """Remove the temporary file *name* from a folder unless its writer lives; say whether it was removed.

    On Windows a file is neither open nor locked in the instant in which it is published, so it has to be a day old,
    unless the lock of its key is *held*.
    """
    with suppress(OSError):
        if parent < 0:
            if held or time.time() - disk.status(name, parent).st_mtime > _OLD_S:
                disk.remove_unused(name, parent)
                return True
            return False
        descriptor = disk.open_file(name, os.O_RDONLY | NO_FOLLOW | CLOSE_ON_EXEC, parent)
        try:
            lock(descriptor)
            disk.remove(name, parent)
            return True
        finally:
            os.close(descriptor)
    return False
