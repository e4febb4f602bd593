"""How much of a response is accepted: no more than was requested.

A server, proxy or cache that ignores ranges would otherwise fill memory.

Pure; ``attempt.py`` asks before the first byte, and counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Final

from ..errors import IntegrityError
from ..lazy import regex

_RANGE: Final = regex("bytes=([0-9]{0,18})-([0-9]{0,18})")
_CONTENT_RANGE: Final = regex(r"bytes ([0-9]{1,18})-([0-9]{1,18})/(?:[0-9]{1,18}|\*)")

NO_LIMIT: Final = sys.maxsize
"""The whole was asked for."""


def most_bytes(
    headers: Iterable[tuple[str, str]], status: int, answer: Mapping[str, str], operation: str | None
) -> int:
    """Return how many bytes of an answer with data may come, by the ``Range`` among the *headers* of its request.

    Raises:
        IntegrityError: the answer announces more, or is the whole where a later part was asked for.
    """
    match = None
    for name, value in headers:  # no generator: every small read comes here
        if name.lower() == "range":
            match = _RANGE.fullmatch(value)
            break
    if match is None:
        return NO_LIMIT
    first, last = match[1], match[2]
    if status == 200 and first not in ("", "0"):
        raise larger(f"the whole, where the part from byte {first} was asked for", operation)
    if first and not last:
        return NO_LIMIT
    most = int(last) + 1 - int(first) if first else int(last or 0)
    sent = _CONTENT_RANGE.fullmatch(answer.get("content-range", "")) if status == 206 else None
    length = answer.get("content-length", "")
    announced = int(length) if length.isascii() and length.isdigit() else 0
    if sent is not None:
        announced = max(announced, int(sent[2]) + 1 - int(sent[1]))
    if announced > most:
        raise larger(f"{announced} bytes, where {most} were asked for", operation)
    return most


def larger(what: str, operation: str | None) -> IntegrityError:
    """Return the error for an answer that brings *what* was not asked for."""
    return IntegrityError(
        f"the server sends {what}; it, or a proxy or cache on the way, ignores ranges, so look at both; nothing beyond "
        "was taken",
        operation=operation,
    )
