"""A process that migrates what the world in a folder has from ``old`` to ``new``, to be killed while it does."""

from __future__ import annotations

import sys
from pathlib import Path

from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.options import CopyOptions

from .worlds import ACME, world_on_disk


def main(folder: str) -> None:
    """Go on with the run, or begin it; say when it is at work."""
    with world_on_disk(Path(folder)) as world:
        moving = Migration(world.resolver, ACME, "old", "new", options=CopyOptions(small_bytes=2000, concurrency=4))
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        report = moving.copy()
        sys.stdout.write(f"complete {report.complete}\n")


if __name__ == "__main__":
    main(sys.argv[1])
