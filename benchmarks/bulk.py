"""Many small objects: one by one, through the bulk methods, and on an asyncio loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from kazinex_storage import AsyncStorage, Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings

from .results import Log
from .rounds import Contender, alternate, heading, show
from .sizes import Sizes

SIZE = 4096
"""Bytes in one object."""


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading(f"Bulk: {sizes.bulk_count:,} objects of 4 KiB, local disk")
    body = os.urandom(SIZE)
    keys = [f"plans/{number:06d}.bin" for number in range(sizes.bulk_count)]
    for durable in (True, False):
        root = folder / f"bulk-{durable}"
        with Storage(LocalProvider(LocalSettings(root=root, create=True, durable=durable))) as storage:
            storage.put_many((key, body) for key in keys)
            title = f"put over existing objects, {'durable' if durable else 'not durable'}"
            found = alternate(puts(storage, keys, body), sizes.bulk_rounds)
            show(title, found, unit="us")
            log.keep("put, durable" if durable else "put, not durable", found)
            if not durable:
                found = alternate(gets(storage, keys), sizes.bulk_rounds)
                show("get, page cache warm", found, unit="us")
                log.keep("get, warm", found)


def puts(storage: Storage, keys: list[str], body: bytes) -> list[Contender]:
    """Return the ways of writing."""
    face = AsyncStorage(storage)
    ways: dict[str, Callable[[], object]] = {
        "one by one": lambda: [storage.put(key, body) for key in keys],
        "one by one again (A/A)": lambda: [storage.put(key, body) for key in keys],
        "put_many": lambda: storage.put_many((key, body) for key in keys),
        "async, one by one": lambda: asyncio.run(put_each(face, keys, body)),
        "async put_many": lambda: asyncio.run(put_all(face, keys, body)),
    }
    return contenders(ways, len(keys))


def gets(storage: Storage, keys: list[str]) -> list[Contender]:
    """Return the ways of reading."""
    face = AsyncStorage(storage)
    ways: dict[str, Callable[[], object]] = {
        "one by one": lambda: [storage.get_bytes(key) for key in keys],
        "one by one again (A/A)": lambda: [storage.get_bytes(key) for key in keys],
        "get_many": lambda: [outcome.result() for _, outcome in storage.get_many(keys)],
        "async, one by one": lambda: asyncio.run(get_each(face, keys)),
        "async get_many": lambda: asyncio.run(get_all(face, keys)),
    }
    return contenders(ways, len(keys))


def contenders(ways: dict[str, Callable[[], object]], count: int) -> list[Contender]:
    """Return one contender for each way; what was written before is flushed first."""
    return [Contender(name=name, work=work, operations=count, prepare=os.sync) for name, work in ways.items()]


async def put_each(storage: AsyncStorage, keys: list[str], body: bytes) -> None:
    """Await each put before the next."""
    for key in keys:
        await storage.put(key, body)


async def put_all(storage: AsyncStorage, keys: list[str], body: bytes) -> None:
    """Leave the order to the storage."""
    await storage.put_many((key, body) for key in keys)


async def get_each(storage: AsyncStorage, keys: list[str]) -> None:
    """Await each get before the next."""
    for key in keys:
        await storage.get_bytes(key)


async def get_all(storage: AsyncStorage, keys: list[str]) -> None:
    """Leave the order to the storage."""
    async for _, outcome in storage.get_many(keys):
        outcome.result()
