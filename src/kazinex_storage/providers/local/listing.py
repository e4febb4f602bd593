"""Listings of one tree: a folder at a time, in the order of the keys.

``provider.py`` is what lists; ``tree.py`` is how folders are reached.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress

from ...errors import InvalidKeyError
from ...keys import ObjectKey, Prefix
from ...types import Folder, ObjectInfo
from . import disk
from .names import RESERVED, from_disk, to_disk
from .sidecar import object_info, version_of
from .temporary import is_temporary, sweep
from .tree import Mapped, Tree

# A folder may hold a million files: all names are kept while it is listed, their status is read in batches.
_BATCH = 1000


class Listings:
    """What the folders of one tree hold."""

    def __init__(self, tree: Tree) -> None:
        """List *tree*."""
        self.tree = tree
        """The tree."""

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        """Yield every object below *prefix* in the order of the keys; sweeps temporary files of killed writers."""
        for entry in self.level(prefix):
            if isinstance(entry, ObjectInfo):
                yield entry
            else:
                yield from self.scan(Prefix(entry.prefix))

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        """Yield objects, and folders that hold at least one, one level below *prefix* in the order of the keys."""
        for entry in self.level(prefix):
            if isinstance(entry, ObjectInfo) or next(self.scan(Prefix(entry.prefix)), None) is not None:
                yield entry

    def after(self, prefix: Prefix, after: str, one_level: bool) -> Iterator[ObjectInfo | Folder]:
        """Yield what ``children``, of one level, or ``scan`` does, as far as it comes after the key *after*."""
        for entry in self.level(prefix, after):
            if isinstance(entry, ObjectInfo):
                yield entry
            elif not one_level:
                yield from self.after(Prefix(entry.prefix), after, one_level)
            elif entry.prefix > after and next(self.scan(Prefix(entry.prefix)), None) is not None:
                yield entry

    def level(self, prefix: Prefix, after: str = "") -> Iterator[ObjectInfo | Folder]:
        """Yield what one folder holds whose key begins with *prefix* and comes after the key *after*.

        Folders may turn out empty, and the one that *after* is in is yielded.
        """
        self.tree.check_open()
        head, _, start = prefix.rpartition("/")
        folders = head.split("/") if head else []
        base = f"{head}/" if head else ""
        if any(folder.startswith(RESERVED) for folder in folders):
            return
        names: set[str] = set()  # a set: a name that is being replaced can be read twice
        with Mapped(prefix), suppress(FileNotFoundError, NotADirectoryError), self.tree.folder(folders) as parent:
            names = {name for name in self._names(parent, base) if name.startswith(start)}
        if after:
            names = {
                name for name in names if base + name > after or (name[-1] == "/" and after.startswith(base + name))
            }
        ordered = sorted(names)
        for first in range(0, len(ordered), _BATCH):
            yield from self._look(folders, base, ordered[first : first + _BATCH])

    def _look(self, folders: list[str], base: str, names: list[str]) -> list[ObjectInfo | Folder]:
        """Return the entries for the *names* in one folder, omitting those that are gone by now."""
        found: list[ObjectInfo | Folder] = []
        with Mapped(base), suppress(FileNotFoundError, NotADirectoryError), self.tree.folder(folders) as parent:
            for name in names:
                if name.endswith("/"):
                    found.append(Folder(prefix=base + name))
                    continue
                with suppress(FileNotFoundError):
                    status = disk.status(to_disk(name), parent)
                    if stat.S_ISREG(status.st_mode):
                        found.append(object_info(base + name, status, version_of(status), None, listed=True))
        return found

    def _names(self, parent: int, base: str) -> Iterator[str]:
        """Yield the names in one folder that are keys below *base*; those of folders end with a slash."""
        with disk.entries(parent) as entries:
            for entry in entries:
                name = self._name(parent, base, entry)
                if name is not None:
                    yield name

    @staticmethod
    def _name(parent: int, base: str, entry: os.DirEntry[str]) -> str | None:
        if entry.name.startswith(RESERVED):
            if is_temporary(entry.name):
                sweep(parent, entry.name)
            return None
        name = from_disk(entry.name)
        if name is None:
            return None
        with suppress(InvalidKeyError, FileNotFoundError):  # not a key, so it cannot be asked for; or gone by now
            if ObjectKey(base + name) != base + name:
                return None
            if entry.is_dir(follow_symlinks=False):
                return f"{name}/"
            if entry.is_file(follow_symlinks=False):
                return name
        return None
