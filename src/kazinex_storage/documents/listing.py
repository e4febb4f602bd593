"""What the register of revisions knows as lists: the projects of an organisation, and the documents of one of them.

No provider is asked, so a list costs one query however many places there are; what was stored without the register, by
other tools, is not in it. ``DocumentStore.revisions`` asks the providers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from heapq import nsmallest
from itertools import groupby
from typing import Final, Protocol

from ..keys import DocumentKey
from ..values import value
from .register import MemoryRegister, RevisionRecord

PAGE: Final = 100
"""Documents in one page of a list, unless asked otherwise."""

RECORDS_PAGE: Final = 1000
"""Records in one page, unless asked otherwise."""


@value
class ProjectSummary:
    """One project of which the register knows stored revisions."""

    project: str
    documents: int
    """Documents with a stored revision."""
    revisions: int
    """Revisions that are stored and not removed."""


@value
class DocumentSummary:
    """One document with stored revisions."""

    document: str
    revisions: int
    """Revisions that are stored and not removed."""
    recorded_at: datetime
    """When the last one was stored; aware UTC."""


class RevisionListing(Protocol):
    """Lists what is stored; a catalogue offers it as ``listing``. Thread-safe; each call is one query."""

    def projects(self, organisation: str) -> tuple[ProjectSummary, ...]:
        """Return the projects with stored revisions, sorted by id."""
        ...

    def documents(
        self, organisation: str, project: str, *, after: str = "", limit: int = PAGE
    ) -> tuple[DocumentSummary, ...]:
        """Return up to *limit* documents whose ids come *after* one, sorted by id."""
        ...

    def records(
        self,
        organisation: str,
        *,
        project: str | None = None,
        after: DocumentKey | None = None,
        limit: int = RECORDS_PAGE,
    ) -> tuple[RevisionRecord, ...]:
        """Return up to *limit* records of revisions, stored and removed, that come *after* the revision of a document.

        Each is in exactly one page, but for those that are made meanwhile. The order is that of the database: by
        project, document and revision, in an order of letters that need not be Python's.
        """
        ...


class MemoryListing:
    """The lists of a register in memory."""

    def __init__(self, register: MemoryRegister) -> None:
        self._register = register

    def projects(self, organisation: str) -> tuple[ProjectSummary, ...]:
        """Return the projects with stored revisions."""
        stored = self._stored(organisation)
        return tuple(
            ProjectSummary(
                project=project, documents=len({found.document.document for found in of_it}), revisions=len(of_it)
            )
            for project, of_it in (
                (project, list(group)) for project, group in groupby(stored, lambda found: found.document.project)
            )
        )

    def documents(
        self, organisation: str, project: str, *, after: str = "", limit: int = PAGE
    ) -> tuple[DocumentSummary, ...]:
        """Return a page of the documents of a project."""
        stored = (found for found in self._stored(organisation) if found.document.project == project)
        pages = groupby(stored, lambda found: found.document.document)
        summaries = (_summary(document, group) for document, group in pages if document > after)
        return tuple(summary for _, summary in zip(range(limit), summaries, strict=False))

    def records(
        self,
        organisation: str,
        *,
        project: str | None = None,
        after: DocumentKey | None = None,
        limit: int = RECORDS_PAGE,
    ) -> tuple[RevisionRecord, ...]:
        """Return a page of the records."""
        found = (
            record
            for record in self._register.records()
            if record.document.organisation == organisation
            and project in (None, record.document.project)
            and (after is None or _place(record.document) > _place(after))
        )
        return tuple(nsmallest(limit, found, key=lambda record: _place(record.document)))

    def _stored(self, organisation: str) -> list[RevisionRecord]:
        found = [
            record
            for record in self._register.records()
            if record.document.organisation == organisation and record.removal is None
        ]
        return sorted(found, key=lambda record: (record.document.project, record.document.document))


def _place(document: DocumentKey) -> tuple[str, str, str]:
    return document.project, document.document, document.revision


def _summary(document: str, group: Iterable[RevisionRecord]) -> DocumentSummary:
    records = list(group)
    return DocumentSummary(
        document=document, revisions=len(records), recorded_at=max(record.recorded_at for record in records)
    )
