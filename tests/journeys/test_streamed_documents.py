"""Documents whose length is not known before they end: sent as they come, under the rule of revisions and the quota."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator

import pytest

from kazinex_storage import AlreadyExistsError, AsyncDocumentStore, QuotaExceededError
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.types import MIB

from .test_quotas import Flat, flat_on, key, name

SIZE = 10 * MIB
ROW = b"x" * MIB


def rows() -> Iterator[bytes]:
    for _ in range(SIZE // MIB):
        yield ROW


async def arriving() -> AsyncIterator[bytes]:
    for row in rows():
        await asyncio.sleep(0)
        yield row


@pytest.fixture
def flat(seaweedfs_server: S3Server) -> Iterator[Flat]:
    settings: dict[str, object] = {
        "endpoint_url": seaweedfs_server.endpoint_url,
        "region": seaweedfs_server.region,
        "bucket": seaweedfs_server.make_bucket(),
        "access_key_id": seaweedfs_server.access_key_id,
        "secret_access_key": seaweedfs_server.secret_access_key,
    }
    made = flat_on("s3", settings)
    made.organisations.set_quota("org-1", max_bytes=2 * SIZE, version=1)
    yield made
    made.resolver.close()


def test_a_streamed_document_has_a_receipt_and_counts_once(flat: Flat) -> None:
    receipt = flat.documents.upload(key(), rows())

    with pytest.raises(AlreadyExistsError):
        flat.documents.upload(key(), rows())
    assert hashlib.sha256(ROW * (SIZE // MIB)).hexdigest() == receipt.sha256
    assert (1, SIZE) == flat.used
    assert 0 == flat.reserved


def test_what_comes_on_a_loop_is_a_document_as_well_and_the_quota_holds(flat: Flat) -> None:
    async def upload() -> None:
        documents = AsyncDocumentStore(flat.documents)
        await documents.upload(key(), arriving())
        await documents.upload(key("P02"), arriving())
        with pytest.raises(QuotaExceededError):
            await documents.upload(key("P03"), arriving())

    asyncio.run(upload())

    assert (2, 2 * SIZE) == flat.used
    assert 0 == flat.reserved
    assert [name(), name("P02")] == sorted(flat.names())
    assert [] == flat.storage.pending_uploads()
