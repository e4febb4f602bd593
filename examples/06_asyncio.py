"""asyncio: the same storage and the same documents, awaited.

Run it: python examples/06_asyncio.py
"""

from __future__ import annotations

import asyncio
import tempfile

from kazinex_storage import (
    AsyncDocumentStore,
    AsyncStorage,
    DocumentKey,
    DocumentStore,
    Resolver,
    Storage,
    open_organisations,
    verify_provider,
)
from kazinex_storage.providers.memory import MemoryProvider


async def objects() -> None:
    async with AsyncStorage(Storage(MemoryProvider())) as storage:
        await asyncio.gather(*(storage.put(f"sheets/{number:02}.txt", b"sheet") for number in range(10)))
        print("stored beside each other:", len([info async for info in storage.list("sheets/")]))


async def documents(documents: AsyncDocumentStore) -> None:
    names = [DocumentKey("org-1", "bridge", f"DRG-{number:04}", "P01", "Übersicht 1.pdf") for number in range(5)]
    receipts = await asyncio.gather(*(documents.upload(name, b"%PDF-1.7 drawing") for name in names))
    print("documents stored:", [receipt.document.document for receipt in receipts])
    print("one of them:", b"".join([chunk async for chunk in documents.stream(receipts[0])]))


def main() -> None:
    asyncio.run(objects())
    with tempfile.TemporaryDirectory() as home:
        organisations = open_organisations({"KAZINEX_STORAGE_HOME": f"{home}/data"})
        record = organisations.add_provider("org-1", "local", "Office disk", {"root": f"{home}/files", "create": True})
        verify_provider(organisations, "org-1", record.id)
        organisations.set_default("org-1", record.id)
        resolver = Resolver(organisations)
        asyncio.run(documents(AsyncDocumentStore(DocumentStore(resolver))))
        resolver.close()
        organisations.close()


if __name__ == "__main__":
    main()
