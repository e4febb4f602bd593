"""Reading whole objects through fsspec: ours over local disk against fsspec's own local file system."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from . import file_systems
from .results import AGAIN, Log
from .rounds import Contender, alternate, heading, show
from .sizes import MIB, Sizes

SMALL = 4096
"""Bytes."""


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading("fsspec: cat_file of kazinexlocal against fsspec's LocalFileSystem, page cache warm")
    try:
        ours = file_systems.ours(folder / "fs")
    except (ImportError, ValueError) as error:
        print(f"  skipped: kazinexlocal cannot be opened ({error}); install the package with its entry points")
        return
    theirs, plain = file_systems.theirs(), folder / "fs-plain"
    plain.mkdir()
    for what, name, size, calls in (
        ("small", "4 KiB", SMALL, sizes.small_count),
        ("large", f"{sizes.read_size // MIB} MiB", sizes.read_size, 1),
    ):
        body = os.urandom(size)
        path = str(plain / f"{size}.bin")
        ours.pipe_file(f"plans/{size}.bin", body)
        theirs.pipe_file(path, body)
        contenders = {
            "fsspec": functools.partial(theirs.cat_file, path),
            "kazinex-storage": functools.partial(ours.cat_file, f"plans/{size}.bin"),
            f"kazinex-storage{AGAIN}": functools.partial(ours.cat_file, f"plans/{size}.bin"),
            "kazinex-storage, by URL": functools.partial(ours.cat_file, f"kazinexlocal://plans/{size}.bin"),
            "raw: open, read": functools.partial(Path(path).read_bytes),
        }
        samples = alternate(
            [
                Contender(
                    name=who,
                    work=functools.partial(repeat, read, calls),
                    operations=calls,
                    floor=who.startswith("raw"),
                )
                for who, read in contenders.items()
            ],
            sizes.read_rounds,
        )
        show(f"cat_file, {name}", samples, unit="us" if size == SMALL else "ms")
        log.keep(what, samples)


def repeat(read: functools.partial[bytes], calls: int) -> None:
    """Read *calls* times."""
    for _ in range(calls):
        read()
