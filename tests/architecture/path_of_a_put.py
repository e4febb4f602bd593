"""Count what of ours a put of 4 KiB walks through: ``.venv/bin/python tests/architecture/path_of_a_put.py [--list]``.

The second put over one storage is traced, so that what happens once (imports, the first connection) is not counted.
Only frames of files in ``kazinex_storage`` are. *Depth* is how many of them are on the stack at its deepest: a
generator that is resumed through others by ``yield from`` is one frame, like each of the others. *Calls* counts a
generator once, however often it is resumed. Comprehensions are left out, since Python 3.12 makes no frames of them.
``PYTHONPATH=/elsewhere/src`` measures another version of the package.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import kazinex_storage
from kazinex_storage import Storage
from kazinex_storage.registry import default_registry
from kazinex_storage.testing.servers import seaweedfs

HOME = Path(kazinex_storage.__file__).parent
BODY = bytes(4096)
IMPLICIT = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
"""What is written inside a function, and a frame of its own in some versions of Python."""


@dataclass(kw_only=True)
class Walk:
    """What was walked through."""

    deepest: list[str] = field(default_factory=list)
    """The stack at its deepest, the outermost first, as ``file:function``."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often each function was called, in the order of the first calls."""

    @property
    def depth(self) -> int:
        return len(self.deepest)

    @property
    def files(self) -> list[str]:
        """The files, in the order in which they are met."""
        return list(dict.fromkeys(name.partition(":")[0] for name in self.calls))


def walk_of(work: Callable[[], object]) -> Walk:
    """Trace *work* on this thread."""
    names: dict[CodeType, str | None] = {}
    walk, stack, begun = Walk(), list[str](), set[int]()
    frames: list[FrameType] = []  # kept, so that no other frame gets the identity of one that is gone

    def name_of(code: CodeType) -> str | None:
        if code not in names:
            path = Path(code.co_filename)
            ours = path.is_relative_to(HOME) and code.co_name not in IMPLICIT
            names[code] = f"{path.relative_to(HOME)}:{code.co_qualname}" if ours else None
        return names[code]

    def trace(frame: FrameType, event: str, _: Any) -> None:
        if event not in ("call", "return") or (name := name_of(frame.f_code)) is None:
            return
        if event == "return":
            if stack:
                stack.pop()
            return
        stack.append(name)
        if id(frame) not in begun:
            begun.add(id(frame))
            frames.append(frame)
            walk.calls[name] += 1
        if len(stack) > walk.depth:
            walk.deepest = stack.copy()

    sys.setprofile(trace)
    try:
        work()
    finally:
        sys.setprofile(None)
    return walk


def walk_of_a_put(storage: Storage) -> Walk:
    """Trace a put over *storage* that is not its first."""
    storage.put("first.bin", BODY)
    return walk_of(lambda: storage.put("second.bin", BODY))


@contextmanager
def in_memory() -> Iterator[Storage]:
    registry = default_registry()
    with Storage(registry.open("memory", registry.parse_settings("memory", {}))) as storage:
        yield storage


@contextmanager
def on_s3() -> Iterator[Storage]:
    """Yield a storage on SeaweedFS, which this starts."""
    registry = default_registry()
    with seaweedfs() as server:
        settings = {
            "endpoint_url": server.endpoint_url,
            "region": server.region,
            "bucket": server.make_bucket("path-of-a-put"),
            "access_key_id": server.access_key_id,
            "secret_access_key": server.secret_access_key,
        }
        with Storage(registry.open("s3", registry.parse_settings("s3", settings))) as storage:
            yield storage


PLACES = {"memory": in_memory, "s3": on_s3}


def report(place: str, walk: Walk, *, every: bool) -> None:
    counts = f"{len(walk.files)} files, {len(walk.calls)} functions, {walk.calls.total()} calls"
    sys.stdout.write(f"{place}: {walk.depth} frames deep, {counts}\n")
    if every:
        sys.stdout.writelines(f"  {'  ' * depth}{name}\n" for depth, name in enumerate(walk.deepest))
        sys.stdout.write("  every function, in the order of the first calls:\n")
        sys.stdout.writelines(f"  {count:>5} {name}\n" for name, count in walk.calls.items())


if __name__ == "__main__":
    for place, storage_of in PLACES.items():
        with storage_of() as storage:
            report(place, walk_of_a_put(storage), every="--list" in sys.argv[1:])
