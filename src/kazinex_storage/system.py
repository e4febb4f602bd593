"""What systems differ in, below the files: flags, reading at a place, locks, publishing. Windows has others, or none.

Everything that is not on every system is asked for here, when it is used and not when a module is loaded; so remote
kinds run where a disk could not be locked. How folders are reached is a matter of ``providers/local``.
"""

from __future__ import annotations

import errno
import os
import time
from _thread import allocate_lock  # what threading.Lock is; the module around it takes 1 ms to load
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from .types import Buffer

AnyPath: TypeAlias = "str | bytes | os.PathLike[str]"

CLOSE_ON_EXEC: Final[int] = getattr(os, "O_CLOEXEC", getattr(os, "O_NOINHERIT", 0)) | getattr(os, "O_BINARY", 0)
"""What every descriptor is opened with: not inherited, and bytes as they are (Windows translates line ends)."""
NO_FOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)
"""No symbolic link at the end of the path, where the system can refuse one."""
NO_WAIT: Final[int] = getattr(os, "O_NONBLOCK", 0)
"""Opening a named pipe does not wait; Windows has none in folders."""
NO_TERMINAL: Final[int] = getattr(os, "O_NOCTTY", 0)
"""A terminal that is opened does not become that of the process."""
FOLDER: Final[int] = getattr(os, "O_DIRECTORY", 0)
"""Only a folder may be opened."""

# Readers and virus scanners hold a file for milliseconds, during which Windows neither replaces nor removes it.
_BUSY_S: Final = 5.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.001, 0.1

# Locks of Windows keep others from reading the bytes too, so a byte is locked that no file has.
_LOCK_AT: Final = 2**31 - 2

_seeking = allocate_lock()


def has_open_folders() -> bool:
    """Say whether a folder can be held open, and names looked up in it: everywhere but on Windows."""
    return FOLDER != 0 and bool(os.supports_dir_fd)


def pread(descriptor: int, size: int, offset: int) -> bytes:
    """Read up to *size* bytes from *offset*.

    Raises:
        OSError: as the system says.
    """
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)
    with _seeking:  # the position belongs to the descriptor, which threads share
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)


def pread_into(descriptor: int, buffer: memoryview, offset: int) -> int:
    """Read into *buffer* from *offset*, as much as comes; 0 at the end.

    Raises:
        OSError: as the system says.
    """
    if hasattr(os, "preadv"):
        return os.preadv(descriptor, [buffer], offset)
    data = pread(descriptor, len(buffer), offset)
    buffer[: len(data)] = data
    return len(data)


def pwrite(descriptor: int, data: Buffer, offset: int) -> int:
    """Write *data*, as much as goes, at *offset*; return how many bytes went.

    Raises:
        OSError: the disk is full, or the like.
    """
    if hasattr(os, "pwrite"):
        return os.pwrite(descriptor, data, offset)
    with _seeking:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, data)


def pwrite_all(descriptor: int, pieces: Sequence[Buffer], offset: int) -> int:
    """Write the first of *pieces*, and the others too where one call can; return how many bytes went.

    Raises:
        OSError: the disk is full, or the like.
    """
    if len(pieces) > 1 and hasattr(os, "pwritev"):
        return os.pwritev(descriptor, pieces, offset)
    return pwrite(descriptor, pieces[0], offset)


def change_mode(descriptor: int, mode: int) -> None:
    """Set the permissions of an open file, where files have any.

    Raises:
        OSError: as the system says.
    """
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Wait until the names in a folder are on the disk; Windows has no call for it, and NTFS keeps a journal of them.

    Raises:
        OSError: as the system says.
    """
    if not has_open_folders():
        return
    descriptor = os.open(path, os.O_RDONLY | FOLDER | CLOSE_ON_EXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(source: AnyPath, target: AnyPath) -> None:
    """Rename *source* over *target*; where a reader is in the way, as on Windows, wait for it up to five seconds.

    Raises:
        OSError: as the system says.
    """
    insist(lambda: os.replace(source, target))


def unlink(path: AnyPath) -> None:
    """Remove a file; where a reader is in the way, as on Windows, wait for it up to five seconds.

    Raises:
        OSError: as the system says.
    """
    insist(lambda: os.unlink(path))


def lock(descriptor: int, *, wait: bool = False) -> None:
    """Lock the whole of an open file against every other descriptor, until ``unlock`` or the end of the process.

    Raises:
        BlockingIOError: it is locked already, and *wait* is False.
        SettingsError: this Python cannot lock files.
        OSError: as the system says.
    """
    try:
        import fcntl
    except ImportError:
        _lock_as_windows_does(descriptor, wait=wait)
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def unlock(descriptor: int) -> None:
    """Let go of the lock; closing alone does not where a child that was forked has the file too.

    Raises:
        OSError: as the system says.
    """
    try:
        import fcntl
    except ImportError:
        with suppress(OSError):  # it was not locked
            _lock_a_byte(descriptor, "LK_UNLCK")
        return
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def own_user() -> int | None:
    """Return the number of the user whose rights this process has; None where users have none."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def insist(call: Callable[[], object]) -> None:
    """Do *call*, and again while Windows says that the file is in use; elsewhere what is refused stays refused.

    Raises:
        OSError: as the system says, after five seconds of it.
    """
    waited, wait_s = 0.0, _FIRST_WAIT_S
    while True:
        try:
            call()
            return
        except PermissionError:
            if has_open_folders() or waited >= _BUSY_S:
                raise
        time.sleep(wait_s)
        waited, wait_s = waited + wait_s, min(2 * wait_s, _LONGEST_WAIT_S)


def _lock_as_windows_does(descriptor: int, *, wait: bool) -> None:
    while True:
        try:
            _lock_a_byte(descriptor, "LK_NBLCK")
            return
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EDEADLK):
                raise
            if not wait:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
        time.sleep(_FIRST_WAIT_S)


def _lock_a_byte(descriptor: int, how: str) -> None:
    try:
        import msvcrt
    except ImportError as error:
        from .errors import SettingsError

        raise SettingsError(
            "this Python has neither fcntl nor msvcrt, and cannot lock files; use a provider that is no local disk"
        ) from error
    with _seeking:
        before = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _LOCK_AT, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, getattr(msvcrt, how), 1)  # type: ignore[attr-defined]  # of Windows
        finally:
            os.lseek(descriptor, before, os.SEEK_SET)
