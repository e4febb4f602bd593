"""A secret that its service replaces at each use; the first process to get a new one stores it with the settings."""

from __future__ import annotations

from dataclasses import replace

from ..errors import RecordConflictError, SettingsError
from ..values import value
from .catalogue import Catalogue
from .records import SecretValues

_TRIES = 5
"""Changes of other fields of the record that one swap puts up with."""


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
