"""What an administrator does: add, change and remove providers, choose the default, override, restrict types.

Blocking on purpose; every call is one or two catalogue transactions. It never verifies: a caller runs ``verify`` and
hands the outcome to ``record_verification``. Read next: ``resolver.py``, which turns the records into storages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..documents.events import EventHook
from ..errors import RecordConflictError, SealError, UnknownProviderError
from ..file_rules import FileRules
from ..keys import check_identifier
from ..policy import normal_extensions
from ..registry import Registry, default_registry
from ..secrecy.masking import masked
from ..secrecy.pickling import not_pickled
from ..transport import Transport
from . import telling
from .admission import OPERATOR_CHOICES, Admit
from .catalogue import Catalogue
from .changes import check_size_limit, new_record, verified_with, with_override, with_settings
from .managed import ManagedProvider, ManagedProviders, check_own, keep
from .openings import Openings
from .proposals import Proposals
from .records import KEEP, Keep, OrganisationRecord, ProjectOverride, ProviderRecord, now
from .retentions import Retentions
from .rules import check_label, check_unchosen, conflict, free_label
from .trials import Trials
from .use import failed

if TYPE_CHECKING:
    from ..transport.addresses import PublicAddresses


@not_pickled("let the other process open the catalogue")
class Organisations(Trials, Openings, Retentions):
    """The providers and choices of all organisations. Safe for threads, and for several processes.

    Where a method takes *version* it refuses with ``RecordConflictError`` when the record has another one; without
    it, only a change between its own look and its own write is refused. A *provider* is named by its id or its label.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        registry: Registry | None = None,
        *,
        admit: Admit = OPERATOR_CHOICES,
        guarded: Iterable[Path] | None = None,
        on_event: EventHook | None = None,
        clock: Callable[[], datetime] = now,
        managed: ManagedProvider | Iterable[ManagedProvider] = (),
    ) -> None:
        """Keep records in *catalogue*.

        Args:
            admit: Decides on settings before they are stored and before they are used.
            guarded: What no local root may contain; by default, what the environment says.
            on_event: Called with each event, in the transaction of the change, so it should be quick; what it raises
                undoes the change (in SQL) and passes through. Resolvers without a hook of their own use it too.
            managed: What the platform offers to every organisation; the first is the default of new ones.

        Raises:
            SettingsError: what is declared as *managed* cannot be used.
            UnknownProviderError: its kind is not registered.
        """
        registry = registry or default_registry()
        super().__init__(catalogue, ManagedProviders(managed, registry), on_event, clock)
        self.registry = registry
        """Which kinds there are."""
        self._clock = clock
        self._proposals = Proposals(catalogue, self.settings, admit, guarded, self.managed)
        self._transports: dict[PublicAddresses, Transport] = {}

    def add_provider(
        self,
        organisation: str,
        kind: str,
        label: str,
        settings: Mapping[str, object],
        *,
        max_file_bytes: int | None = None,
    ) -> ProviderRecord:
        """Add a provider, PENDING until it is verified. Nothing is asked of the service.

        Args:
            max_file_bytes: the largest file, in bytes; None is the default of the kind.

        Raises:
            UnknownProviderError: there is no such kind.
            SettingsError: settings are wrong, the label is illegal or in use, or the secrets cannot be sealed.
            PolicyError: *max_file_bytes* is not positive or above the ceiling.
        """
        check_identifier(organisation, "organisation")
        label = free_label(self.providers(organisation), organisation, check_label(label))
        settings = masked(settings)
        model = self.registry.parse_settings(kind, settings)
        self._proposals.admit(organisation, kind, model)
        if max_file_bytes is not None:
            check_size_limit(self.registry, kind, model, max_file_bytes)
        self._prepare_sealing(organisation)
        record = new_record(self.registry, organisation, kind, label, model, self._clock())
        record = replace(record, max_file_bytes=max_file_bytes)
        return self._changed(partial(self.catalogue.add_provider, record), telling.added)

    def update_provider(
        self,
        organisation: str,
        provider: str,
        *,
        settings: Mapping[str, object] | None = None,
        label: str | None = None,
        max_file_bytes: int | Keep | None = KEEP,
        version: int | None = None,
    ) -> ProviderRecord:
        """Change a provider. Settings or secrets that differ make it PENDING again; it stays the default if it is.

        Args:
            settings: fields to set over those that are stored, secrets included; None as a value removes a field.
                When all secrets are among them, those that are stored need not open. A field that may decide where
                secrets are sent (all that the kind does not call harmless) changes only together with all of them.
            max_file_bytes: the largest file, in bytes; None goes back to the default of the kind.

        Raises:
            RecordNotFoundError: there is no such provider.
            RecordConflictError: it was changed meanwhile.
            SettingsError: settings are wrong, the label is illegal or in use, or stored secrets cannot be opened.
            PolicyError: *max_file_bytes* is not positive or above the ceiling.
        """
        before = self._find(organisation, provider, version)
        after = before
        if label is not None:
            after = replace(
                after, label=free_label(self.providers(organisation), organisation, check_label(label), own=before.id)
            )
        settings = masked(settings)
        if settings is not None:
            after = with_settings(self.registry, after, settings)
            if after.settings_version != before.settings_version:
                self._proposals.admit(organisation, after.kind, self.settings(after))
        if not isinstance(max_file_bytes, Keep):
            if max_file_bytes is not None:
                check_size_limit(self.registry, after.kind, self.settings(after), max_file_bytes)
            after = replace(after, max_file_bytes=max_file_bytes)
        if after is before:
            return before
        return self._changed(
            partial(self.catalogue.replace_provider, after), lambda made: telling.updated(before, made)
        )

    def retire_provider(self, organisation: str, provider: str, *, undo: bool = False) -> ProviderRecord:
        """Let a provider only read from now on: receipts lead to what it holds, nothing is written or removed there.

        It can be no default or override. To *undo* lets it be written to again. Processes take it over with their
        next call.

        Raises:
            RecordNotFoundError: there is no such provider.
            RecordConflictError: it was changed meanwhile.
            SettingsError: it is the default or an override, or managed by the platform.
        """
        before = self._find(organisation, provider, None)
        if undo == (before.retired_at is None):
            return before
        if not undo:
            projects = [found.project for found in self.overrides(organisation) if found.provider == before.id]
            check_unchosen(before, self.organisation(organisation).default_provider, projects)
        after = replace(before, retired_at=None if undo else self._clock())
        return self._changed(
            partial(self.catalogue.replace_provider, after), lambda made: telling.updated(before, made)
        )

    def remove_provider(self, organisation: str, provider: str, *, version: int | None = None) -> None:
        """Forget a provider and its secrets. Its objects stay where they are, but receipts no longer lead to them.

        Raises:
            RecordNotFoundError: there is no such provider.
            RecordConflictError: it was changed meanwhile.
            SettingsError: it is the default or an override; the message says what to do first.
        """
        record = self._find(organisation, provider, version)
        remove = partial(self.catalogue.remove_provider, organisation, record.id, version=record.version)
        self._changed(remove, lambda _: telling.removed(record))

    def set_default(self, organisation: str, provider: str | None, *, version: int | None = None) -> OrganisationRecord:
        """Send new documents to a VERIFIED provider; None leaves the organisation without a default.

        Nothing moves: documents stay where they are and stay reachable. *version* is that of the organisation.

        Raises:
            RecordNotFoundError: there is no such provider.
            RecordConflictError: the organisation was changed meanwhile.
            SettingsError: the provider is not VERIFIED.
        """
        chosen = None if provider is None else self._chosen(organisation, provider)
        before = self.organisation(organisation)
        version = before.version if version is None else version
        change = partial(self.catalogue.set_default, organisation, chosen, version=version)
        return self._changed(change, lambda made: telling.default(before, made))

    def set_override(
        self, organisation: str, project: str, provider: str, *, version: int | None = None
    ) -> ProjectOverride:
        """Send new documents of one project to a VERIFIED provider. *version* is that of the override.

        Raises:
            RecordNotFoundError: there is no such provider.
            RecordConflictError: the override was changed meanwhile.
            SettingsError: the provider is not VERIFIED.
        """
        return self._override(organisation, project, self._chosen(organisation, provider), version)

    def clear_override(self, organisation: str, project: str, *, version: int | None = None) -> ProjectOverride:
        """Give a project the default of the organisation again; silent when it has it already.

        Raises:
            RecordConflictError: the override was changed meanwhile.
        """
        return self._override(organisation, project, None, version)

    def set_allowlist(
        self, organisation: str, extensions: Iterable[str], *, version: int | None = None
    ) -> OrganisationRecord:
        """Allow these extensions, or MIME types such as ``image/*``, only; none allows every type.

        A MIME type stands for the extensions that mean it now. Documents that are stored already are not touched.

        Raises:
            PolicyError: one is not an extension, or a text is given in place of a list.
            RecordConflictError: the organisation was changed meanwhile.
        """
        normal = normal_extensions(extensions)
        before = self.organisation(organisation)
        version = before.version if version is None else version
        change = partial(self.catalogue.set_allowlist, organisation, normal, version=version)
        return self._changed(change, lambda made: telling.allowlist(before, made))

    def set_file_rules(
        self, organisation: str, rules: FileRules | None, *, version: int | None = None
    ) -> OrganisationRecord:
        """Say what is refused beside sizes and the allowlist; None is the preset, ``NO_FILE_RULES`` is nothing.

        Documents that are stored already are not touched.

        Raises:
            RecordConflictError: the organisation was changed meanwhile.
        """
        before = self.organisation(organisation)
        version = before.version if version is None else version
        change = partial(self.catalogue.set_file_rules, organisation, rules, version=version)
        return self._changed(change, lambda made: telling.file_rules(before, made))

    def record_verification(
        self,
        verified: ProviderRecord,
        *,
        ok: bool,
        error: str | None = None,
        at: datetime | None = None,
        discovered: Mapping[str, object] | None = None,
        routine: bool = False,
    ) -> ProviderRecord:
        """Record how the verification of *verified* ended: VERIFIED, or FAILED with the *error*.

        The record is the one that was read before the verification began: settings that changed since have not been
        verified. *at* is now unless given. What the provider *discovered* is kept only when *ok*. Of a *routine*
        verification nothing is told but another status.

        Raises:
            RecordNotFoundError: the provider was removed meanwhile.
            RecordConflictError: its settings were changed meanwhile; verify again.
            SettingsError: it is managed by the platform.
        """
        check_own(verified)
        kept = self.catalogue.provider(verified.organisation, verified.id)
        if kept.settings_version != verified.settings_version:
            raise RecordConflictError(
                f"the settings of the provider {kept.label!r} were changed while it was verified; verify it again"
            )
        at = at or self._clock()
        if ok:
            after = verified_with(self.registry, kept, at, discovered or {})
        else:
            after = failed(kept, error or "unknown", at, in_use=False)
        tell = telling.status if routine else telling.verified
        change = partial(self.catalogue.replace_provider, after, refreshed=after.settings != kept.settings)
        return self._changed(change, lambda made: tell(kept, made))

    def reseal(self) -> int:
        """Seal all secrets of all organisations under the first key, and return how many providers changed.

        Raises:
            SealError: a secret cannot be opened; nothing was changed.
        """
        return self._changed(self.catalogue.reseal, telling.resealed)

    def close(self) -> None:
        """Close the catalogue; calling it twice is harmless."""
        self.catalogue.close()

    def _find(self, organisation: str, provider: str, version: int | None) -> ProviderRecord:
        record = self.find(organisation, provider)
        check_own(record)
        if version is not None and version != record.version:
            raise conflict(f"the provider {record.label!r}", version)
        return record

    def _chosen(self, organisation: str, provider: str) -> str:
        """Return the id of a provider that is about to be chosen; the place may have been taken since it was added."""
        record = self.find(organisation, provider)
        if record.managed:
            keep(self.catalogue, record)
            return record.id
        with suppress(SealError, UnknownProviderError):  # it can be chosen without the key; opening it checks again
            self._proposals.admit(organisation, record.kind, self.settings(record))
        return record.id

    def _override(self, organisation: str, project: str, provider: str | None, version: int | None) -> ProjectOverride:
        change = partial(with_override, self.catalogue, organisation, project, provider, version)
        return self._changed(change, lambda made: telling.override(*made))[1]
