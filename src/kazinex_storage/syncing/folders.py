"""A folder of this machine as one end: its files are the objects, their paths below it the keys.

Links and special files are left out, names that are no keys are named. Nothing is written through a link.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from ..errors import (
    AlreadyExistsError,
    InvalidKeyError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    StorageError,
)
from ..keys import ObjectKey
from ..providers.local.names import RESERVED
from ..storage.rules import Body
from ..transport import Call, Exchange
from ..transport.exchange import TransferCancelled
from ..types import MIB, ObjectInfo, PutOptions
from .ends import Deleted, Source
from .entries import Entry, LeftOut
from .names import misfit
from .selecting import Selection

_READ: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

# Where neither a name in the folder nor its own has a letter, the systems that ignore case unless told otherwise.
_CASELESS_SYSTEMS: Final = ("win32", "darwin")


class Folder:
    """The files below a folder."""

    transport = None
    concurrency = 64  # the other end says how many pay off
    keeps_times = True
    hierarchical = True

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """Look at *root*; as a target it need not exist, and is made when the first file comes."""
        self.root = Path(root)
        """The folder."""

    def check(self, *, missing: bool = False) -> None:
        """Refuse what is no folder; it may be *missing* where it can be made.

        Raises:
            NotFoundError: it is none.
        """
        if not self.root.is_dir() and not (missing and not os.path.lexists(self.root)):
            reason = "is no folder" if self.root.exists() else "does not exist"
            raise NotFoundError(f"the folder {str(self.root)!r} {reason}; check its path", operation="sync")

    @property
    def ignores_case(self) -> bool:
        """Whether the disk takes names that differ only in case for one; found by looking, nothing is written."""
        names = [self.root.resolve()]
        with suppress(OSError), os.scandir(self.root) as found:
            names += [self.root / one.name for _, one in zip(range(100), found, strict=False)]
        for path in reversed(names):
            other = path.with_name(path.name.swapcase()) if path.name else path
            if other.name != path.name:
                try:
                    one, same = os.lstat(path), os.lstat(other)
                except OSError:
                    if os.path.lexists(path):
                        return False
                    continue
                return os.path.samestat(one, same) and (stat.S_ISDIR(one.st_mode) or one.st_nlink == 1)
        return sys.platform in _CASELESS_SYSTEMS

    def entries(self, selection: Selection) -> Iterator[Entry]:
        """Yield the files that take part, and what is left out, folder by folder; no file is opened.

        Raises:
            OSError: the folder itself cannot be read.
        """
        folders = [("", self.root)] if self.root.exists() else []
        while folders:
            base, path = folders.pop()
            try:
                with os.scandir(path) as found:
                    for one in found:
                        entry = self._entry(one, base, selection)
                        if isinstance(entry, str):
                            folders.append((f"{entry}/", path / one.name))
                        elif entry is not None:
                            yield entry
            except OSError as error:
                if not base:
                    raise
                why = f"the folder cannot be read: {(error.strerror or 'error').lower()}"
                yield Entry(_shown(base.removesuffix("/")), left_out=LeftOut.UNREADABLE, why=why)

    def sha256(self, entry: Entry) -> Exchange[str]:
        """Return the sha256 of the file as it is now.

        Raises:
            OSError: it cannot be read.
        """
        hashing = _Hashing(self._path(entry.key))
        sha256: str = yield Call(hashing.run, cancel=hashing.cancel)
        return sha256

    def body(self, entry: Entry) -> Exchange[tuple[Body, ObjectInfo | None]]:
        """Return the path of the file."""
        return self._path(entry.key), None
        yield  # makes this an exchange

    def download(self, entry: Entry, path: Path) -> NoReturn:
        """Refuse: a folder is no source of a folder.

        Raises:
            NotSupportedError: always.
        """
        raise NotSupportedError(f"{entry.key!r} to {path.name!r}: both ends are folders; use rsync or cp")

    def refusal(self, key: str, size: int) -> str | None:  # noqa: ARG002 -- a disk says by itself that it is full
        """Return why no file can have that name."""
        return misfit(key)

    def is_written_once(self, key: str) -> bool:  # noqa: ARG002 -- as ends.Target
        """Return False."""
        return False

    def take(self, source: Source, entry: Entry, before: Entry | None, options: PutOptions) -> Exchange[None]:  # noqa: ARG002 -- files have none
        """Write what *source* has into its file, which gets its time.

        Raises:
            AlreadyExistsError: a file has come there since the folder was listed.
            PreconditionFailedError: the file was changed since then, or is no file any more.
            StorageError: the source does not give it; ``OSError``: the disk does not take it.
        """
        path: Path = yield Call(self._prepare, entry.key, before)
        yield from source.download(entry, path)
        yield Call(_set_time, path, entry.modified)

    def delete(self, entries: Sequence[Entry]) -> Exchange[Deleted]:
        """Remove the files, and the folders that they were the last in."""
        deleted: Deleted = yield Call(self._delete, entries)
        return deleted

    def _entry(self, found: os.DirEntry[str], base: str, selection: Selection) -> Entry | str | None:
        """Return the file, the key of the folder to look into, or None for what does not take part."""
        if found.name.startswith(RESERVED):  # the root of a local provider keeps its notes there
            return None
        key = base + _decoded(found.name)
        is_link = found.is_symlink() or getattr(found, "is_junction", bool)()
        is_folder = not is_link and found.is_dir(follow_symlinks=False)
        try:
            legal = str(ObjectKey(key))
            why = "" if legal == key or _is_same(found, legal) else "its name is not composed (NFC); rename it"
        except InvalidKeyError as error:
            legal, why = _shown(key), error.message
        if selection.excludes_folder(legal) if is_folder else not selection.takes(legal):
            return None
        if why:
            return Entry(_shown(key), left_out=LeftOut.NAME, why=f"its name is no legal key: {why}")
        if is_folder:
            return legal
        if is_link:
            return Entry(legal, left_out=LeftOut.LINK, why="a link, which is not followed")
        try:
            status = found.stat(follow_symlinks=False)
        except FileNotFoundError:  # gone by now
            return None
        if not stat.S_ISREG(status.st_mode):
            return Entry(legal, left_out=LeftOut.SPECIAL, why="a special file")
        return Entry(legal, status.st_size, status.st_mtime, _version(status))

    def _path(self, key: str) -> Path:
        return self.root.joinpath(*map(_encoded, key.split("/")))

    def _prepare(self, key: str, before: Entry | None) -> Path:
        """Return the path of the file of *key*, in a folder that is there, if nothing else has come there."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = self.root
        for name in key.split("/")[:-1]:
            folder /= _encoded(name)
            with suppress(FileExistsError):
                folder.mkdir()
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                raise AlreadyExistsError("a link or a file is where a folder has to be; it was left alone", key=key)
        path = folder / _encoded(key.rpartition("/")[2])
        self._check(path, key, before)
        return path

    def _check(self, path: Path, key: str, before: Entry | None) -> None:
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return
        if before is None:
            raise AlreadyExistsError("a file has come there since the folder was listed; run it again", key=key)
        if not stat.S_ISREG(status.st_mode) or _version(status) != before.etag:
            raise PreconditionFailedError("the file was changed since the folder was listed; run it again", key=key)

    def _delete(self, entries: Sequence[Entry]) -> Deleted:
        deleted: Deleted = []
        for entry in entries:
            path = self._path(entry.key)
            try:
                self._check(path, entry.key, entry)
                path.unlink(missing_ok=True)
                with suppress(OSError):  # a folder that holds something stays
                    for folder in path.parents:
                        if folder == self.root:
                            break
                        folder.rmdir()
            except (StorageError, OSError) as error:
                deleted.append((entry, error))
            else:
                deleted.append((entry, None))
        return deleted

    def __repr__(self) -> str:
        return f"Folder({str(self.root)!r})"


class _Hashing:
    """The sha256 of one file, which can be given up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def run(self) -> str:
        digest, buffer = hashlib.sha256(), memoryview(bytearray(MIB))
        with open(self._path, "rb", buffering=0, opener=lambda path, _: os.open(path, _READ)) as file:
            while (count := file.readinto(buffer)) and not self._cancelled:
                digest.update(buffer[:count])
        if self._cancelled:
            raise TransferCancelled
        return digest.hexdigest()


def _version(status: os.stat_result) -> str:
    """Return what tells one state of a file from the next."""
    number = status.st_ino if os.name != "nt" else 0  # listings of Windows do not have it
    return f"{status.st_mtime_ns}-{status.st_size}-{number}"


def _decoded(name: str) -> str:
    """Return the *name* of a file as text: names on disk are UTF-8, whatever the locale says."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def _encoded(name: str) -> str:
    """Return *name* as this process names the file."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape"))


def _is_same(found: os.DirEntry[str], key: str) -> bool:
    """Say whether the composed name leads to the same file, as on disks that ignore the difference."""
    try:
        other = os.lstat(os.path.join(os.path.dirname(found.path), _encoded(key.rpartition("/")[2])))
    except OSError:
        return False
    return os.path.samestat(other, os.lstat(found.path))


def _shown(name: str) -> str:
    """Return *name* as text that can be printed and kept, whatever bytes the disk has there."""
    return name.encode("utf-8", "backslashreplace").decode()


def _set_time(path: Path, modified: float | None) -> None:
    if modified is not None:
        os.utime(path, (modified, modified), follow_symlinks=os.utime not in os.supports_follow_symlinks)
