"""A resolver with one provider for everybody, which notes whom it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kazinex_storage import Storage
from kazinex_storage.documents.events import Event
from kazinex_storage.documents.receipts import ResolvedProvider
from kazinex_storage.documents.register import MemoryRegister, RevisionRegister
from kazinex_storage.documents.ticket_register import MemoryTickets, TicketRegister
from kazinex_storage.storage.states import StateKeys, process_keys
from kazinex_storage.transport import Transport


class OnlyProvider:
    """One provider for everybody, and what it was asked for."""

    def __init__(self, storage: Storage) -> None:
        self.transport = Transport()
        self.revisions: RevisionRegister = MemoryRegister()
        self.tickets: TicketRegister = MemoryTickets(self.revisions)
        self.asked: list[str] = []
        self._found = ResolvedProvider(provider="p", kind="memory", label="p", verified=True, storage=storage)

    def chosen(self, organisation: str, project: str | None) -> ResolvedProvider:
        self.asked.append(organisation)
        return self._found

    def by_id(self, organisation: str, provider: str) -> ResolvedProvider:
        self.asked.append(organisation)
        return self._found

    def in_order(self, organisation: str, project: str | None) -> Sequence[ResolvedProvider]:
        self.asked.append(organisation)
        return [self._found]

    def state_keys(self, organisation: str) -> StateKeys:
        del organisation
        return process_keys()

    by: str | None = None
    listens = False

    def announced(self, change: Callable[[], bool], *events: Event) -> bool:
        del events
        return change()

    def acting(self, by: str | None) -> OnlyProvider:
        del by
        return self

    def emit(self, event: Event) -> None:
        del event
