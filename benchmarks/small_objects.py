"""Objects of 4 KiB on local disk, one after another: ours, fsspec's, and what the bare system calls cost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from kazinex_storage import Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings

from . import file_systems
from .results import AGAIN, Log
from .rounds import Contender, alternate, heading, show
from .sizes import Sizes

SIZE = 4096
"""Bytes in one object."""


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading(f"Small objects: {sizes.small_count} of 4 KiB, one after another, local disk")
    print("  put, durable: atomic, sha256 and sidecar; fsync of file, sidecar and both folders before it returns")
    print("  put, not durable: the same without fsync; atomic against readers, not against a power cut")
    print("  fsspec: truncates and writes in place; no fsync, not atomic, no checksum, no metadata")
    print("  by hand: write a temporary file, fsync, rename, fsync the folder; no checksum, no metadata")
    place, body = folder / "small", os.urandom(SIZE)
    place.mkdir()
    plain, theirs, count = place / "plain", file_systems.theirs(), sizes.small_count
    plain.mkdir()
    names = [f"{number:06d}.bin" for number in range(count)]
    durable = Storage(LocalProvider(LocalSettings(root=place / "durable", create=True)))
    quick = Storage(LocalProvider(LocalSettings(root=place / "quick", create=True, durable=False)))
    with durable, quick:

        def put(storage: Storage) -> Callable[[str], object]:
            return lambda name: storage.put(f"plans/{name}", body)

        puts: dict[str, Callable[[str], object]] = {
            "kazinex-storage, durable": put(durable),
            f"kazinex-storage, durable{AGAIN}": put(durable),
            "by hand, durable": lambda name: write_durably(plain, name, body),
            "kazinex-storage, not durable": put(quick),
            "fsspec": lambda name: theirs.pipe_file(str(plain / name), body),
        }
        gets: dict[str, Callable[[str], object]] = {
            "fsspec": lambda name: theirs.cat_file(str(plain / name)),
            "kazinex-storage": lambda name: durable.get_bytes(f"plans/{name}"),
            f"kazinex-storage{AGAIN}": lambda name: durable.get_bytes(f"plans/{name}"),
            "raw: open, read": lambda name: (plain / name).read_bytes(),
        }
        heads: dict[str, Callable[[str], object]] = {
            "fsspec": lambda name: theirs.info(str(plain / name)),
            "kazinex-storage": lambda name: durable.head(f"plans/{name}"),
            f"kazinex-storage{AGAIN}": lambda name: durable.head(f"plans/{name}"),
            "raw: stat": lambda name: os.stat(plain / name),
        }
        for what, ways in (("put", puts), ("get", gets), ("head", heads)):
            prepare = os.sync if what == "put" else _nothing
            found = alternate([_each(name, act, names, prepare) for name, act in ways.items()], sizes.small_rounds)
            show(f"{what}, one object", found, unit="us")
            log.keep(what, found)


def _each(name: str, act: Callable[[str], object], names: list[str], prepare: Callable[[], object]) -> Contender:
    def work() -> None:
        for item in names:
            act(item)

    floor = name.startswith(("raw", "by hand"))
    return Contender(name=name, work=work, operations=len(names), prepare=prepare, floor=floor)


def _nothing() -> None:
    pass


def write_durably(folder: Path, name: str, body: bytes) -> None:
    """Write a file so that it is whole and on the disk, with nothing else."""
    temporary = folder / f".{name}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        os.write(descriptor, body)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(temporary, folder / name)
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
