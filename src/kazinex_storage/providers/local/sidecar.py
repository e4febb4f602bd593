"""Sidecars: the content type, metadata and sha256 of a file, in a folder of their own inside the root.

A sidecar is bound to one version of its file by the file's modification time (in nanoseconds, set by the writer and
never used twice for one key) and size. So a file and its sidecar need no common transaction: the sidecar is written
first, and a reader that finds none for the version it has open is looking at a file from another program.
Backups keep the bond when they keep times in full (``cp -a``, ``rsync -a``, ``tar --format=posix``).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ...json_text import parse_own_json, write_json
from ...keys import ObjectKey
from ...types import PutOptions
from .locks import Note
from .names import RESERVED, names_in, split, to_disk
from .temporary import is_temporary, sweep
from .tree import Tree

_OBJECTS = [RESERVED, "objects"]
_TEXTS: Final = ("content_type", "content_disposition", "cache_control", "content_encoding", "content_language")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """What is kept along with the bytes."""

    options: PutOptions
    """Content type, metadata and the like; not the condition of the put."""
    sha256: str | None = None


def version_of(status: os.stat_result) -> str:
    """Return the version that binds a file to its sidecar; it serves as the ETag too."""
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"


class Sidecars:
    """The sidecars of one tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def read(self, key: str, version: str) -> Sidecar | None:
        """Return the sidecar of that version, or None."""
        folder, name = _place(key)
        try:
            with (
                self._tree.folder([*_OBJECTS, folder]) as parent,
                open(os.open(f"{name}.{version}", _READ, dir_fd=parent), "rb") as file,
            ):
                fields = parse_own_json(file.read())
        except (FileNotFoundError, ValueError):
            return None  # missing or damaged: the bytes of the object are what counts
        return _parse(fields, key)

    def write(self, key: str, version: str, sidecar: Sidecar) -> bool:
        """Write the sidecar of a version that is not published yet; durable when this returns.

        False means that this version already has one, and nothing was written.
        """
        folder, name = _place(key)
        options = sidecar.options
        fields = {name: getattr(options, name) for name in _TEXTS}
        fields |= {"metadata": dict(options.metadata), "sha256": sidecar.sha256}
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._tree.folder([*_OBJECTS, folder], create=True) as parent:
            try:
                descriptor = os.open(f"{name}.{version}", flags, self._tree.file_mode, dir_fd=parent)
            except FileExistsError:
                return False
            self._tree.widen(descriptor)
            with open(descriptor, "wb") as file:
                file.write(write_json({"key": key, **fields}, ascii_only=False).encode())
                file.flush()
                self._tree.sync(file.fileno())
            self._tree.sync(parent)
        return True

    def clear(self, note: Note) -> None:
        """Remove what a killed writer left of one key, which no other process is writing now.

        Raises:
            OSError: the disk does not answer.
        """
        folders, name = split(note.key)
        current = None
        with suppress(FileNotFoundError, NotADirectoryError), self._tree.folder(folders) as parent:
            if note.temporary is not None and is_temporary(note.temporary):
                sweep(parent, note.temporary)
            current = version_of(os.stat(to_disk(name), dir_fd=parent, follow_symlinks=False))
        for version in note.versions:
            if version != current:
                self.remove(note.key, version)

    def remove(self, key: str, version: str) -> None:
        """Remove the sidecar of a version that is gone, if there is one."""
        folder, name = _place(key)
        with suppress(OSError), self._tree.folder([*_OBJECTS, folder]) as parent:
            os.unlink(f"{name}.{version}", dir_fd=parent)

    def marks(self) -> Iterator[tuple[ObjectKey, str]]:
        """Yield (key, version) of every sidecar."""
        with suppress(FileNotFoundError), self._tree.folder(_OBJECTS) as parent:
            for folder in sorted(names_in(parent)):
                with suppress(NotADirectoryError), self._tree.folder([*_OBJECTS, folder]) as below:
                    for name in names_in(below):
                        with suppress(OSError, ValueError), open(os.open(name, _READ, dir_fd=below), "rb") as file:
                            fields = parse_own_json(file.read())
                            key = fields.get("key") if isinstance(fields, dict) else None
                            if isinstance(key, str):
                                yield ObjectKey(key), name.partition(".")[2]


def _place(key: str) -> tuple[str, str]:
    name = hashlib.sha256(key.encode()).hexdigest()
    return name[:2], name[2:42]


def _parse(fields: object, key: str) -> Sidecar | None:
    """Return the sidecar of *key* that *fields* describe, or None when they do not."""
    if not isinstance(fields, dict) or fields.get("key") != key:
        return None
    texts, sha256 = {name: fields[name] for name in _TEXTS if name in fields}, fields.get("sha256")
    metadata = fields.get("metadata", {})
    if not all(value is None or isinstance(value, str) for value in (*texts.values(), sha256)):
        return None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        return None
    return Sidecar(options=PutOptions(metadata=metadata, **texts), sha256=sha256)
