"""Where the memory provider keeps objects: named stores of this process, and the settings that name one."""

from __future__ import annotations

import itertools
import threading
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from ...keys import ObjectKey
from ...types import ObjectInfo, PutOptions
from ...values import value
from ..settings.summaries import describe

if TYPE_CHECKING:
    from ...retention import Protection


class MemorySettings(BaseModel):
    """Settings of the kind ``memory``."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=describe)

    name: str | None = None
    """Providers with the same name in one process share their objects; without a name they are private."""


@value(kw_only=False)
class StoredObject:
    """One version of one object."""

    data: bytes
    info: ObjectInfo


@value(kw_only=False)
class Upload:
    """One upload in parts that is under way."""

    key: ObjectKey
    options: PutOptions
    begun_at: datetime
    """Aware UTC."""
    parts: dict[int, bytes] = field(default_factory=dict)


class Shelf:
    """The objects of one memory store, and the lock that makes each change atomic."""

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.uploads: dict[str, Upload] = {}
        self.completed: dict[str, str | None] = {}
        self.protections: dict[str, Protection] = {}
        self.lock = threading.Lock()
        self.versions = itertools.count(1)


class Shelves:
    """The named stores of this process."""

    def __init__(self) -> None:
        self._named: dict[str, Shelf] = {}
        self._lock = threading.Lock()

    def get(self, name: str | None) -> Shelf:
        """Return the store of that *name*, always the same one; for None, a new private one."""
        if name is None:
            return Shelf()
        with self._lock:
            return self._named.setdefault(name, Shelf())


SHELVES = Shelves()
"""The only state of this module: it has to outlive the providers that share a name."""
