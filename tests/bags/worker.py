"""A process that exports or imports and kills itself in the middle, so that it is at the same place each time."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from kazinex_storage import Organisations, Resolver, Storage
from kazinex_storage.migration.bags.exporting import export_bags
from kazinex_storage.migration.bags.importing import import_bags
from kazinex_storage.organisations import KeyRing, Sealer, SqlCatalogue
from kazinex_storage.providers.local import LocalProvider, LocalSettings

KEY = "00" * 32


def open_catalogue(path: Path) -> SqlCatalogue:
    return SqlCatalogue(path, Sealer(KeyRing([bytes.fromhex(KEY)])))


class Deadly(LocalProvider):
    """A disk at whose n-th call of one method the process is killed; others that run meanwhile die with it."""

    def __init__(self, root: Path, method: str, count: int) -> None:
        super().__init__(LocalSettings(root=root, create=True))
        self.resident = None  # every read goes through ``get``
        self._method = method
        self._left = count

    def put(self, *arguments: Any) -> Any:
        found = super().put(*arguments)
        self._called("put")
        return found

    def get(self, *arguments: Any) -> Any:
        self._called("get")
        return super().get(*arguments)

    def _called(self, method: str) -> None:
        if method == self._method:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


def main(what: str, folder: str, method: str, count: str) -> None:
    root = Path(folder)
    organisations = Organisations(open_catalogue(root / "catalogue.db"))
    place = Storage(Deadly(root / "out", method, int(count)))
    if what == "export":
        export_bags(Resolver(organisations), "acme", place)
    else:
        import_bags(Resolver(organisations), "acme", place)


if __name__ == "__main__":
    main(*sys.argv[1:])
