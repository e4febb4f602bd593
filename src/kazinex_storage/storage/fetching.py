"""Downloads: an object into a file, several spans at once from a remote service, and compared with its checksum.

``operations.py`` and ``reading.py`` use this; ``bodies/download_file.py`` is the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, cast

from ..bodies.checksums import check_checksum, hasher_of
from ..errors import IntegrityError
from ..keys import ObjectKey
from ..transport import Exchange, Many, Outcome
from ..types import MIB, WHOLE, Buffer, ByteRange, Checksum, ObjectInfo, Progress, Sink
from .operation import Context
from .ranges import Block, Chunks, blocks_of, replaced

if TYPE_CHECKING:
    from ..bodies.download_file import Download
    from ..bodies.small_download import SmallDownload

# One connection to an object store carries some 50 to 100 MB/s, whatever the line; below 16 MiB a second one does not
# get up to speed before the first has ended.
SPAN_BYTES = 16 * MIB
"""Bytes that one request of a download fetches."""

SPANS_AT_ONCE = 4
"""The most concurrent requests of one download."""


class Fetch:
    """One object being downloaded into a file."""

    def __init__(
        self,
        context: Context,
        key: ObjectKey,
        target_file: Download | SmallDownload,
        on_progress: Progress | None,
        if_match: str | None = None,
        size: int | None = None,
    ) -> None:
        """Fetch the object of the full *key* into *target_file*.

        Args:
            context: What holds the object.
            key: Its full key.
            target_file: The file.
            on_progress: Called as bytes arrive; costs one more ``head``, for the size, unless that is known.
            if_match: The version to fetch; None is the current one.
            size: Its size, as far as known.
        """
        self._context = context
        self._key = key
        self._target_file = target_file
        self._on_progress = on_progress
        self._if_match = if_match
        self._total = size
        self.if_none_match: str | None = None
        """The version that is not fetched; set before it begins."""
        self._done = 0

    def whole(self) -> Exchange[ObjectInfo]:
        """Fetch it in one request.

        Raises:
            StorageError: as in ``StorageProvider.get``.
        """
        etag = yield from self._look()
        return (yield from self._get(WHOLE, self._sink(0), etag))

    def small(self, sha256: str | None) -> Exchange[ObjectInfo]:
        """Fetch it in one request, whose response also says what the whole is compared with, unless *sha256* does.

        Raises:
            StorageError: as in ``StorageProvider.get``.
        """
        etag = yield from self._look()
        if sha256 is not None:
            return (yield from self._get(WHOLE, self._sink(0), etag))
        target_file = cast("SmallDownload", self._target_file)
        sink = target_file if self._on_progress is None else _Expecting(self._sink(0), target_file)
        info = yield from self._get(WHOLE, sink, etag)
        if not target_file.announced:
            target_file.expect((yield from known_checksum(self._context, self._key, None, info)))
        return info

    def spans(self, sha256: str | None) -> Exchange[ObjectInfo]:
        """Fetch it in requests of ``SPAN_BYTES``, all of one version; the first shows how many there are.

        Args:
            sha256: What the file is compared with when it is published; without it, what the service keeps.

        Raises:
            PreconditionFailedError: the object was replaced in the meantime.
            IntegrityError: the service gives no ETag, so that spans could be of different versions.
            StorageError: as in ``StorageProvider.get``.
        """
        etag = yield from self._look()
        info = yield from self._get(ByteRange(end=SPAN_BYTES), self._sink(0, SPAN_BYTES), etag)
        self._target_file.expect((yield from known_checksum(self._context, self._key, sha256, info)))
        if info.size <= SPAN_BYTES:
            return info
        if info.etag is None:
            raise IntegrityError("the service gives the object no ETag, so a large one cannot be read in one version")
        outcomes = cast("list[Outcome[ObjectInfo]]", (yield Many(self._rest(info.size, info.etag), SPANS_AT_ONCE)))
        for outcome in outcomes:
            outcome.result()
        return info

    def _get(self, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        if self.if_none_match is not None:  # the first request; the others are for the version that it found
            return self._get_changed(span, sink, self.if_none_match)
        return self._context.exchanges.get(self._key, span, sink, if_match)

    def _get_changed(self, span: ByteRange, sink: Sink, if_none_match: str) -> Exchange[ObjectInfo]:
        from ..contract_reading import changed  # most downloads are unconditional

        self.if_none_match = None
        info = yield from self._context.exchanges.get_changed(self._key, span, sink, if_none_match)
        return changed(info, if_none_match)

    def _look(self) -> Exchange[str | None]:
        """Look up size and version first, when the caller wants progress and nobody has told the size."""
        if self._on_progress is None or self._total is not None:
            return self._if_match
        before = yield from self._context.exchanges.head(self._key)
        if self.if_none_match is not None:
            from ..contract_reading import changed  # as in _get_changed

            changed(before, self.if_none_match)
            self.if_none_match = None
        self._total = before.size
        return self._if_match or before.etag

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
            if failed:  # there is no point in reading the others
                return
            yield bring(start)

    def _sink(self, start: int, stop: int | None = None) -> Sink:
        sink, on_progress = self._target_file.at(start, stop), self._on_progress
        if on_progress is None:
            return sink

        def report(buffer: Buffer) -> None:
            sink(buffer)
            self._done += len(buffer)
            on_progress(self._done, self._total)

        return report


class _Expecting:
    """A sink of one target that hears what the bytes are compared with."""

    __slots__ = ("_sink", "expect")

    def __init__(self, sink: Sink, target_file: SmallDownload) -> None:
        self._sink = sink
        self.expect = target_file.expect

    def __call__(self, buffer: Buffer) -> None:
        self._sink(buffer)


def known_checksum(context: Context, key: ObjectKey, sha256: str | None, info: ObjectInfo) -> Exchange[Checksum | None]:
    """Return what the whole of the version *info* is compared with: *sha256*, else what a remote service keeps."""
    if sha256 is not None:
        return Checksum(algorithm="sha256", value=sha256)
    if not context.info.remote or info.checksum is not None:
        return info.checksum if context.info.remote else None
    exchanges = context.exchanges
    return (yield from exchanges.checksum(key, info)) if hasattr(exchanges, "checksum") else None


class Proof:
    """A sink that computes the checksum of what goes through it, to be compared with what is expected."""

    __slots__ = ("_expected", "_given", "_hasher", "_sink")

    def __init__(self, sink: Sink, expected: Checksum | None = None) -> None:
        """Compare with *expected*, whatever the provider says; without it, with what the provider says."""
        self._sink = sink
        self._given = expected is not None
        self._expected = expected
        # A provider that announces nothing may still say at the end which sha256 the object was stored with.
        self._hasher = hasher_of(expected.algorithm if expected is not None else "sha256")

    def expect(self, checksum: Checksum | None) -> None:
        """Learn what the provider knows before the first byte arrives."""
        if not self._given:
            self._given = True
            self._expected = checksum
            self._hasher = hasher_of(checksum.algorithm) if checksum is not None else None

    def __call__(self, buffer: Buffer) -> None:
        """Take the next bytes."""
        if self._hasher is not None:
            self._hasher.update(buffer)
        self._sink(buffer)

    def check(self, info: ObjectInfo) -> None:
        """Compare, once all bytes have passed through.

        Raises:
            IntegrityError: they are not those that were stored.
        """
        expected = self._expected if self._given else info.checksum
        if self._hasher is not None and expected is not None and (self._given or expected.algorithm == "sha256"):
            check_checksum(expected, self._hasher.hexdigest())


def read_spans(
    context: Context, key: ObjectKey, spans: Sequence[ByteRange], gap: int, if_match: str | None = None
) -> Exchange[list[bytes]]:
    """Return the bytes of every span, all of one version; see ``Storage.read_ranges``.

    Raises:
        PreconditionFailedError: the object was replaced meanwhile.
    """
    found, blocks, failed = [b""] * len(spans), blocks_of(spans, gap), False

    def read(block: Block) -> Exchange[ObjectInfo]:
        nonlocal failed
        try:
            chunks = Chunks()
            proof = Proof(chunks) if context.info.remote and block.span == WHOLE else None
            info = yield from context.exchanges.get(key, block.span, proof or chunks, if_match)
            if proof is not None:
                proof.check(info)
        except BaseException:
            failed = True
            raise
        for place, data in zip(block.places, block.cut(chunks.kept), strict=True):
            found[place] = data
        return info

    if len(blocks) == 1:
        yield from read(blocks[0])
        return found
    # Once one has failed, there is no point in reading the others.
    exchanges = (read(block) for block in takewhile(lambda _: not failed, blocks))
    outcomes = cast("list[Outcome[ObjectInfo]]", (yield Many(exchanges, context.info.concurrency)))
    infos = [outcome.result() for outcome in outcomes]
    for info in infos:
        if error := replaced(infos[0], info):
            raise error
    return found
