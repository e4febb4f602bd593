"""Temporary files that become objects: unnamed where the system can, else under a reserved name in the same folder.

A writer that is killed leaves nothing of an unnamed file. A reserved name can stay behind; its writer held a lock on it
that the kernel releases, so a sweep distinguishes killed writers from running ones without a clock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Self

from .names import RESERVED
from .tree import Tree

_PREFIX = f"{RESERVED}-"
_FLAGS = os.O_RDWR | os.O_CLOEXEC
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
        if self._named:
            self.descriptor = self._open_named()
        tree.widen(self.descriptor)

    def link(self, name: str | bytes) -> None:
        """Publish as *name*; one atomic step, refused when the name is taken.

        Raises:
            FileExistsError: the name is taken.
            OSError: as the system says.
        """
        if self._named:
            os.link(self.name, name, src_dir_fd=self._parent, dst_dir_fd=self._parent, follow_symlinks=False)
        else:
            os.link(f"/proc/self/fd/{self.descriptor}", name, dst_dir_fd=self._parent, follow_symlinks=True)

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
            self.link(self.name)
            self._named = True
        os.rename(self.name, name, src_dir_fd=self._parent, dst_dir_fd=self._parent)
        self._named = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._named:
            with suppress(OSError):
                os.unlink(self.name, dir_fd=self._parent)
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)  # a child forked in the meantime would keep it
        os.close(self.descriptor)

    def _open_unnamed(self) -> int:
        # Linking an unnamed file goes through /proc, which a bare container may lack.
        if not _UNNAMED or not _has_proc():
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
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor

    def _open_named(self) -> int:
        while True:
            descriptor = os.open(self.name, _FLAGS | os.O_CREAT | os.O_EXCL, self._mode, dir_fd=self._parent)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)  # a sweep was faster than the lock


@cache
def _has_proc() -> bool:
    return os.path.isdir("/proc/self/fd")


def is_temporary(name: str) -> bool:
    """Say whether *name* is one that temporary files get."""
    return name.startswith(_PREFIX)


def sweep(parent: int, name: str) -> bool:
    """Remove the temporary file *name* from a folder unless its writer lives; say whether it was removed."""
    with suppress(OSError):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=parent)
            return True
        finally:
            os.close(descriptor)
    return False
