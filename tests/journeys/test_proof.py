"""A receipt is answered with the bytes that were uploaded or with an error, through whatever call they are read."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeAlias

import pytest

from kazinex_storage import (
    AsyncDocumentStore,
    DocumentKey,
    DocumentStore,
    IntegrityError,
    IntegrityState,
    ObjectInfo,
    PutOptions,
    Storage,
    StoredDocument,
)
from kazinex_storage.bodies.source import Source
from kazinex_storage.keys import ObjectKey
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing.bench import pattern
from kazinex_storage.testing.faults import Corrupt, Fault, FaultyProvider, Truncate
from kazinex_storage.types import ByteRange

from .only_provider import OnlyProvider


class World(Protocol):
    root: Path
    documents: DocumentStore
    add: Callable[..., str]


DOCUMENT = DocumentKey("org-1", "bridge", "DRG-1", "P01", "contract.pdf")
OTHERS = DocumentKey("org-2", "bridge", "DRG-2", "P01", "contract.pdf")
TRUE = pattern(3_000_000)  # several reads of a file, several windows of a stream
FORGED = TRUE[:2_999_990] + bytes(10)  # its beginning gives nothing away

Read: TypeAlias = Callable[[DocumentStore, StoredDocument, Path], bytes]


def opened(documents: DocumentStore, receipt: StoredDocument, folder: Path) -> bytes:
    with documents.open(receipt) as file:
        return file.read()


def opened_in_pieces(documents: DocumentStore, receipt: StoredDocument, folder: Path) -> bytes:
    found = bytearray()
    with documents.open(receipt) as file:
        while piece := file.read(70_000):
            found += piece
    return bytes(found)


def opened_out_of_order(documents: DocumentStore, receipt: StoredDocument, folder: Path) -> bytes:
    with documents.open(receipt) as file:
        first = file.read(1_000)
        file.seek(1_500_000)
        file.read(1_000)
        file.seek(500)
        return first[:500] + file.read()


def streamed(documents: DocumentStore, receipt: StoredDocument, folder: Path) -> bytes:
    return b"".join(documents.stream(receipt))


def at_once(documents: DocumentStore, receipt: StoredDocument, folder: Path) -> bytes:
    return documents.get_bytes(receipt)


def downloaded(documents: DocumentStore, receipt: StoredDocument, folder: Path) -> bytes:
    documents.download(receipt, folder / "copy.pdf")
    return (folder / "copy.pdf").read_bytes()


READS = [opened, opened_in_pieces, opened_out_of_order, streamed, at_once, downloaded]


def forge(world: World, receipt: StoredDocument, data: bytes = FORGED) -> None:
    """Write other bytes in place, and restore the time: size and etag are those of the receipt."""
    path = world.root / "shared" / receipt.key
    times = path.stat()
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("read", READS, ids=lambda read: read.__name__)
def test_a_whole_read_by_receipt_proves_its_bytes(world: World, tmp_path: Path, read: Read) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(DOCUMENT, TRUE)
    assert TRUE == read(world.documents, receipt, tmp_path)
    (tmp_path / "copy.pdf").unlink(missing_ok=True)

    forge(world, receipt)

    assert receipt.etag == world.documents.find(DOCUMENT).etag
    with pytest.raises(IntegrityError, match="sha256"):
        read(world.documents, receipt, tmp_path)
    assert not (tmp_path / "copy.pdf").exists()


@pytest.mark.asyncio
async def test_an_awaited_read_by_receipt_proves_its_bytes(world: World, tmp_path: Path) -> None:
    world.add("org-1", "disk", default=True)
    documents = AsyncDocumentStore(world.documents)
    receipt = await documents.upload(DOCUMENT, TRUE)
    assert TRUE == await documents.get_bytes(receipt)
    assert TRUE[5:9] == await documents.get_bytes(receipt, ByteRange(start=5, end=9))

    forge(world, receipt)

    with pytest.raises(IntegrityError):
        await documents.get_bytes(receipt)
    with pytest.raises(IntegrityError):
        await _collected(documents.stream(receipt))
    with pytest.raises(IntegrityError):
        await documents.download(receipt, tmp_path / "copy.pdf")
    assert IntegrityState.TAMPERED is await documents.check(receipt)
    assert IntegrityState.SAME_VERSION is await documents.check(receipt, by="version")


async def _collected(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


def test_the_last_chunk_of_an_altered_stream_never_comes(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(DOCUMENT, TRUE)
    forge(world, receipt)
    came = 0

    with pytest.raises(IntegrityError):
        for chunk in world.documents.stream(receipt):
            came += len(chunk)

    assert 0 < came < len(TRUE)


def test_a_file_that_was_found_altered_is_not_read_on(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(DOCUMENT, TRUE)
    forge(world, receipt)

    with world.documents.open(receipt) as file:
        for _ in range(2):
            file.seek(0)
            with pytest.raises(IntegrityError):
                file.read()


@pytest.mark.parametrize("read", READS, ids=lambda read: read.__name__)
def test_another_version_of_as_many_bytes_is_refused(world: World, tmp_path: Path, read: Read) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(DOCUMENT, TRUE)
    (world.root / "shared" / receipt.key).write_bytes(FORGED)

    with pytest.raises(IntegrityError):
        read(world.documents, receipt, tmp_path)


def test_a_part_is_of_the_recorded_version_or_refused(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(DOCUMENT, TRUE)
    span = ByteRange(start=10, end=20)
    assert TRUE[10:20] == world.documents.get_bytes(receipt, span)

    (world.root / "shared" / receipt.key).write_bytes(FORGED)

    with pytest.raises(IntegrityError, match="another version"):
        world.documents.get_bytes(receipt, span)
    with pytest.raises(IntegrityError, match="another version"):
        world.documents.open(receipt)


def test_the_same_bytes_as_another_version_are_downloaded_and_intact(world: World, tmp_path: Path) -> None:
    """A copy back from a backup has another time; the bytes prove themselves."""
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(DOCUMENT, TRUE)
    os.utime(world.root / "shared" / receipt.key, (1, 1))

    assert IntegrityState.INTACT is world.documents.check(receipt)
    assert IntegrityState.UNKNOWN is world.documents.check(receipt, by="version")
    world.documents.download(receipt, tmp_path / "copy.pdf")
    with pytest.raises(IntegrityError, match="another version"):
        world.documents.open(receipt)


def test_a_check_reads_and_a_look_at_the_version_is_named_so(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(DOCUMENT, TRUE)
    assert IntegrityState.INTACT is world.documents.check(receipt)
    assert IntegrityState.SAME_VERSION is world.documents.check(receipt, by="version")

    forge(world, receipt)

    assert IntegrityState.TAMPERED is world.documents.check(receipt)
    assert IntegrityState.SAME_VERSION is world.documents.check(receipt, by="version")
    with pytest.raises(ValueError, match="'bytes' or by 'version'"):
        world.documents.check(receipt, by="time")  # type: ignore[arg-type]


def test_bytes_altered_in_transit_accuse_no_provider() -> None:
    memory = MemoryProvider()
    receipt = DocumentStore(OnlyProvider(Storage(memory))).upload(DOCUMENT, TRUE)

    def check(*plan: Fault) -> IntegrityState:
        return DocumentStore(OnlyProvider(Storage(FaultyProvider(memory, plan)))).check(receipt)

    with pytest.raises(IntegrityError, match="two reads of one version differ"):
        check(Fault(operation="get", effect=Corrupt(7)))
    with pytest.raises(IntegrityError, match="check it again"):
        check(Fault(operation="get", effect=Truncate(7)))
    assert IntegrityState.TAMPERED is check(Fault(operation="get", effect=Corrupt(7), times=2))
    assert IntegrityState.INTACT is check()


def test_a_receipt_without_a_sha256_proves_nothing(world: World, tmp_path: Path) -> None:
    world.add("org-1", "disk", default=True)
    receipt = replace(world.documents.upload(DOCUMENT, TRUE), sha256=None)

    assert IntegrityState.UNKNOWN is world.documents.check(receipt)
    assert TRUE == world.documents.get_bytes(receipt)

    path = world.root / "shared" / receipt.key
    path.write_bytes(FORGED)
    assert IntegrityState.UNKNOWN is world.documents.check(receipt)
    for read in READS:  # pinned, since there is no other proof
        with pytest.raises(IntegrityError):
            read(world.documents, receipt, tmp_path)
    path.write_bytes(FORGED + b"1")
    assert IntegrityState.TAMPERED is world.documents.check(receipt)


class _Silent(MemoryProvider):
    """A service that does not say when it stored an object."""

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        return replace(super().put(key, source, options), last_modified=None)


@pytest.mark.parametrize(("provider", "clock"), [(MemoryProvider, "service"), (_Silent, "client")])
def test_a_receipt_says_when_by_whose_clock(provider: type[MemoryProvider], clock: str) -> None:
    receipt = DocumentStore(OnlyProvider(Storage(provider()))).upload(DOCUMENT, b"%PDF")

    assert clock == receipt.stored_at_by
    assert receipt.stored_at is not None
    assert receipt.stored_at.utcoffset() is not None
    assert receipt == StoredDocument.from_dict(receipt.to_dict())


def test_an_old_receipt_and_one_with_an_unknown_clock(world: World) -> None:
    world.add("org-1", "disk", default=True)
    fields = world.documents.upload(DOCUMENT, b"%PDF").to_dict()

    assert "service" == StoredDocument.from_dict({k: v for k, v in fields.items() if k != "stored_at_by"}).stored_at_by
    with pytest.raises(ValueError, match="clock"):
        StoredDocument.from_dict({**fields, "stored_at_by": "moon"})
