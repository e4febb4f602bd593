"""Reach files below a root by descriptors, one segment at a time, never through a symbolic link.

A path that is checked and then opened can be exchanged in between; a descriptor cannot. Nothing here knows of objects.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

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

RESERVED = ".~kazinex"
"""Every name that this provider makes for itself begins so; keys with such a segment are refused. The tilde keeps it
apart from every organisation, project, document and revision id."""

# The limit of ext4, xfs, btrfs, APFS and NTFS (there in UTF-16 units) for one name.
MAX_SEGMENT_BYTES = 255
"""UTF-8 bytes in one segment of a key."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Tree:
    """A root folder, held open by a descriptor. Thread-safe; a forked child shares the descriptor."""

    def __init__(self, root: str, *, create: bool, durable: bool) -> None:
        """Open *root*; symbolic links in *root* itself are the administrator's and are followed.

        Raises:
            LocationNotFoundError: it is missing.
            SettingsError: it is no folder, or may not be entered.
        """
        self.durable = durable
        self._users = 0
        self._closed = False
        self._pid = os.getpid()
        self._lock = threading.Lock()
        try:
            if create:
                os.makedirs(root, exist_ok=True)
            self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            os.stat(".", dir_fd=self._descriptor)  # a folder may be readable and still not be entered
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

    def close(self) -> None:
        """Close the root once nobody is below it any more; later use raises ``ClosedError``."""
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
                try:
                    below = os.open(segment, _FOLDER, dir_fd=current)
                except FileNotFoundError:
                    if not create:
                        raise
                    below = self._make(segment, current)
                except NotADirectoryError:
                    # Linux says ENOTDIR for a link too, when a folder is asked for.
                    if stat.S_ISLNK(os.stat(segment, dir_fd=current, follow_symlinks=False).st_mode):
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
                    os.rmdir(name, dir_fd=parent)
                    self.sync(parent)
            except OSError:
                return  # not empty, or gone already: both mean that there is nothing to do
            segments = parents

    def _enter(self) -> int:
        # A descriptor number is given to the next file that is opened: the root stays open while anybody is below it.
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
        with suppress(FileExistsError):  # another writer made it, and may not have waited for the disk yet
            os.mkdir(name, 0o777, dir_fd=parent)
        self.sync(parent)
        return os.open(name, _FOLDER, dir_fd=parent)


def split(key: str) -> tuple[list[str], str]:
    """Return the folders and the name of *key*.

    Raises:
        InvalidKeyError: a segment is too long for a disk, or reserved.
    """
    *folders, name = key.split("/")
    if RESERVED in key or len(key) * 4 > MAX_SEGMENT_BYTES:
        for segment in (*folders, name):
            if segment.startswith(RESERVED):
                raise InvalidKeyError(f"names that begin with {RESERVED!r} are reserved; choose another", key=key)
            if len(segment.encode()) > MAX_SEGMENT_BYTES:
                raise InvalidKeyError(
                    f"a disk holds names of at most {MAX_SEGMENT_BYTES} bytes, one segment has {len(segment.encode())}",
                    key=key,
                )
    return folders, name


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
        return AccessDeniedError("a symbolic link stands in the way; links are not followed", key=key)
    if number in (errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST) and writing:
        return InvalidKeyError("a disk cannot hold an object and a folder of the same name; choose another", key=key)
    if number in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR):
        return NotFoundError("no object has that key", key=key)
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return AccessDeniedError(f"{error.strerror}; check owner and mode of the folder", key=key)
    if number == errno.ENAMETOOLONG:
        return InvalidKeyError("the name is too long for this disk", key=key)
    return UnavailableError(
        f"the disk answered: {error.strerror or error}", key=key, code=errno.errorcode.get(number or 0)
    )
