"""Folders where the system cannot hold one open and look names up in it: each is a number that stands for its path.

That is Windows. A link that is in the way is looked for before each step, and somebody who may write below the root can
put one there in between: there, give the root to this program alone. Nothing here is loaded on other systems.
"""

from __future__ import annotations

import errno
import os
import stat
from itertools import count
from typing import Final

from ...system import CLOSE_ON_EXEC, insist, unlink

# learn.microsoft.com/windows/win32/fileio/file-attribute-constants (read 2026-11): links and junctions have it.
_REPARSE_POINT = 0x400


class Numbers:
    """The paths of open folders, by numbers below -1, which says that there is none: no descriptor is one."""

    def __init__(self) -> None:
        self._next = count(2)
        self._paths: dict[int, str] = {}

    def give(self, path: str) -> int:
        """Return a number for *path*; each call another one."""
        number = -next(self._next)
        self._paths[number] = path
        return number

    def path(self, number: int) -> str:
        """Return the path that *number* stands for."""
        return self._paths[number]

    def forget(self, number: int) -> None:
        """Take a number back."""
        self._paths.pop(number, None)


_NUMBERS: Final = Numbers()


def open_root(path: str) -> int:
    """Return the number of the folder *path*; links in it are followed.

    Raises:
        NotADirectoryError: it is none.
        OSError: as the system says.
    """
    if not stat.S_ISDIR(os.stat(path).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return _NUMBERS.give(path)


def open_folder(name: str | bytes, parent: int) -> int:
    """Return the number of the folder *name* in *parent*.

    Raises:
        NotADirectoryError: it is none.
        OSError: ENOENT, ELOOP … as on other systems.
    """
    path = path_of(name, parent)
    if not stat.S_ISDIR(_plain(path).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return _NUMBERS.give(path)


def close(folder: int) -> None:
    """Forget a number."""
    _NUMBERS.forget(folder)


def path_of(name: str | bytes, folder: int) -> str:
    """Return the path of *name*, which may be ``.``, in *folder*."""
    text = name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
    return _NUMBERS.path(folder) if text == "." else f"{_NUMBERS.path(folder)}/{text}"


def open_file(name: str | bytes, flags: int, parent: int, mode: int) -> int:
    """Open the file *name*, which is no link.

    Raises:
        IsADirectoryError: it is a folder.
        OSError: as the system says.
    """
    path = path_of(name, parent)
    try:
        found = _plain(path)
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    else:
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    found_one: list[int] = []
    insist(lambda: found_one.append(os.open(path, flags | CLOSE_ON_EXEC, mode)))
    return found_one[0]


def status(name: str | bytes, parent: int) -> os.stat_result:
    """Return what is known of *name*, no link followed.

    Raises:
        OSError: as the system says.
    """
    return os.lstat(path_of(name, parent))


def remove(name: str | bytes, parent: int) -> None:
    """Remove the file *name*, once nobody has it open.

    Raises:
        OSError: as the system says.
    """
    unlink(path_of(name, parent))


def _plain(path: str) -> os.stat_result:
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode) or getattr(found, "st_file_attributes", 0) & _REPARSE_POINT:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return found
