"""A bounded cache of objects on a disk, for many processes at once. It knows files and versions; ``cached.py`` reads.

One folder for each key, below one for each space (an organisation): in it the ETag of the version that is kept, and a
file for each piece of it: the bytes, a trailer with what is known of the object and a sha256 of every mebibyte, and a
footer that proves the trailer. So a piece is proved before it is used, whatever happened to the disk, and a small part
of a large piece is proved without reading all of it. Files appear whole, by renaming. What was used least recently goes
first; the bytes are counted in one file under ``flock``, and counted again from the disk whenever something has to go.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from ..json_text import parse_own_json, write_json
from ..system import CLOSE_ON_EXEC, lock, replace
from ..types import MIB, Buffer, Checksum, ObjectInfo
from ..values import value

_BLOCK: Final = MIB
"""Bytes that are proved together."""
_FOOTER: Final = 64 + 8
"""The sha256 of the trailer in hexadecimal, and its length."""
_TAG: Final = "etag"
_MOST_SHARE: Final = 4
"""A piece takes at most this part of the cache: one over."""
_KEEP_SHARE: Final = 0.8
"""What is left of a full cache, so that not every write has to make room."""
_STALE_S: Final = 3600.0
"""What was begun so long ago and did not end belongs to a process that is gone."""


@value
class Piece:
    """Bytes of one version of one object, as a file."""

    path: Path
    start: int
    """The first byte of the object that is in it."""
    end: int
    """The byte after the last one."""
    info: ObjectInfo
    hashes: tuple[str, ...]
    """Of every mebibyte from ``start`` on."""

    def blocks(self, start: int, end: int) -> Iterator[memoryview]:
        """Yield the bytes from *start* to *end* of the object, each proved; it ends early where they cannot be.

        Raises:
            OSError: the disk fails.
        """
        with open(self.path, "rb") as file:
            for number in range((start - self.start) // _BLOCK, len(self.hashes)):
                begin = self.start + number * _BLOCK
                if begin >= end:
                    return
                size = min(_BLOCK, self.end - begin)
                file.seek(number * _BLOCK)
                data = file.read(size)
                if len(data) != size or hashlib.sha256(data).hexdigest() != self.hashes[number]:
                    return
                yield memoryview(data)[max(0, start - begin) : end - begin]


class Entry:
    """A piece that is being written; visible once it is published."""

    def __init__(self, cache: DiskCache, path: Path) -> None:
        self._cache = cache
        self._path = path
        self._file = open(path, "xb", opener=_private)  # noqa: SIM115  # published or discarded later
        self._hashes: list[str] = []
        self._hasher = hashlib.sha256()
        self.size = 0
        """Bytes so far."""

    def write(self, buffer: Buffer) -> None:
        """Take the next bytes.

        Raises:
            OSError: the disk is full, or the like.
        """
        self._file.write(buffer)
        view = memoryview(buffer).cast("B")
        while len(view):
            room = _BLOCK - self.size % _BLOCK
            part = view[:room]
            self._hasher.update(part)
            self.size += len(part)
            if self.size % _BLOCK == 0:
                self._close_block()
            view = view[room:]

    def publish(self, folder: Path, start: int, info: ObjectInfo) -> None:
        """Make what was written the piece of *info* from *start* on, and make room for it.

        Raises:
            OSError: the disk is full, or the like.
        """
        if self.size % _BLOCK:
            self._close_block()
        text = write_json({"start": start, "hashes": self._hashes, "info": _shown(info)}).encode()
        self._file.write(text + f"{hashlib.sha256(text).hexdigest()}{len(text):08d}".encode())
        self._file.close()
        self._cache.keep(self._path, folder, f"{start}-{start + self.size}-{info.size}", info.etag or "")

    def discard(self) -> None:
        """Forget it, unless it was published."""
        self._file.close()
        with suppress(FileNotFoundError):
            os.unlink(self._path)

    def _close_block(self) -> None:
        self._hashes.append(self._hasher.hexdigest())
        self._hasher = hashlib.sha256()


class DiskCache:
    """Objects on a disk, up to a number of bytes. Thread-safe, fork-safe, and shared by processes with the same path.

    What is in it is as readable as the files: the folder is for this user alone (mode 0700). It holds plain bytes, also
    of storages that encrypt.
    """

    def __init__(self, path: str | os.PathLike[str], max_bytes: int) -> None:
        """Keep at most *max_bytes* in the folder *path*, which is made; what is being written comes on top.

        Raises:
            ValueError: *max_bytes* is not positive.
            OSError: the folder cannot be made.
        """
        if max_bytes < 1:
            raise ValueError(f"a cache of {max_bytes} bytes holds nothing")
        self.path = Path(path)
        """Its folder."""
        self.max_bytes = max_bytes
        """What it holds at most."""
        self.largest_piece = max(1, max_bytes // _MOST_SHARE)
        """Bytes of one piece at most; what is longer is not kept."""
        self._begun = self.path / "begun"
        self._begun.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(self.path, 0o700)

    def folder_of(self, space: str, name: str) -> Path:
        """Return where the object *name* of a *space* is kept; nothing of another space leads there."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        return self._space(space) / digest[:2] / digest[2:42]

    def etag(self, folder: Path) -> str | None:
        """Return the version of which pieces are kept; None without any."""
        try:
            return (folder / _TAG).read_text()
        except (OSError, ValueError):
            return None

    def find(self, folder: Path, etag: str, start: int, end: int | None) -> Piece | None:
        """Return a piece of the version *etag* that holds the bytes from *start* to *end*, a negative start as a span.

        A piece whose trailer is not proved is removed.
        """
        with suppress(OSError):
            for name in os.listdir(folder):
                begins, stops, size = (int(part) if part.isdigit() else -1 for part in (f"{name}--").split("-")[:3])
                if begins < 0 or size < 0:
                    continue
                first = max(0, size + start) if start < 0 else min(start, size)
                last = size if end is None else max(first, min(end, size))
                if begins <= first and last <= stops and (piece := self._open(folder / name, etag)) is not None:
                    return piece
        return None

    def begin(self) -> Entry:
        """Begin a piece.

        Raises:
            OSError: the disk is full, or the like.
        """
        return Entry(self, self._begun / secrets.token_hex(16))

    def keep(self, begun: Path, folder: Path, name: str, etag: str) -> None:
        """Publish the file *begun* as a piece of *etag*, drop other versions, and make room.

        Raises:
            OSError: the disk is full, or the like.
        """
        with self._counting() as total:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.etag(folder) != etag:
                for old in os.listdir(folder):
                    total[0] -= _remove(folder / old)
                tag = self._begun / secrets.token_hex(16)
                tag.write_text(etag)
                replace(tag, folder / _TAG)
            size = os.stat(begun).st_size
            replace(begun, folder / name)
            total[0] += size
            if total[0] > self.max_bytes:
                total[0] = self._evict()

    def drop(self, folder: Path) -> None:
        """Forget all of one object."""
        with self._counting() as total, suppress(OSError):
            for name in os.listdir(folder):
                total[0] -= _remove(folder / name)

    def clear(self, space: str | None = None) -> None:
        """Forget everything, or everything of one *space*.

        Raises:
            OSError: the files cannot be removed.
        """
        with self._counting() as total:
            for found in self.path.glob("space-*") if space is None else [self._space(space)]:
                shutil.rmtree(found, ignore_errors=True)
            total[0] = sum(size for _, size, _ in self._files())

    def size(self) -> int:
        """Return the bytes of all pieces, counted on the disk."""
        return sum(size for _, size, _ in self._files())

    def _space(self, space: str) -> Path:
        return self.path / f"space-{hashlib.sha256(space.encode()).hexdigest()[:32]}"

    def _open(self, path: Path, etag: str) -> Piece | None:
        try:
            with open(path, "rb") as file:
                file.seek(-_FOOTER, os.SEEK_END)
                footer = file.read(_FOOTER)
                length = int(footer[64:])
                file.seek(-_FOOTER - length, os.SEEK_END)
                text = file.read(length)
            if hashlib.sha256(text).hexdigest().encode() != footer[:64]:
                raise ValueError("the trailer is not what was written")
            piece = _piece_of(path, cast("dict[str, object]", parse_own_json(text)))
            if piece.info.etag != etag:
                return None
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError):
            _remove(path)
            return None
        return piece

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Yield (last used, bytes, path) of all pieces."""
        for path in self.path.glob("space-*/*/*/*-*-*"):
            with suppress(OSError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path

    def _evict(self) -> int:
        """Remove what was used least recently until there is room, and what was never ended; return what is left."""
        found = sorted(self._files())
        total = sum(size for _, size, _ in found)
        for _, _, path in found:
            if total <= self.max_bytes * _KEEP_SHARE:
                break
            total -= _remove(path)
        for begun in self._begun.iterdir():
            with suppress(OSError):
                if time.time() - begun.stat().st_mtime > _STALE_S:
                    _remove(begun)
        return total

    @contextmanager
    def _counting(self) -> Iterator[list[int]]:
        """Give the number of bytes, to be changed, while no other process changes it."""
        with open(self.path / "bytes", "a+b", opener=_private) as file:
            lock(file.fileno(), wait=True)
            file.seek(0)
            text = file.read(32)
            total = [int(text) if text.isdigit() else self.size()]
            yield total
            file.truncate(0)
            file.write(str(max(0, total[0])).encode())
            file.flush()

    def __reduce__(self) -> tuple[type[DiskCache], tuple[str, int]]:
        return DiskCache, (str(self.path), self.max_bytes)

    def __repr__(self) -> str:
        return f"DiskCache({str(self.path)!r}, {self.max_bytes})"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | CLOSE_ON_EXEC, 0o600)


def _remove(path: Path) -> int:
    """Remove a file, and return its size; 0 when it is gone, or no piece."""
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError:
        return 0
    return size if path.name != _TAG else 0


_DATES: Final = ("last_modified",)
_CHECKSUMS: Final = ("checksum", "service_checksum")


def _shown(info: ObjectInfo) -> dict[str, object]:
    shown: dict[str, object] = {}
    for field in fields(info):
        found = getattr(info, field.name)
        if field.name in _DATES:
            found = found.isoformat() if found is not None else None
        elif field.name in _CHECKSUMS:
            found = [found.algorithm, found.value] if found is not None else None
        shown[field.name] = dict(found) if field.name == "metadata" else found
    return shown


def _piece_of(path: Path, found: dict[str, object]) -> Piece:
    shown = cast("dict[str, object]", found["info"])
    for name in _DATES:
        shown[name] = datetime.fromisoformat(str(shown[name])) if shown[name] is not None else None
    for name in _CHECKSUMS:
        pair = cast("list[str] | None", shown[name])
        shown[name] = Checksum(algorithm=pair[0], value=pair[1]) if pair is not None else None
    start, hashes = cast(int, found["start"]), tuple(cast("list[str]", found["hashes"]))
    stops = int(path.name.split("-")[1])
    return Piece(path=path, start=start, end=stops, info=ObjectInfo(**shown), hashes=hashes)  # type: ignore[arg-type]
