"""The same journeys on an asyncio loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from kazinex_storage import AlreadyExistsError, AsyncDocumentStore, DocumentKey, DocumentStore, NotFoundError


class World(Protocol):
    documents: DocumentStore
    add: Callable[..., str]


DOCUMENT = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")


@pytest.mark.asyncio
async def test_a_document_makes_its_journey_on_the_loop(world: World, tmp_path: Path) -> None:
    world.add("org-1", "disk", default=True)
    documents = AsyncDocumentStore(world.documents)

    receipt = await documents.upload(DOCUMENT, b"%PDF")

    assert receipt == await documents.find(DOCUMENT)
    assert b"%PDF" == b"".join([chunk async for chunk in documents.stream(receipt)])
    await documents.download(receipt, tmp_path / "copy.pdf")
    assert b"%PDF" == (tmp_path / "copy.pdf").read_bytes()
    assert ["P01"] == [found.document.revision for found in await documents.revisions(DOCUMENT)]
    with pytest.raises(AlreadyExistsError):
        await documents.upload(DOCUMENT, b"other")
    await documents.remove(receipt)
    with pytest.raises(NotFoundError):
        await documents.find(DOCUMENT)


@pytest.mark.asyncio
async def test_an_async_body_is_uploaded_and_refused_like_any_other(world: World) -> None:
    world.add("org-1", "disk", default=True)
    documents = AsyncDocumentStore(world.documents)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"%PDF"
        yield b"-1.7"

    receipt = await documents.upload(DOCUMENT, chunks())

    assert b"%PDF-1.7" == world.documents.open(receipt).read()
    with pytest.raises(AlreadyExistsError):
        await documents.upload(DOCUMENT, chunks())


@pytest.mark.asyncio
async def test_many_uploads_run_beside_each_other(world: World) -> None:
    world.add("org-1", "disk", default=True)
    documents = AsyncDocumentStore(world.documents)
    keys = [DocumentKey("org-1", "bridge", f"DRG-{number}", "P01", "plan.pdf") for number in range(40)]

    receipts = await asyncio.gather(*(documents.upload(key, key.document.encode()) for key in keys))

    assert [key.document.encode() for key in keys] == [world.documents.open(receipt).read() for receipt in receipts]
