"""Read a small file without ever waiting for a disk, or not at all (Linux 5.12 and later).

The kernel is asked for what it has in memory: names (``RESOLVE_CACHED`` of ``openat2``) and pages (``RWF_NOWAIT`` of
``preadv2``). Whatever it has not, and whatever it refuses, is read on a thread that may block. On a network file system
opening and looking block all the same, so it is used only in folders that ``FOLDERS`` knows to be on a local disk.

The calls keep the lock of the interpreter, since they do not wait: giving it away at each of them, to a thread that
needs it as much, costs more than they do (ADR 0036).
"""

from __future__ import annotations

import os
import stat
import struct
import sys
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from ..system import CLOSE_ON_EXEC, NO_WAIT

_OPENAT2: Final = 437  # on every architecture, see providers/local/beneath.py
_CWD: Final = -100  # AT_FDCWD — linux/fcntl.h
_NO_SYMLINKS, _CACHED = 0x04, 0x20  # linux/openat2.h
_NOWAIT: Final = 0x08  # RWF_NOWAIT — linux/fs.h
_HOW: Final = struct.Struct("=QQQ")
_O_PATH: Final = getattr(os, "O_PATH", 0)


def resident_how(flags: int, resolve: int = 0) -> bytes:
    """Return what asks for a file that is open with *flags*, through no link and from memory, and as *resolve* says."""
    return _HOW.pack(flags, 0, _NO_SYMLINKS | _CACHED | resolve)


_LOOK: Final = resident_how(_O_PATH | CLOSE_ON_EXEC)
_READ: Final = resident_how(os.O_RDONLY | CLOSE_ON_EXEC | NO_WAIT)

# Types of file systems on disks of this machine, and what reading there takes — linux/magic.h. Others may wait for a
# server, and those without RWF_NOWAIT refuse it.
_LOCAL: Final = {
    0xEF53: _NOWAIT,  # ext2 to ext4
    0x58465342: _NOWAIT,  # xfs
    0x9123683E: _NOWAIT,  # btrfs
    0xF2F52010: _NOWAIT,  # f2fs
    0x01021994: 0,  # tmpfs, which has all of it in memory
}

# Building the arguments of ctypes takes 2 us, as long as clearing and copying this many.
_COPIED_BYTES: Final = 16 * 1024

# More are forgotten, and cost one call on a thread to learn again.
_MOST_FOLDERS: Final = 4096


class Folders:
    """The folders that are known to be on local disks, and what reading there takes."""

    def __init__(self) -> None:
        self._flags: dict[str, int] = {}

    def flags_of(self, path: str) -> int | None:
        """Return what reading the file at *path* takes; None where nothing is known of its folder."""
        return self._flags.get(path.rpartition("/")[0])

    def learn(self, path: str, descriptor: int) -> None:
        """Note whether the folder of *path*, a file that is open as *descriptor*, is on a local disk. It may block."""
        folder = path.rpartition("/")[0]
        calls = resident_calls() if folder not in self._flags else None
        if calls is None:
            return
        flags = calls.flags(descriptor)
        if flags is not None:
            if len(self._flags) >= _MOST_FOLDERS:
                self._flags.clear()
            self._flags[folder] = flags


FOLDERS: Final = Folders()
"""Those of this process."""


class ResidentCalls(NamedTuple):
    """System calls that do not wait, made with the lock of the interpreter held, and one that may."""

    open: Callable[[int, bytes, bytes], int]
    """Given a folder, a path and what ``resident_how`` made: returns a descriptor, or less than 0."""
    read: Callable[[int, int, int, int], bytes | None]
    """Given a descriptor, an offset, a count and flags: returns at most so many bytes; None where it would wait."""
    flags: Callable[[int], int | None]
    """Given a descriptor: returns what reading there takes, None where it may wait; for which this may wait, too."""


def read_resident(path: str, most: int) -> bytes | None:
    """Return the file at *path* if it is plain, has 1 to *most* bytes, and is read without waiting; else None.

    It was at rest meanwhile: neither its size nor its modification time changed.
    """
    flags = FOLDERS.flags_of(path)
    calls = resident_calls() if flags is not None else None
    if calls is None or flags is None:
        return None
    name = os.fsencode(path)
    # Looked at before it is opened: to open a pipe or a device has effects.
    size = _looked(calls.open(_CWD, name, _LOOK), most)
    descriptor = calls.open(_CWD, name, _READ) if size else -1
    if descriptor < 0:
        return None
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode) or before.st_size != size:
            return None
        data = calls.read(descriptor, 0, size, flags)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if data is None or len(data) < size:
        return None
    return data if (after.st_size, after.st_mtime_ns) == (size, before.st_mtime_ns) else None


def _looked(descriptor: int, most: int) -> int:
    """Return the size of the plain file *descriptor*, which is closed; 0 where it is something else, or larger."""
    if descriptor < 0:
        return 0
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return status.st_size if stat.S_ISREG(status.st_mode) and status.st_size <= most else 0


def _read(descriptor: int, offset: int, size: int, flags: int) -> bytes | None:
    """Read by Python's own calls: quicker for little, and where nothing waits in any case."""
    try:
        if not flags:
            return os.pread(descriptor, size, offset)
        buffer = bytearray(size)
        count = os.preadv(descriptor, (buffer,), offset, flags)
    except OSError:
        return None
    del buffer[count:]
    return bytes(buffer)


@cache
def resident_calls() -> ResidentCalls | None:
    """Return the calls, or None where the system does not have them."""
    if sys.platform != "linux" or not _O_PATH or sys.maxsize < 2**32:
        return None
    try:
        import ctypes  # 3 ms, which only those pay who read files
    except ImportError:
        return None
    library = ctypes.PyDLL(None)  # which keeps the lock
    try:
        call, preadv2 = library.syscall, library.preadv2
        fstatfs = ctypes.CDLL(None).fstatfs  # which does not
    except AttributeError:
        return None
    call.restype = ctypes.c_long
    call.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_long)
    preadv2.restype = ctypes.c_ssize_t
    preadv2.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong, ctypes.c_int)
    # Bytes that nobody has seen yet are filled in place; a bytearray of 100 KiB is cleared and copied, for 50 us.
    make = ctypes.pythonapi.PyBytes_FromStringAndSize
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_ssize_t)

    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_char_p), ("size", ctypes.c_size_t))

    def read(descriptor: int, offset: int, size: int, flags: int) -> bytes | None:
        if size <= _COPIED_BYTES or not flags:
            return _read(descriptor, offset, size, flags)
        data: bytes = make(None, size)
        count = preadv2(descriptor, ctypes.byref(Vector(data, size)), 1, offset, flags)
        return data if count == size else data[:count] if count >= 0 else None

    def flags(descriptor: int) -> int | None:
        found = (ctypes.c_long * 32)()  # struct statfs, which begins with the type, has 120 bytes
        return _LOCAL.get(found[0]) if fstatfs(descriptor, ctypes.byref(found)) == 0 else None

    return ResidentCalls(lambda folder, path, how: call(_OPENAT2, folder, path, how, _HOW.size), read, flags)
