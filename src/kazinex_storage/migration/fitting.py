"""What a target can hold: names, sizes, types and properties, and which keys cannot stand beside each other there.

Asked for every object while a run is planned, before anything moves, and of the target no request is made for it.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from ..capabilities import Capability
from ..caseless import fold
from ..contract import KeyChecker
from ..errors import StorageError
from ..keys import ObjectKey
from ..storage.rules import metadata_of
from ..types import ObjectInfo, ProviderInfo, PutMode, PutOptions
from .endpoints import Endpoint
from .options import CopyOptions

# Listings come folder by folder, so few folders are in hand at once; each takes some hundred bytes.
_FOLDERS: Final = 1000
"""Folders that are remembered beside those of the file."""


class Fit:
    """What one target can hold, object by object."""

    def __init__(self, target: Endpoint, options: CopyOptions) -> None:
        """Ask the rules of *target*, and its provider where that judges keys by itself."""
        context = target.storage.operations.context
        self._scope, self._rules = context.scope, context.rules
        self._check = context.provider.check_key if isinstance(context.provider, KeyChecker) else _allow
        self._keeps_all = options.drop_properties or target.info.can(Capability.METADATA)

    @property
    def needs_properties(self) -> bool:
        """Whether the properties of each object have to be looked at."""
        return not self._keeps_all

    def misfit(self, key: str, size: int) -> str | None:
        """Return why the target cannot hold an object of that key and size; None when it can."""
        try:
            full = self._scope.full_key(key)
            self._check(full)
            self._rules.check_name(full)
            self._rules.check_size(size)
        except StorageError as error:
            return error.message
        return None

    def lost(self, info: ObjectInfo) -> str | None:
        """Return why the target cannot hold the object *info* with its properties; None when it can."""
        lost = [] if self._keeps_all else metadata_of(PutOptions.of(info, PutMode.CREATE))
        if not lost:
            return None
        return f"the target keeps no {', '.join(lost)}; set drop_properties to copy the object without"


class Collisions:
    """Keys that a target cannot hold beside others: it ignores case, or an object has the name of a folder.

    They are kept in a temporary database, which is in memory up to some megabytes and then on disk.
    """

    def __init__(self, info: ProviderInfo) -> None:
        """Remember what *info* says makes keys collide; where nothing does, nothing is remembered."""
        self.possible = info.ignores_case or info.hierarchical
        """Whether any two keys can collide."""
        self._ignores_case, self._hierarchical = info.ignores_case, info.hierarchical
        self._folders: set[str] = set()
        self._names = sqlite3.connect("", isolation_level=None)
        self._names.execute("CREATE TABLE names (folded TEXT PRIMARY KEY, spelt TEXT, folder INTEGER) WITHOUT ROWID")
        self._names.execute("BEGIN")

    def collision(self, key: str) -> str | None:
        """Remember *key* unless it collides with one that is remembered; return why it does."""
        if not self.possible:
            return None
        new: list[tuple[str, str, int]] = []
        if self._hierarchical and (end := key.rfind("/")) > 0 and key[:end] not in self._folders:
            above = ""
            for segment in key[:end].split("/"):
                above = f"{above}/{segment}" if above else segment
                reason = self._look(above, new, folder=1)
                if reason is not None:
                    return reason
        reason = self._look(key, new, folder=0)
        if reason is None:
            self._names.executemany("INSERT INTO names VALUES (?, ?, ?)", new)
            if self._hierarchical and end > 0:
                if len(self._folders) >= _FOLDERS:
                    self._folders.clear()
                self._folders.add(key[:end])
        return reason

    def close(self) -> None:
        """Forget everything."""
        self._names.close()

    def _look(self, name: str, new: list[tuple[str, str, int]], *, folder: int) -> str | None:
        folded = fold(name) if self._ignores_case else name
        found = self._names.execute("SELECT spelt, folder FROM names WHERE folded = ?", (folded,)).fetchone()
        if found is None:
            new.append((folded, name, folder))
            return None
        spelt, is_folder = found
        if spelt != name:
            what = "a folder above" if folder else "the key"
            return f"the target ignores case, and {what} differs only in case from {spelt!r}"
        if self._hierarchical and is_folder != folder:
            if folder:
                return f"the target has real folders, and an object has the name of the folder {name!r} above"
            return "the target has real folders, and a folder has the name of this object"
        return None


def _allow(key: ObjectKey) -> None:
    """Allow *key*: the provider does not judge keys before it is asked."""
