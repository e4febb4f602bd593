"""Where bags lie: a folder of this machine, or below a storage; the same code works on both."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from ...documents.receipts import ResolvedProvider
from ...storage.background import in_background
from ...storage.sync import Storage
from ...transport import Exchange, Through, Transport
from ...types import Folder, ObjectInfo
from ...values import value

T = TypeVar("T")

EXPORTS: Final = ".kazinex-bags/exports/"
"""Where bags of an organisation lie on a provider of its own, below the organisation; exports leave it out.

One folder more than documents have, so that no file of a bag is taken for a revision."""

SIDECARS: Final = ".~kazinex"
"""What the local provider keeps for itself, beside the bags."""


@value
class BagPlace:
    """The folder that bags lie in."""

    storage: Storage
    """Proves by sha256 what is put, and lets the requests of everybody else go first."""
    folder: Path | None = None
    """On this machine, where it is there."""

    @property
    def name(self) -> str:
        """What it is called, in messages and to know it again; never a secret."""
        if self.folder is not None:
            return str(self.folder)
        info = self.storage.info
        return f"{info.kind}:{info.location}:{self.storage.prefix}"

    @property
    def id(self) -> str:
        """What tells its name from others in the journal."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:32]

    def entries(self, prefix: str = "") -> Iterator[ObjectInfo | Folder]:
        """Yield what is directly in the folder *prefix*, but for what the provider keeps for itself."""
        for found in self.storage.list(prefix, recursive=False):
            name = found.prefix if isinstance(found, Folder) else found.key
            if not name.startswith(SIDECARS):
                yield found

    def holds(self, prefix: str) -> bool:
        """Say whether anything lies below the folder *prefix*."""
        return next(iter(self.entries(prefix)), None) is not None

    @property
    def is_untouched(self) -> bool:
        """Whether it is a folder that no provider has used yet, so that what one keeps there may be removed again."""
        return self.folder is not None and not (self.folder / SIDECARS).exists()

    def tidy(self) -> None:
        """Remove what a disk needed while bags were written and none of them contains; every file stays as it is."""
        if self.folder is not None:
            with suppress(OSError):
                shutil.rmtree(self.folder / SIDECARS)

    def make_folder(self, path: str) -> None:
        """Make the empty folder *path*, where there are such things."""
        if self.folder is not None:
            os.makedirs(self.folder / path, exist_ok=True)


@contextmanager
def opened(place: Path | Storage, transport: Transport, *, create: bool = False) -> Iterator[BagPlace]:
    """Open *place*; a folder is made if *create* says so.

    Raises:
        SettingsError: it is no folder, or may not be used.
    """
    if isinstance(place, Storage):
        yield BagPlace(storage=in_background(_plain(place)))
        return
    from ...providers.local import LocalProvider, LocalSettings

    folder = Path(os.path.abspath(place))
    provider = LocalProvider(LocalSettings(root=folder, create=create))
    with Storage(provider, transport=transport, digest="sha256") as storage:
        yield BagPlace(storage=in_background(storage), folder=folder)


def bags_on(provider: ResolvedProvider, name: str) -> Storage:
    """Return the folder for the bags of the export *name* on a provider of the organisation itself."""
    return provider.storage.scoped(f"{EXPORTS}{name}/")


def bag_in(place: BagPlace, name: str) -> Storage:
    """Return the bag *name* of *place*; empty is the place itself."""
    return place.storage.scoped(f"{name}/") if name else place.storage


def through(storage: Storage, exchange: Exchange[T]) -> Exchange[T]:
    """Run *exchange*, an operation of *storage*, over the connections of that storage, wherever this is run."""
    found: T = yield Through(storage.transport, exchange)
    return found


def _plain(storage: Storage) -> Storage:
    """Return a view for bags: the types that documents may have, and their quotas, are not about them."""
    view = storage.with_policy(None).with_digest("sha256")
    rules = view.operations.context.rules
    rules.taken = rules.quota = None
    return view
