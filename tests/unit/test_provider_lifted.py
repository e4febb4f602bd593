"""Lifting: the blocking methods of a provider become exchanges of one call each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from kazinex_storage.bodies.source import Source
from kazinex_storage.errors import NotFoundError, StorageError
from kazinex_storage.keys import ObjectKey, Prefix
from kazinex_storage.lifting import PAGE_ITEMS, Exchanges, Pages
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.transport import Call, Exchange, TransferCancelled, Transport
from kazinex_storage.types import (
    WHOLE,
    Buffer,
    ByteRange,
    Folder,
    ObjectInfo,
    PresignedUrl,
    PresignOptions,
    ProviderInfo,
    PutMode,
    PutOptions,
    Sink,
    UploadState,
)
from kazinex_storage.verbs import exchanges_of

KEY = ObjectKey("a/b")


class Small:
    """A dictionary that follows the contract, written as a third party would."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.listed = 0
        self.ended = False

    @property
    def info(self) -> ProviderInfo:
        return ProviderInfo(kind="small", location="here", capabilities=frozenset(), max_object_bytes=1 << 30)

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        with source.open() as reader:
            data = b"".join(iter(lambda: reader.read(4), b""))
        self.objects[key] = data
        return ObjectInfo(key=key, size=len(data))

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        data = self.objects[key]
        start, end = span.resolve(len(data))
        for at in range(start, end):
            sink(data[at : at + 1])
        return ObjectInfo(key=key, size=len(data))

    def head(self, key: ObjectKey) -> ObjectInfo:
        if key not in self.objects:
            raise NotFoundError("no such object", key=key)
        return ObjectInfo(key=key, size=len(self.objects[key]))

    def delete(self, key: ObjectKey) -> None:
        self.objects.pop(key, None)

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        try:
            for key, data in self.objects.items():
                self.listed += 1
                if key.startswith(prefix):
                    yield ObjectInfo(key=key, size=len(data))
        finally:
            self.ended = True

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        yield Folder(prefix=f"{prefix}a/")
        yield ObjectInfo(key=f"{prefix}b", size=0)

    def close(self) -> None:
        return None

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
        self.objects[target] = self.objects[source]
        return self.head(target)

    def delete_many(self, keys: Sequence[ObjectKey]) -> Sequence[StorageError | None]:
        for key in keys:
            self.delete(key)
        return [None] * len(keys)

    def presign(self, key: ObjectKey, options: PresignOptions) -> PresignedUrl:
        expires_at = datetime(2026, 1, 1, tzinfo=UTC) + options.expires_in
        return PresignedUrl(method=options.method, url=f"x:{key}", expires_at=expires_at)


@pytest.fixture
def small() -> Small:
    return Small()


@pytest.fixture
def run() -> Iterator[Transport]:
    transport = Transport(2)
    yield transport
    transport.close()


def first_call(exchange: Exchange[object]) -> Call:
    command = next(exchange)
    assert isinstance(command, Call)
    return command


def pages(run: Transport, listing: Pages[ObjectInfo]) -> list[int]:
    sizes = []
    while (page := run.run(listing.next())) is not None:
        sizes.append(len(page))
    return sizes


def test_every_method_is_lifted(small: Small, run: Transport) -> None:
    lifted, taken = exchanges_of(small), bytearray()

    assert 5 == run.run(lifted.put(KEY, Source.of(b"bytes"), PutOptions())).size
    assert 5 == run.run(lifted.get(KEY, ByteRange(start=1, end=3), taken.extend, None)).size
    assert b"yt" == taken
    assert 5 == run.run(lifted.head(KEY)).size
    assert 5 == run.run(lifted.copy(KEY, ObjectKey("c"), PutMode.CREATE)).size
    assert "x:c" == run.run(lifted.presign(ObjectKey("c"), PresignOptions(expires_in=timedelta(1)))).url
    assert [None, None] == run.run(lifted.delete_many([KEY, ObjectKey("nothing")]))
    run.run(lifted.delete(ObjectKey("c")))
    assert {} == small.objects


def test_errors_of_the_provider_pass_through(small: Small, run: Transport) -> None:
    with pytest.raises(NotFoundError):
        run.run(exchanges_of(small).head(KEY))


def test_cancelling_a_put_cancels_its_source(small: Small) -> None:
    source = Source.of(b"bytes")
    command = first_call(exchanges_of(small).put(KEY, source, PutOptions()))
    assert command.cancel is not None

    command.cancel()

    with pytest.raises(TransferCancelled):
        command.function(*command.arguments)
    assert {} == small.objects


def test_cancelling_a_get_shuts_its_sink(small: Small) -> None:
    small.objects[KEY] = b"bytes"
    taken: list[bytes] = []

    def sink(buffer: Buffer) -> None:
        taken.append(bytes(buffer))
        if len(taken) == 2:
            assert command.cancel is not None
            command.cancel()

    command = first_call(exchanges_of(small).get(KEY, WHOLE, sink, None))

    with pytest.raises(TransferCancelled):
        command.function(*command.arguments)
    assert [b"b", b"y"] == taken


def test_an_upload_whose_caller_has_gone_is_aborted() -> None:
    provider = MemoryProvider()
    command = first_call(exchanges_of(provider).begin_upload(KEY, 5, PutOptions(), None))
    state = command.run()
    assert command.discard is not None

    command.discard(state)

    assert [] == list(provider.pending_uploads(Prefix()))


def test_cancelling_a_resumed_upload_cancels_its_source() -> None:
    source, state = Source.of(b"bytes"), UploadState(key=KEY, upload_id="1", size=5, part_bytes=5)

    class Resumer(Small):
        def resume_upload(self, state: UploadState, source: Source) -> ObjectInfo:
            return self.put(KEY, source, PutOptions())

    command = first_call(exchanges_of(Resumer()).resume_upload(state, source))
    assert command.cancel is not None

    command.cancel()

    with pytest.raises(TransferCancelled):
        command.run()


def test_a_listing_comes_in_pages_and_lazily(small: Small, run: Transport) -> None:
    small.objects = {f"k{number:05}": b"" for number in range(2 * PAGE_ITEMS + 1)}
    listing = exchanges_of(small).scan(Prefix("k"))

    first = run.run(listing.next())

    assert first is not None
    assert (PAGE_ITEMS, PAGE_ITEMS) == (len(first), small.listed)
    assert [PAGE_ITEMS, 1] == pages(run, listing)
    assert run.run(listing.next()) is None


@pytest.mark.parametrize("count", [0, PAGE_ITEMS])
def test_a_listing_has_no_empty_page(count: int, small: Small, run: Transport) -> None:
    small.objects = {f"k{number:05}": b"" for number in range(count)}

    assert [count] * bool(count) == pages(run, exchanges_of(small).scan(Prefix()))


def test_closing_a_listing_closes_that_of_the_provider(small: Small, run: Transport) -> None:
    small.objects = {f"k{number:05}": b"" for number in range(PAGE_ITEMS + 1)}
    listing = exchanges_of(small).scan(Prefix())
    run.run(listing.next())

    listing.close()
    listing.close()

    assert small.ended


def test_closing_a_listing_that_never_began_is_harmless(small: Small) -> None:
    exchanges_of(small).scan(Prefix()).close()

    assert (0, False) == (small.listed, small.ended)


def test_one_level_is_listed_with_its_folders(small: Small, run: Transport) -> None:
    page = run.run(exchanges_of(small).children(Prefix("x/")).next())

    assert [Folder(prefix="x/a/"), ObjectInfo(key="x/b", size=0)] == page


def test_a_provider_with_exchanges_of_its_own_keeps_them(small: Small) -> None:
    class Native(Small):
        offers_exchanges = True

    native = Native()

    assert exchanges_of(native) is native  # type: ignore[comparison-overlap]
    assert isinstance(exchanges_of(small), Exchanges)
