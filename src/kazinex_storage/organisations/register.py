"""The register of revisions in the database of the catalogue: one row each, swapped by its token."""

from __future__ import annotations

from contextlib import nullcontext

from ..documents.register import (
    Removal,
    RevisionRecord,
    claimed,
    kinds_of,
    new_token,
    prefix_of,
    source_change,
    usage_changes,
)
from ..documents.retentions import RetentionTable
from ..keys import DocumentKey
from ..secrecy.pickling import not_pickled
from .database import Database, sa
from .evidence.chain import ReceiptChains
from .evidence.lines import Happening
from .migration_tables import run_pending, runs
from .retention_rows import SqlRetentions, swapped
from .schema import revisions
from .usage_changes import add_usage, settle

_KEY = ("organisation", "project", "document", "revision")

# Made once: building a statement takes longer than running it.
_IS = tuple(revisions.c[name] == sa.bindparam(f"its_{name}") for name in _KEY)
_IS_STILL = (*_IS, revisions.c.token == sa.bindparam("its_token"))
_LOOK = revisions.select().where(*_IS)
_INSERT = revisions.insert()
_UPDATE = revisions.update().where(*_IS_STILL)
_DELETE = revisions.delete().where(*_IS_STILL)

# One row for each run that follows the provider; mostly none, found by an index.
_OWE = run_pending.insert().from_select(
    ["organisation", "run", "token", "key", "removed", "attempts", "due_at"],
    sa.select(
        runs.c.organisation,
        runs.c.id,
        sa.bindparam("new_token", type_=run_pending.c.token.type),
        sa.bindparam("new_key", type_=run_pending.c.key.type),
        sa.bindparam("new_removed", type_=run_pending.c.removed.type),
        sa.literal_column("0"),
        sa.bindparam("new_due_at", type_=run_pending.c.due_at.type),
    ).where(
        runs.c.organisation == sa.bindparam("its_organisation"),
        runs.c.source == sa.bindparam("its_source"),
        runs.c.followed.is_(True),
    ),
)


@not_pickled("let the other process open the catalogue")
class SqlRegister:
    """Remembers revisions in SQL. Thread-safe and fork-safe, for any number of processes."""

    def __init__(self, database: Database, receipts: ReceiptChains) -> None:
        """Use the tables of *database*, which stays the catalogue's to close; *receipts* gets a line of each change."""
        self._database = database
        self._receipts = receipts
        self.retentions: RetentionTable = SqlRetentions(database, receipts)
        """What keeps revisions."""

    def prepare(self, organisation: str) -> None:
        """Have the keys of *organisation* at hand, so that no transaction makes one or waits for a key service.

        Raises:
            SettingsError: the keys cannot be read or made.
            StorageError: the key service refuses, or does not answer.
        """
        self._receipts.prepare(organisation)

    def revision(self, document: DocumentKey) -> RevisionRecord | None:
        """Return what is remembered of the revision. One query by primary key.

        Raises:
            StorageError: the database does not answer.
        """
        with self._database.reading() as connection:
            row = connection.execute(_LOOK, _revision_of(document)).mappings().one_or_none()
        return None if row is None else record_of(row)

    def unsized(self, organisation: str) -> tuple[RevisionRecord, ...]:
        """Return the stored revisions of which no size is kept. One query.

        Raises:
            StorageError: the database does not answer.
        """
        unknown = (
            revisions.c.organisation == organisation,
            revisions.c.size.is_(None),
            revisions.c.removed_at.is_(None),
        )
        with self._database.reading() as connection:
            return tuple(record_of(row) for row in connection.execute(revisions.select().where(*unknown)).mappings())

    def swap_revision(
        self, before: RevisionRecord | None, after: RevisionRecord | None, *, claim: str | None = None
    ) -> bool:
        """Replace *before* by *after* unless another one is kept. One transaction of seven statements, and a signature.

        With a *claim* there are two more, and the quotas of the organisation are locked meanwhile.

        Raises:
            ValueError: both are None, or they are of two revisions.
            QuotaExceededError: the reservation of the *claim* is gone, and there is no room.
            RetentionError: it is a removal, and something keeps the revision.
            StorageError: the database does not answer; whether it was done is then not known.
        """
        self.prepare(prefix_of(before, after).partition("/")[0])
        with self._database.changing() as connection:
            return self.swap_in(connection, before, after, claim=claim)

    def swap_in(
        self,
        connection: sa.Connection,
        before: RevisionRecord | None,
        after: RevisionRecord | None,
        *,
        claim: str | None = None,
    ) -> bool:
        """Do what ``swap_revision`` does in a transaction that changes other tables as well.

        Raises:
            ValueError: both are None, or they are of two revisions.
            QuotaExceededError: the reservation of the *claim* is gone, and there is no room.
            RetentionError: it is a removal, and something keeps the revision.
        """
        organisation = prefix_of(before, after).partition("/")[0]
        if not _swap(connection, before, after):
            return False
        record, kept = after if after is not None else before, list[Happening]()
        if record is not None:
            kept += swapped(connection, record.document, kinds_of(before, after), record.recorded_at)
        if claim is not None and after is not None:
            settle(connection, claimed(claim, after))
        for change in usage_changes(before, after):
            add_usage(connection, organisation, change)
        _owe(connection, before, after)
        self._receipts.swapped(connection, before, after, kept)
        return True


def _swap(connection: sa.Connection, before: RevisionRecord | None, after: RevisionRecord | None) -> bool:
    if before is not None:
        bound = {**_revision_of(before.document), "its_token": before.token}
        if after is None:
            return connection.execute(_DELETE, bound).rowcount == 1
        return connection.execute(_UPDATE, {**bound, **_columns(after)}).rowcount == 1
    if after is None:
        return False
    # PostgreSQL ends a transaction in which a statement failed, SQLite only the statement.
    nested = nullcontext() if connection.dialect.name == "sqlite" else connection.begin_nested()
    try:
        with nested:
            connection.execute(_INSERT, _columns(after))
    except sa.exc.IntegrityError:  # another upload or removal was first
        return False
    return True


def _owe(connection: sa.Connection, before: RevisionRecord | None, after: RevisionRecord | None) -> None:
    """Note for mirrors what changed on their source; one statement."""
    change = source_change(before, after)
    if change is not None:
        new = {"new_key": change.key, "new_removed": change.removed, "new_due_at": change.at, "new_token": new_token()}
        connection.execute(_OWE, {"its_organisation": change.organisation, "its_source": change.provider, **new})


def _revision_of(document: DocumentKey) -> dict[str, object]:
    return {f"its_{name}": getattr(document, name) for name in _KEY}


def _columns(record: RevisionRecord) -> dict[str, object]:
    removal = record.removal
    return {
        "organisation": record.document.organisation,
        "project": record.document.project,
        "document": record.document.document,
        "revision": record.document.revision,
        "filename": record.document.filename,
        "provider": record.provider,
        "sha256": record.sha256,
        "size": record.size,
        "recorded_at": record.recorded_at,
        "recorded_by": record.recorded_by,
        "removed_at": removal.at if removal is not None else None,
        "removed_by": removal.by if removal is not None else None,
        "removed_for": removal.reason if removal is not None else None,
        "token": record.token,
    }


def record_of(row: sa.RowMapping) -> RevisionRecord:
    """Return the record that *row* of the table holds."""
    removed_at = row["removed_at"]
    return RevisionRecord(
        document=DocumentKey(row["organisation"], row["project"], row["document"], row["revision"], row["filename"]),
        provider=row["provider"],
        sha256=row["sha256"],
        size=row["size"],
        recorded_at=row["recorded_at"],
        recorded_by=row["recorded_by"],
        removal=None if removed_at is None else Removal(at=removed_at, by=row["removed_by"], reason=row["removed_for"]),
        token=row["token"],
    )
