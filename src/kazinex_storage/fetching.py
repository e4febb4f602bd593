"""Bringing an object here whole: into a file, in spans beside each other where a network lies between, and proved.

``operations.py`` and ``pulls.py`` use this; ``_internal/download.py`` is the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TypeAlias, cast

from ._internal.download import Download
from .errors import IntegrityError
from .transport import Exchange, Many, Outcome
from .types import MIB, WHOLE, Buffer, ByteRange, ObjectInfo, Progress, Sink

# One connection to an object store carries some 50 to 100 MB/s, whatever the line; below 16 MiB a second one does not
# get up to speed before the first has ended.
SPAN_BYTES = 16 * MIB
"""Bytes that one request of a download asks for."""

SPANS_AT_ONCE = 4
"""Requests of one download that are under way at once."""

Get: TypeAlias = Callable[[ByteRange, Sink, str | None], Exchange[ObjectInfo]]


class Fetch:
    """One object on its way into a file."""

    def __init__(
        self, get: Get, head: Callable[[], Exchange[ObjectInfo]], landing: Download, on_progress: Progress | None
    ) -> None:
        """Bring what *get* reads into *landing*; somebody who watches costs a *head* more, to know the size."""
        self._get = get
        self._head = head
        self._landing = landing
        self._on_progress = on_progress
        self._total: int | None = None
        self._done = 0

    def whole(self) -> Exchange[ObjectInfo]:
        """Bring it in one request.

        Raises:
            StorageError: as in ``StorageProvider.get``.
        """
        etag = yield from self._look()
        return (yield from self._get(WHOLE, self._sink(0), etag))

    def spans(self) -> Exchange[ObjectInfo]:
        """Bring it in requests of ``SPAN_BYTES``, all of one version; the first one tells how many there are.

        Raises:
            PreconditionFailedError: the object was replaced meanwhile.
            IntegrityError: the service gives no version mark, so that spans could be of different objects.
            StorageError: as in ``StorageProvider.get``.
        """
        etag = yield from self._look()
        info = yield from self._get(ByteRange(end=SPAN_BYTES), self._sink(0, SPAN_BYTES), etag)
        if info.size <= SPAN_BYTES:
            return info
        if info.etag is None:
            raise IntegrityError("the service gives the object no ETag, so a large one cannot be read in one version")
        outcomes = cast("list[Outcome[ObjectInfo]]", (yield Many(self._rest(info.size, info.etag), SPANS_AT_ONCE)))
        for outcome in outcomes:
            outcome.result()
        return info

    def _look(self) -> Exchange[str | None]:
        """Learn size and version beforehand when somebody watches the progress."""
        if self._on_progress is None:
            return None
        before = yield from self._head()
        self._total = before.size
        return before.etag

    def _rest(self, size: int, etag: str) -> Iterator[Exchange[ObjectInfo]]:
        failed = False

        def bring(start: int) -> Exchange[ObjectInfo]:
            nonlocal failed
            try:
                stop = min(start + SPAN_BYTES, size)
                return (yield from self._get(ByteRange(start=start, end=stop), self._sink(start, stop), etag))
            except BaseException:
                failed = True
                raise

        for start in range(SPAN_BYTES, size, SPAN_BYTES):
            if failed:  # the others would be read in vain
                return
            yield bring(start)

    def _sink(self, start: int, stop: int | None = None) -> Sink:
        sink, on_progress = self._landing.at(start, stop), self._on_progress
        if on_progress is None:
            return sink

        def report(buffer: Buffer) -> None:
            sink(buffer)
            self._done += len(buffer)
            on_progress(self._done, self._total)

        return report


class Proof:
    """A sink that hashes what goes through it, to be compared with what the service keeps."""

    __slots__ = ("_hash", "_sink")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()

    def __call__(self, buffer: Buffer) -> None:
        """Take the next bytes."""
        self._hash.update(buffer)
        self._sink(buffer)

    def check(self, info: ObjectInfo) -> None:
        """Compare, once all bytes went through.

        Raises:
            IntegrityError: they are not those that were stored.
        """
        check_sha256(info, self._hash.hexdigest())


def check_sha256(info: ObjectInfo, found: str) -> None:
    """Compare the sha256 *found* with the one that *info* knows, if any.

    Raises:
        IntegrityError: they differ.
    """
    if info.sha256 is not None and info.sha256 != found:
        raise IntegrityError(
            f"the bytes that came have sha256 {found}, the object was stored with {info.sha256}; discard them, "
            "read it again"
        )
