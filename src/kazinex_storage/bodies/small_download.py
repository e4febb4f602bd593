"""A small object on its way into a file: collected in memory, then written, compared and published in one call.

``download_file.py`` is the file. A small one that is open while its bytes come costs two calls on a pool of threads,
and memory to gather in that is five times the object; 64 are under way at once (ADR 0029).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ..transport.exchange import TransferCancelled
from ..types import Buffer, Checksum, ObjectInfo, Sink
from ..values import value
from .download_file import Download

# What a download of unknown size gathers in: as much memory as that takes, at the most.
SMALL_BYTES: Final = 512 * 1024
"""The largest object that is collected in memory."""


@value
class Destination:
    """A path that an object is downloaded to, and what a listing said of the object."""

    path: Path
    size: int | None = None
    """Bytes of the object when it was listed; it may have changed since."""
    folders: bool = False
    """Whether the folder of the path is made when it is missing."""
    trusting: bool = False
    """Whether no sha256 is computed that nothing is compared with; see ``Download``."""

    @property
    def is_small(self) -> bool:
        """Whether the object was small enough to be collected in memory."""
        return self.size is not None and self.size <= SMALL_BYTES

    def open(self) -> Download:
        """Return a file to download into.

        Raises:
            NotSupportedError: the path is a socket or a block device.
            OSError: the folder is missing or may not be written.
        """
        try:
            return Download(self.path, trusting=self.trusting)
        except FileNotFoundError:
            if not self.folders:
                raise
        os.makedirs(self.path.parent, exist_ok=True)
        return Download(self.path, trusting=self.trusting)


class SmallDownload:
    """Takes the bytes of one object, from the first to the last. One that is larger than it was said to be goes into
    the file from there on.
    """

    __slots__ = ("_destination", "_expected", "_file", "_pieces", "_rest", "_size", "announced", "gone")

    def __init__(self, destination: Destination) -> None:
        """Collect what goes to *destination*; nothing is opened yet."""
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
            self._file = self._destination.open()
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
        """Write the file, compare and publish it, and return the checksum found, as ``Download.publish`` does.

        Raises:
            IntegrityError: the size or a checksum differs; the target is untouched.
            NotSupportedError: the target is a socket, a block device, or a pipe without a reader.
            OSError: the folder is missing, or the target cannot be replaced or written into.
            TransferCancelled: it was given up.
        """
        file = self._file
        if file is None:
            if self.gone:
                raise TransferCancelled
            self._file = file = self._destination.open()
            if self.gone:  # between the look and the line above: whoever gave up saw no file to discard
                file.discard()
            file.expect(self._expected)
            file.write_whole(b"".join(self._pieces))
        else:
            file.expect(self._expected)
        return file.publish(info, sha256)

    def discard(self) -> None:
        """Remove what was written; harmless after ``publish``, and while another thread still writes."""
        self.gone = True
        self._pieces = []
        if self._file is not None:
            self._file.discard()
