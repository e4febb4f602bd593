"""Storage: the same calls over memory and over a local disk.

Run it: python examples/01_storage.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from kazinex_storage import AlreadyExistsError, ByteRange, Folder, PutMode, PutOptions, Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider


def use(storage: Storage) -> None:
    info = storage.put("plans/ground floor.txt", b"walls, doors, windows", PutOptions(content_type="text/plain"))
    proof = info.checksum.algorithm if info.checksum is not None else "nothing"
    print(f"{storage.info.kind}: stored {info.key!r}, {info.size} bytes, proved by {proof}")

    print("  a range of it:", storage.get_bytes("plans/ground floor.txt", ByteRange(start=7, end=12)))
    try:
        storage.put("plans/ground floor.txt", b"other", PutOptions(mode=PutMode.CREATE))
    except AlreadyExistsError as error:
        print("  create-only refuses:", error.message)

    with storage.open("plans/notes.txt", "wb") as file:
        file.write(b"published when the file is closed")
    level = storage.list(recursive=False)
    print("  one level:", [entry.prefix if isinstance(entry, Folder) else entry.key for entry in level])

    plans = storage.scoped("plans")  # cannot name anything outside of plans/
    print("  the view of plans/:", [info.key for info in plans.list()])


def main() -> None:
    with Storage(MemoryProvider()) as storage:
        use(storage)
    with tempfile.TemporaryDirectory() as folder:
        with Storage(LocalProvider(LocalSettings(root=Path(folder)))) as storage:
            use(storage)
        print("on the disk:", sorted(path.name for path in Path(folder, "plans").iterdir()))


if __name__ == "__main__":
    main()
