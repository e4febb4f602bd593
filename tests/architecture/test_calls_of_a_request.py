"""How many functions of ours a single request calls; the bounds are lowered as it gets plainer, never raised.

They were once, when requests came to be signed here, by one call or two; libcurl took three times as long (ADR 0039).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from kazinex_storage import AsyncStorage, Storage

from .path_of_a_put import BODY, PLACES, walk_of

KEY = "plans/a.pdf"
BOUNDS: dict[str, tuple[int, Callable[[Storage], object]]] = {
    "put": (51, lambda storage: storage.put(KEY, BODY)),
    "get": (29, lambda storage: storage.get_bytes(KEY)),
    "head": (31, lambda storage: storage.head(KEY)),
    "delete": (28, lambda storage: storage.delete(KEY)),
}
"""Calls of functions of ours, generators counted once; ADR 0027. Two of them sign, which libcurl did (ADR 0039)."""

AT_ONCE = 64
"""As many as run at once in bulk work on S3; what a turn of the driver costs is shared by them."""


def get_many(storage: Storage) -> None:
    for _, outcome in storage.get_many([KEY] * AT_ONCE):
        outcome.result()


def put_many(storage: Storage) -> None:
    storage.put_many((f"{KEY}{number}", BODY) for number in range(AT_ONCE))


def get_on_a_loop(storage: Storage) -> None:
    async def get() -> None:
        faced = AsyncStorage(storage)
        await asyncio.gather(*(faced.get_bytes(KEY) for _ in range(AT_ONCE)))

    asyncio.run(get())


BULK_BOUNDS: dict[str, tuple[int, Callable[[Storage], object]]] = {
    "get_many": (34, get_many),
    "put_many": (55, put_many),
    "get on a loop": (42, get_on_a_loop),
}
"""The same for one of many. ADR 0039."""

OWNED_BOUNDS: dict[str, tuple[int, int, Callable[[Storage], object]]] = {
    "get": (34, 1, BOUNDS["get"][1]),
    "get_many": (38, AT_ONCE, get_many),
    "get on a loop": (49, AT_ONCE, get_on_a_loop),
}
"""The same, with the number of requests, for the storage of an organisation, which has a share. ADR 0051."""

ROUNDS = 40
"""How often a work is done at most until it keeps to its bound: on a busy machine few responses come in one piece."""

WAIT = "transport/line.py:Line._wait"
"""Called only if the response is not there yet."""


def test_a_request_calls_no_more_functions_than_it_did() -> None:
    """The least of a few, because a response that comes in pieces, or late, takes some more."""
    found = dict.fromkeys(BOUNDS, 1000)
    with PLACES["s3"]() as storage:
        for name, (bound, work) in BOUNDS.items():
            for _ in range(ROUNDS):
                calls = walk_of(partial(work, storage)).calls
                found[name] = min(found[name], calls.total() - calls[WAIT])
                if found[name] <= bound:
                    break

    assert {name: count for name, count in found.items() if count > BOUNDS[name][0]} == {}, found


def test_one_of_many_requests_calls_no_more_functions_than_it_did() -> None:
    """Without those of a turn of the driver: how many turns there are depends on when responses come."""
    found = dict.fromkeys(BULK_BOUNDS, 1000.0)
    with PLACES["s3"]() as storage:
        storage.put(KEY, BODY)
        for name, (bound, work) in BULK_BOUNDS.items():
            for _ in range(ROUNDS):
                calls = walk_of(partial(work, storage)).calls.values()
                found[name] = min(found[name], sum(count for count in calls if count >= AT_ONCE) / AT_ONCE)
                if found[name] <= bound:
                    break

    assert {name: count for name, count in found.items() if count > BULK_BOUNDS[name][0]} == {}, found


def test_a_request_in_the_share_of_an_organisation_calls_few_functions_more() -> None:
    found = dict.fromkeys(OWNED_BOUNDS, 1000.0)
    with PLACES["s3"]() as plain:
        plain.put(KEY, BODY)
        storage = Storage(plain.operations.context.provider, transport=plain.transport.owned("acme"))
        storage.operations.context.carrier = storage.transport  # as a resolver opens it
        for name, (bound, requests, work) in OWNED_BOUNDS.items():
            for _ in range(ROUNDS):
                calls = walk_of(partial(work, storage)).calls
                found[name] = min(found[name], (calls.total() - calls[WAIT]) / requests)
                if found[name] <= bound:
                    break

    assert {name: count for name, count in found.items() if count > OWNED_BOUNDS[name][0]} == {}, found
