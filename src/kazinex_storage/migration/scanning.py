"""Reading the listing of an end of a run, a page at a time, so that memory stays flat whatever there is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, cast

from ..errors import StorageError
from ..transport import Exchange, Many, Outcome, Wait
from ..types import ObjectInfo
from .endpoints import Endpoint
from .rates import Pace

# One transaction of the journal for each; S3 lists 1,000 keys a request, and the next page is then on its way.
PAGE: Final = 1000
"""Objects that are looked at together."""


def pages_of(end: Endpoint, prefix: str) -> Iterator[list[ObjectInfo]]:
    """Yield everything whose key begins with *prefix*, in pages; the requests are those of a listing.

    Raises:
        StorageError: the service does not list it.
    """
    listing = end.storage.list(prefix)
    while page := list(islice(listing, PAGE)):
        yield page


def heads_of(end: Endpoint, keys: list[str], pace: Pace | None = None) -> list[ObjectInfo | None]:
    """Return what is known of each of *keys*, None for those that are gone; one request each, many at once.

    *pace* says how many requests a second this source is asked.

    Raises:
        StorageError: the service does not say it of one of them.
    """

    def head(key: str) -> Exchange[ObjectInfo]:
        if pace is not None and pace.limited:
            yield from pace.taking(source=1)
        return (yield from end.storage.operations.head(key))

    def look() -> Exchange[list[Outcome[ObjectInfo]]]:
        heads = (head(key) for key in keys)
        return cast("list[Outcome[ObjectInfo]]", (yield Many(heads, max(1, end.info.concurrency))))

    found: list[ObjectInfo | None] = []
    for outcome in end.storage.transport.run(look()):
        if isinstance(outcome.error, FileNotFoundError) and isinstance(outcome.error, StorageError):
            found.append(None)
        else:
            found.append(outcome.result())
    return found


def wait(end: Endpoint, seconds: float) -> None:
    """Let time pass on this thread; Ctrl-C ends it."""

    def pause() -> Exchange[None]:
        yield Wait(seconds)

    end.storage.transport.run(pause())
