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

_OPENAT2: Final = 437  # on every architecture, see providers/local/beneath.py
_CWD: Final = -100  # AT_FDCWD — linux/fcntl.h
_NO_SYMLINKS, _CACHED = 0x04, 0x20
_NOWAIT: Final = 0x08  # RWF_NOWAIT — linux/fs.h
_HOW: Final = struct.Struct("=QQQ")
_O_PATH: Final = getattr(os, "O_PATH", 0)

# Types of file systems on disks of this machine, and what reading there takes — linux/magic.h. Others may wait for a
# server, and those without RWF_NOWAIT refuse it.
_LOCAL: Final = {
    0xEF53: _NOWAIT,  # ext2 to ext4
    0x58465342: _NOWAIT,  # xfs
    0x9123683E: _NOWAIT,  # btrfs
    0xF2F52010: _NOWAIT,  # f2fs
    0x01021994: 0,  # tmpfs, which has all of it in memory
}

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
        calls = _system_calls() if folder not in self._flags else None
        if calls is None:
            return
        flags = _LOCAL.get(calls.type_of(descriptor))
        if flags is not None:
            if len(self._flags) >= _MOST_FOLDERS:
                self._flags.clear()
            self._flags[folder] = flags


FOLDERS: Final = Folders()
"""Those of this process."""


class _Calls(NamedTuple):
    """System calls that are made with the lock of the interpreter held."""

    open: Callable[[bytes, bytes], int]
    """Given a path and what to ask: returns a descriptor, or less than 0."""
    read: Callable[[int, int, int], bytes | None]
    """Given a descriptor, a count and flags: returns that many bytes from the beginning, or None."""
    type_of: Callable[[int], int]
    """Given a descriptor: returns the type of its file system; it may block."""


def read_resident(path: str, most: int) -> bytes | None:
    """Return the file at *path* if it is plain, has 1 to *most* bytes, and is read without waiting; else None.

    It was at rest meanwhile: neither its size nor its modification time changed.
    """
    flags = FOLDERS.flags_of(path)
    calls = _system_calls() if flags is not None else None
    if calls is None or flags is None:
        return None
    name = os.fsencode(path)
    # Looked at before it is opened: to open a pipe or a device has effects.
    size = _looked(calls.open(name, _look()), most)
    descriptor = calls.open(name, _how()) if size else -1
    if descriptor < 0:
        return None
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode) or before.st_size != size:
            return None
        data = calls.read(descriptor, size, flags)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
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


@cache
def _look() -> bytes:
    return _HOW.pack(_O_PATH | os.O_CLOEXEC, 0, _NO_SYMLINKS | _CACHED)


@cache
def _how() -> bytes:
    return _HOW.pack(os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, 0, _NO_SYMLINKS | _CACHED)


@cache
def _system_calls() -> _Calls | None:
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

    def read(descriptor: int, size: int, flags: int) -> bytes | None:
        data: bytes = make(None, size)
        count = preadv2(descriptor, ctypes.byref(Vector(data, size)), 1, 0, flags)
        return data if count == size else None

    def type_of(descriptor: int) -> int:
        found = (ctypes.c_long * 32)()  # struct statfs, which begins with the type, has 120 bytes
        return found[0] if fstatfs(descriptor, ctypes.byref(found)) == 0 else 0

    return _Calls(lambda path, wanted: call(_OPENAT2, _CWD, path, wanted, _HOW.size), read, type_of)
