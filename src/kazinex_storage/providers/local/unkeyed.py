"""Removing what no key names below a folder: names that are not NFC or not UTF-8, links, pipes, sockets, empty folders.

Listings leave such things out, but a folder that is removed with everything in it has to be gone from the disk.
"""

from __future__ import annotations

import stat
from contextlib import suppress

from ...errors import InvalidKeyError
from ...keys import ObjectKey
from . import disk
from .names import RESERVED, from_disk
from .tree import Mapped, Tree


def remove_rest(tree: Tree, prefix: str) -> None:
    """Remove what no key names below *prefix*, which is empty or ends with a slash. No link is followed; objects stay.

    Raises:
        StorageError: something could not be removed.
    """
    tree.check_open()
    folders = prefix.split("/")[:-1]
    with Mapped(prefix), suppress(FileNotFoundError, NotADirectoryError), tree.folder(folders) as folder:
        _clear(folder, prefix)
    tree.prune(folders)


def _clear(folder: int, base: str) -> None:
    for name in disk.names_in(folder):
        if name.startswith(RESERVED):
            continue
        with suppress(FileNotFoundError):  # gone by now
            mode = disk.status(name, folder).st_mode
            segment = _segment(base, name)
            if segment is None or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                _remove(folder, name, mode)
            elif stat.S_ISDIR(mode):
                below = disk.open_folder(name, folder)
                try:
                    _clear(below, f"{base}{segment}/")
                finally:
                    disk.close(below)
                with suppress(OSError):  # an object is in it
                    disk.remove_folder(name, folder)


def _segment(base: str, name: str) -> str | None:
    """Return the segment of a key that *name* stands for; None when no key has it."""
    segment = from_disk(name)
    try:
        return segment if segment is not None and ObjectKey(base + segment) == base + segment else None
    except InvalidKeyError:
        return None


def _remove(folder: int, name: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        disk.remove_tree(name, folder)
    else:
        disk.remove(name, folder)
