"""A small object on its way into a file: collected in memory, then written, compared and published in one call.

``download_file.py`` is the file. A small one that is open while its bytes come costs two calls on a pool of threads,
and memory to gather in that is five times the object; 64 are under way at once (ADR 0029).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..errors import IntegrityError
from ..system import change_mode, replace
from ..transport.exchange import TransferCancelled
from ..types import Buffer, Checksum, ObjectInfo, Sink
from ..values import value
from .checksums import check_expected, check_sha256, hasher_of
from .download_file import (
    NEW_FILE,
    Download,
    changed_by_others,
    temporary_name,
    write_pieces,
)
from .special_files import DESCRIPTOR_PATH

# What a download of unknown size gathers in: as much memory as that takes, at the most.
SMALL_BYTES: Final = 512 * 1024
"""The largest object that is collected in memory."""


ABSENT: Final = -1
"""In place of the permissions of a file: there is none."""


@value
class Destination:
    """A path that an object is downloaded to, and what a listing or a receipt said of the object."""

    path: Path
    size: int | None = None
    """Bytes of the object when it was listed or written; it may have changed since."""
    folders: bool = False
    """Whether the folder of the path is made when it is missing."""

    @property
    def is_small(self) -> bool:
        """Whether the object was small enough to be collected in memory."""
        return self.size is not None and self.size <= SMALL_BYTES

    def open(self, trusting: bool) -> Download:
        """Return a file to download into; *trusting* as in ``Download``.

        Raises:
            NotSupportedError: the path is a socket or a block device.
            OSError: the folder is missing or may not be written.
        """
        try:
            return Download(self.path, trusting=trusting)
        except FileNotFoundError:
            if not self.folders:
                raise
        os.makedirs(self.path.parent, exist_ok=True)
        return Download(self.path, trusting=trusting)


class SmallDownload:
    """Takes the bytes of one object, from the first to the last. One that is larger than it was said to be goes into
    the file from there on.
    """

    __slots__ = ("_destination", "_expected", "_file", "_pieces", "_rest", "_size", "_trusting", "announced", "gone")

    def __init__(self, destination: Destination, *, trusting: bool = False) -> None:
        """Collect what goes to *destination*; nothing is opened yet. *trusting* as in ``Download``."""
        self._trusting = trusting
        self._destination = destination
        self._pieces: list[bytes] = []
        self._size = 0
        self._file: Download | None = None
        self._rest: Sink | None = None
        self._expected: Checksum | None = None
        self.announced = False
        """Whether the provider said what the bytes are compared with."""
        self.gone = False
        """Whether it was given up."""

    def __call__(self, piece: Buffer) -> None:
        """Take the next bytes.

        Raises:
            OSError: it is larger than was said, and the file cannot be written.
            TransferCancelled: it was given up.
        """
        if self.gone:
            raise TransferCancelled
        if self._rest is not None:
            self._rest(piece)
            return
        self._pieces.append(piece if type(piece) is bytes else bytes(piece))
        self._size += len(piece)
        if self._size > SMALL_BYTES:
            self._file = self._destination.open(self._trusting)
            self._rest = self._file.at(0)
            for held in self._pieces:
                self._rest(held)
            self._pieces = []

    def at(self, start: int, stop: int | None = None) -> Sink:
        """Return the sink of all bytes, which hears nothing of checksums."""
        del start, stop
        return self.__call__

    def expect(self, checksum: Checksum | None) -> None:
        """Compare with the *checksum* that the service keeps, as well as the sha256, when the file is published."""
        self.announced, self._expected = True, checksum

    def publish(self, info: ObjectInfo, sha256: str | None) -> Checksum | None:
        """Compare, write the file and publish it, and return the checksum found, as ``Download.publish`` does.

        Raises:
            IntegrityError: the size or a checksum differs; the target is untouched.
            NotSupportedError: the target is a socket, a block device, or a pipe without a reader.
            OSError: the folder is missing, or the target cannot be replaced or written into.
            TransferCancelled: it was given up.
        """
        file = self._file
        if file is None and not self.gone:
            mode = plain_mode(self._destination.path)
            if mode is not None:
                return self._publish_plain(info, sha256, mode)
            self._file = file = self._destination.open(self._trusting)
            sink = file.at(0)
            for piece in self._pieces:
                sink(piece)
        if file is None or self.gone:  # between the two looks: whoever gave up saw no file to discard
            if file is not None:
                file.discard()
            raise TransferCancelled
        file.expect(self._expected)
        return file.publish(info, sha256)

    def _publish_plain(self, info: ObjectInfo, sha256: str | None, mode: int) -> Checksum | None:
        """Publish where a plain file of *mode* is, or nothing: what a ``Download`` does, with what is in memory."""
        destination, pieces = self._destination, self._pieces
        if self._size != info.size:
            raise IntegrityError(f"{self._size} of {info.size} bytes arrived; the file was not written")
        checksum = prove(pieces, sha256, self._expected, trusting=self._trusting)
        temporary, descriptor = self._create(mode)
        try:
            try:
                write_pieces(descriptor, pieces, 0)
                if os.fstat(descriptor).st_size != self._size:
                    raise changed_by_others()
            finally:
                os.close(descriptor)
            if self.gone:
                raise TransferCancelled
            replace(temporary, destination.path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        return checksum

    def _create(self, mode: int) -> tuple[str, int]:
        """Open a temporary file next to the target, with its *mode* if there is one."""
        path, folders = self._destination.path, self._destination.folders
        while True:
            temporary = temporary_name(path.parent, path)
            try:
                descriptor = os.open(temporary, NEW_FILE, 0o666)
            except FileNotFoundError:
                if not folders:
                    raise
                folders = False
                os.makedirs(path.parent, exist_ok=True)
                continue
            if mode != ABSENT:
                with suppress(OSError):  # the file system has no modes
                    change_mode(descriptor, mode)
            return temporary, descriptor

    def discard(self) -> None:
        """Remove what was written; harmless after ``publish``, and while another thread still writes."""
        self.gone = True
        self._pieces = []
        if self._file is not None:
            self._file.discard()


def plain_mode(path: Path) -> int | None:
    """Return the permissions of the plain file at *path*, ``ABSENT``; None for all else, links too."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return ABSENT if DESCRIPTOR_PATH.fullmatch(os.path.abspath(path)) is None else None
    return stat.S_IMODE(status.st_mode) & 0o777 if stat.S_ISREG(status.st_mode) else None


def prove(
    pieces: Sequence[Buffer], sha256: str | None, expected: Checksum | None, *, trusting: bool
) -> Checksum | None:
    """Compare the whole of an object with *sha256*, or what is *expected*, and return the checksum found.

    That is the sha256; when *trusting*, only where something is compared with it, else what was expected, or None.

    Raises:
        IntegrityError: the bytes are others.
    """
    if expected is not None and expected.algorithm == "sha256":
        sha256, expected = sha256 or expected.value, None
    hashes = not trusting or sha256 is not None
    hasher = hasher_of(expected.algorithm) if expected is not None and not (trusting and hashes) else None
    if hasher is not None and expected is not None:
        for piece in pieces:
            hasher.update(piece)
        check_expected(expected, hasher.hexdigest())
    if not hashes:
        return expected if hasher is not None else None
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return check_sha256(digest.hexdigest(), sha256)
