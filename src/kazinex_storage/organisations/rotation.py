"""A secret that its service replaces at each use; the first process to get a new one stores it with the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from ..errors import RecordConflictError, SettingsError
from ..values import value
from .catalogue import Catalogue
from .credential_versions import CredentialTable, CredentialVersion
from .records import SecretValues

_TRIES = 5
"""Changes of other fields of the record that one swap puts up with."""


class SecretKeeper(Protocol):
    """Where a secret is kept that its service replaces at each use."""

    def load(self) -> str:
        """Return the newest one."""
        ...

    def swap(self, old: str, new: str) -> bool:
        """Keep *new* if *old* is there still; say whether it was."""
        ...


@value(kw_only=False)
class KeptSecret:
    """One secret of one provider record. Thread-safe, and safe among processes: the catalogue compares versions."""

    catalogue: Catalogue
    organisation: str
    provider: str
    name: str

    def load(self) -> str:
        """Return the newest one.

        Raises:
            RecordNotFoundError: the provider was removed.
            SettingsError: the settings do not hold it any more.
            SealError: it cannot be opened.
        """
        found = self.catalogue.provider(self.organisation, self.provider).secrets.reveal().get(self.name)
        if found is None:
            raise SettingsError(f"the settings of the provider hold no {self.name} any more; connect again")
        return found

    def swap(self, old: str, new: str) -> bool:
        """Store *new* if *old* is there still; the provider stays verified and open, because nothing else changed.

        Raises:
            RecordNotFoundError: the provider was removed.
            RecordConflictError: the record is changed all the time.
            SealError: the secrets cannot be opened.
        """
        for attempt in range(_TRIES):
            record = self.catalogue.provider(self.organisation, self.provider)
            secrets = dict(record.secrets.reveal())
            if secrets.get(self.name) != old:
                return False
            try:
                after = replace(record, secrets=SecretValues({**secrets, self.name: new}))
                self.catalogue.replace_provider(after, refreshed=True)
            except RecordConflictError:
                if attempt + 1 == _TRIES:
                    raise
                continue
            return True
        return False


@value(kw_only=False)
class KeptVersionSecret:
    """One secret of credentials that are not in use: used by their verification alone, so nothing is compared."""

    table: CredentialTable
    version: CredentialVersion
    name: str

    def load(self) -> str:
        """Return the newest one.

        Raises:
            SettingsError: the version was dropped, or holds none.
            SealError: it cannot be opened.
        """
        found = self._kept().secrets.reveal().get(self.name)
        if found is None:
            raise SettingsError(f"the credentials hold no {self.name} any more; propose them again")
        return found

    def swap(self, old: str, new: str) -> bool:
        """Store *new* if *old* is there still.

        Raises:
            SettingsError: the version was dropped.
            SealError: the secrets cannot be opened.
        """
        kept = self._kept()
        secrets = kept.secrets.reveal()
        if secrets.get(self.name) != old:
            return False
        self.table.keep(replace(kept, secrets=SecretValues({**secrets, self.name: new})))
        return True

    def _kept(self) -> CredentialVersion:
        for found in self.table.all(self.version.organisation, self.version.provider):
            if found.version == self.version.version:
                return found
        raise SettingsError("the credentials were dropped meanwhile; propose them again")
