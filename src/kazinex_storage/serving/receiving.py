"""Bodies on their way in: into a spool that refuses what the organisation does not take, then to the provider."""

from __future__ import annotations

from collections.abc import AsyncIterable

from ..bodies.source import Source
from ..documents.aio import AsyncDocumentStore
from ..documents.receipts import StoredDocument
from ..keys import DocumentKey
from ..storage.awaiting import collected
from ..types import Buffer


async def received(
    documents: AsyncDocumentStore,
    document: DocumentKey,
    blocks: AsyncIterable[Buffer],
    *,
    length: int | None,
    content_type: str | None,
    sha256: str | None = None,
) -> StoredDocument:
    """Store *blocks* as the file of a revision and return the receipt; nothing is stored unless all of it came.

    The name, the type and the *length* that was declared are judged before a byte is read, the bytes while they come.

    Raises:
        StorageError: it is refused, or was not stored; as ``DocumentStore.upload``.
    """
    run = documents.transport.run_async
    spool = await run(documents.operations.spool(document))
    try:
        if length is not None:
            spool.expect(length)
        async with collected(blocks, spool, documents.transport) as body:
            with Source(body, sha256=sha256) as source:
                return await run(documents.operations.upload(document, source, content_type, None, None))
    finally:
        spool.discard()
