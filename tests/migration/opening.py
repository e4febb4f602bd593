"""What workers of the tests open, the catalogue of a folder that an environment variable names, and what they copy."""

from __future__ import annotations

import os
from pathlib import Path

from kazinex_storage import Resolver
from kazinex_storage.migration.journal import PARTITION_ENTRIES
from kazinex_storage.migration.tasks import Opened
from kazinex_storage.organisations import KeyFile, Organisations, Sealer, SqlCatalogue

from .worlds import World

FOLDER = "KAZINEX_STORAGE_TEST_FOLDER"
OPENER = "tests.migration.opening:open_folder"
COUNT = PARTITION_ENTRIES + 40  # two partitions
_OPENED: list[Opened] = []


def open_folder() -> Opened:
    folder = Path(os.environ[FOLDER])
    organisations = Organisations(SqlCatalogue(folder / "catalogue.db", Sealer(KeyFile(folder / "key"))))
    _OPENED.append((organisations, Resolver(organisations)))
    return _OPENED[-1]


def close_all() -> None:
    """Close what was opened in this process."""
    for organisations, resolver in _OPENED:
        resolver.close()
        organisations.close()
    _OPENED.clear()


def fill(world: World, count: int = COUNT) -> None:
    """Put objects on the source as another program would: a document each would take the time of the test."""
    folder = world.path("old", "bridge/D/P01")
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:05}.pdf").write_bytes(b"%PDF-1.7 " + str(number).encode() * 5)


def is_copied(world: World, count: int = COUNT) -> bool:
    folders = [world.path(label, "bridge/D/P01") for label in ("old", "new")]
    files = [sorted(folder.iterdir()) for folder in folders]
    return (
        [count, count] == [len(each) for each in files]
        and [path.name for path in files[0]] == [path.name for path in files[1]]
        and all(one.read_bytes() == other.read_bytes() for one, other in zip(*files, strict=True))
    )
