"""The contract of a catalogue, and one in memory.

A change names the version it was made from; when the record has moved on since, ``RecordConflictError`` is raised and
nothing is changed. Every call but ``of_kind`` names the organisation: no id reaches a record of another one.
``rules.py`` holds what every catalogue refuses; ``sql.py`` is the catalogue that lasts.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from ..documents.listing import MemoryListing, RevisionListing
from ..documents.quotas import UsageTable
from ..documents.register import MemoryRegister, RevisionRegister
from ..documents.ticket_register import MemoryTickets, TicketRegister
from ..documents.usage import MemoryUsage
from ..file_rules import FileRules
from ..migration.journal import Journal
from ..migration.memory_journal import MemoryJournal
from ..secrecy.pickling import not_pickled
from .audit.table import AuditTable, MemoryAudit
from .checks import CheckTable, MemoryChecks
from .connections import ConnectionTable, MemoryConnections
from .credential_versions import CredentialTable, MemoryCredentials
from .records import Choice, OrganisationRecord, ProjectOverride, ProviderRecord
from .rules import check_chosen, check_unchosen, conflict, id_in_use, label_in_use, label_key, unknown_provider

if TYPE_CHECKING:
    from ..storage.states import StateKeys


class KeyedCatalogue(Protocol):
    """What a catalogue adds when it has keys: upload states of its organisations are then sealed with those."""

    def state_keys(self, organisation: str) -> StateKeys:
        """Return the keys of the organisation; nothing is read yet."""
        ...


@runtime_checkable
class ListingCatalogue(Protocol):
    """What a catalogue adds when it can list what its register knows."""

    @property
    def listing(self) -> RevisionListing:
        """What is stored, as lists."""
        ...


class Catalogue(Protocol):
    """Keeps the records of all organisations. Thread-safe; each method is one atomic change or one consistent look."""

    @property
    def revisions(self) -> RevisionRegister:
        """What is remembered of revisions: in the same place, shared by the same processes."""
        ...

    @property
    def tickets(self) -> TicketRegister:
        """What is remembered of direct uploads: likewise."""
        ...

    @property
    def usage(self) -> UsageTable:
        """Quotas, and what is stored and asked for; counted where ``revisions`` is kept."""
        ...

    @property
    def checks(self) -> CheckTable:
        """When each provider is verified next: likewise."""
        ...

    @property
    def audit(self) -> AuditTable:
        """The audit: likewise."""
        ...

    @property
    def journal(self) -> Journal:
        """The runs that move, compare and pack documents: likewise."""
        ...

    def together(self) -> AbstractContextManager[object]:
        """Make all changes of this thread in the block one, as far as the catalogue can undo."""
        ...

    def organisation(self, organisation: str) -> OrganisationRecord:
        """Return what is set for the organisation; version 0 when nothing ever was."""
        ...

    def providers(self, organisation: str) -> tuple[ProviderRecord, ...]:
        """Return every provider of the organisation, oldest first."""
        ...

    def of_kind(self, kind: str) -> tuple[ProviderRecord, ...]:
        """Return every provider of one kind, of all organisations; for the host's rules alone."""
        ...

    def provider(self, organisation: str, provider: str) -> ProviderRecord:
        """Return the provider of that id.

        Raises:
            RecordNotFoundError: the organisation has none of that id.
        """
        ...

    def override(self, organisation: str, project: str) -> ProjectOverride:
        """Return what is set for the project; version 0 when nothing ever was."""
        ...

    def overrides(self, organisation: str) -> tuple[ProjectOverride, ...]:
        """Return the overrides in force, sorted by project."""
        ...

    def choice(self, organisation: str, project: str | None) -> Choice:
        """Return at one instant all that decides where a document goes."""
        ...

    def add_provider(self, record: ProviderRecord) -> ProviderRecord:
        """Keep a new record and return it at version 1.

        Raises:
            SettingsError: the label or the id is in use in the organisation.
        """
        ...

    def replace_provider(self, record: ProviderRecord, *, refreshed: bool = False) -> ProviderRecord:
        """Put *record* in the place of the one it was made from, and return it at the next version.

        Settings and secrets are taken from it only when its ``settings_version`` differs; else the kept ones stay. With
        *refreshed* they are taken all the same: they mean what those before them meant.

        Raises:
            RecordNotFoundError: there is no such provider.
            RecordConflictError: the one that is kept has another version.
            SettingsError: the label is in use in the organisation.
        """
        ...

    def remove_provider(self, organisation: str, provider: str, *, version: int) -> None:
        """Forget a provider; its objects stay where they are.

        Raises:
            RecordNotFoundError: there is no such provider.
            RecordConflictError: it has another version.
            SettingsError: it is the default or the override of a project; the message says what to do first.
        """
        ...

    def set_default(self, organisation: str, provider: str | None, *, version: int) -> OrganisationRecord:
        """Make a VERIFIED provider the default; None leaves the organisation without one.

        Raises:
            RecordNotFoundError: the organisation has no such provider.
            RecordConflictError: the organisation has another version.
            SettingsError: the provider is not VERIFIED.
        """
        ...

    def set_allowlist(self, organisation: str, extensions: Iterable[str], *, version: int) -> OrganisationRecord:
        """Replace the allowlist; *extensions* are normal and sorted.

        Raises:
            RecordConflictError: the organisation has another version.
        """
        ...

    def set_file_rules(self, organisation: str, rules: FileRules | None, *, version: int) -> OrganisationRecord:
        """Replace the rules for files; None is the preset.

        Raises:
            RecordConflictError: the organisation has another version.
        """
        ...

    def set_override(self, organisation: str, project: str, provider: str | None, *, version: int) -> ProjectOverride:
        """Make a VERIFIED provider that of a project; None gives the project the default again.

        Raises:
            RecordNotFoundError: the organisation has no such provider.
            RecordConflictError: the override has another version.
            SettingsError: the provider is not VERIFIED.
        """
        ...

    def reseal(self, organisation: str | None = None) -> int:
        """Seal every secret of every organisation, or of one, under the first key, all or none.

        Returns how many providers changed.

        Raises:
            SealError: a secret cannot be opened; nothing was changed.
        """
        ...

    def close(self) -> None:
        """Release connections; calling it twice is harmless."""
        ...


@not_pickled("let the other process open the catalogue")
class MemoryCatalogue:
    """A catalogue for tests and short-lived programs: nothing is written anywhere, so nothing is sealed.

    Its methods raise what those of ``Catalogue`` do.
    """

    def __init__(self) -> None:
        counted = MemoryUsage()
        self.usage: UsageTable = counted
        """Quotas, and what is stored and asked for."""
        register = MemoryRegister(counted)
        self.revisions: RevisionRegister = register
        """What is remembered of revisions."""
        self.tickets: TicketRegister = MemoryTickets(self.revisions)
        """What is remembered of direct uploads."""
        self.checks: CheckTable = MemoryChecks(self._every)
        """When each provider is verified next."""
        self.connections: ConnectionTable = MemoryConnections()
        """Connections under way."""
        credentials = MemoryCredentials()
        self._forget_credentials = credentials.forget
        self.credentials: CredentialTable = credentials
        """Versions of credentials that are not in use."""
        self.listing: RevisionListing = MemoryListing(register)
        """What is stored, as lists."""
        self.audit: AuditTable = MemoryAudit()
        """The chains of events."""
        journal = MemoryJournal(self.together)
        register.watched_by(journal.changed)
        self.journal: Journal = journal
        """The runs that move, compare and pack documents."""
        self._lock = threading.RLock()
        self._organisations: dict[str, OrganisationRecord] = {}
        self._providers: dict[str, dict[str, ProviderRecord]] = {}
        self._overrides: dict[str, dict[str, ProjectOverride]] = {}

    def organisation(self, organisation: str) -> OrganisationRecord:
        """Return what is set for the organisation."""
        with self._lock:
            return self._organisations.get(organisation) or OrganisationRecord(organisation=organisation)

    def providers(self, organisation: str) -> tuple[ProviderRecord, ...]:
        """Return every provider, oldest first."""
        with self._lock:
            found = sorted(self._of(organisation).values(), key=lambda record: (record.created_at, record.id))
            return tuple(_own(record) for record in found)

    def of_kind(self, kind: str) -> tuple[ProviderRecord, ...]:
        """Return every provider of one kind."""
        with self._lock:
            return tuple(record for record in self._every() if record.kind == kind)

    def provider(self, organisation: str, provider: str) -> ProviderRecord:
        """Return the provider of that id."""
        with self._lock:
            record = self._of(organisation).get(provider)
            if record is None:
                raise unknown_provider(organisation, provider)
            return _own(record)

    def override(self, organisation: str, project: str) -> ProjectOverride:
        """Return what is set for the project."""
        with self._lock:
            kept = self._overrides.get(organisation, {}).get(project)
            return kept or ProjectOverride(organisation=organisation, project=project)

    def overrides(self, organisation: str) -> tuple[ProjectOverride, ...]:
        """Return the overrides in force, sorted by project."""
        with self._lock:
            kept = self._overrides.get(organisation, {})
            return tuple(kept[project] for project in sorted(kept) if kept[project].provider is not None)

    def choice(self, organisation: str, project: str | None) -> Choice:
        """Return all that decides where a document goes."""
        with self._lock:
            record = self.organisation(organisation)
            override = self.override(organisation, project).provider if project is not None else None
            return Choice(
                providers=self.providers(organisation),
                default=record.default_provider,
                default_chosen=record.default_chosen,
                override=override,
                allowlist=record.allowlist,
                file_rules=record.file_rules,
                limited=bool(self.usage.quotas(organisation)),
            )

    def add_provider(self, record: ProviderRecord) -> ProviderRecord:
        """Keep a new record."""
        with self._lock:
            self._check_label(record)
            kept = self._providers.setdefault(record.organisation, {})
            if record.id in kept:
                raise id_in_use(record.id)
            return self._keep(replace(record, version=1))

    def replace_provider(self, record: ProviderRecord, *, refreshed: bool = False) -> ProviderRecord:
        """Put *record* in the place of the one it was made from."""
        with self._lock:
            before = self.provider(record.organisation, record.id)
            if before.version != record.version:
                raise conflict(f"the provider {record.label!r}", record.version)
            self._check_label(record)
            if before.settings_version == record.settings_version and not refreshed:
                record = replace(record, settings=before.settings, secrets=before.secrets)
            return self._keep(replace(record, version=record.version + 1))

    def remove_provider(self, organisation: str, provider: str, *, version: int) -> None:
        """Forget a provider."""
        with self._lock:
            record = self.provider(organisation, provider)
            if record.version != version:
                raise conflict(f"the provider {record.label!r}", version)
            projects = [override.project for override in self.overrides(organisation) if override.provider == provider]
            check_unchosen(record, self.organisation(organisation).default_provider, projects)
            del self._providers[organisation][provider]
            self._forget_credentials(organisation, provider)

    def set_default(self, organisation: str, provider: str | None, *, version: int) -> OrganisationRecord:
        """Make a VERIFIED provider the default."""
        with self._lock:
            if provider is not None:
                check_chosen(self.provider(organisation, provider))
            before = self.organisation(organisation)
            return self._set(replace(before, default_provider=provider, default_chosen=True), version)

    def set_allowlist(self, organisation: str, extensions: Iterable[str], *, version: int) -> OrganisationRecord:
        """Replace the allowlist."""
        with self._lock:
            return self._set(replace(self.organisation(organisation), allowlist=tuple(extensions)), version)

    def set_file_rules(self, organisation: str, rules: FileRules | None, *, version: int) -> OrganisationRecord:
        """Replace the rules for files."""
        with self._lock:
            return self._set(replace(self.organisation(organisation), file_rules=rules), version)

    def set_override(self, organisation: str, project: str, provider: str | None, *, version: int) -> ProjectOverride:
        """Make a VERIFIED provider that of a project."""
        with self._lock:
            if provider is not None:
                check_chosen(self.provider(organisation, provider))
            before = self.override(organisation, project)
            if before.version != version:
                raise conflict(f"the override of the project {project!r}", version)
            after = replace(before, provider=provider, version=version + 1)
            self._overrides.setdefault(organisation, {})[project] = after
            return after

    def reseal(self, organisation: str | None = None) -> int:  # noqa: ARG002  # nothing is sealed here
        """Do nothing."""
        return 0

    def together(self) -> AbstractContextManager[object]:
        """Let no other thread change anything meanwhile. Nothing is undone."""
        return self._lock

    def close(self) -> None:
        """Do nothing: the records live as long as the object."""

    def _every(self) -> list[ProviderRecord]:
        with self._lock:
            return [_own(record) for kept in self._providers.values() for record in kept.values()]

    def _of(self, organisation: str) -> dict[str, ProviderRecord]:
        return self._providers.get(organisation, {})

    def _keep(self, record: ProviderRecord) -> ProviderRecord:
        self._providers[record.organisation][record.id] = _own(record)
        return record

    def _set(self, record: OrganisationRecord, version: int) -> OrganisationRecord:
        if record.version != version:
            raise conflict(f"the organisation {record.organisation!r}", version)
        record = replace(record, version=version + 1)
        self._organisations[record.organisation] = record
        return record

    def _check_label(self, record: ProviderRecord) -> None:
        for other in self._of(record.organisation).values():
            if other.id != record.id and label_key(other.label) == label_key(record.label):
                raise label_in_use(record.organisation, record.label)


def _own(record: ProviderRecord) -> ProviderRecord:
    return replace(record, settings=copy.deepcopy(record.settings))


def keys_of(catalogue: Catalogue, organisation: str) -> StateKeys | None:
    """Return the keys that upload states of the organisation are sealed with; None when the catalogue has none."""
    # By an attribute, not by isinstance: a runtime protocol takes 50 us to be compared, several times a call.
    return cast(KeyedCatalogue, catalogue).state_keys(organisation) if hasattr(catalogue, "state_keys") else None
