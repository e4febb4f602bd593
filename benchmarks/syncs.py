"""Synchronisation: files of a folder that are all the same on a local provider, so that nothing is left to do."""

from __future__ import annotations

import os
from pathlib import Path

from kazinex_storage import Storage, SyncOptions, sync
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.syncing.judging import Comparison

from .goals import OURS
from .results import AGAIN, Log
from .rounds import Contender, alternate, heading, show
from .sizes import Sizes

SIZE = 4096
"""Bytes in one file."""


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading(f"Sync: {sizes.synced:,} unchanged files of 4 KiB, from a folder to a local provider")
    source, body = folder / "synced", os.urandom(SIZE)
    for number in range(sizes.synced):
        path = source / f"{number % 100:02}" / f"{number:06}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    with Storage(LocalProvider(LocalSettings(root=folder / "synced-to", create=True, durable=False))) as storage:
        sync(source, storage, SyncOptions(by="sha256"))

        def contender(name: str, by: Comparison) -> Contender:
            return Contender(name=name, work=lambda: sync(source, storage, SyncOptions(by=by)))

        again = contender(f"{OURS}{AGAIN}", "time")
        contenders = [contender(OURS, "time"), again, contender(f"{OURS}, by sha256", "sha256")]
        found = alternate(contenders, sizes.bulk_rounds)
    show("one synchronisation", found)
    log.keep("unchanged", found)
