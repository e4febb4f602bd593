"""Files and folders by their names in a folder that is open: by its descriptor, and on Windows by its path.

A folder is a number: a descriptor, or one below -1 that ``by_path.py`` gave out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from ...system import CLOSE_ON_EXEC, FOLDER, NO_FOLLOW, has_open_folders, replace

FOLDER_FLAGS = os.O_RDONLY | FOLDER | NO_FOLLOW | CLOSE_ON_EXEC
"""How a folder below the root is opened."""


def open_root(path: str) -> int:
    """Open the folder *path*; symbolic links in it are followed.

    Raises:
        OSError: as the system says.
    """
    if not has_open_folders():
        from . import by_path

        return by_path.open_root(path)
    return os.open(path.encode("utf-8", "surrogateescape"), os.O_RDONLY | FOLDER | CLOSE_ON_EXEC)


def open_folder(name: str | bytes, parent: int) -> int:
    """Open the folder *name*, through no link.

    Raises:
        OSError: as the system says; ELOOP or ENOTDIR for a link.
    """
    if parent < 0:
        from . import by_path

        return by_path.open_folder(name, parent)
    return os.open(name, FOLDER_FLAGS, dir_fd=parent)


def close(folder: int) -> None:
    """Close a folder."""
    if folder >= 0:
        os.close(folder)
        return
    from . import by_path

    by_path.close(folder)


def open_file(name: str | bytes, flags: int, parent: int, mode: int = 0o777) -> int:
    """Open the file *name* and return its descriptor; *flags* has ``NO_FOLLOW`` where a link is refused.

    Raises:
        OSError: as the system says.
    """
    if parent < 0:
        from . import by_path

        return by_path.open_file(name, flags, parent, mode)
    return os.open(name, flags, mode, dir_fd=parent)


def status(name: str | bytes, parent: int) -> os.stat_result:
    """Return what is known of *name*; of a link itself.

    Raises:
        OSError: as the system says.
    """
    if parent < 0:
        from . import by_path

        return by_path.status(name, parent)
    return os.stat(name, dir_fd=parent, follow_symlinks=False)


def was_removed(folder: int) -> bool:
    """Say whether the open *folder* is gone from the disk."""
    return os.fstat(folder).st_nlink == 0 if folder >= 0 else not os.path.isdir(_path(".", folder))


def remove(name: str | bytes, parent: int) -> None:
    """Remove the file *name*.

    Raises:
        OSError: as the system says.
    """
    if parent < 0:
        from . import by_path

        by_path.remove(name, parent)
        return
    os.unlink(name, dir_fd=parent)


def remove_unused(name: str | bytes, parent: int) -> None:
    """Remove the file *name*, and fail at once where Windows says that it is open.

    Raises:
        OSError: as the system says.
    """
    os.unlink(_path(name, parent))


def remove_folder(name: str | bytes, parent: int) -> None:
    """Remove the empty folder *name*.

    Raises:
        OSError: as the system says.
    """
    if parent < 0:
        os.rmdir(_path(name, parent))
        return
    os.rmdir(name, dir_fd=parent)


def remove_tree(name: str | bytes, parent: int) -> None:
    """Remove the folder *name* and all that is in it, following no link.

    Raises:
        OSError: as the system says.
    """
    if parent < 0:
        shutil.rmtree(_path(name, parent))
        return
    shutil.rmtree(name, dir_fd=parent)


def make_folder(name: str | bytes, parent: int, mode: int) -> None:
    """Make the folder *name*.

    Raises:
        OSError: as the system says.
    """
    if parent < 0:
        os.mkdir(_path(name, parent), mode)
        return
    os.mkdir(name, mode, dir_fd=parent)


def change_mode(name: str | bytes, parent: int, mode: int) -> None:
    """Set the permissions of *name*, where names have any.

    Raises:
        OSError: as the system says.
    """
    if parent >= 0:
        os.chmod(name, mode, dir_fd=parent)


def rename_over(name: str | bytes, target: str | bytes, parent: int) -> None:
    """Rename *name* to *target*, replacing what is there; one atomic step.

    Raises:
        OSError: as the system says.
    """
    if parent < 0:
        replace(_path(name, parent), _path(target, parent))
        return
    os.rename(name, target, src_dir_fd=parent, dst_dir_fd=parent)


def rename_free(name: str | bytes, target: str | bytes, parent: int) -> None:
    """Rename *name* to *target* unless that is taken; one atomic step, of Windows (MoveFileEx) alone.

    Raises:
        FileExistsError: it is.
        OSError: as the system says.
    """
    os.rename(_path(name, parent), _path(target, parent))


def set_time(name: str | bytes, parent: int, descriptor: int, time_ns: int) -> None:
    """Set when the file was written: *name* on Windows, where *descriptor* cannot be used for it.

    Raises:
        OSError: as the system says.
    """
    if parent < 0:
        os.utime(_path(name, parent), ns=(time_ns, time_ns))
        return
    os.utime(descriptor, ns=(time_ns, time_ns))


def sync(*opened: int) -> None:
    """Wait until files and folders are on the disk; Windows keeps a journal of names, and waits for files alone.

    Raises:
        OSError: as the system says.
    """
    for each in opened:
        if each >= 0:
            os.fsync(each)


@contextmanager
def entries(folder: int) -> Iterator[Iterator[os.DirEntry[str]]]:
    """Give what is in *folder*, as ``os.scandir`` does.

    Raises:
        OSError: it cannot be listed.
    """
    if folder < 0:
        with os.scandir(_path(".", folder)) as found:
            yield found
        return
    # Through a new descriptor: the position in a listing belongs to the descriptor, and this one may be shared.
    own = os.open(".", os.O_RDONLY | FOLDER | CLOSE_ON_EXEC, dir_fd=folder)
    try:
        with os.scandir(own) as found:
            yield found
    finally:
        os.close(own)


def names_in(folder: int) -> list[str]:
    """Return the names in *folder* as the module ``os`` gives them.

    Raises:
        OSError: it cannot be listed.
    """
    if folder < 0:
        return os.listdir(_path(".", folder))
    own = os.open(".", os.O_RDONLY | FOLDER | CLOSE_ON_EXEC, dir_fd=folder)
    try:
        return os.listdir(own)
    finally:
        os.close(own)


def _path(name: str | bytes, folder: int) -> str:
    from . import by_path

    return by_path.path_of(name, folder)
