"""Providers made of what is stored, or of what is tried: what ``Organisations`` has of that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ..contract import SecretRotator
from ..storage.sync import Storage
from ..transport import Transport
from ..verbs import offers_exchanges
from .managed import check_own
from .ownership import check_owner
from .proposals import check_folder
from .records import ProviderRecord
from .rotating import Rotating
from .rotation import KeptSecret, KeptVersionSecret, SecretKeeper
from .settings import merge
from .trials import Trial

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..types import Diagnosis
    from ..verbs import AnyProvider
    from .credential_versions import CredentialVersion


class Openings(Rotating):
    """The providers of all organisations, opened."""

    def settings(self, record: ProviderRecord) -> BaseModel:
        """Return the settings of a provider with its secrets, as an instance of the model of its kind.

        Raises:
            SettingsError: it is managed by the platform, which shows its settings to no organisation.
            UnknownProviderError: its kind is not installed here.
            SettingsError: this release does not understand what is stored.
            SealError: the secrets cannot be opened.
        """
        check_own(record)
        return self.registry.parse_settings(record.kind, merge(record.settings, record.secrets.reveal()))

    def open(self, record: ProviderRecord) -> AnyProvider:
        """Make the provider that *record* describes; the caller closes it.

        Raises:
            UnknownProviderError: its kind is not installed here.
            SettingsError: the settings are not admitted, or the provider cannot use them.
            SealError: the secrets cannot be opened.
        """
        if record.managed:
            check_folder(record.organisation)
            return self.managed.open(record.id, record.label)
        return self._opened(record, partial(KeptSecret, self.catalogue, record.organisation, record.id))

    def open_trial(self, trial: Trial, record: ProviderRecord) -> AnyProvider:
        """Make the provider of a *trial*, whose *record* it is; the caller closes it.

        Raises:
            UnknownProviderError, SettingsError, SealError: as in ``open``.
        """
        return self._opened(record, partial(trial.keeper, self.catalogue))

    def open_credentials(self, version: CredentialVersion, record: ProviderRecord) -> AnyProvider:
        """Make the provider that *record* describes, whose credentials are *version*, which is not in use.

        Raises:
            UnknownProviderError, SettingsError, SealError: as in ``open``.
        """
        return self._opened(record, partial(KeptVersionSecret, self._versions, version))

    def _opened(self, record: ProviderRecord, keeper: Callable[[str], SecretKeeper]) -> AnyProvider:
        settings = self.settings(record)
        addresses = self._proposals.admit(record.organisation, record.kind, settings, alone=True)
        provider = self.registry.open(record.kind, settings)
        if offers_exchanges(provider):
            provider.addresses = addresses
        if isinstance(provider, SecretRotator) and (name := provider.rotating_secret) is not None:
            kept = keeper(name)
            provider.keep_secret(kept.load, kept.swap)
        return provider

    def check_owner(
        self,
        record: ProviderRecord,
        provider: AnyProvider,
        transport: Transport,
        *,
        share: bool = False,
        bind: bool = True,
    ) -> Diagnosis | None:
        """Refuse a place of another organisation, and *bind* it where the host shares none; see ``ownership.py``.

        Raises:
            SettingsError: it belongs to another one.
            StorageError: the service refuses.
        """
        from ..providers.encrypted import beneath  # the marker is for whoever comes, with a key or without

        place = Storage(beneath(provider), transport=transport)
        return check_owner(place, record, self._clock(), bind=bind and not self._proposals.shares, share=share)
