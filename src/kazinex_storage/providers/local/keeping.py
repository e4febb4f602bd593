"""What keeps files from change and removal: a note for each, in a folder of their own inside the root.

It binds whoever comes through this package. Another program that may write below the root is not bound by it: where
that matters, use a service that keeps objects itself.
"""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import UTC, datetime
from typing import Final

from ...errors import NotFoundError, UnavailableError
from ...json_text import parse_own_json, write_json
from ...keys import ObjectKey
from ...retention import UNPROTECTED, Protection, Retention, RetentionMode
from ...system import CLOSE_ON_EXEC, NO_FOLLOW
from . import disk
from .locks import Locks
from .names import KEPT, split, to_disk
from .sidecar import version_of
from .tree import Mapped, Tree, write_all

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | NO_FOLLOW | CLOSE_ON_EXEC
# Two times, a mode and a key of at most 1,024 bytes.
_NOTE_BYTES: Final = 8192


def check_kept(tree: Tree, key: str, version: str) -> None:
    """Refuse a change of the file *key*, whose lock is held.

    Raises:
        RetentionError: something keeps it.
        UnavailableError: its note is damaged.
    """
    found = KeptNotes(tree).read(key, version)
    if found is not UNPROTECTED and found.keeps(datetime.now(UTC)):
        raise found.refusal(key)


class KeptNotes:
    """The notes of one tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def read(self, key: str, version: str) -> Protection:
        """Return what keeps the file; what is over binds only the *version* that it was said of.

        Raises:
            UnavailableError: its note is damaged: nothing says that the file is free.
        """
        folder, name = _place(key)
        try:
            descriptor = self._tree.open(f"{KEPT}/{folder}/{name}")
        except FileNotFoundError:
            return UNPROTECTED
        with open(descriptor, "rb") as file:
            found, of = _parse(file.read(_NOTE_BYTES), key)
        return found if of == version or found.keeps(datetime.now(UTC)) else UNPROTECTED

    def write(self, key: str, version: str, protection: Protection) -> None:
        """Keep the file by *protection* from now on; its lock is held. On the disk when this returns.

        Raises:
            OSError: the disk is full, or the like.
        """
        folder, name = _place(key)
        retention = protection.retention
        note = {
            "key": key,
            "version": version,
            "until": retention.until.isoformat() if retention is not None else None,
            "mode": retention.mode.value if retention is not None else None,
            "held": protection.held,
        }
        with self._tree.folder([*KEPT.split("/"), folder], create=True) as parent:
            if protection == UNPROTECTED:
                disk.remove(name, parent)
                self._tree.sync(parent)
                return
            made = f"{name}.new"  # one name: whoever was killed with it left it to the next, under the same lock
            descriptor = disk.open_file(made, _FLAGS, parent, self._tree.file_mode)
            try:
                self._tree.widen(descriptor)
                write_all(descriptor, write_json(note, ascii_only=False).encode())
                self._tree.sync(descriptor)
            finally:
                os.close(descriptor)
            disk.rename_over(made, name, parent)
            self._tree.sync(parent)


class KeptFiles:
    """The verbs of a local disk for retention and legal holds."""

    def __init__(self, tree: Tree, locks: Locks) -> None:
        self._tree = tree
        self._locks = locks
        self._notes = KeptNotes(tree)

    def protection(self, key: ObjectKey) -> Protection:
        """Return what keeps the file.

        Raises:
            NotFoundError: no such key.
        """
        self._tree.check_open()
        with Mapped(key):
            return self._notes.read(key, self._version(key))

    def retain(self, key: ObjectKey, retention: Retention | None) -> None:
        """Set the retention of the file, or end it.

        Raises:
            NotFoundError: no such key.
        """
        self._change(key, retention, None)

    def hold(self, key: ObjectKey, held: bool) -> None:
        """Begin or end a hold of the file.

        Raises:
            NotFoundError: no such key.
        """
        self._change(key, None, held)

    def _change(self, key: ObjectKey, retention: Retention | None, held: bool | None) -> None:
        self._tree.check_open()
        with Mapped(key), self._locks.held(key):
            version = self._version(key)
            before = self._notes.read(key, version)
            if held is None:
                after = Protection(retention=retention, held=before.held)
            else:
                after = Protection(retention=before.retention, held=held)
            if after != before:
                self._notes.write(key, version, after)

    def _version(self, key: str) -> str:
        folders, name = split(key)
        with self._tree.folder(folders) as parent:
            self._tree.check_spelling(parent, name)
            status = disk.status(to_disk(name), parent)
        if not stat.S_ISREG(status.st_mode):
            raise NotFoundError("no object has that key", key=key)
        return version_of(status)


def _place(key: str) -> tuple[str, str]:
    name = hashlib.sha256(key.encode()).hexdigest()
    return name[:2], name[2:42]


def _parse(text: bytes, key: str) -> tuple[Protection, str]:
    try:
        found = parse_own_json(text.decode())
        if isinstance(found, dict) and found.get("key") == key:
            until, mode = found.get("until"), found.get("mode")
            retention = None
            if until is not None:
                retention = Retention(until=datetime.fromisoformat(str(until)), mode=RetentionMode(mode))
            return Protection(retention=retention, held=bool(found.get("held"))), str(found.get("version"))
    except (ValueError, TypeError):
        pass
    raise UnavailableError(
        f"what is noted of the retention of this file below {KEPT} is damaged, so the file is not changed; "
        "restore the note from a backup",
        key=key,
    )
