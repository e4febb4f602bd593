"""What several clients share. Standard library only."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..jobs import THREADS

TREE_THREADS = 16
"""Threads for whole files."""

MIB = 1024 * 1024


class Threads:
    """Threads that live as long as the client, so that no round pays for starting them."""

    def __init__(self) -> None:
        self.bulk = ThreadPoolExecutor(THREADS)
        self.tree = ThreadPoolExecutor(TREE_THREADS)

    def each(self, action: Callable[[str], object], keys: Iterable[str]) -> None:
        """Do *action* for each key on the many threads."""
        for _ in self.bulk.map(action, keys):
            pass

    def each_file(self, action: Callable[[Any], object], files: Iterable[object]) -> None:
        """Do *action* for each file on the few threads."""
        for _ in self.tree.map(action, files):
            pass


class HashedFile(io.FileIO):
    """A file whose sha256 is computed while it is read."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "rb")
        self.sha256 = hashlib.sha256()

    def read(self, size: int | None = -1) -> bytes:
        """Read and hash."""
        found = super().read(-1 if size is None else size) or b""
        self.sha256.update(found)
        return found


def land_hashed(chunks: Iterable[bytes], path: str) -> int:
    """Write *chunks* into a file and compute their sha256 on the way; return their size."""
    digest, size = hashlib.sha256(), 0
    with open(path, "wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            size += file.write(chunk)
    digest.hexdigest()
    return size


def files_below(folder: str) -> Iterator[tuple[str, str]]:
    """Yield path and name below *folder* of each file."""
    root = Path(folder)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield str(path), path.relative_to(root).as_posix()


def place_below(folder: str, prefix: str, key: str) -> Path:
    """Return where the object *key* goes; its folder exists afterwards."""
    path = Path(folder, key.removeprefix(prefix).lstrip("/"))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
