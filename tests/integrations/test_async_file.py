"""Documents as files of asyncio, and parts of them as streams."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing

import pytest

from kazinex_storage import AsyncDocumentStore, ByteRange, DocumentKey, DocumentStore, IntegrityError, NotFoundError
from kazinex_storage.documents.async_file import AsyncDocumentFile
from kazinex_storage.documents.receipts import StoredDocument
from kazinex_storage.organisations import MemoryCatalogue, Organisations, Resolver
from kazinex_storage.verification.verify import verify_provider

BODY = bytes(range(256)) * 4_000  # four windows: 256 KiB, then the rest
KEY = DocumentKey("acme", "bridge", "DRG-0042", "P01", "plan.bin")


@pytest.fixture
def store() -> Iterator[DocumentStore]:
    organisations = Organisations(MemoryCatalogue())
    record = organisations.add_provider("acme", "memory", "M", {})
    verify_provider(organisations, "acme", record.id)
    organisations.set_default("acme", record.id)
    with closing(Resolver(organisations)) as resolver:
        yield DocumentStore(resolver, organisation="acme")


def read_by(store: DocumentStore, use: Callable[[AsyncDocumentFile], Awaitable[object]]) -> object:
    receipt = store.upload(KEY, BODY)

    async def main() -> object:
        async with await AsyncDocumentStore(store).open(receipt) as file:
            return await use(file)

    return asyncio.run(main())


def test_a_file_is_read_in_pieces_to_its_end(store: DocumentStore) -> None:
    async def use(file: AsyncDocumentFile) -> object:
        first, second = await file.read(10), await file.read(400_000)
        return first + second + await file.read(), file.tell(), await file.read(5), file.size

    assert (BODY, len(BODY), b"", len(BODY)) == read_by(store, use)


def test_it_goes_to_a_position_and_reads_from_there(store: DocumentStore) -> None:
    async def use(file: AsyncDocumentFile) -> object:
        found = [await file.read(4)]
        for offset, whence in ((100, io.SEEK_CUR), (-6, io.SEEK_END), (500_000, io.SEEK_SET), (0, io.SEEK_SET)):
            await file.seek(offset, whence)
            found.append(await file.read(4))
        await file.seek(5, io.SEEK_END)
        return [*found, await file.read(4)]

    size = len(BODY)
    expected = [BODY[at : at + 4] for at in (0, 104, size - 6, 500_000, 0)]
    assert [*expected, b""] == read_by(store, use)


def test_it_is_iterated_without_holding_the_whole(store: DocumentStore) -> None:
    async def use(file: AsyncDocumentFile) -> object:
        return [len(chunk) async for chunk in file]

    sizes = read_by(store, use)

    assert isinstance(sizes, list)
    assert len(BODY) == sum(sizes)
    assert 256 * 1024 == sizes[0]


def test_what_makes_no_sense_is_refused(store: DocumentStore) -> None:
    async def use(file: AsyncDocumentFile) -> object:
        for offset, whence in ((-1, io.SEEK_SET), (0, 7)):
            with pytest.raises(ValueError, match=r"before the beginning|whence"):
                await file.seek(offset, whence)
        await file.aclose()
        with pytest.raises(ValueError, match="closed"):
            await file.read()
        return file.closed

    assert read_by(store, use) is True


def test_the_last_bytes_of_an_altered_document_do_not_come(store: DocumentStore) -> None:
    receipt = store.upload(KEY, BODY)
    altered = _other_bytes(store, receipt)

    async def main() -> bytes:
        async with await AsyncDocumentStore(store).open(altered) as file:
            return await file.read()

    with pytest.raises(IntegrityError):
        asyncio.run(main())


def test_an_absent_document_is_not_opened(store: DocumentStore) -> None:
    with pytest.raises(NotFoundError):
        asyncio.run(AsyncDocumentStore(store).open(KEY))


def test_a_span_of_a_document_is_streamed(store: DocumentStore) -> None:
    receipt, span = store.upload(KEY, BODY), ByteRange(start=100_000, end=700_000)

    async def main() -> bytes:
        return b"".join([chunk async for chunk in AsyncDocumentStore(store).stream(receipt, span)])

    assert BODY[100_000:700_000] == b"".join(store.stream(receipt, span)) == asyncio.run(main())
    assert BODY[-5:] == b"".join(store.stream(receipt, ByteRange(start=-5)))


def _other_bytes(store: DocumentStore, receipt: StoredDocument) -> StoredDocument:
    """Return a receipt of what is stored that says another sha256, as if the bytes had changed unseen."""
    fields = {**receipt.to_dict(), "sha256": "0" * 64, "etag": None}
    return StoredDocument.from_dict(fields)
