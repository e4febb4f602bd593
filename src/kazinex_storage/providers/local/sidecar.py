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
from datetime import UTC, datetime
from typing import Final

from ...content_types import guess_content_type
from ...json_text import parse_own_json, write_json
from ...keys import ObjectKey
from ...system import CLOSE_ON_EXEC, NO_FOLLOW
from ...types import Checksum, ObjectInfo, PutOptions
from ...values import value
from ..objectstore.header_text import info_of
from . import disk
from .locks import Note
from .names import RESERVED, split, to_disk
from .temporary import is_temporary, sweep
from .tree import Tree, write_all

_OBJECTS = [RESERVED, "objects"]
SIDECARS: Final = "/".join(_OBJECTS)
"""The folder of all sidecars, below the root."""

_TEXTS: Final = ("content_type", "content_disposition", "cache_control", "content_encoding", "content_language")
# The content type, the sha256 and a little metadata are 300 bytes.
_SIDECAR_BYTES: Final = 8192
_READ = os.O_RDONLY | NO_FOLLOW | CLOSE_ON_EXEC


@value
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
            descriptor = self._tree.open(f"{SIDECARS}/{folder}/{name}.{version}")
            try:
                return parse_sidecar(_read(descriptor), key)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return None

    def write(self, key: str, version: str, sidecar: Sidecar, *files: int) -> bool:
        """Write the sidecar of a version that is not published yet; it and the open *files* are durable after this.

        False means that this version already has one, and nothing was written.

        Raises:
            OSError: the disk is full, or the like.
        """
        folder, name = _place(key)
        options = sidecar.options
        fields = {name: getattr(options, name) for name in _TEXTS}
        fields |= {"metadata": dict(options.metadata), "sha256": sidecar.sha256}
        kept = {name: value for name, value in fields.items() if value is not None and value != {}}
        text = write_json({"key": key, **kept}, ascii_only=False).encode()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | CLOSE_ON_EXEC
        with self._tree.folder([*_OBJECTS, folder], create=True) as parent:
            try:
                descriptor = disk.open_file(f"{name}.{version}", flags, parent, self._tree.file_mode)
            except FileExistsError:
                return False
            try:
                self._tree.widen(descriptor)
                write_all(descriptor, text)
                self._tree.sync(parent, *files, descriptor)
            finally:
                os.close(descriptor)
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
                sweep(parent, note.temporary, held=True)
            current = version_of(disk.status(to_disk(name), parent))
        for version in note.versions:
            if version != current:
                self.remove(note.key, version)

    def remove(self, key: str, version: str) -> None:
        """Remove the sidecar of a version that is gone, if there is one."""
        folder, name = _place(key)
        with suppress(OSError), self._tree.folder([*_OBJECTS, folder]) as parent:
            disk.remove(f"{name}.{version}", parent)

    def marks(self) -> Iterator[tuple[ObjectKey, str]]:
        """Yield (key, version) of every sidecar."""
        with suppress(FileNotFoundError), self._tree.folder(_OBJECTS) as parent:
            for folder in sorted(disk.names_in(parent)):
                with suppress(NotADirectoryError), self._tree.folder([*_OBJECTS, folder]) as below:
                    for name in disk.names_in(below):
                        with suppress(OSError, ValueError), open(disk.open_file(name, _READ, below), "rb") as file:
                            fields = parse_own_json(file.read())
                            key = fields.get("key") if isinstance(fields, dict) else None
                            if isinstance(key, str):
                                yield ObjectKey(key), name.partition(".")[2]


def _read(descriptor: int) -> bytes:
    """Return the whole of a sidecar: nearly all are read in one call."""
    text = part = os.read(descriptor, _SIDECAR_BYTES)
    while part and not (len(part) < _SIDECAR_BYTES and text.endswith(b"}")):
        part = os.read(descriptor, _SIDECAR_BYTES)
        text += part
    return text


def _place(key: str) -> tuple[str, str]:
    name = hashlib.sha256(key.encode()).hexdigest()
    return name[:2], name[2:42]


def object_info(
    key: str, status: os.stat_result, version: str, sidecar: Sidecar | None, *, listed: bool = False
) -> ObjectInfo:
    """Return what a file and its *sidecar* say of an object; those of other programs have none."""
    found = sidecar or Sidecar(options=PutOptions(content_type=None if listed else guess_content_type(key)))
    return info_of(
        key,
        status.st_size,
        found.options,
        etag=version,
        last_modified=moment_of(status),
        checksum=Checksum(algorithm="sha256", value=found.sha256) if found.sha256 is not None else None,
    )


def moment_of(status: os.stat_result) -> datetime | None:
    """Return when the file was written; None for a time beyond ``datetime``, which files on some shares have."""
    try:
        return datetime.fromtimestamp(status.st_mtime_ns / 1e9, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def parse_sidecar(text: bytes, key: str) -> Sidecar | None:
    """Return the sidecar of *key* that *text* is; None for a damaged one: the bytes of the object are what counts."""
    try:
        fields = parse_own_json(text.decode())
    except ValueError:
        return None
    if not isinstance(fields, dict) or fields.get("key") != key:
        return None
    find = fields.get
    sha256, content_type, disposition = find("sha256"), find("content_type"), find("content_disposition")
    control, encoding, language = find("cache_control"), find("content_encoding"), find("content_language")
    for told in (sha256, content_type, disposition, control, encoding, language):
        if told is not None and not isinstance(told, str):
            return None
    metadata = fields.get("metadata", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        return None
    options = PutOptions(
        content_type=content_type,
        content_disposition=disposition,
        cache_control=control,
        content_encoding=encoding,
        content_language=language,
        metadata=metadata,
    )
    return Sidecar(options=options, sha256=sha256)
