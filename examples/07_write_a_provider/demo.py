"""Use the provider of this folder as the registry would find it once it is installed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from kazinex_storage.registry import Registry
from kazinex_storage.storage.sync import Storage


def main() -> None:
    """Store, list and sign one document."""
    sys.path.insert(0, str(Path(__file__).parent))  # installed packages need no such line
    from kazinex_storage_sqlite import KIND

    registry = Registry(KIND)  # an installed package is found by its entry point
    with tempfile.TemporaryDirectory() as folder:
        settings = registry.parse_settings("sqlite", {"path": f"{folder}/objects.db"})
        with Storage(registry.open("sqlite", settings)) as storage:
            storage.put("org-1/bridge/DRG-0042/P01/plan.pdf", b"%PDF-1.7")
            print([info.key for info in storage.list()])
            print(storage.presign("org-1/bridge/DRG-0042/P01/plan.pdf").expires_at)


if __name__ == "__main__":
    main()
