"""What a client can be asked to do, and how every client does it. Standard library only.

A client has some of these methods:

    put(key, body), get(key), head(key), delete(key)       one after another
    put_many(keys, body), get_many(keys)                   as many at once as the client is best at
    start_async(), async_put(key, body), async_get(key)    coroutines; 64 of them are kept in flight here
    upload(path, key), download(key, path)                 a large file
    count(prefix)                                          of a listing
    tree_up(folder, prefix), tree_down(prefix, folder)     files, recursively
    read_ranges(key, spans)                                spans are (start, end)
    presign(key)
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

IN_FLIGHT = 64
"""Coroutines at once."""

THREADS = 32
"""Threads for libraries that block: more of them are slower on a machine of few cores."""

Work = Callable[[], object]


def object_key(folder: str, number: int) -> str:
    """Return the key of one object; the type is one that a policy would allow."""
    return f"{folder}/{number:08d}.pdf"


def keys_of(job: dict[str, Any]) -> list[str]:
    """Return the keys that a job works on."""
    return [object_key(job["folder"], number) for number in range(job["count"])]


def work_of(client: Any, job: dict[str, Any], loop: asyncio.AbstractEventLoop) -> Work:
    """Return what does the job; what does not belong to it is made before."""
    make: dict[str, Callable[[], Work]] = {
        "put": lambda: _each(partial(_second, client.put, os.urandom(job["size"])), keys_of(job)),
        "get": lambda: _each(client.get, keys_of(job)),
        "head": lambda: _each(client.head, keys_of(job)),
        "delete": lambda: _each(client.delete, keys_of(job)),
        "put_many": lambda: partial(client.put_many, keys_of(job), os.urandom(job["size"])),
        "get_many": lambda: partial(client.get_many, keys_of(job)),
        "async_put": lambda: _on_loop(
            loop, client, partial(_second, client.async_put, os.urandom(job["size"])), keys_of(job)
        ),
        "async_get": lambda: _on_loop(loop, client, client.async_get, keys_of(job)),
        "upload": lambda: partial(client.upload, job["path"], job["key"]),
        "download": lambda: partial(client.download, job["key"], _absent(job["path"])),
        "count": lambda: partial(client.count, job["prefix"]),
        "tree_up": lambda: partial(client.tree_up, job["path"], job["prefix"]),
        "tree_down": lambda: partial(client.tree_down, job["prefix"], _absent(job["path"])),
        "read_ranges": lambda: partial(client.read_ranges, job["key"], spans_of(job)),
        "presign": lambda: _each(client.presign, keys_of(job)),
    }
    return make[job["job"]]()


def spans_of(job: dict[str, Any]) -> list[tuple[int, int]]:
    """Return random spans, the same for every client."""
    dice = random.Random(job["seed"])
    starts = [dice.randrange(job["object_size"] - job["size"]) for _ in range(job["count"])]
    return [(start, start + job["size"]) for start in starts]


def _each(action: Callable[[str], object], keys: list[str]) -> Work:
    def work() -> None:
        for key in keys:
            action(key)

    return work


def _second(action: Callable[[str, bytes], Any], body: bytes, key: str) -> Any:
    return action(key, body)


def _on_loop(
    loop: asyncio.AbstractEventLoop, client: Any, action: Callable[[str], Awaitable[object]], keys: list[str]
) -> Work:
    async def one_after_another(left: Iterable[str]) -> None:
        for key in left:
            await action(key)

    async def all_of_them() -> None:
        left = iter(keys)  # shared, so that a free thread takes the next one
        await asyncio.gather(*(one_after_another(left) for _ in range(IN_FLIGHT)))

    loop.run_until_complete(client.start_async())
    return lambda: loop.run_until_complete(all_of_them())


def _absent(path: str) -> str:
    if Path(path).is_dir():
        shutil.rmtree(path)
    Path(path).unlink(missing_ok=True)
    return path
