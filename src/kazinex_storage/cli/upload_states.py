"""Unfinished uploads of ``put --resume``: one small file each, of the user alone, bound to file, size, time and target.

The state in it is sealed by the library: one that was altered, or is of another place, is refused when it is used. On
SharePoint it holds a URL that takes the bytes of this upload from anyone who has it, so nobody else may read the file.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..json_text import parse_own_json, write_json
from ..values import value

if TYPE_CHECKING:
    from ..types import UploadState

_VERSION: Final = 1


@value
class FileStamp:
    """Which bytes an upload was begun for."""

    path: str
    """Absolute."""
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """Return the stamp of a file as it is now.

        Raises:
            OSError: it cannot be looked at.
        """
        status = path.stat()
        return cls(path=str(path.absolute()), size=status.st_size, modified_ns=status.st_mtime_ns)


@value
class SavedUpload:
    """An upload that was begun."""

    stamp: FileStamp
    state: UploadState


class UploadStates:
    """The unfinished uploads of one user."""

    def __init__(self, folder: Path) -> None:
        """Keep them in ``uploads`` below *folder*, which is made when there is one."""
        self._folder = folder / "uploads"

    def load(self, path: Path, target: str) -> SavedUpload | None:
        """Return the upload of *path* to *target*, whatever the file is now; None when none can be read."""
        from ..types import UploadState

        try:
            found = parse_own_json(self._file(path, target).read_bytes())
            if not isinstance(found, dict) or found["version"] != _VERSION or found["target"] != target:
                return None
            stamp = FileStamp(path=str(found["path"]), size=int(found["size"]), modified_ns=int(found["modified_ns"]))
            return SavedUpload(stamp=stamp, state=UploadState.from_json(str(found["state"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, stamp: FileStamp, target: str, state: UploadState) -> None:
        """Keep *state*; whole or not at all.

        Raises:
            OSError: the folder cannot be made, or the disk is full.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._file(Path(stamp.path), target)
        text = write_json(
            {
                "version": _VERSION,
                "target": target,
                "path": stamp.path,
                "size": stamp.size,
                "modified_ns": stamp.modified_ns,
                "state": state.to_json(),
            }
        )
        draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
                opened.write(text)
            os.replace(draft, file)
        finally:
            draft.unlink(missing_ok=True)

    def forget(self, path: Path, target: str) -> None:
        """Remove what is kept of *path* to *target*; silent when there is nothing."""
        with suppress(OSError):
            self._file(path, target).unlink(missing_ok=True)

    def _file(self, path: Path, target: str) -> Path:
        name = sha256(f"{path.absolute()}\0{target}".encode(errors="surrogateescape")).hexdigest()
        return self._folder / f"{name}.json"
