"""Open a file below a folder in one system call that follows no link: ``openat2`` of Linux 5.6 and later.

It is only the quick way to a descriptor: what it refuses, for whatever reason, is opened folder by folder as on every
other system (``tree.py``), and what that raises is the error. So nothing here knows what an error means.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

from ...system import CLOSE_ON_EXEC, FOLDER, has_open_folders

OpenBeneath: TypeAlias = Callable[[int, bytes, bytes], int]
"""Given a folder, a relative path and what ``how`` made: returns a new descriptor, or -1."""

# The number is the same on every architecture that Python is built for (all calls since Linux 5.1) —
# asm-generic/unistd.h; the structure and the flags: linux/openat2.h.
_OPENAT2: Final = 437
_NO_SYMLINKS: Final = 0x04
_BENEATH: Final = 0x08
_HOW: Final = struct.Struct("=QQQ")


def how(flags: int) -> bytes:
    """Return what asks for a file that is open with *flags*, below the folder and reached through no link."""
    return _HOW.pack(flags, 0, _NO_SYMLINKS | _BENEATH)


def open_beneath(root: int) -> OpenBeneath | None:
    """Return what opens files below the folder *root* in one call; None where the system, or a sandbox, has no such."""
    found = _system_call() if has_open_folders() else None
    if found is None:
        return None
    descriptor = found(root, b".", how(os.O_RDONLY | FOLDER | CLOSE_ON_EXEC))
    if descriptor < 0:
        return None
    os.close(descriptor)
    return found


@cache
def _system_call() -> OpenBeneath | None:
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # 3 ms, which only those pay who open a root

        call = ctypes.CDLL(None).syscall
    except (ImportError, OSError, AttributeError):
        return None
    call.restype = ctypes.c_long
    call.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_long)

    def openat2(folder: int, path: bytes, wanted: bytes) -> int:
        return call(_OPENAT2, folder, path, wanted, _HOW.size)  # type: ignore[no-any-return]

    return openat2
