"""Small files that are read when they are looked at, instead of when they are sent (ADR 0029)."""

from __future__ import annotations

import os
from typing import Final

from ..types import Checksum
from .body import BytesBody, PathBody, ended, unreadable
from .source import BodyLike, Source

# Two calls on a pool of threads, each with its wake-ups, cost more than the file (ADR 0029); 64 of these are 16 MiB.
LOADED_BYTES: Final = 256 * 1024
"""The largest file that ``load_small`` reads."""

# Hashing that takes 40 us; a thread that does it beside the next file pays for more.
HASHED_BYTES: Final = 64 * 1024
"""The largest file that is hashed where it is read without waiting."""


def load_resident(body: BodyLike, *, hashed: bool) -> BytesBody | None:
    """Return the small file that *body* is a path of, read without waiting; None where that cannot be.

    With *hashed* its sha256 is wanted, which has to be worth less than a thread.
    """
    if not isinstance(body, os.PathLike):
        return None
    from .resident import read_resident  # for those who put files

    data = read_resident(os.fspath(body), HASHED_BYTES if hashed else LOADED_BYTES)
    return BytesBody(data) if data is not None else None


def hashed_source(data: bytes, sha256: str) -> Source:
    """Return a source of *data*, whose *sha256* the caller has just computed: it is not computed again."""
    source = Source(BytesBody(data))
    source._found = Checksum(algorithm="sha256", value=sha256)
    return source


def load_small(source: Source, *, hashed: bool) -> None:
    """Read a path of at most ``LOADED_BYTES`` now, and have it *hashed*. Other bodies are left alone.

    What is read later is that. Without *hashed*, it is not known yet which checksum is wanted.

    Raises:
        IntegrityError: it is not what it was when the source was made, cannot be read, or has another sha256.
    """
    body = source._body
    if not isinstance(body, PathBody) or body.size > LOADED_BYTES:
        return
    from .resident import FOLDERS

    try:
        data = body.load(FOLDERS.learn)
    except OSError as error:
        raise unreadable(error) from error
    if len(data) < body.size:
        raise ended(len(data), body.size)
    source._finish()
    source._body = BytesBody(data)
    if hashed:
        source.data()
