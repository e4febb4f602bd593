"""Two live versions of the credentials of a provider: what ``Organisations`` has of that.

New credentials are proposed, proven by a verification of their own while the old ones stay in use, and then activated
in one transaction; the old ones are kept until their grace is over. ``credential_versions.py`` says what is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from ..documents.events import CredentialsChanged, Event
from ..errors import RecordConflictError, SealError, SettingsError
from ..registry import Registry
from ..secrecy.masking import masked
from . import telling
from .admission import place_of
from .changes import with_settings
from .credential_versions import (
    CredentialStatus,
    CredentialTable,
    CredentialVersion,
    RotatingCatalogue,
    as_record,
    in_use,
    no_such_version,
)
from .keyed import Keys
from .managed import check_own
from .proposals import Proposals
from .records import ProviderRecord, ProviderStatus, SecretValues
from .rules import conflict
from .settings import merge
from .use import clean_error, without_failure

DEFAULT_GRACE: Final = timedelta(days=7)
"""How long retired credentials are kept, and should go on working at the service: as long as signed URLs may live."""

_TO_COME: Final = frozenset({CredentialStatus.PROPOSED, CredentialStatus.PROVEN, CredentialStatus.FAILED})


class Rotating(Keys):
    """The versions of credentials of all organisations."""

    registry: Registry
    _proposals: Proposals

    def credentials(self, organisation: str, provider: str) -> tuple[CredentialVersion, ...]:
        """Return the versions of the credentials of a provider, the newest first, and how each was last found to be.

        Raises:
            RecordNotFoundError: there is no such provider.
        """
        record = self.find(organisation, provider)
        found = [in_use(record), *self._versions.all(organisation, record.id)]
        return tuple(sorted(found, key=lambda version: -version.version))

    def propose_credentials(
        self, organisation: str, provider: str, settings: Mapping[str, object], *, version: int | None = None
    ) -> CredentialVersion:
        """Propose other credentials for the place that the provider has; those in use stay in use until ``activate``.

        A proposal that is there already makes way. Nothing is asked of the service: ``verify_credentials`` proves it.

        Args:
            settings: fields to set over those that are stored, as in ``update_provider``. They name the same place.
            version: That of the provider.

        Raises:
            RecordNotFoundError: there is no such provider.
            RecordConflictError: it was changed meanwhile.
            SettingsError: settings are wrong or name another place, nothing differs, the platform manages the provider,
                or secrets cannot be sealed.
        """
        record = self._own(organisation, provider, version)
        after = with_settings(self.registry, record, masked(settings))
        if after.settings_version == record.settings_version:
            raise SettingsError(
                f"these are the credentials that the provider {record.label!r} has; enter others",
                provider=record.kind,
            )
        model = self.registry.parse_settings(record.kind, merge(after.settings, after.secrets.reveal()))
        before = self.registry.parse_settings(record.kind, merge(record.settings, _revealed(record, after)))
        if place_of(model) != place_of(before):
            raise SettingsError(
                "other credentials are for the same place, and these settings name another one; add that as a provider "
                "and move documents there with `kazinex-storage migrate`",
                provider=record.kind,
            )
        self._proposals.admit(organisation, record.kind, model, alone=True)
        self._prepare_sealing(organisation)
        proposal = CredentialVersion(
            organisation=organisation,
            provider=record.id,
            kind=record.kind,
            label=record.label,
            version=after.settings_version,
            status=CredentialStatus.PROPOSED,
            settings=after.settings,
            secrets=after.secrets,
            proposed_at=self._clock(),
            proposed_by=self.by,
        )
        return self._changed(partial(self._propose, proposal), lambda made: _proposed(record, made))

    def credentials_to_verify(
        self, organisation: str, provider: str, version: int | None = None
    ) -> tuple[ProviderRecord, CredentialVersion]:
        """Return the provider as it would be with a version, by default the proposal, and that version.

        Raises:
            RecordNotFoundError: there is no such provider or version.
            SettingsError: the platform manages the provider, or the version is the one in use.
        """
        record = self._own(organisation, provider, None)
        if version == record.settings_version:
            raise SettingsError("these credentials are in use; verify the provider")
        found = self._find_version(record, version)
        return as_record(found, record), found

    def record_credentials_check(
        self, checked: CredentialVersion, *, ok: bool, error: str | None = None, at: datetime | None = None
    ) -> CredentialVersion:
        """Record how the verification of a version ended: a proposal is PROVEN or FAILED, a retired one stays retired.

        Raises:
            RecordConflictError: it was replaced or dropped meanwhile; verify again.
        """
        kept = next((found for found in self._of(checked) if found.version == checked.version), None)
        if kept is None or (kept.proposed_at, kept.settings) != (checked.proposed_at, checked.settings):
            raise RecordConflictError("the credentials were replaced while they were verified; verify them again")
        found = replace(
            kept,
            checked_at=at or self._clock(),
            last_error=None if ok else clean_error(error or "unknown", kept.secrets),
        )
        if kept.status in _TO_COME:
            found = replace(found, status=CredentialStatus.PROVEN if ok else CredentialStatus.FAILED)
        return self._changed(partial(self._kept, found), lambda made: [_event(made)])

    def activate_credentials(
        self,
        organisation: str,
        provider: str,
        *,
        version: int | None = None,
        grace: timedelta = DEFAULT_GRACE,
    ) -> ProviderRecord:
        """Use a version from now on, by default the proposal, which has to be PROVEN; the provider is VERIFIED by that.

        One transaction. Those in use until now are RETIRED and kept for *grace*: so long, let the service accept them.
        Processes that have the provider open, signed URLs, tickets and upload states go on with them. A retired version
        that a verification has found working since can be activated again.

        Raises:
            RecordNotFoundError: there is no such provider or version.
            RecordConflictError: the settings of the provider were changed since the version was proposed.
            SettingsError: the version is not proven, or *grace* is negative.
            SealError: its secrets cannot be opened.
        """
        if grace < timedelta():
            raise SettingsError("a grace is not negative")
        record = self._own(organisation, provider, None)
        chosen = self._find_version(record, version)
        _check_activated(record, chosen)
        self._prepare_sealing(organisation)
        after = without_failure(
            replace(
                record,
                settings=chosen.settings,
                secrets=SecretValues(chosen.secrets.reveal()),
                settings_version=record.settings_version + 1,
                last_verified_at=chosen.checked_at,
            ),
            ProviderStatus.VERIFIED,
        )
        moment = self._clock()

        def change() -> ProviderRecord:
            made = self.catalogue.replace_provider(after)
            self._versions.drop(organisation, record.id, chosen.version)
            retired = replace(
                in_use(record), status=CredentialStatus.RETIRED, retired_at=moment, drop_at=moment + grace
            )
            with suppress(SealError):  # what cannot be opened is of use to nobody
                self._versions.keep(replace(retired, secrets=SecretValues(record.secrets.reveal())))
            return made

        return self._changed(change, lambda made: _activated(record, made))

    def drop_credentials(self, organisation: str, provider: str, version: int) -> None:
        """Forget a version that is not in use, before its grace is over too; revoke it at the service then.

        Raises:
            RecordNotFoundError: there is no such provider or version.
        """
        record = self.find(organisation, provider)
        self._drop(self._find_version(record, version))

    def drop_retired_credentials(self) -> tuple[CredentialVersion, ...]:
        """Forget what is retired and whose grace is over, in all organisations, and return it; monitors call it.

        Raises:
            StorageError: the catalogue does not answer.
        """
        due = self._versions.due(self._clock()) if isinstance(self.catalogue, RotatingCatalogue) else ()
        for version in due:
            self._drop(version)
        return due

    def _drop(self, version: CredentialVersion) -> None:
        change = partial(self._versions.drop, version.organisation, version.provider, version.version)
        self._changed(change, lambda _: [_event(version, "DROPPED")])

    def _own(self, organisation: str, provider: str, version: int | None) -> ProviderRecord:
        record = self.find(organisation, provider)
        check_own(record)
        if version is not None and version != record.version:
            raise conflict(f"the provider {record.label!r}", version)
        return record

    def _of(self, version: CredentialVersion) -> tuple[CredentialVersion, ...]:
        return self._versions.all(version.organisation, version.provider)

    def _find_version(self, record: ProviderRecord, version: int | None) -> CredentialVersion:
        for found in self._versions.all(record.organisation, record.id):
            if found.version == version or (version is None and found.status in _TO_COME):
                return found
        raise no_such_version(record, version)

    def _propose(self, proposal: CredentialVersion) -> CredentialVersion:
        for found in self._of(proposal):
            if found.status in _TO_COME:
                self._versions.drop(found.organisation, found.provider, found.version)
        return self._kept(proposal)

    def _kept(self, version: CredentialVersion) -> CredentialVersion:
        self._versions.keep(version)
        return version

    @property
    def _versions(self) -> CredentialTable:
        if not isinstance(self.catalogue, RotatingCatalogue):
            raise SettingsError("this catalogue keeps no versions of credentials; change the provider itself")
        return self.catalogue.credentials


def _check_activated(record: ProviderRecord, chosen: CredentialVersion) -> None:
    """Refuse to activate what is not proven, or was made from other settings than the provider has now."""
    if chosen.status is CredentialStatus.RETIRED:
        if (
            not chosen.works
            or chosen.retired_at is None
            or chosen.checked_at is None
            or chosen.checked_at < chosen.retired_at
        ):
            raise SettingsError(
                f"version {chosen.version} was retired and not verified since; verify it, then activate it"
            )
        return
    if chosen.version != record.settings_version + 1:
        raise RecordConflictError(
            f"the settings of the provider {record.label!r} were changed since these credentials were proposed; "
            "propose them again"
        )
    if chosen.status is not CredentialStatus.PROVEN:
        because = f": {chosen.last_error}" if chosen.last_error else ""
        raise SettingsError(
            f"the credentials proposed for {record.label!r} are {chosen.status.value}{because}; verify them first"
        )


def _revealed(record: ProviderRecord, after: ProviderRecord) -> Mapping[str, str]:
    try:
        return record.secrets.reveal()
    except SealError:  # all were entered again
        return after.secrets.reveal()


def _event(version: CredentialVersion, status: str | None = None, changed: tuple[str, ...] = ()) -> Event:
    return CredentialsChanged(
        organisation=version.organisation,
        provider=version.provider,
        kind=version.kind,
        label=version.label,
        version=version.version,
        status=status or version.status.value,
        changed=changed,
        error=version.last_error,
    )


def _proposed(record: ProviderRecord, proposal: CredentialVersion) -> list[Event]:
    public = telling.differing(record.settings, proposal.settings)
    try:
        secret = telling.differing(record.secrets.reveal(), proposal.secrets.reveal())
    except SealError:  # all were entered again
        secret = list(proposal.secrets.names)
    return [_event(proposal, changed=tuple(public + secret))]


def _activated(before: ProviderRecord, after: ProviderRecord) -> list[Event]:
    retired, active = in_use(before), in_use(after)
    return [_event(active), _event(retired, "RETIRED"), *telling.status(before, after)]
