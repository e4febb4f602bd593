"""A body that must have exactly so many bytes, wherever it comes from: refused once it has more, or at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from ..bodies.body import Spool
from ..bodies.source import Source
from ..bodies.taking import CHUNK_BYTES, known_body
from ..errors import IntegrityError
from ..storage.rules import Body
from ..types import Buffer


def exactly(body: Body, size: int) -> Body:
    """Return *body*, which is refused unless it has *size* bytes; one without a length is counted while it is read.

    Raises:
        IntegrityError: it has a length, and another one.
    """
    if isinstance(body, Source):
        check_size(body.size, size)
        return body
    known = known_body(body)
    if known is not None:
        check_size(known.size, size)
        return body
    read = getattr(body, "read", None)
    if read is not None:
        return _counted(iter(lambda: cast(BinaryIO, body).read(CHUNK_BYTES), b""), size)
    return _counted(cast("Iterable[Buffer]", body), size)


def spool_of(size: int) -> Spool:
    """Return a spool that refuses more than *size* bytes."""
    return Spool(size, lambda found: other_size(found, size))


def check_size(found: int, size: int) -> None:
    """Refuse a body of another size.

    Raises:
        IntegrityError: it has one.
    """
    if found != size:
        raise other_size(found, size)


def other_size(found: int, size: int) -> IntegrityError:
    """Return the error for a body that has, or has reached, *found* bytes."""
    return IntegrityError(
        f"the body has {found:,} bytes{' or more' if found > size else ''}, the ticket is for {size:,}; "
        "nothing was stored",
        operation="receive_direct_upload",
    )


def _counted(chunks: Iterable[Buffer], size: int) -> Iterator[Buffer]:
    found = 0
    for chunk in chunks:
        found += memoryview(chunk).nbytes
        if found > size:
            raise other_size(found, size)
        yield chunk
    check_size(found, size)
