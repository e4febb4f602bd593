"""The versions of credentials that are not in use, in the database of the catalogue, their secrets sealed."""

from __future__ import annotations

from datetime import datetime

from ..secrecy.pickling import not_pickled
from .columns import UtcTime, metadata
from .credential_versions import CredentialStatus, CredentialVersion
from .database import Database, sa
from .records import SecretValues
from .sealing import Sealer
from .settings import canonical

credentials = sa.Table(
    "kazinex_storage_credentials",
    metadata,
    sa.Column("organisation", sa.String(128), primary_key=True),
    sa.Column("provider", sa.String(128), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("secrets", sa.JSON, nullable=False),
    sa.Column("proposed_at", UtcTime),
    sa.Column("proposed_by", sa.Text),
    sa.Column("checked_at", UtcTime),
    sa.Column("last_error", sa.Text),
    sa.Column("retired_at", UtcTime),
    sa.Column("drop_at", UtcTime),
)

_PLAIN = (
    "organisation",
    "provider",
    "version",
    "kind",
    "label",
    "proposed_at",
    "proposed_by",
    "checked_at",
    "last_error",
    "retired_at",
    "drop_at",
)


@not_pickled("let the other process open the catalogue")
class SqlCredentials:
    """A ``CredentialTable`` in SQL. Thread-safe and fork-safe, for any number of processes.

    Its methods raise StorageError when the database does not answer.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        """Use the tables of *database*, which stays the catalogue's to close; seal with *sealer*."""
        self._database = database
        self._sealer = sealer

    def all(self, organisation: str, provider: str) -> tuple[CredentialVersion, ...]:
        """Return those of a provider, the newest first; their secrets stay sealed until they are asked for."""
        where = (credentials.c.organisation == organisation, credentials.c.provider == provider)
        query = credentials.select().where(*where).order_by(credentials.c.version.desc())
        with self._database.reading() as connection:
            return tuple(self._version(row) for row in connection.execute(query).mappings())

    def keep(self, version: CredentialVersion) -> None:
        """Keep a version, in place of one of the same number.

        Raises:
            SettingsError: its secrets cannot be sealed.
            SealError: those that it had cannot be opened.
        """
        revealed = version.secrets.reveal()
        self._sealer.prepare(version.organisation)
        sealed = {name: self._seal(version, name, secret) for name, secret in revealed.items()}
        row = {name: getattr(version, name) for name in _PLAIN}
        row |= {"status": version.status.value, "settings": dict(version.settings), "secrets": sealed}
        with self._database.changing() as connection:
            connection.execute(
                credentials.delete().where(*_is(version.organisation, version.provider, version.version))
            )
            connection.execute(credentials.insert().values(row))

    def drop(self, organisation: str, provider: str, version: int) -> None:
        """Forget a version."""
        with self._database.changing() as connection:
            connection.execute(credentials.delete().where(*_is(organisation, provider, version)))

    def due(self, moment: datetime) -> tuple[CredentialVersion, ...]:
        """Return the retired versions of all organisations whose time is over."""
        query = credentials.select().where(credentials.c.drop_at <= moment)
        with self._database.reading() as connection:
            return tuple(self._version(row) for row in connection.execute(query).mappings())

    def reseal(self, organisation: str) -> int:
        """Seal the secrets of one organisation under its newest key, and say how many versions changed.

        Raises:
            SealError: a secret cannot be opened; nothing was changed.
        """
        query = credentials.select().where(credentials.c.organisation == organisation)
        changed = 0
        with self._database.changing() as connection:
            for row in connection.execute(query.with_for_update()).mappings().all():
                if all(self._sealer.is_current(envelope, organisation) for envelope in row["secrets"].values()):
                    continue
                version = self._version(row)
                sealed = {name: self._seal(version, name, text) for name, text in version.secrets.reveal().items()}
                where = _is(organisation, version.provider, version.version)
                connection.execute(credentials.update().where(*where).values(secrets=sealed))
                changed += 1
        return changed

    def _version(self, row: sa.RowMapping) -> CredentialVersion:
        return CredentialVersion(
            **{name: row[name] for name in _PLAIN},
            status=CredentialStatus(row["status"]),
            settings=row["settings"],
            secrets=SecretValues.opened_by(tuple(row["secrets"]), lambda: self._open(row)),
        )

    def _open(self, row: sa.RowMapping) -> dict[str, str]:
        settings = canonical(row["kind"], row["settings"])
        record = _record(row["provider"], row["version"])
        return {
            name: self._sealer.open(
                envelope, organisation=row["organisation"], record=record, field=name, settings=settings
            )
            for name, envelope in row["secrets"].items()
        }

    def _seal(self, version: CredentialVersion, name: str, secret: str) -> str:
        return self._sealer.seal(
            secret,
            organisation=version.organisation,
            record=_record(version.provider, version.version),
            field=name,
            settings=canonical(version.kind, version.settings),
        )


def _record(provider: str, version: int) -> str:
    return f"{provider} credentials {version}"


def _is(organisation: str, provider: str, version: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        credentials.c.organisation == organisation,
        credentials.c.provider == provider,
        credentials.c.version == version,
    )
