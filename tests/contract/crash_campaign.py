"""Kill writers of a local provider at random instants and judge what they leave; run by ``test_local_crash.py``.

    python crash_campaign.py ROOT KILLS SEED [named]

Writers are forked from this process, which has one thread, so a kill costs milliseconds. The exit status is 0 when
every kill left a whole object, old or new, with the metadata that belongs to it, and nothing else.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from kazinex_storage.errors import NotFoundError
from kazinex_storage.providers.local import LocalProvider, LocalSettings, temporary
from kazinex_storage.storage.sync import Storage
from kazinex_storage.types import PutMode, PutOptions

KEYS = ("folder/replaced", "folder/created")
"""One object that is replaced again and again, one that is created and deleted."""


def body(version: int) -> bytes:
    """Return a body that tells its version at both ends and everywhere between."""
    return f"{version:08}".encode() * (20_000 + version % 5_000)


def options(version: int, mode: PutMode) -> PutOptions:
    """Return metadata that tells the version too."""
    return PutOptions(mode=mode, content_type=f"text/x-{version}", metadata={"version": str(version)})


def write_forever(storage: Storage, first: int) -> None:
    """Replace, create, delete, until somebody kills us."""
    version = first
    while True:
        storage.put(KEYS[0], body(version), options(version, PutMode.REPLACE))
        storage.put(KEYS[1], body(version + 1), options(version + 1, PutMode.CREATE))
        storage.copy(KEYS[0], KEYS[1])
        storage.delete(KEYS[1])
        version += 2


def problems(storage: Storage, root: Path) -> list[str]:
    """Return what is wrong with what a killed writer left."""
    found = []
    for key in KEYS:
        try:
            data, info = storage.get_bytes(key), storage.head(key)
        except NotFoundError:
            continue
        version = int(data[:8])
        if data != body(version):
            found.append(f"{key} is a part: {len(data)} bytes that begin with version {version}")
        if (info.content_type, dict(info.metadata)) != (f"text/x-{version}", {"version": str(version)}):
            found.append(f"{key} is version {version} but its metadata say {info.content_type} {info.metadata}")
    listed = [info.key for info in storage.list()]
    if not set(listed) <= set(KEYS):
        found.append(f"the listing shows {listed}")
    left = [str(path) for path in root.rglob(".~kazinex-*")]
    if left:
        found.append(f"temporary files are left: {left}")
    return found


def main() -> int:
    """Run the campaign."""
    root, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))  # noqa: S311
    if "named" in sys.argv[4:]:
        temporary._UNNAMED = 0
    storage = Storage(LocalProvider(LocalSettings(root=root, durable=False)))
    for kill in range(kills):
        storage.delete(KEYS[1])
        writer = os.fork()
        if not writer:
            write_forever(storage, (kill + 1) * 10_000)
        time.sleep(chance.random() * 0.02)  # the instant is meant to be random
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        if found := problems(storage, root):
            sys.stderr.write("\n  ".join([f"kill {kill}:", *found, ""]))
            return 1
    # Opening the root cleans up: no sidecar is left but those of the objects.
    objects = list(Storage(LocalProvider(LocalSettings(root=root, durable=False))).list())
    sidecars = [path for path in (root / ".~kazinex" / "objects").rglob("*") if path.is_file()]
    if len(sidecars) > len(objects):
        sys.stderr.write(f"{len(sidecars)} sidecars for {len(objects)} objects\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
