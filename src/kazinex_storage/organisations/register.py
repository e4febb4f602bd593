"""The register of revisions in the database of the catalogue: one row each, swapped by its token."""

from __future__ import annotations

from ..documents.register import Removal, RevisionRecord, prefix_of
from ..keys import DocumentKey
from ..secrecy.pickling import not_pickled
from .database import Database, sa
from .schema import revisions


@not_pickled("let the other process open the catalogue")
class SqlRegister:
    """Remembers revisions in SQL. Thread-safe and fork-safe, for any number of processes."""

    def __init__(self, database: Database) -> None:
        """Use the tables of *database*, which stays the catalogue's to close."""
        self._database = database

    def revision(self, document: DocumentKey) -> RevisionRecord | None:
        """Return what is remembered of the revision. One query by primary key.

        Raises:
            StorageError: the database does not answer.
        """
        with self._database.reading() as connection:
            row = connection.execute(revisions.select().where(*_is(document))).mappings().one_or_none()
        return None if row is None else _record(row)

    def swap_revision(self, before: RevisionRecord | None, after: RevisionRecord | None) -> bool:
        """Replace *before* by *after* unless another one is kept. One statement in one transaction.

        Raises:
            ValueError: both are None, or they are of two revisions.
            StorageError: the database does not answer; whether it was done is then not known.
        """
        with self._database.changing() as connection:
            return self.swap_in(connection, before, after)

    def swap_in(self, connection: sa.Connection, before: RevisionRecord | None, after: RevisionRecord | None) -> bool:
        """Do what ``swap_revision`` does in a transaction that changes other tables as well.

        Raises:
            ValueError: both are None, or they are of two revisions.
        """
        prefix_of(before, after)
        if before is not None:
            where = (*_is(before.document), revisions.c.token == before.token)
            change = revisions.delete() if after is None else revisions.update().values(_columns(after))
            return connection.execute(change.where(*where)).rowcount == 1
        if after is None:
            return False
        try:
            with connection.begin_nested():
                connection.execute(revisions.insert().values(_columns(after)))
        except sa.exc.IntegrityError:  # another upload or removal was first
            return False
        return True


def _is(document: DocumentKey) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        revisions.c.organisation == document.organisation,
        revisions.c.project == document.project,
        revisions.c.document == document.document,
        revisions.c.revision == document.revision,
    )


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
        "recorded_at": record.recorded_at,
        "removed_at": removal.at if removal is not None else None,
        "removed_by": removal.by if removal is not None else None,
        "removed_for": removal.reason if removal is not None else None,
        "token": record.token,
    }


def _record(row: sa.RowMapping) -> RevisionRecord:
    removed_at = row["removed_at"]
    return RevisionRecord(
        document=DocumentKey(row["organisation"], row["project"], row["document"], row["revision"], row["filename"]),
        provider=row["provider"],
        sha256=row["sha256"],
        recorded_at=row["recorded_at"],
        removal=None if removed_at is None else Removal(at=removed_at, by=row["removed_by"], reason=row["removed_for"]),
        token=row["token"],
    )
