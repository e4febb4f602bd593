"""Document stores that only read, and reads of many parts of a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest

from kazinex_storage import ByteRange, DocumentKey, DocumentStore, NotFoundError, ReadOnlyError

PDF = b"%PDF-1.7 " + bytes(range(200))
DOCUMENT = DocumentKey("org-1", "bridge", "DRG-1", "P01", "a.pdf")


class World(Protocol):
    documents: DocumentStore
    add: Callable[..., str]


def test_a_document_store_that_only_reads_refuses_all_else(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(DOCUMENT, PDF)
    reading = world.documents.read_only()

    for write in (
        lambda: reading.upload(DOCUMENT, b"other"),
        lambda: reading.remove(receipt),
        lambda: reading.begin_direct_upload(DOCUMENT, 1),
        lambda: reading.abort_direct_upload("token"),
        lambda: reading.sweep_direct_uploads(),
        lambda: reading.acting("somebody").remove(receipt),
    ):
        with pytest.raises(ReadOnlyError):
            write()

    assert PDF == reading.get_bytes(receipt) == b"".join(reading.stream(DOCUMENT))
    assert [receipt] == [reading.find(DOCUMENT)]
    assert 1 == len(reading.revisions(DOCUMENT))


def test_many_parts_of_a_document_are_read_in_their_order(world: World) -> None:
    world.add("org-1", "disk", default=True)
    receipt = world.documents.upload(DOCUMENT, PDF)

    spans = [ByteRange(start=100, end=110), ByteRange(start=0, end=5), ByteRange(start=-3)]

    assert [PDF[100:110], b"%PDF-", PDF[-3:]] == world.documents.read_ranges(receipt, spans)
    world.documents.remove(receipt)
    with pytest.raises(NotFoundError):
        world.documents.read_ranges(receipt, spans)
