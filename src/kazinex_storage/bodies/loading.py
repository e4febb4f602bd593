"""Small files that are read in the call that looks at them, instead of when they are sent (ADR 0029)."""

from __future__ import annotations

from typing import Final

from .body import BytesBody, PathBody, ended, unreadable
from .source import Source

# Two calls on a pool of threads, each with its wake-ups, cost more than the file (ADR 0029); 64 of these are 16 MiB.
LOADED_BYTES: Final = 256 * 1024
"""The largest file that ``load_small`` reads."""


def load_small(source: Source, *, hashed: bool) -> None:
    """Read a path of at most ``LOADED_BYTES`` now, and have it *hashed*. Other bodies are left alone.

    What is read later is that. Without *hashed*, it is not known yet which checksum is wanted.

    Raises:
        IntegrityError: it is not what it was when the source was made, cannot be read, or has another sha256.
    """
    body = source._body
    if not isinstance(body, PathBody) or body.size > LOADED_BYTES:
        return
    try:
        data = body.load()
    except OSError as error:
        raise unreadable(error) from error
    if len(data) < body.size:
        raise ended(len(data), body.size)
    source._finish()
    source._body = BytesBody(data)
    if hashed:
        source.data()
