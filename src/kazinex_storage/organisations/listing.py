"""The lists of a register in SQL; ``documents/listing.py`` says what they are."""

from __future__ import annotations

from ..documents.listing import PAGE, RECORDS_PAGE, DocumentSummary, ProjectSummary
from ..documents.register import RevisionRecord
from ..keys import DocumentKey
from ..secrecy.pickling import not_pickled
from .database import Database, sa
from .register import record_of
from .schema import revisions

_ORDER = (revisions.c.project, revisions.c.document, revisions.c.revision)


@not_pickled("let the other process open the catalogue")
class SqlListing:
    """Lists the revisions of a database. Thread-safe and fork-safe."""

    def __init__(self, database: Database) -> None:
        """Use the tables of *database*, which stays the catalogue's to close."""
        self._database = database

    def projects(self, organisation: str) -> tuple[ProjectSummary, ...]:
        """Return the projects with stored revisions; reads the rows of the organisation.

        Raises:
            StorageError: the database does not answer.
        """
        column = revisions.c
        query = (
            sa.select(column.project, sa.func.count(sa.distinct(column.document)), sa.func.count())
            .where(column.organisation == organisation, column.removed_at.is_(None))
            .group_by(column.project)
            .order_by(column.project)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).all()
        ordered = sorted(found, key=lambda row: str(row[0]))  # a database may have another order of letters
        return tuple(
            ProjectSummary(project=str(project), documents=int(documents), revisions=int(count))
            for project, documents, count in ordered
        )

    def documents(
        self, organisation: str, project: str, *, after: str = "", limit: int = PAGE
    ) -> tuple[DocumentSummary, ...]:
        """Return a page of the documents of a project, by the primary key.

        Raises:
            StorageError: the database does not answer.
        """
        column = revisions.c
        query = (
            sa.select(column.document, sa.func.count(), sa.func.max(column.recorded_at, type_=column.recorded_at.type))
            .where(
                column.organisation == organisation,
                column.project == project,
                column.document > after,
                column.removed_at.is_(None),
            )
            .group_by(column.document)
            .order_by(column.document)
            .limit(limit)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).all()
        return tuple(
            DocumentSummary(document=str(document), revisions=int(count), recorded_at=recorded_at)
            for document, count, recorded_at in found
        )

    def records(
        self,
        organisation: str,
        *,
        project: str | None = None,
        after: DocumentKey | None = None,
        limit: int = RECORDS_PAGE,
    ) -> tuple[RevisionRecord, ...]:
        """Return a page of the records, by the primary key.

        Raises:
            StorageError: the database does not answer.
        """
        query = revisions.select().where(revisions.c.organisation == organisation).order_by(*_ORDER).limit(limit)
        if project is not None:
            query = query.where(revisions.c.project == project)
        if after is not None:
            query = query.where(sa.tuple_(*_ORDER) > sa.tuple_(after.project, after.document, after.revision))
        with self._database.reading() as connection:
            return tuple(record_of(row) for row in connection.execute(query).mappings())
