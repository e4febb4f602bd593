"""Lines for what earlier releases recorded, which kept no evidence."""

from __future__ import annotations

from typing import Final

from ...documents.register import RevisionRecord
from ..database import Database, sa
from ..register import record_of
from ..schema import revisions
from .chain import ReceiptChains
from .lines import Happening
from .tables import receipt_lines

_BATCH: Final = 100

_NAMES: Final = ("organisation", "project", "document", "revision")
_TOLD: Final = sa.exists().where(*(receipt_lines.c[name] == revisions.c[name] for name in _NAMES))
# Locked, so that what is told of a revision is what it is when it is told.
_UNTOLD: Final = (
    revisions.select()
    .where(revisions.c.organisation == sa.bindparam("its_organisation"), revisions.c.removed_at.is_(None), ~_TOLD)
    .order_by(*(revisions.c[name] for name in _NAMES))
    .limit(_BATCH)
    .with_for_update()
)


def complete(database: Database, chains: ReceiptChains, organisation: str) -> int:
    """Add a line of each stored revision that has none, and return how many.

    Raises:
        SettingsError: the keys cannot be read.
        StorageError: the database does not answer.
    """
    count = 0
    while True:
        chains.prepare(organisation)
        with database.changing() as connection:
            rows = connection.execute(_UNTOLD, {"its_organisation": organisation}).mappings()
            found = [record_of(row) for row in rows]
            if not found:
                return count
            project = found[0].document.project
            mine = [_known(record) for record in found if record.document.project == project]
            chains.append_in(connection, organisation, project, mine)
            count += len(mine)


def _known(record: RevisionRecord) -> Happening:
    return Happening(
        kind="known",
        document=record.document,
        provider=record.provider or None,
        size=record.size,
        sha256=record.sha256,
        said={"recorded_at": record.recorded_at.isoformat()},
    )
