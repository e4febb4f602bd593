"""The file systems of fsspec that are compared, with the types that fsspec does not give."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

import fsspec


class FileSystem(Protocol):
    """The three calls that are compared."""

    def pipe_file(self, path: str, value: bytes) -> object:
        """Write."""
        ...

    def cat_file(self, path: str) -> bytes:
        """Read."""
        ...

    def info(self, path: str) -> object:
        """Look."""
        ...


def theirs() -> FileSystem:
    """Return fsspec's own local file system."""
    return cast(FileSystem, fsspec.filesystem("file"))


def ours(root: Path) -> FileSystem:
    """Return ours over local disk.

    Raises:
        ValueError: the entry point is missing.
    """
    found = fsspec.filesystem("kazinexlocal", root=str(root), create=True)
    return cast(FileSystem, found)
