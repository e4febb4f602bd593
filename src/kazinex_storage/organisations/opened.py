"""Open providers, each once for each version of its settings, the most recently used ones.

A provider that is dropped, because its settings changed or others were used more recently, is not closed: storages in
use elsewhere keep working, and it goes when the last of them does.
"""

from __future__ import annotations

import copy
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn

from ..capabilities import Capability
from ..errors import ClosedError, StorageError
from ..keys import is_revision
from ..storage.states import StateKeys
from ..storage.sync import Storage
from ..storage.trash import DEFAULT_KEEP
from ..transport import Transport
from ..transport.addresses import PublicAddresses
from ..types import ProviderInfo
from ..verbs import AnyProvider, bounds_of
from .records import ProviderRecord

# An open provider holds a descriptor or a few connections; the usual limit is 1,024 descriptors a process.
DEFAULT_CAPACITY = 256
"""How many providers are kept open."""


class _Entry:
    """One provider, open or about to be."""

    __slots__ = ("lock", "record", "storage")

    def __init__(self, record: ProviderRecord, storage: Storage | None = None) -> None:
        self.record = record
        self.storage = storage
        self.lock = threading.Lock()


class OpenStorages:
    """Storages by provider record, scoped to the organisation. Thread-safe and fork-safe."""

    def __init__(
        self,
        opener: Callable[[ProviderRecord], AnyProvider],
        state_keys: Callable[[str], StateKeys | None],
        transport: Transport,
        capacity: int,
    ) -> None:
        """Open with *opener* and keep *capacity* of them; *state_keys* gives those of an organisation.

        Raises:
            ValueError: the capacity is not positive.
        """
        if capacity < 1:
            raise ValueError(f"a capacity is at least 1, not {capacity}")
        self._opener = opener
        self._state_keys = state_keys
        self._transport = transport
        self._capacity = capacity
        self.keep_removed: timedelta | None = DEFAULT_KEEP
        """How long what is removed is kept, where neither the place nor the settings say; None: not at all."""
        self._restricted: dict[tuple[PublicAddresses | None, str | None], Transport] = {}
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._closed = False

    def get(self, record: ProviderRecord) -> Storage:
        """Return the storage of *record*, or of a newer version of it when that is open already.

        Raises:
            ClosedError: ``close`` was called.
            StorageError: the provider cannot be opened; the next call tries again.
        """
        entry = self._entry(record)
        with entry.lock:
            if self._closed:
                raise ClosedError("the resolver was closed; make a new one")
            if entry.storage is None:
                newest = entry.record
                provider = self._opener(newest)
                storage = Storage(
                    provider,
                    prefix=f"{newest.organisation}/",
                    transport=self._transport_to(*bounds_of(provider)).owned(newest.organisation),
                    write_once=is_revision,
                    state_key=self._state_keys(newest.organisation),
                )
                # Documents compose the operations of several storages; each goes only where its own may go.
                storage.operations.context.carrier = storage.transport
                keep_removed(storage, self.keep_removed)
                entry.storage = storage
            return entry.storage

    def close(self) -> None:
        """Close every open provider; calling it twice is harmless."""
        self._after_fork()
        with self._lock:
            self._closed = True
            entries = list(self._entries.values())
            self._entries.clear()
        for entry in entries:
            with entry.lock:
                if entry.storage is not None:
                    entry.storage.close()

        for transport in self._restricted.values():
            transport.close()

    def _transport_to(self, addresses: PublicAddresses | None, ca_file: str | None) -> Transport:
        if addresses is None and ca_file is None:
            return self._transport
        bounds = addresses, ca_file
        with self._lock:
            if bounds not in self._restricted:
                self._restricted[bounds] = self._transport.restricted(addresses, ca_file)
            return self._restricted[bounds]

    def _entry(self, record: ProviderRecord) -> _Entry:
        self._after_fork()
        key = (record.organisation, record.id)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.record.settings_version < record.settings_version:
                entry = self._entries[key] = _Entry(record)
            self._entries.move_to_end(key)
            if len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
            return entry

    def _after_fork(self) -> None:
        if self._pid == os.getpid():
            return
        # Other threads of the parent may have held the locks; open providers are fork-safe and stay in use.
        self._lock = threading.Lock()
        self._entries = OrderedDict(
            (key, _Entry(entry.record, entry.storage))
            for key, entry in list(self._entries.items())
            if entry.storage is not None
        )
        self._pid = os.getpid()


def keep_removed(storage: Storage, keep: timedelta | None) -> None:
    """Have deletes of *storage* that ask for it keep what they delete, unless the place keeps it by itself."""
    context = storage.operations.context
    if context.trash is not None:
        keep = context.trash.keep  # the settings say for how long
    elif context.info.can(Capability.UNDELETE):
        return
    if keep is not None:
        context.keep_deleted_for(keep, always=False)


class UnopenedProvider:
    """Raises from every method, so that a caller of several providers treats it like one that is down."""

    def __init__(self, kind: str, error: StorageError) -> None:
        """Raise copies of *error*."""
        self._error = error
        self._info = ProviderInfo(
            kind=kind, location="not opened", capabilities=frozenset(), max_object_bytes=2**63 - 1
        )

    @property
    def info(self) -> ProviderInfo:
        """What is known of it: nothing."""
        return self._info

    def _refuse(self, *_: object) -> NoReturn:
        raise copy.copy(self._error) from self._error

    put = get = head = delete = scan = children = _refuse

    def close(self) -> None:
        """Do nothing: nothing is open."""
