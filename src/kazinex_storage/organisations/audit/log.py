"""The audit of a catalogue: takes every event as a hook, and shows, verifies, exports and shortens what it wrote."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Final, Protocol

from ...documents.events import AuditDropped, Event, check_by
from ...errors import IntegrityError
from ...keys import check_identifier
from ...secrecy.pickling import not_pickled
from ..catalogue import Catalogue, keys_of
from ..records import now
from .checking import AuditReport, check_chain
from .entries import AuditEntry, AuditHead, AuditQuery, Seals, after, entry_of
from .exports import lines_of

LEFT_OUT: Final = frozenset({"provider.resolved"})
"""The names of events that are not kept by default: those of documents name the provider that was resolved."""

EVERYTHING: Final = AuditQuery()


class Written(Protocol):
    """A file that text is written to."""

    def write(self, text: str, /) -> object:
        """Write *text*."""
        ...


@not_pickled("let the other process open the catalogue")
class AuditLog:
    """The audit of all organisations in a catalogue. Thread-safe and fork-safe, for any number of processes.

    It is a hook: ``Organisations(catalogue, on_event=AuditLog(catalogue))``. Where the change that an event tells of is
    one of the catalogue, entry and change are one transaction: both are kept, or neither.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        leave_out: Collection[str] = LEFT_OUT,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Keep events in *catalogue*.

        Args:
            catalogue: Where the chains are; their seals are made under its keys, if it has any.
            leave_out: Names of events that are not kept.
            clock: What time it is, aware.
        """
        self._catalogue = catalogue
        self._leave_out = frozenset(leave_out)
        self._clock = clock

    def __call__(self, event: Event) -> None:
        """Keep *event*, unless it is to be left out. One transaction of three statements.

        Raises:
            StorageError: the database does not answer, or the keys cannot be read.
        """
        if event.name not in self._leave_out:
            self._append(event)

    def query(self, organisation: str, wanted: AuditQuery = EVERYTHING) -> tuple[AuditEntry, ...]:
        """Return the entries that are *wanted*, by their numbers. One query.

        Args:
            organisation: Its id; empty for what concerns all organisations, such as another key.
            wanted: By default, the first hundred.

        Raises:
            InvalidKeyError: no organisation can have that id.
            ValueError: the limit is not positive.
        """
        if wanted.limit < 1:
            raise ValueError(f"a limit is at least 1, not {wanted.limit}")
        return self._catalogue.audit.entries(_checked(organisation), wanted)

    def verify_audit(self, organisation: str, known: tuple[int, str] | None = None) -> AuditReport:
        """Check the whole chain: that nothing was changed, taken out, put in, moved or cut off. It reads every entry.

        Whoever can write the tables and has the sealing key can make another chain, and one without the key can put
        back an older state of the tables: only what is *known* from outside shows that.

        Args:
            organisation: Its id, or an empty text.
            known: ``number`` and ``hash`` of an earlier report.

        Raises:
            InvalidKeyError: no organisation can have that id.
            StorageError: the database does not answer, or the keys cannot be read.
        """
        with self._catalogue.audit.chain(_checked(organisation)) as (head, entries):
            end = head or AuditHead(organisation=organisation)
            return check_chain(end, entries, self._seals(organisation), known)

    def lines(self, organisation: str, *, after: int = 0) -> Iterator[str]:
        """Yield the chain as JSON lines that ``verify_exported`` checks, the entries up to *after* left out.

        All of it is as of one instant; a database transaction stays open until the last line.

        Raises:
            InvalidKeyError: no organisation can have that id.
            StorageError: the database does not answer.
        """
        with self._catalogue.audit.chain(_checked(organisation)) as (head, entries):
            yield from lines_of(head or AuditHead(organisation=organisation), entries, after)

    def export(self, organisation: str, file: Written, *, after: int = 0) -> int:
        """Write the chain into *file*, a text file, as ``lines`` yields it, and return the number of entries.

        Raises:
            InvalidKeyError: no organisation can have that id.
            StorageError: the database does not answer.
        """
        count = -1  # the first line is no entry
        for count, line in enumerate(self.lines(organisation, after=after)):  # noqa: B007  # wanted after the loop
            file.write(line)
        return count

    def drop_before(self, organisation: str, time: datetime, *, by: str | None = None) -> AuditDropped | None:
        """Forget the oldest entries, up to the first one of *time* or later, and return the event of that.

        The chain is verified before. It goes on from the hash of the last entry that went, and the event becomes its
        next entry. Export first what must be kept elsewhere. None when there is nothing that old.

        Args:
            organisation: Its id, or an empty text.
            time: Aware.
            by: In whose name.

        Raises:
            InvalidKeyError: no organisation can have that id.
            IntegrityError: the chain is not what was written; nothing was forgotten.
            ValueError: the time has no zone.
            StorageError: the database does not answer, or the keys cannot be read.
        """
        if time.tzinfo is None:
            raise ValueError("the time has no zone; use datetime.now(UTC) - timedelta(days=...)")
        report = self.verify_audit(organisation)
        if not report.ok:
            raise IntegrityError(
                f"the audit of {organisation!r} is not what was written, so nothing was dropped: "
                f"{report.problems[0].problem}; see verify_audit"
            )
        seals = self._seals(organisation)
        with self._catalogue.together():
            gone = self._catalogue.audit.drop(organisation, time, lambda head: head.sealed(seals))
            if gone is None:
                return None
            event = AuditDropped(
                organisation=organisation,
                older_than=time,
                first=gone[0],
                last=gone[1],
                by=check_by(by),
                at=self._clock(),
            )
            self._append(event)
        return event

    def organisations(self) -> tuple[str, ...]:
        """Return the organisations that anything is kept of, sorted; an empty text is for what concerns all.

        Raises:
            StorageError: the database does not answer.
        """
        return self._catalogue.audit.organisations()

    def _append(self, event: Event) -> None:
        seals = self._seals(event.organisation)

        def link(head: AuditHead) -> tuple[AuditEntry, AuditHead]:
            entry = entry_of(event, head, seals)
            return entry, after(head, entry, seals)

        self._catalogue.audit.append(event.organisation, link)

    def _seals(self, organisation: str) -> Seals:
        return Seals(keys_of(self._catalogue, organisation))


def _checked(organisation: str) -> str:
    return check_identifier(organisation, "organisation") if organisation else organisation
