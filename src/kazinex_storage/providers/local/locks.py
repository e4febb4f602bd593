"""Locks that keep the writers of one key apart, and what a writer notes in them in case it is killed.

Each lock is a file, one of 256 of a root, held by ``flock``: the kernel releases it when its holder dies. Before a
writer creates something only it knows about, it writes a note of it into the lock file; the next process to take the
lock finds the note and cleans up. So killed writers leave at most one sidecar or name for each lock file, not one each.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ...errors import UnavailableError
from ...json_text import parse_own_json, write_json
from ...system import CLOSE_ON_EXEC, NO_FOLLOW, pread, pwrite, unlock
from ...system import lock as lock_file
from ...values import value
from .beneath import how
from .disk import open_file
from .names import RESERVED
from .tree import Tree

_FOLDER = [RESERVED, "locks"]
_FLAGS = os.O_RDWR | NO_FOLLOW | CLOSE_ON_EXEC
_PATH, _HOW = "/".join(_FOLDER), how(_FLAGS)
# A holder publishes within milliseconds; a waiting writer looks again after 1 to 20 ms.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.001, 0.020
# A key has at most 1,024 bytes; escaped and with two versions next to it, that is less than one page of memory.
_NOTE_BYTES = 8192
# Overwritten and never truncated: on closing, ext4 flushes a file that was truncated to nothing and written again.
_OPEN, _DONE = b"\x01", b"\x00"


@value
class Note:
    """What a writer is about to make for one key."""

    key: str
    versions: tuple[str, ...] = ()
    """Sidecars that may be left: of the version that it writes, and of the one that it replaces."""
    temporary: str | None = None
    """A reserved name in the folder of the key."""


class Lock:
    """One lock file, held."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def note(self, note: Note) -> None:
        """Record what is about to be made; not flushed, since it is meant for killed writers, not for power cuts.

        Raises:
            OSError: the disk is full, or the like.
        """
        pwrite(self._descriptor, _OPEN + write_json([note.key, note.temporary, *note.versions]).encode() + b"\n", 0)

    def done(self) -> None:
        """Record that nothing is left to clear up.

        Raises:
            OSError: the disk does not answer.
        """
        pwrite(self._descriptor, _DONE, 0)

    def left(self) -> Note | None:
        """Return the note of a writer that was killed, if there is one.

        Raises:
            OSError: the disk does not answer.
        """
        if pread(self._descriptor, 1, 0) != _OPEN:
            return None
        with suppress(ValueError):
            return _parse(parse_own_json(pread(self._descriptor, _NOTE_BYTES, 1).partition(b"\n")[0]))
        return None  # cut by a power failure: a sweep finds what it was about


class Locks:
    """The locks of one tree. Thread-safe and fork-safe."""

    def __init__(self, tree: Tree, clear: Callable[[Note], None], wait_s: float) -> None:
        """Pass the notes of killed writers to *clear*, with the lock held; wait *wait_s* seconds for a lock."""
        self._tree = tree
        self._clear = clear
        self._wait_s = wait_s

    @contextmanager
    def held(self, key: str) -> Iterator[Lock]:
        """Keep every other writer of *key*, in this process or another, out of the critical moment.

        Raises:
            UnavailableError: another program did not let go of the lock.
            OSError: as the system says.
        """
        name = lock_name(self._tree.same_spelling(key))
        descriptor = self._tree.find(f"{_PATH}/{name}", _HOW)
        if descriptor < 0:
            with self._tree.folder(_FOLDER, create=True) as parent:
                descriptor = open_file(name, _FLAGS | os.O_CREAT, parent, self._tree.file_mode)
        try:
            self._tree.widen(descriptor)
            self._take(descriptor, name, key)
            lock = Lock(descriptor)
            self._settle(lock)
            yield lock
        finally:
            _release(descriptor)

    def settle_all(self) -> None:
        """Clear up after all killed writers whose locks are free; what cannot be read or written now stays."""
        with suppress(OSError), self._tree.folder(_FOLDER) as parent:
            for number in range(256):
                with suppress(OSError):
                    descriptor = open_file(f"{number:02x}", _FLAGS, parent)
                    try:
                        if pread(descriptor, 1, 0) == _OPEN:
                            lock_file(descriptor)
                            self._settle(Lock(descriptor))
                    finally:
                        _release(descriptor)

    def _settle(self, lock: Lock) -> None:
        note = lock.left()
        if note is not None:
            self._clear(note)
            lock.done()

    def _take(self, descriptor: int, name: str, key: str) -> None:
        deadline, wait_s = time.monotonic() + self._wait_s, _FIRST_WAIT_S
        while True:
            try:
                lock_file(descriptor)
                return
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN):
                    raise
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"another program has held the lock .~kazinex/locks/{name} for {self._wait_s:g} s; see which "
                    "(lslocks, fuser), end it if it hangs, then repeat",
                    key=key,
                )
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def lock_name(key: str) -> str:
    """Return the file that locks *key*."""
    return hashlib.sha256(key.encode()).hexdigest()[:2]


def _parse(found: object) -> Note | None:
    """Return the note that *found* is; None when it is something else."""
    match found:
        case [str() as key, (str() | None) as temporary, *versions] if all(isinstance(text, str) for text in versions):
            return Note(key=key, versions=tuple(map(str, versions)), temporary=temporary)
    return None


def _release(descriptor: int) -> None:
    # Closing is not enough: a child forked in the meantime holds the descriptor too, and with it the lock.
    unlock(descriptor)
    os.close(descriptor)
