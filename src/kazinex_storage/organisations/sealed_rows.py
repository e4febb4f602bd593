"""How the record of a provider is kept in a row: its columns, and its secrets, sealed for that row and its settings."""

from __future__ import annotations

from collections.abc import Mapping

from .database import sa
from .records import ProviderRecord, ProviderStatus, SecretValues
from .rules import label_key
from .sealing import Sealer
from .settings import canonical

_PLAIN = (
    "organisation",
    "id",
    "kind",
    "label",
    "last_verified_at",
    "last_error",
    "failed_at",
    "failed_in_use",
    "retired_at",
    "max_file_bytes",
    "managed",
    "created_at",
    "settings_version",
    "version",
)
"""The fields of a record that are columns as they are."""


def columns_of(record: ProviderRecord) -> dict[str, object]:
    """Return the columns of *record*, without those of its settings and secrets."""
    plain = {name: getattr(record, name) for name in _PLAIN}
    return {**plain, "label_key": label_key(record.label), "status": record.status.value}


class SealedRows:
    """Makes records of rows, and seals what a row keeps of settings."""

    __slots__ = ("_sealer",)

    def __init__(self, sealer: Sealer) -> None:
        """Seal and open with *sealer*."""
        self._sealer = sealer

    def record(self, row: sa.RowMapping) -> ProviderRecord:
        """Return the record that *row* holds; its secrets stay sealed until they are asked for."""
        return ProviderRecord(
            **{name: row[name] for name in _PLAIN},
            status=ProviderStatus(row["status"]),
            settings=row["settings"],
            secrets=self.secrets(row),
        )

    def secrets(self, row: sa.RowMapping) -> SecretValues:
        """Return the secrets of *row*, which are opened when they are asked for: a listing needs no key."""
        return SecretValues.opened_by(tuple(row["secrets"]), lambda: self._open(row))

    def settings_of(self, record: ProviderRecord) -> dict[str, object]:
        """Return the columns of the settings and the sealed secrets of *record*.

        Raises:
            SettingsError: the keys cannot be read or made.
        """
        bound = canonical(record.kind, record.settings)
        sealed = self._seal(record.organisation, record.id, record.secrets.reveal(), bound)
        return {"settings": record.settings, "secrets": sealed}

    def prepare(self, organisation: str) -> None:
        """Have what seals for the organisation at hand; see ``Sealer.prepare``."""
        self._sealer.prepare(organisation)

    def resealed(self, row: sa.RowMapping) -> dict[str, str] | None:
        """Return the secrets of *row* sealed under the first key, or None when they are.

        Raises:
            SealError: a secret cannot be opened.
            SettingsError: the keys cannot be read.
        """
        if all(self._sealer.is_current(envelope, row["organisation"]) for envelope in row["secrets"].values()):
            return None
        return self._seal(row["organisation"], row["id"], self._open(row), _bound_to(row))

    def _open(self, row: sa.RowMapping) -> dict[str, str]:
        where, settings = {"organisation": row["organisation"], "record": row["id"]}, _bound_to(row)
        return {
            field: self._sealer.open(envelope, field=field, settings=settings, **where)
            for field, envelope in row["secrets"].items()
        }

    def _seal(self, organisation: str, record: str, secrets: Mapping[str, str], settings: str) -> dict[str, str]:
        return {
            field: self._sealer.seal(secret, organisation=organisation, record=record, field=field, settings=settings)
            for field, secret in secrets.items()
        }


def _bound_to(row: sa.RowMapping) -> str:
    return canonical(row["kind"], row["settings"])
