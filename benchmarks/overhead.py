"""What ``Storage`` costs over the provider that it wraps: a provider in memory leaves nothing else to measure."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from kazinex_storage import ObjectKey, PutOptions, Source, Storage, UploadPolicy
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.types import WHOLE

from .results import Log
from .rounds import Contender, alternate, heading, show
from .sizes import MIB, Sizes

BODY = bytes(4096)


def run(_: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading("Overhead: one call of Storage over one call of MemoryProvider, 4 KiB objects")
    provider = MemoryProvider()
    storage = Storage(provider)
    policy = UploadPolicy.make(kind="memory", ceiling=MIB, extensions=["pdf", "dwg"])
    options = PutOptions(content_type="application/pdf")
    key, full = "bridge/DRG-0042/P01/plan.pdf", "org-1/bridge/DRG-0042/P01/plan.pdf"
    legal = ObjectKey(full)
    scoped = storage.scoped("org-1")
    guarded = scoped.with_policy(policy)
    storage.put(full, BODY)

    def bare_get() -> bytes:
        chunks: list[bytes] = []
        provider.get(legal, WHOLE, chunks.append, None)  # type: ignore[arg-type]  # memory gives bytes
        return b"".join(chunks)

    def bare_put() -> None:
        with Source.of(BODY) as source:
            provider.put(legal, source, options)

    operations: dict[str, tuple[Callable[[], object], dict[str, Callable[[], object]]]] = {
        "get_bytes": (
            bare_get,
            {
                "plain": functools.partial(storage.get_bytes, full),
                "scoped": functools.partial(scoped.get_bytes, key),
                "scoped, policy": functools.partial(guarded.get_bytes, key),
            },
        ),
        "head": (
            functools.partial(provider.head, legal),
            {
                "plain": functools.partial(storage.head, full),
                "scoped": functools.partial(scoped.head, key),
                "scoped, policy": functools.partial(guarded.head, key),
            },
        ),
        "put": (
            bare_put,
            {
                "plain": functools.partial(storage.put, full, BODY),
                "scoped": functools.partial(scoped.put, key, BODY),
                "scoped, policy": functools.partial(guarded.put, key, BODY),
            },
        ),
    }
    for operation, (bare, calls) in operations.items():
        contenders = [
            Contender(name="provider", work=repeat(bare, sizes.calls), operations=sizes.calls),
            Contender(name="provider again (A/A)", work=repeat(bare, sizes.calls), operations=sizes.calls),
            *(
                Contender(name=f"Storage, {name}", work=repeat(call, sizes.calls), operations=sizes.calls)
                for name, call in calls.items()
            ),
        ]
        samples = alternate(contenders, sizes.call_rounds)
        show(operation, samples, unit="us")
        log.keep(operation, samples)
    storage.close()


def repeat(call: Callable[[], object], count: int) -> Callable[[], None]:
    """Return a function that calls *call* *count* times."""

    def work() -> None:
        for _ in range(count):
            call()

    return work
