"""Reach files below a root by descriptors, one segment at a time, never through a symbolic link.

A path that is checked and then opened can be swapped in between; a descriptor cannot. Nothing here knows about objects.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final

from ...caseless import fold
from ...errors import (
    AccessDeniedError,
    ClosedError,
    InvalidKeyError,
    LocationNotFoundError,
    NotFoundError,
    QuotaExceededError,
    SettingsError,
    StorageError,
    UnavailableError,
)
from .case import ignores_case, other_spelling
from .names import RESERVED, to_disk
from .settings import LocalAccess

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


# Modes of files and folders. The umask of the process restricts those of "umask"; the others are exact.
_MODES: Final[dict[LocalAccess, tuple[int, int]]] = {
    "owner": (0o600, 0o700),
    "group": (0o660, 0o770),
    "umask": (0o666, 0o777),
}


class Tree:
    """A root folder, held open by a descriptor. Thread-safe; a forked child shares the descriptor."""

    def __init__(self, root: str, *, create: bool, durable: bool, access: LocalAccess = "owner") -> None:
        """Open *root*; symbolic links in *root* itself are the administrator's and are followed.

        Args:
            create: Make *root* when it is missing.
            durable: Wait for the disk in ``sync``.
            access: Who may use what is made below it.

        Raises:
            LocationNotFoundError: it is missing.
            SettingsError: it is no folder, or may not be entered.
        """
        self.durable = durable
        self.file_mode, self._folder_mode = _MODES[access]
        self._access = access
        self._users = 0
        self._closed = False
        self._pid = os.getpid()
        self._lock = threading.Lock()
        try:
            if create:
                os.makedirs(to_disk(root), mode=self._folder_mode, exist_ok=True)
            self._descriptor = os.open(to_disk(root), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            status = os.stat(".", dir_fd=self._descriptor)  # a folder may be readable and still not be entered
            self.place = f"disk/{status.st_dev}/{status.st_ino}"
            """Identifies the root, whichever path leads to it."""
        except OSError as error:
            advice = {
                errno.ENOENT: "it does not exist; mount the disk, or make the folder (or set create=true)",
                errno.ENOTDIR: "it is not a folder",
                errno.EEXIST: "it is not a folder",
                errno.EACCES: "it may not be read by this user; change its owner or mode",
                errno.EPERM: "it may not be read by this user; change its owner or mode",
            }.get(error.errno or 0, error.strerror)
            kind = LocationNotFoundError if error.errno == errno.ENOENT else SettingsError
            raise kind(f"the root {root!r} cannot be used: {advice}", provider="local") from error
        self.ignores_case = ignores_case(self._descriptor)
        """Whether the disk treats names that differ only in case as one."""
        self._close_to_others()

    def close(self) -> None:
        """Close the root once it is no longer in use; later use raises ``ClosedError``."""
        with self._lock:
            self._closed = True
        self._close_unused()

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            self.close()

    def check_open(self) -> None:
        """Refuse to go on after ``close``.

        Raises:
            ClosedError: the tree was closed.
        """
        if self._closed:
            raise ClosedError("the storage was closed; make a new one")

    @contextmanager
    def folder(self, segments: list[str], *, create: bool = False) -> Iterator[int]:
        """Open the folder that *segments* lead to and give its descriptor.

        Raises:
            OSError: ENOENT, ENOTDIR, ELOOP … as the system says.
        """
        current = root = self._enter()
        try:
            for segment in segments:
                if self.ignores_case and segments[0] != RESERVED:
                    self.check_spelling(current, segment, writing=create)
                try:
                    below = os.open(to_disk(segment), _FOLDER, dir_fd=current)
                except FileNotFoundError:
                    if not create:
                        raise
                    below = self._make(segment, current)
                except NotADirectoryError:
                    # Linux says ENOTDIR for a link too, when a folder is asked for.
                    if stat.S_ISLNK(os.stat(to_disk(segment), dir_fd=current, follow_symlinks=False).st_mode):
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
                    raise
                if current != root:
                    os.close(current)
                current = below
            yield current
        finally:
            if current != root:
                os.close(current)
            self._leave()

    def check_spelling(self, parent: int, name: str, *, writing: bool = False) -> None:
        """Refuse *name* when the disk ignores case and the folder *parent* has it in another case.

        Raises:
            FileNotFoundError: it does, so there is no such name.
            InvalidKeyError: it does, and *name* was to be written.
            OSError: the folder cannot be listed.
        """
        other = other_spelling(parent, name) if self.ignores_case else None
        if other is None:
            return
        if writing:
            raise InvalidKeyError(
                f"this disk ignores case, and there is {other!r} where the key says {name!r}; nothing was "
                "changed, use the spelling that is there or another name"
            )
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def same_spelling(self, key: str) -> str:
        """Return the form that all keys share which the disk treats as one name."""
        return fold(key) if self.ignores_case else key

    def widen(self, descriptor: int) -> None:
        """Give a file that was just made its full mode, where the umask must not restrict it."""
        if self._access == "group":
            with suppress(PermissionError):  # a lock that another user of the group has made
                os.fchmod(descriptor, self.file_mode)

    def sync(self, descriptor: int) -> None:
        """Wait until the file or folder is on the disk, when the settings ask for it."""
        if self.durable:
            os.fsync(descriptor)

    def prune(self, segments: list[str]) -> None:
        """Remove the folders of *segments* that are empty, innermost first."""
        while segments:
            *parents, name = segments
            try:
                with self.folder(parents) as parent:
                    os.rmdir(to_disk(name), dir_fd=parent)
                    self.sync(parent)
            except OSError:
                return  # not empty, or gone already: both mean that there is nothing to do
            segments = parents

    def _enter(self) -> int:
        # The number of a closed descriptor goes to the next file opened: the root stays open while anyone is below it.
        if self._pid != os.getpid():
            # Another thread of the parent may have held the lock; its users are not ours.
            self._lock, self._users, self._pid = threading.Lock(), 0, os.getpid()
        with self._lock:
            self.check_open()
            self._users += 1
        return self._descriptor

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            last = self._closed and not self._users
        if last:
            self._close_unused()

    def _close_unused(self) -> None:
        with self._lock:
            if not self._closed or self._users:
                return
            descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _make(self, name: str, parent: int) -> int:
        with suppress(FileExistsError):  # made by another writer, which may not have waited for the disk yet
            os.mkdir(to_disk(name), self._folder_mode, dir_fd=parent)
            if self._access == "group":
                os.chmod(to_disk(name), self._folder_mode, dir_fd=parent)
        self.sync(parent)
        return os.open(to_disk(name), _FOLDER, dir_fd=parent)

    def _close_to_others(self) -> None:
        """Revoke the access to the locks that earlier releases gave others: anyone who can read a lock can hold it."""
        if self._access == "umask":
            return
        with suppress(OSError):
            status = os.stat(RESERVED, dir_fd=self._descriptor, follow_symlinks=False)
            wider = stat.S_IMODE(status.st_mode) & ~self._folder_mode & 0o777
            if stat.S_ISDIR(status.st_mode) and wider and status.st_uid == os.geteuid():
                os.chmod(RESERVED, stat.S_IMODE(status.st_mode) & ~wider, dir_fd=self._descriptor)


class Mapped:
    """A context in which errors of the system become errors of the package."""

    __slots__ = ("_key", "_writing")

    def __init__(self, key: str, *, writing: bool = False) -> None:
        self._key = key
        self._writing = writing

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Some of our own errors are OSErrors as well; they have been translated already.
        if isinstance(error, OSError) and not isinstance(error, StorageError):
            raise map_error(error, self._key, writing=self._writing) from error


def map_error(error: OSError, key: str | None, *, writing: bool = False) -> StorageError:
    """Translate what the system says into what it means for an object."""
    number = error.errno
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return QuotaExceededError("the disk is full or over quota; nothing was stored, free some space", key=key)
    if number == errno.ELOOP:
        return AccessDeniedError("a symbolic link is in the way; links are not followed", key=key)
    if number in (errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST) and writing:
        return InvalidKeyError("a disk cannot hold an object and a folder of the same name; choose another", key=key)
    # A socket or a device that nothing serves is no object.
    if number in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.ENODEV):
        return NotFoundError("no object has that key", key=key)
    if number == errno.EROFS:
        return AccessDeniedError(
            "the disk is mounted read-only; mount it for writing, and look why it is not", key=key, code="EROFS"
        )
    if number in (errno.EACCES, errno.EPERM):
        return AccessDeniedError(
            f"{error.strerror}; check owner and mode of the folder", key=key, code=errno.errorcode[number]
        )
    if number == errno.ENAMETOOLONG:
        return InvalidKeyError("the name is too long for this disk", key=key)
    return UnavailableError(
        f"the disk answered: {error.strerror or error}", key=key, code=errno.errorcode.get(number or 0)
    )
