"""Files of this machine that operands mean: one, all of a folder, or what matches a pattern. Links are not followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG

from ..values import value
from .exits import UsageError
from .operands import LocalOperand, has_magic


@value
class LocalFile:
    """One file to store."""

    path: Path
    name: str
    """What it is called below the folder that it is brought to, with slashes."""
    size: int | None
    """Bytes; None for a pipe or a device, which tells it at its end."""


@value
class LeftOut:
    """What lies in a folder and is no file."""

    path: str
    reason: str


def files_of(text: str, *, recursive: bool) -> Iterator[LocalFile | LeftOut]:
    """Yield what *text* means, sorted by name; a folder without a slash at its end comes with its own name.

    Raises:
        UsageError: there is no such file, it may not be read, or it is a folder and not *recursive*.
        OSError: a folder cannot be read.
    """
    operand = LocalOperand(text=text)
    if has_magic(text) and not os.path.lexists(text):
        matches = sorted(glob(text))  # where no shell has done it
        if not matches:
            raise UsageError(f"nothing matches {text!r} here")
        for match in matches:
            yield from files_of(f"{match}/" if operand.folder else match, recursive=recursive)
        return
    path = readable(text, recursive=recursive)
    if not path.is_dir():
        status = path.stat()
        yield LocalFile(path=path, name=path.name, size=status.st_size if S_ISREG(status.st_mode) else None)
        return
    begin = "" if operand.folder or not path.name else f"{path.name}/"
    yield from _below(path, begin)


def readable(text: str, *, recursive: bool = False) -> Path:
    """Return the path of a file that can be read, or of a folder if *recursive*.

    Raises:
        UsageError: it is none.
    """
    path = Path(text)
    if path.is_dir() and not recursive:
        raise UsageError(f"{text!r} is a folder; add --recursive for all that is in it")
    if not os.access(path, os.R_OK):
        reason = "may not be read; change its mode" if path.exists() else "does not exist; check its path"
        raise UsageError(f"the file {text!r} {reason}")
    return path


def _below(folder: Path, begin: str) -> Iterator[LocalFile | LeftOut]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = folder / entry.name
        status = entry.stat(follow_symlinks=False)
        if S_ISDIR(status.st_mode):
            yield from _below(path, f"{begin}{entry.name}/")
        elif S_ISREG(status.st_mode):
            yield LocalFile(path=path, name=f"{begin}{entry.name}", size=status.st_size)
        else:
            kind = "a link" if S_ISLNK(status.st_mode) else "no plain file"
            yield LeftOut(path=str(path), reason=f"it is {kind}; name it by itself to store what it leads to")
