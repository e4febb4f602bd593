"""Settings that are tried before they are stored: what ``Organisations`` has of that.

A trial is the record as it would be. ``verification/trying.py`` verifies it as any other, and stores what passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import SealError, SettingsError
from ..secrecy.masking import masked
from ..secrecy.pickling import not_pickled
from .catalogue import Catalogue
from .changes import with_settings
from .records import ProviderRecord, ProviderStatus, SecretValues
from .rotating import Rotating
from .rotation import KeptSecret, SecretKeeper
from .settings import merge


@not_pickled("try the settings in the other process")
class Trial:
    """A provider with settings that are stored nowhere."""

    def __init__(self, before: ProviderRecord, record: ProviderRecord, changes: Mapping[str, object]) -> None:
        """Try *record*, which *changes* make of *before*."""
        self.before = before
        """The provider as it is."""
        self.record = record
        """The provider as it would be."""
        self.changes: dict[str, object] = dict(changes)
        """What is set over the settings that are stored, with what the service replaced meanwhile."""

    def keeper(self, catalogue: Catalogue, name: str) -> SecretKeeper:
        """Return where the secret *name* is kept, which its service replaces: where the trial has it from."""
        try:
            stored = self.before.secrets.reveal()
        except SealError:  # all were entered again
            stored = {}
        if self.record.secrets.reveal().get(name) == stored.get(name):
            return KeptSecret(catalogue, self.before.organisation, self.before.id, name)
        return TriedSecret(self, name)

    @property
    def differs(self) -> bool:
        """Whether the settings are others than those in use."""
        return self.record.settings_version != self.before.settings_version


class TriedSecret:
    """One secret of a trial, which its service replaces at each use. For the verification of the trial alone."""

    def __init__(self, trial: Trial, name: str) -> None:
        self._trial = trial
        self._name = name

    def load(self) -> str:
        """Return the newest one.

        Raises:
            SettingsError: the settings hold none.
        """
        found = self._trial.record.secrets.reveal().get(self._name)
        if found is None:
            raise SettingsError(f"the settings hold no {self._name}; connect again")
        return found

    def swap(self, old: str, new: str) -> bool:
        """Keep *new* if *old* is there still."""
        if self.load() != old:
            return False
        secrets = {**self._trial.record.secrets.reveal(), self._name: new}
        self._trial.record = replace(self._trial.record, secrets=SecretValues(secrets))
        self._trial.changes[self._name] = new
        return True


class Trials(Rotating):
    """Settings of all organisations that are tried."""

    def is_live(self, record: ProviderRecord) -> bool:
        """Say whether *record* works and new documents go to it: it is the default, or that of a project.

        Raises:
            StorageError: the catalogue does not answer.
        """
        if record.status is not ProviderStatus.VERIFIED:
            return False
        overrides = self.overrides(record.organisation)
        default = self.organisation(record.organisation).default_provider
        return record.id in (default, *(found.provider for found in overrides))

    def trial(
        self, organisation: str, provider: str, settings: Mapping[str, object], *, version: int | None = None
    ) -> Trial:
        """Return the provider as it would be with *settings* over those that are stored, as in ``update_provider``.

        Nothing is stored, and nothing is asked of the service.

        Raises:
            RecordNotFoundError: there is no such provider.
            RecordConflictError: it has another *version*.
            SettingsError: settings are wrong or not admitted, or the platform manages the provider.
            SealError: stored secrets cannot be opened, and not all are entered again.
        """
        before = self._own(organisation, provider, version)
        after = with_settings(self.registry, before, masked(settings))
        if after.settings_version != before.settings_version:
            model = self.registry.parse_settings(after.kind, merge(after.settings, after.secrets.reveal()))
            self._proposals.admit(organisation, after.kind, model)
        return Trial(before, after, settings)
