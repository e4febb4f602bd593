"""Sealing again what a catalogue keeps for long: the secrets of providers, under the key that seals now."""

from __future__ import annotations

from .credential_rows import SqlCredentials
from .database import Database, sa
from .schema import providers
from .sealed_rows import SealedRows

_ROW_IS = (providers.c.organisation, providers.c.id)


def reseal(database: Database, rows: SealedRows, versions: SqlCredentials, organisation: str | None) -> int:
    """Seal every secret, or those of one organisation, under the first key, in one transaction; say how many changed.

    Those of credentials that are not in use are among them.

    Raises:
        SealError: a secret cannot be opened; nothing was changed.
        StorageError: the database or the key service does not answer; nothing was changed.
    """
    names = sealed_organisations(database) if organisation is None else (organisation,)
    for name in names:
        rows.prepare(name)  # a transaction should wait for no key service
    query = sa.select(*_ROW_IS, providers.c.kind, providers.c.settings, providers.c.secrets).order_by(*_ROW_IS)
    if organisation is not None:
        query = query.where(providers.c.organisation == organisation)
    changed = 0
    with database.changing() as connection:
        for row in connection.execute(query.with_for_update()).mappings().all():
            sealed = rows.resealed(row)
            if sealed is None:
                continue
            where = (providers.c.organisation == row["organisation"], providers.c.id == row["id"])
            connection.execute(providers.update().where(*where).values(secrets=sealed))
            changed += 1
        for name in names:
            changed += versions.reseal(name)
    return changed


def sealed_organisations(database: Database) -> tuple[str, ...]:
    """Return the organisations that have providers, sorted.

    Raises:
        StorageError: the database does not answer.
    """
    query = sa.select(providers.c.organisation).distinct().order_by(providers.c.organisation)
    with database.reading() as connection:
        return tuple(connection.execute(query).scalars())
