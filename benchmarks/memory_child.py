"""One scenario of ``memory.py`` in an interpreter of its own; prints what it measured as JSON."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from kazinex_storage import AsyncStorage, PutOptions, Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings

CHUNK = 256 * 1024
"""Bytes that the iterator yields at a time."""


def chunks(path: Path) -> Iterator[bytes]:
    """Yield a file as a request body arrives."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


class Scenario:
    """The scenarios over one folder; the objects are made without waiting for the disk."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.source = place / "source.bin"
        self.storage = self.open("root")
        self.storage.put("warm.bin", bytes(2 * CHUNK), PutOptions(metadata={"warm": "yes"}))
        self.storage.get_bytes("warm.bin")

    def open(self, name: str) -> Storage:
        """Open a storage over one folder."""
        return Storage(LocalProvider(LocalSettings(root=self.place / name, create=True, durable=False)))

    def put_path(self) -> int:
        return self.storage.put("body.bin", self.source).size

    def put_iterator(self) -> int:
        return self.storage.put("iterated.bin", chunks(self.source)).size

    def stream(self) -> int:
        digest = hashlib.sha256()
        with self.storage.stream("body.bin") as stream:
            for chunk in stream:
                digest.update(chunk)
            return stream.info.size if digest.hexdigest() == self.storage.head("body.bin").sha256 else -1

    def download(self) -> int:
        return self.storage.download("body.bin", self.place / "downloaded.bin").size

    def async_put_iterator(self) -> int:
        async def main() -> int:
            return (await AsyncStorage(self.storage).put("iterated.bin", chunks(self.source))).size

        return asyncio.run(main())

    def async_stream(self) -> int:
        async def main() -> int:
            size = 0
            async for chunk in AsyncStorage(self.storage).stream("body.bin"):
                size += len(chunk)
            return size

        return asyncio.run(main())

    def list_folders(self) -> int:
        return sum(1 for _ in self.open("folders").list())

    def list_one_folder(self) -> int:
        return sum(1 for _ in self.open("one-folder").list())


def scenarios(place: Path) -> Mapping[str, Callable[[], int]]:
    """Return the scenarios by name."""
    found = Scenario(place)
    return {
        "put-path": found.put_path,
        "put-iterator": found.put_iterator,
        "stream": found.stream,
        "download": found.download,
        "async-put-iterator": found.async_put_iterator,
        "async-stream": found.async_stream,
        "list-folders": found.list_folders,
        "list-one-folder": found.list_one_folder,
    }


def resident(field: str) -> int:
    """Return a line of ``/proc/self/status`` in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def forget_peak() -> None:
    """Make the kernel count the peak from here; where it cannot, the peak so far counts as well."""
    clear = Path("/proc/self/clear_refs")
    if os.access(clear, os.W_OK):
        clear.write_text("5", encoding="ascii")  # proc(5): resets VmHWM


def main() -> None:
    """Run the scenario that the command line names."""
    name, place = sys.argv[1], Path(sys.argv[2])
    work = scenarios(place)[name]
    forget_peak()
    before, start = resident("VmRSS"), time.perf_counter()
    done = work()
    seconds = time.perf_counter() - start
    found = {
        "growth": max(0, resident("VmHWM") - before),
        "before": before,
        "done": done,
        "unit": "objects" if name.startswith("list") else "bytes",
        "seconds": seconds,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
