"""Paths on the disk that are not regular files: pipes, devices, sockets. They are recognised before they are opened.

Opening a pipe waits for the process at its other end, and nothing ends that wait, not even Ctrl-C. So pipes are opened
without waiting, and read and written in short turns between which a cancelled call is noticed.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ..errors import NotSupportedError
from ..lazy import regex
from ..system import CLOSE_ON_EXEC, NO_TERMINAL, NO_WAIT, pread
from ..transport.exchange import TransferCancelled

# A program that was started at the same moment has opened its end by then.
PARTNER_SECONDS = 5.0
"""How long to wait for another process to open the other end of a pipe."""

_TURN_SECONDS = 0.1
DESCRIPTOR_PATH: Final = regex(r"(/proc/[^/]+(/task/[0-9]+)?/fd|/dev/fd)/[0-9]+")
"""A path that stands for an open file of a process."""

# Events of poll, whose numbers are those of POSIX: to read, to write, the other end is gone.
_IN, _OUT, _GONE = 1, 4, 16
_MOST_LINKS: Final = 8
_CHUNK_BYTES = 1024 * 1024


def what_is(mode: int) -> str | None:
    """Return what a file of this mode is when it is neither a plain file nor a folder."""
    for test, name in (
        (stat.S_ISFIFO, "pipe"),
        (stat.S_ISSOCK, "socket"),
        (stat.S_ISCHR, "character device"),
        (stat.S_ISBLK, "block device"),
    ):
        if test(mode):
            return name
    return None


def special_file(path: str | os.PathLike[str]) -> str | None:
    """Return what is at *path*, links followed; None for a regular file, a folder, or nothing."""
    try:
        return what_is(os.stat(path).st_mode)
    except OSError:
        return None


def read_pipe(path: str | os.PathLike[str], cancelled: Callable[[], bool]) -> Iterator[bytes]:
    """Yield what is written into the pipe at *path*, up to its end.

    Raises:
        NotSupportedError: it is a socket or a device, or has no writer.
        TransferCancelled: *cancelled* became true.
    """
    with _opened(path, os.O_RDONLY) as descriptor:
        status = os.fstat(descriptor)
        kind = what_is(status.st_mode)
        if kind not in (None, "pipe"):
            if os.path.samestat(status, os.stat(os.devnull)):
                return  # which programs name where they mean nothing
            raise NotSupportedError(
                f"{os.fspath(path)!r} is a {kind}; open it and give the open file, if that is meant"
            )
        begun, until = False, time.monotonic() + PARTNER_SECONDS
        while True:
            if cancelled():
                raise TransferCancelled
            try:
                chunk = os.read(descriptor, _CHUNK_BYTES)
            except BlockingIOError:
                begun = True  # there is a writer, who takes its time
                _wait(descriptor, _IN)
                continue
            if chunk:
                begun = True
                yield chunk
            elif begun or kind is None:
                return
            elif _wait(descriptor, _IN) == _GONE or time.monotonic() >= until:
                raise NotSupportedError(
                    f"nobody writes into the pipe {os.fspath(path)!r}; nothing was stored, start its writer first"
                )


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Say whether what goes to *path* is written into it: a pipe, a character device, an open file of a process.

    Raises:
        NotSupportedError: it is a socket or a block device, which no download goes into.
    """
    kind = special_file(path)
    if kind in ("socket", "block device"):
        raise NotSupportedError(f"{os.fspath(path)!r} is a {kind}; choose a file, a folder or a pipe")
    return kind is not None or _is_open_file(os.path.abspath(path))


def _is_open_file(path: str) -> bool:
    """Say whether *path* is, or links to, a descriptor, such as ``/dev/stdout``."""
    for _ in range(_MOST_LINKS):
        if DESCRIPTOR_PATH.fullmatch(path):
            return True
        try:
            path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
        except OSError:
            return False
    return False


def write_into(path: str | os.PathLike[str], source: int, gone: Callable[[], bool]) -> None:
    """Write the plain file *source*, a descriptor, into the pipe or device at *path*.

    Raises:
        NotSupportedError: the pipe has no reader.
        TransferCancelled: *gone* became true.
        OSError: the reader went away, or the device refuses.
    """
    # An open file of another program is continued, not written over.
    with _opened(path, os.O_WRONLY | os.O_APPEND | NO_TERMINAL, gone) as descriptor:
        position = 0
        while chunk := pread(source, _CHUNK_BYTES, position):
            view = memoryview(chunk)
            while view:
                if gone():
                    raise TransferCancelled
                try:
                    count = os.write(descriptor, view)
                except BlockingIOError:
                    _wait(descriptor, _OUT)
                    continue
                view, position = view[count:], position + count


def _wait(descriptor: int, events: int) -> int:
    """Wait a turn for *events*, and return what happened."""
    import select  # where there is no poll there are no pipes in folders either

    turn = select.poll()
    turn.register(descriptor, events)
    return next((found for _, found in turn.poll(_TURN_SECONDS * 1000)), 0)


@contextmanager
def _opened(path: str | os.PathLike[str], flags: int, gone: Callable[[], bool] = bool) -> Iterator[int]:
    until = time.monotonic() + PARTNER_SECONDS
    while True:
        try:
            descriptor = os.open(path, flags | NO_WAIT | CLOSE_ON_EXEC)
            break
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if special_file(path) != "pipe":  # a socket, which cannot be opened at all
                raise NotSupportedError(f"{os.fspath(path)!r} is a socket; it cannot be opened as a file") from error
            if time.monotonic() >= until:
                raise NotSupportedError(
                    f"nobody reads from the pipe {os.fspath(path)!r}; start its reader first"
                ) from error
        if gone():
            raise TransferCancelled
        time.sleep(_TURN_SECONDS / 10)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
