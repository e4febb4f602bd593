"""From an organisation to an open storage: project override, else default; by receipt; or all in order.

Every storage is a view below ``{organisation}/``: nothing of another organisation can be named through it, even in a
shared bucket. A default or override is used whatever its status; there is no silent fallback to another place.
Blocking on purpose: exchanges call it through ``Call``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ..documents.claims import OrganisationQuota
from ..documents.copies import KnownCopy
from ..documents.events import Event, EventHook, ProviderResolved
from ..documents.patience import Patience
from ..documents.proofs import ReceiptProof
from ..documents.receipts import ResolvedProvider, StoredDocument
from ..documents.register import RevisionRegister, prepare_register
from ..documents.taken import Taken
from ..documents.ticket_register import TicketRegister
from ..documents.writing import guarded_storage
from ..errors import ClosedError, RecordNotFoundError, StorageError, UnresolvedOrganisationError
from ..file_rules import PRESET
from ..keys import DocumentKey
from ..migration.copies import copies_of, mark_removed
from ..policy import UploadPolicy, size_rule
from ..secrecy.pickling import not_pickled
from ..storage.states import StateKeys, process_keys
from ..storage.sync import Storage
from ..transport import Observer, Transport
from . import commands
from .catalogue import keys_of
from .opened import DEFAULT_CAPACITY, OpenStorages, UnopenedProvider
from .records import Choice, ProviderRecord, ProviderStatus, now
from .service import Organisations
from .speaking import Speaker
from .telling import facts
from .use import UseWatch

if TYPE_CHECKING:
    from ..storage.disk_cache import DiskCache


class Reason(Enum):
    """Why a provider was resolved."""

    OVERRIDE = "override"
    """It is the override of the project."""
    DEFAULT = "default"
    """It is the default of the organisation."""
    RECEIPT = "receipt"
    """It was asked for by its id."""
    SEARCH = "search"
    """All providers were asked for, and it is one of the others."""


ResolveHook: TypeAlias = Callable[[str, str | None, str, Reason], object]
"""Called with (organisation, project, id of the provider, reason) before a storage is handed out."""


class Meter(Protocol):
    """Counts what is asked of providers."""

    def of(self, organisation: str, provider: str) -> Observer:
        """Return what is shown each attempt of each request to one provider."""
        ...


@not_pickled("let the other process open the catalogue")
class Resolver(Speaker):
    """Opens the providers of organisations, each once, and hands out scoped views of them. Thread-safe and fork-safe.

    A provider whose settings changed is opened again for the next caller; storages that are in use keep the one they
    have, which goes when the last of them does. Closing a storage that was handed out closes nothing else.
    """

    def __init__(
        self,
        organisations: Organisations,
        *,
        transport: Transport | None = None,
        capacity: int = DEFAULT_CAPACITY,
        on_resolve: ResolveHook | None = None,
        on_event: EventHook | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Resolve what *organisations* knows; it stays the caller's to close.

        Args:
            transport: Shared with other storages of the process; without one the resolver has its own.
            capacity: How many providers are kept open.
            on_resolve: Called each time a provider is resolved, for an audit; what it raises passes through.
            on_event: Called with each event of what is resolved here, on the thread of the call or one of the
                transport's, so it should be quick; what it raises passes through the call. By default, the hook of
                *organisations*.
        """
        super().__init__(on_event)
        self.organisations = organisations
        """Where the records are."""
        self.transport = transport if transport is not None else Transport()
        """What runs the exchanges."""
        self._own_transport = transport is None
        self._on_resolve = on_resolve
        self._clock = clock
        self.meter: Meter | None = None
        """Counts what is asked of providers, such as a ``monitoring.RequestCounter``; set before use."""
        self.cache: DiskCache | None = None
        """What reads go through, each organisation for itself; set before use, see ``Storage.cached``."""
        self._patience = Patience()
        self._opened = OpenStorages(
            organisations.open, partial(keys_of, organisations.catalogue), self.transport, capacity
        )

    @property
    def keep_removed(self) -> timedelta | None:
        """How long what is removed can be brought back where the place keeps nothing and the settings say nothing.

        None: it cannot. Set before use; 30 days otherwise.
        """
        return self._opened.keep_removed

    @keep_removed.setter
    def keep_removed(self, keep: timedelta | None) -> None:
        """Set it."""
        self._opened.keep_removed = keep

    def storage_for(self, organisation: str, project: str | None = None) -> Storage:
        """Return the storage that new documents go to; the register watches the revisions that are written through it.

        Raises:
            UnresolvedOrganisationError: neither an override nor a default is set; the message names the command.
            SettingsError: the provider cannot be opened.
        """
        return self._watched(organisation, self.chosen(organisation, project))

    def storage_of(self, organisation: str, provider: str) -> Storage:
        """Return the storage of the provider with that id; the register watches it too.

        It reads what is there. Documents that a run has moved are read by ``DocumentStore``, by any of their receipts.

        Raises:
            RecordNotFoundError: the organisation has no such provider.
            SettingsError: the provider cannot be opened.
        """
        return self._watched(organisation, self.by_id(organisation, provider))

    @property
    def revisions(self) -> RevisionRegister:
        """What is remembered of revisions, in the catalogue."""
        return self.organisations.catalogue.revisions

    @property
    def tickets(self) -> TicketRegister:
        """What is remembered of direct uploads, in the catalogue."""
        return self.organisations.catalogue.tickets

    def copies(self, document: DocumentKey) -> Sequence[KnownCopy]:
        """Return where runs have left the file of *document*, by the journal of the catalogue; see ``migration``.

        Raises:
            StorageError: the catalogue does not answer.
        """
        return copies_of(self.organisations.catalogue.journal, document)

    def mark_removed(self, document: DocumentKey) -> None:
        """Have the journal know that nothing is left of the file of *document*, wherever runs had brought it.

        Raises:
            StorageError: the catalogue does not answer.
        """
        mark_removed(self.organisations.catalogue.journal, document)

    def note(self, document: DocumentKey, kind: str, reason: str | None = None) -> None:
        """Have the evidence in the catalogue say what happened to *document*, where no change of the register does.

        Raises:
            SettingsError: the keys cannot be read.
            StorageError: the catalogue does not answer.
        """
        self.organisations.evidence.note(document, kind, by=self.by, reason=reason)

    def proof(self, receipt: StoredDocument) -> ReceiptProof:
        """Return what the evidence in the catalogue says of *receipt*.

        Raises:
            StorageError: as ``organisations.evidence.log.ReceiptEvidence.proof`` says.
        """
        return self.organisations.evidence.proof(receipt)

    def state_keys(self, organisation: str) -> StateKeys:
        """Return the keys of the organisation; of a catalogue without keys, those of this process."""
        return keys_of(self.organisations.catalogue, organisation) or process_keys()

    @property
    def listens(self) -> bool:
        """Whether there is a hook, here or at the organisations."""
        return super().listens or self.organisations.listens

    def emit(self, event: Event) -> None:
        """Give *event* to the hook, if there is one, in the name of whoever this acts for."""
        if super().listens:
            super().emit(event)
        else:
            self.organisations.emit(event.in_name_of(self._by))

    def announced(self, change: Callable[[], bool], *events: Event) -> bool:
        """Make *change* in the catalogue, say whether it was made, and if so give *events* to the hook.

        Both are one transaction where the catalogue has them: what the hook raises undoes the change.
        """
        for organisation in {event.organisation for event in events if event.organisation}:
            prepare_register(self.revisions, organisation)
        with self.organisations.catalogue.together():
            done = change()
            for event in events if done else ():
                self.emit(event)
        return done

    def storages(self, organisation: str, project: str | None = None) -> Iterator[Storage]:
        """Yield the storage of every provider once: override, default, the others from the oldest on.

        One that cannot be opened raises the reason from each of its methods.

        Raises:
            InvalidKeyError: an id is not one.
        """
        for resolved in self.in_order(organisation, project):
            yield self._watched(organisation, resolved)

    def chosen(self, organisation: str, project: str | None = None) -> ResolvedProvider:
        """Return the provider for new documents: project override, else default, whatever its status.

        Raises:
            UnresolvedOrganisationError: neither is set; the message names the command that sets one.
            SettingsError: the provider cannot be opened.
        """
        choice = self._choice(organisation, project)
        for record, reason in _ordered(choice):
            if reason is not Reason.SEARCH:
                return self._resolved(record, reason, choice, project)
        raise _unresolved(organisation, choice)

    def by_id(self, organisation: str, provider: str) -> ResolvedProvider:
        """Return one provider of the organisation by its id.

        Raises:
            RecordNotFoundError: the organisation has no such provider.
            SettingsError: the provider cannot be opened.
        """
        choice = self._choice(organisation, None)
        for record in choice.providers:
            if record.id == provider:
                return self._resolved(record, Reason.RECEIPT, choice, None)
        raise RecordNotFoundError(
            f"the organisation {organisation!r} has no provider with the id {provider!r}; if it was removed, add it "
            f"again and find the document there: {commands.add(organisation)}"
        )

    def in_order(self, organisation: str, project: str | None = None) -> tuple[ResolvedProvider, ...]:
        """Return every provider once: override, default, the others from the oldest on.

        One that cannot be opened is among them: its storage raises the reason from each of its methods, and the
        caller decides whether it can do without.

        Raises:
            InvalidKeyError: an id is not one.
            ClosedError: the resolver was closed.
        """
        choice = self._choice(organisation, project)
        found: list[ResolvedProvider] = []
        for record, reason in _ordered(choice):
            try:
                found.append(self._resolved(record, reason, choice, project))
            except ClosedError:
                raise
            except StorageError as error:
                unopened = UnopenedProvider(record.kind, error)
                storage = Storage(unopened, prefix=f"{record.organisation}/", transport=self.transport)
                found.append(_resolved(record, reason, storage, error))
        return tuple(found)

    def close(self) -> None:
        """Close every open provider and the resolver's own transport; storages handed out raise ``ClosedError``."""
        self._opened.close()
        if self._own_transport:
            self.transport.close()

    def _watched(self, organisation: str, resolved: ResolvedProvider) -> Storage:
        return guarded_storage(self, organisation, resolved, self._patience)

    def _choice(self, organisation: str, project: str | None) -> Choice:
        return self.organisations.choice(organisation, project)

    def _resolved(
        self, record: ProviderRecord, reason: Reason, choice: Choice, project: str | None
    ) -> ResolvedProvider:
        storage = self._opened.get(record)
        ceiling = storage.info.max_object_bytes
        limit = record.max_file_bytes
        policy = UploadPolicy.make(
            kind=record.kind,
            ceiling=ceiling,
            # The ceiling may have been lowered since the limit was set; that must not stop reads.
            max_file_bytes=None if limit is None else min(limit, size_rule(record.kind, ceiling).ceiling),
            extensions=choice.allowlist,
            plan=record.plan,
            files=choice.file_rules if choice.file_rules is not None else PRESET,
        )
        if self._on_resolve is not None:
            self._on_resolve(record.organisation, project, record.id, reason)
        if self.listens:
            self.emit(ProviderResolved(**facts(record), project=project, reason=reason.value))
        view = storage.with_policy(policy)
        if record.retired_at is not None:
            view = view.read_only()
        if self.cache is not None:
            view = view.cached(self.cache, space=record.organisation)
        rules = view.operations.context.rules
        rules.taken = Taken(self.revisions)
        if choice.limited:
            usage = self.organisations.catalogue.usage
            rules.quota = OrganisationQuota(usage, self.revisions, record.organisation, record.id)
        if self.meter is not None:
            view.operations.context.notice = self.meter.of(record.organisation, record.id)
        view.operations.context.watch = UseWatch(self.organisations.catalogue, record, self.emit, self._clock)
        return _resolved(record, reason, view)


def _resolved(
    record: ProviderRecord, reason: Reason, storage: Storage, error: StorageError | None = None
) -> ResolvedProvider:
    return ResolvedProvider(
        provider=record.id,
        kind=record.kind,
        label=record.label,
        verified=record.status is ProviderStatus.VERIFIED,
        chosen=reason in (Reason.OVERRIDE, Reason.DEFAULT),
        used=record.managed or record.last_verified_at is not None,
        error=error,
        storage=storage,
    )


def _ordered(choice: Choice) -> Iterator[tuple[ProviderRecord, Reason]]:
    reasons = {choice.default: Reason.DEFAULT, choice.override: Reason.OVERRIDE}
    rank = [Reason.OVERRIDE, Reason.DEFAULT, Reason.SEARCH]
    pairs = [(record, reasons.get(record.id, Reason.SEARCH)) for record in choice.providers]
    return iter(sorted(pairs, key=lambda pair: rank.index(pair[1])))


def _unresolved(organisation: str, choice: Choice) -> UnresolvedOrganisationError:
    verified = [record.label for record in choice.providers if record.status is ProviderStatus.VERIFIED]
    if verified:
        advice = f"choose one: {commands.set_default(organisation, verified[0])}"
    elif choice.providers:
        label = choice.providers[0].label
        advice = (
            f"verify one and choose it: {commands.verify(organisation, label)}, then "
            f"{commands.set_default(organisation, label)}"
        )
    else:
        label = "<label>"
        advice = (
            f"add one, verify and choose it: {commands.add(organisation)}, then "
            f"{commands.set_default(organisation, label)}"
        )
    return UnresolvedOrganisationError(f"the organisation {organisation!r} has no default provider; {advice}")
