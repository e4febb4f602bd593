"""Reach files below a root by descriptors, one segment at a time, never through a symbolic link.

A path that is checked and then opened can be swapped in between; a descriptor cannot. Nothing here knows about objects.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final

from ...caseless import fold
from ...errors import (
    AccessDeniedError,
    ClosedError,
    InvalidKeyError,
    LocationNotFoundError,
    LockedError,
    NotFoundError,
    QuotaExceededError,
    SettingsError,
    StorageError,
    UnavailableError,
)
from ...system import CLOSE_ON_EXEC, NO_FOLLOW, NO_WAIT, change_mode, own_user
from . import disk
from .beneath import how, open_beneath
from .case import ignores_case, other_spelling
from .names import RESERVED, to_disk
from .settings import LocalAccess

# O_NONBLOCK: opening a named pipe must not wait for its writer.
_READ = os.O_RDONLY | NO_FOLLOW | NO_WAIT | CLOSE_ON_EXEC
_HOW_FOLDER, _HOW_READ = how(disk.FOLDER_FLAGS), how(_READ)

# Modes of files and folders. The umask of the process restricts those of "umask"; the others are exact.
_MODES: Final[dict[LocalAccess, tuple[int, int]]] = {
    "owner": (0o600, 0o700),
    "group": (0o660, 0o770),
    "umask": (0o666, 0o777),
}

# ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION of Windows, after what may hold a file for a moment was waited for.
_IN_USE: Final = (32, 33)


class Root:
    """The descriptor of a root. It is closed with the last reference, so it stays open while anyone is below it: the
    number of a closed descriptor goes to the next file that is opened.
    """

    __slots__ = ("descriptor",)

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __del__(self, close: Callable[[int], None] = disk.close) -> None:
        close(self.descriptor)


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
        self._root: Root | None = None
        try:
            if create:
                os.makedirs(to_disk(root), mode=self._folder_mode, exist_ok=True)
            descriptor = disk.open_root(root)
            self._root = Root(descriptor)
            status = disk.status(".", descriptor)  # a folder may be readable and still not be entered
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
        self.ignores_case = ignores_case(descriptor)
        """Whether the disk treats names that differ only in case as one."""
        self._beneath = None if self.ignores_case else open_beneath(descriptor)
        self._close_to_others(descriptor)

    def close(self) -> None:
        """Close the root once it is no longer in use; later use raises ``ClosedError``."""
        self._root = None

    def check_open(self) -> None:
        """Refuse to go on after ``close``.

        Raises:
            ClosedError: the tree was closed.
        """
        self.root()

    def find(self, path: str, wanted: bytes) -> int:
        """Open the file at *path*, segments parted by slashes, in one system call, as ``how`` made *wanted*.

        Returns -1 where that cannot be done; ``folder`` finds the way then, or says what is in it.
        """
        root = self.root()
        if self._beneath is None:
            return -1
        return self._beneath(root.descriptor, path.encode("utf-8", "surrogateescape"), wanted)

    def open(self, path: str) -> int:
        """Open the file at *path* for reading and return its descriptor.

        Raises:
            OSError: ENOENT, ENOTDIR, ELOOP … as the system says.
        """
        descriptor = self.find(path, _HOW_READ)
        if descriptor >= 0:
            return descriptor
        *folders, name = path.split("/")
        with self.folder(folders) as parent:
            if not path.startswith(RESERVED):
                self.check_spelling(parent, name)
            return disk.open_file(to_disk(name), _READ, parent)

    def has(self, path: str) -> bool:
        """Say whether there is something at *path*, which is ours: no link is in the way."""
        root = self.root()
        try:
            disk.status(path, root.descriptor)
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def folder(self, segments: list[str], *, create: bool = False) -> Iterator[int]:
        """Open the folder that *segments* lead to and give its descriptor.

        Raises:
            OSError: ENOENT, ENOTDIR, ELOOP … as the system says.
        """
        root = self.root()
        current = top = root.descriptor
        try:
            if len(segments) > 1 and (below := self.find("/".join(segments), _HOW_FOLDER)) >= 0:
                current, segments = below, []
            for segment in segments:
                if self.ignores_case and segments[0] != RESERVED:
                    self.check_spelling(current, segment, writing=create)
                try:
                    below = disk.open_folder(to_disk(segment), current)
                except FileNotFoundError:
                    if not create:
                        raise
                    below = self._make(segment, current)
                except NotADirectoryError:
                    # Linux says ENOTDIR for a link too, when a folder is asked for.
                    if stat.S_ISLNK(disk.status(to_disk(segment), current).st_mode):
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
                    raise
                if current != top:
                    disk.close(current)
                current = below
            yield current
        finally:
            if current != top:
                disk.close(current)
            del root  # a traceback that is kept must not keep the root open

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
                change_mode(descriptor, self.file_mode)

    def sync(self, descriptor: int, *files: int) -> None:
        """Wait until the file or folder, and then the *files*, are on the disk, when the settings ask for it.

        All of them are on their way to the disk before the first is waited for.

        Raises:
            OSError: the disk is full, or the like.
        """
        if not self.durable:
            return
        for file in files:
            # Linux starts to write dirty pages when told that they are not needed (mm/fadvise.c), and keeps them.
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        disk.sync(descriptor, *files)

    def prune(self, segments: list[str]) -> None:
        """Remove the folders of *segments* that are empty, innermost first."""
        while segments:
            *parents, name = segments
            try:
                with self.folder(parents) as parent:
                    disk.remove_folder(to_disk(name), parent)
                    self.sync(parent)
            except OSError:
                return  # not empty, or gone already: both mean that there is nothing to do
            segments = parents

    def root(self) -> Root:
        """Return the root; it stays open as long as what is returned.

        Raises:
            ClosedError: the tree was closed.
        """
        root = self._root
        if root is None:
            raise ClosedError("the storage was closed; make a new one")
        return root

    def _make(self, name: str, parent: int) -> int:
        with suppress(FileExistsError):  # made by another writer, which may not have waited for the disk yet
            disk.make_folder(to_disk(name), parent, self._folder_mode)
            if self._access == "group":
                disk.change_mode(to_disk(name), parent, self._folder_mode)
        self.sync(parent)
        return disk.open_folder(to_disk(name), parent)

    def _close_to_others(self, root: int) -> None:
        """Revoke the access to the locks that earlier releases gave others: anyone who can read a lock can hold it."""
        if self._access == "umask" or own_user() is None:
            return
        with suppress(OSError):
            status = disk.status(RESERVED, root)
            wider = stat.S_IMODE(status.st_mode) & ~self._folder_mode & 0o777
            if stat.S_ISDIR(status.st_mode) and wider and status.st_uid == own_user():
                disk.change_mode(RESERVED, root, stat.S_IMODE(status.st_mode) & ~wider)


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


def write_all(descriptor: int, data: bytes) -> None:
    """Write the whole of *data*.

    Raises:
        OSError: the disk is full, or the like.
    """
    done = os.write(descriptor, data)
    while done < len(data):
        done += os.write(descriptor, memoryview(data)[done:])


def map_error(error: OSError, key: str | None, *, writing: bool = False) -> StorageError:
    """Translate what the system says into what it means for an object."""
    number = error.errno
    if getattr(error, "winerror", None) in _IN_USE:
        return LockedError("another program has the file open; close it there, then repeat", key=key)
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
        # Windows says the same of a file that would be replaced while somebody reads it.
        advice = "close it where it is open, or " if hasattr(error, "winerror") else ""
        advice += "check owner and mode of the folder"
        return AccessDeniedError(f"{error.strerror}; {advice}", key=key, code=errno.errorcode[number])
    if number == errno.ENAMETOOLONG:
        return InvalidKeyError("the name is too long for this disk", key=key)
    return UnavailableError(
        f"the disk answered: {error.strerror or error}", key=key, code=errno.errorcode.get(number or 0)
    )
