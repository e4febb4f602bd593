"""What a caller gives to be written, made a body of known size or collected in a spool.

A path is looked at before it is opened: pipes are read without waiting for ever, devices and sockets are refused.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterable
from typing import BinaryIO, TypeAlias, cast

from ..types import Buffer
from .body import Body, BytesBody, FileBody, PathBody, Spool
from .special_files import read_pipe

CHUNK_BYTES = 1024 * 1024
"""Bytes read at a time."""

BodyLike: TypeAlias = Buffer | os.PathLike[str] | BinaryIO | Iterable[Buffer]
"""What can be written: bytes, a path, a binary file, an iterable of bytes."""


def known_body(body: BodyLike) -> Body | None:
    """Return a body of known size, or None when the length is not known.

    Raises:
        OSError: the path cannot be looked up.
        TypeError: it is text.
    """
    if isinstance(body, bytes | bytearray | memoryview):
        return BytesBody(body)
    if isinstance(body, str):
        raise TypeError("a str is neither bytes nor a path; encode it, or wrap it in pathlib.Path")
    if isinstance(body, os.PathLike):
        status = os.stat(body)
        # Files of the kernel (/proc, /sys) say that they are empty and are not: only reading shows.
        return PathBody(body, status) if stat.S_ISREG(status.st_mode) and status.st_size else None
    read = getattr(body, "read", None)
    if read is None:
        return None
    if isinstance(body, io.TextIOBase) or isinstance(read(0), str):
        raise TypeError("the file is open in text mode; open it in binary mode")
    seekable = getattr(body, "seekable", None)
    return FileBody(cast(BinaryIO, body)) if seekable is not None and seekable() else None


def is_unsized(body: object) -> bool:
    """Say whether *body* is an iterable, or a file that cannot be asked for its length; paths are looked at later."""
    if isinstance(body, bytes | bytearray | memoryview | str | os.PathLike):
        return False
    if getattr(body, "read", None) is None:
        return hasattr(body, "__iter__")
    seekable = getattr(body, "seekable", None)
    return seekable is None or not seekable()


def spooled_body(body: BodyLike, spool: Spool, cancelled: Callable[[], bool]) -> Body:
    """Read *body* to its end into *spool*, and return it.

    Raises:
        NotSupportedError: the path is a device or a socket, or a pipe without a writer.
        TransferCancelled: *cancelled* became true.
        Exception: as ``Spool.write``, or what the body raises.
    """
    try:
        if isinstance(body, os.PathLike):
            spool.extend(read_pipe(body, cancelled))
        elif hasattr(body, "read"):
            spool.extend(iter(lambda: cast(BinaryIO, body).read(CHUNK_BYTES), b""))
        else:
            spool.extend(cast("Iterable[Buffer]", body))
        return spool.body()
    except BaseException:
        spool.discard()
        raise
