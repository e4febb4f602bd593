"""A file that a download lands in: written beside its target, proved, then renamed over it."""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path

from ..digest import Digest
from ..errors import IntegrityError
from ..transport.exchange import TransferCancelled
from ..types import Buffer, Checksum, ObjectInfo


class Download:
    """Takes the bytes of one object; until ``publish`` the target is as it was."""

    def __init__(self, target: Path) -> None:
        """Open a temporary file in the folder of *target*.

        Raises:
            OSError: the folder is missing or may not be written.
        """
        self._target = target
        self._temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        self._descriptor = os.open(self._temporary, flags, 0o666)
        self._digest = Digest()
        self._gone = False
        self._lock = threading.Lock()

    def write(self, buffer: Buffer) -> None:
        """Append *buffer*, hashing it meanwhile.

        Raises:
            OSError: the disk is full, or the like.
            TransferCancelled: it was given up.
        """
        # A caller that no longer waits gives up while another thread writes: whoever comes last closes, because the
        # number of a closed descriptor belongs to the next file that is opened.
        try:
            with self._lock:
                if self._gone:
                    raise TransferCancelled
                self._digest.write_through(self._descriptor, buffer)
        finally:
            self._close_if_gone()

    def publish(self, info: ObjectInfo, sha256: str | None) -> Checksum:
        """Compare with the size of *info* and the *sha256*, rename over the target; return the sha256 found.

        Raises:
            IntegrityError: the size or the recorded sha256 differ; the target is untouched.
            OSError: the target cannot be replaced.
            TransferCancelled: it was given up.
        """
        checksum = self._digest.checksum()
        if self._digest.size != info.size:
            raise IntegrityError(f"{self._digest.size} of {info.size} bytes arrived; the file was not written")
        if sha256 is not None and sha256 != checksum.value:
            raise IntegrityError(
                f"the bytes have sha256 {checksum.value}, the object was stored with {sha256}; the file was not written"
            )
        with self._lock:
            if self._gone:
                raise TransferCancelled
            self._close()
            os.replace(self._temporary, self._target)
        return checksum

    def discard(self) -> None:
        """Remove what was written; harmless after ``publish``, and while another thread still writes."""
        self._gone = True
        with suppress(FileNotFoundError):
            os.unlink(self._temporary)
        self._close_if_gone()

    def _close_if_gone(self) -> None:
        if self._gone and self._lock.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._lock.release()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        self._digest.close()
