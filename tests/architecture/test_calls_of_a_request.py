"""How many functions of ours a single request calls; the bounds are lowered as it gets plainer, never raised."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kazinex_storage import Storage

from .path_of_a_put import BODY, PLACES, walk_of

KEY = "plans/a.pdf"
BOUNDS: dict[str, tuple[int, Callable[[Storage], object]]] = {
    "put": (53, lambda storage: storage.put(KEY, BODY)),
    "get": (27, lambda storage: storage.get_bytes(KEY)),
    "head": (29, lambda storage: storage.head(KEY)),
    "delete": (26, lambda storage: storage.delete(KEY)),
}
"""Calls of functions of ours, generators counted once; ADR 0027."""

WAIT = "transport/line.py:Line._wait"
"""Called only if the response is not there yet."""


def test_a_request_calls_no_more_functions_than_it_did() -> None:
    """The least of a few, because a response that comes in pieces, or late, takes some more."""
    found = dict.fromkeys(BOUNDS, 1000)
    with PLACES["s3"]() as storage:
        for _ in range(8):
            for name, (_, work) in BOUNDS.items():
                calls = walk_of(partial(work, storage)).calls
                found[name] = min(found[name], calls.total() - calls[WAIT])

    assert {name: count for name, count in found.items() if count > BOUNDS[name][0]} == {}, found
