"""The chains of receipts in the database of the catalogue: appended to in the transaction of the register.

A line is kept if and only if the change is that it tells of, whatever process is killed when. The row of the end of the
chain is locked while a line is added, so the numbers have no gaps. It is locked after the rows of the register and of
the usage, and before the end of the audit, in every transaction; so none waits for another in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ...documents.register import RevisionRecord
from ...keys import DocumentKey
from ...secrecy.pickling import not_pickled
from ..database import Database, sa
from ..records import now
from .lines import KEY, START, ChainHead, Happening, SignedLine, happening, hash_of, line_text
from .tables import receipt_heads, receipt_lines

if TYPE_CHECKING:
    from ...storage.states import StateKeys
    from ..signing import EvidenceSigner

_SIGNERS: Final = 256  # keys of organisations that are kept ready: some 1 kB each
_PAGE: Final = 1000  # lines in memory while a chain is read: about 1 MB

# Made once: building a statement takes longer than running it.
_OF: Final = tuple(receipt_heads.c[name] == sa.bindparam(f"its_{name}") for name in ("organisation", "project"))
_HEAD: Final = receipt_heads.select().where(*_OF)
_LOCKED: Final = _HEAD.with_for_update()
_BEGIN: Final = receipt_heads.insert()
_ADVANCE: Final = receipt_heads.update().where(*_OF)
_INSERT: Final = receipt_lines.insert()
_LINES: Final = (
    sa.select(receipt_lines.c.line, receipt_lines.c.signature)
    .where(
        receipt_lines.c.organisation == sa.bindparam("its_organisation"),
        receipt_lines.c.project == sa.bindparam("its_project"),
        receipt_lines.c.number >= sa.bindparam("its_first"),
    )
    .order_by(receipt_lines.c.number)
)


@not_pickled("let the other process open the catalogue")
class ReceiptChains:
    """Appends to chains, and reads them. Thread-safe and fork-safe, for any number of processes."""

    def __init__(
        self,
        database: Database,
        keys: Callable[[str], StateKeys],
        *,
        prepare: Callable[[str], None] = lambda _: None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Use the tables of *database*, which stays the catalogue's to close.

        Args:
            database: Where the chains are.
            keys: Gives the keys of an organisation, which the keys that sign are derived from.
            prepare: Has the keys of an organisation at hand, so that no transaction makes one or waits for a service.
            clock: What time it is, aware.
        """
        self.database = database
        """Where the chains are."""
        self._keys = keys
        self.prepare: Final = prepare
        """Call it with the organisation before a transaction that adds lines."""
        self._clock = clock
        self._signers: dict[tuple[str, str], EvidenceSigner] = {}

    def signer(self, organisation: str) -> EvidenceSigner:
        """Return what signs for the organisation now.

        Raises:
            SettingsError: the keys cannot be read or made.
        """
        key_id, secret = self._keys(organisation).sealing()
        found = self._signers.get((organisation, key_id))
        if found is None:
            from ..signing import EvidenceSigner  # a catalogue that stores nothing needs no signatures

            if len(self._signers) >= _SIGNERS:
                self._signers.clear()
            found = self._signers[organisation, key_id] = EvidenceSigner(organisation, key_id, secret)
        return found

    def swapped(
        self,
        connection: sa.Connection,
        before: RevisionRecord | None,
        after: RevisionRecord | None,
        kept: Sequence[Happening] = (),
    ) -> None:
        """Add the line of a swap of the register, and what it *kept* with that, in its transaction. Three statements.

        Raises:
            SettingsError: the keys cannot be read.
        """
        what = happening(before, after)
        if what.document is not None:
            self.append_in(connection, what.document.organisation, what.document.project, [what, *kept])

    def keeping_changed(self, connection: sa.Connection, what: Iterable[Happening]) -> None:
        """Add lines of what keeps one revision, in the transaction that changes it.

        Raises:
            SettingsError: the keys cannot be read.
        """
        found = list(what)
        document = found[0].document if found else None
        if document is not None:
            self.append_in(connection, document.organisation, document.project, found)

    def append(self, organisation: str, project: str, what: Sequence[Happening]) -> ChainHead:
        """Add a line for each of *what* in one transaction, and return the new end of the chain.

        Raises:
            SettingsError: the keys cannot be read.
            StorageError: the database does not answer.
        """
        self.prepare(organisation)
        with self.database.changing() as connection:
            return self.append_in(connection, organisation, project, what)

    def append_in(
        self, connection: sa.Connection, organisation: str, project: str, what: Sequence[Happening]
    ) -> ChainHead:
        """Do what ``append`` does in a transaction that changes other tables as well.

        Raises:
            SettingsError: the keys cannot be read.
        """
        signer = self.signer(organisation)
        head = _locked(connection, organisation, project)
        rows = list[dict[str, object]]()
        if head.key_id != signer.key_id:
            head = self._add(rows, head, _key_named(signer), self._handing_over(head, signer))
        for each in what:
            head = self._add(rows, head, each, signer)
        if rows:
            connection.execute(_INSERT, rows)
            fields = {"number": head.number, "hash": head.hash, "key_id": signer.key_id}
            connection.execute(_ADVANCE, {**_place(organisation, project), **fields})
        return head

    def signer_of(self, organisation: str, project: str) -> EvidenceSigner:
        """Return what signs for the chain of *project* now; after a rotation of the keys, the chain names it first.

        Raises:
            SettingsError: the keys cannot be read or made.
            StorageError: the database does not answer.
        """
        signer = self.signer(organisation)
        if self.head(organisation, project).key_id not in (None, signer.key_id):
            self.append(organisation, project, [])
        return signer

    def head(self, organisation: str, project: str) -> ChainHead:
        """Return where the chain of the project ends. One query.

        Raises:
            StorageError: the database does not answer.
        """
        with self.database.reading() as connection:
            return _head(connection, organisation, project)

    def last(self, organisation: str, project: str) -> SignedLine | None:
        """Return the last line of the chain; None when there is none. Two queries.

        Raises:
            StorageError: the database does not answer.
        """
        with self.chain(organisation, project, self.head(organisation, project).number) as (_, found):
            line = None
            for line in found:  # noqa: B007  # more may have come in between; the last is wanted
                pass
            return line

    @contextmanager
    def chain(
        self, organisation: str, project: str, first: int = 1
    ) -> Iterator[tuple[ChainHead, Iterator[SignedLine]]]:
        """Show the end of the chain and its lines from *first* on, as of one instant; the lines come in pages.

        Raises:
            StorageError: the database does not answer.
        """
        with self.database.reading() as connection:
            if self.database.dialect == "postgresql":  # elsewhere the next statement would see what came meanwhile
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            head = _head(connection, organisation, project)
            rows = connection.execute(
                _LINES.execution_options(yield_per=_PAGE), {**_place(organisation, project), "its_first": first}
            )
            yield head, (_line(row) for row in rows)

    def of_revision(self, document: DocumentKey) -> tuple[SignedLine, ...]:
        """Return the lines of the revision of *document*, whatever its file name, oldest first. One query.

        Raises:
            StorageError: the database does not answer.
        """
        names = ("organisation", "project", "document", "revision")
        mine = (receipt_lines.c[name] == getattr(document, name) for name in names)
        query = sa.select(receipt_lines.c.line, receipt_lines.c.signature).where(*mine).order_by(receipt_lines.c.number)
        with self.database.reading() as connection:
            return tuple(_line(row) for row in connection.execute(query))

    def of_kind(self, organisation: str, project: str, kind: str, after: int = 0) -> Iterator[SignedLine]:
        """Yield the lines of one kind behind the line *after*, oldest first; one query, in pages.

        Raises:
            StorageError: the database does not answer.
        """
        query = _LINES.where(receipt_lines.c.kind == kind).execution_options(yield_per=_PAGE)
        with self.database.reading() as connection:
            for row in connection.execute(query, {**_place(organisation, project), "its_first": after + 1}):
                yield _line(row)

    def projects(self, organisation: str) -> tuple[str, ...]:
        """Return the projects that have a chain, sorted. One query.

        Raises:
            StorageError: the database does not answer.
        """
        query = sa.select(receipt_heads.c.project).where(receipt_heads.c.organisation == organisation)
        with self.database.reading() as connection:
            return tuple(sorted(connection.execute(query).scalars()))

    def _handing_over(self, head: ChainHead, signer: EvidenceSigner) -> EvidenceSigner:
        """Return what signs the line that names another key: the one before it, as long as that is at hand."""
        if head.key_id is None:
            return signer
        secret = self._keys(head.organisation).checking(head.key_id)
        if secret is None:
            return signer
        return type(signer)(head.organisation, head.key_id, secret)

    def _add(
        self, rows: list[dict[str, object]], head: ChainHead, what: Happening, signer: EvidenceSigner
    ) -> ChainHead:
        text = line_text(what, head, signer.key_id, self._clock())
        row = {
            "organisation": head.organisation,
            "project": head.project,
            "number": head.number + 1,
            "kind": what.kind,
            "document": what.document.document if what.document is not None else None,
            "revision": what.document.revision if what.document is not None else None,
            "line": text.decode(),
            "signature": signer.sign(text),
        }
        rows.append(row)
        return ChainHead(
            organisation=head.organisation,
            project=head.project,
            number=head.number + 1,
            hash=hash_of(text),
            key_id=signer.key_id,
        )


def _key_named(signer: EvidenceSigner) -> Happening:
    return Happening(kind=KEY, said={"id": signer.key_id, "pem": signer.key.pem})


def _place(organisation: str, project: str) -> dict[str, object]:
    return {"its_organisation": organisation, "its_project": project}


def _locked(connection: sa.Connection, organisation: str, project: str) -> ChainHead:
    bound = _place(organisation, project)
    row = connection.execute(_LOCKED, bound).mappings().one_or_none()
    if row is None:
        try:
            with connection.begin_nested():
                empty = {"organisation": organisation, "project": project, "number": 0, "hash": START, "key_id": None}
                connection.execute(_BEGIN, empty)
        except sa.exc.IntegrityError:  # another process began the chain a moment ago
            pass
        row = connection.execute(_LOCKED, bound).mappings().one()
    return ChainHead(**row)


def _head(connection: sa.Connection, organisation: str, project: str) -> ChainHead:
    row = connection.execute(_HEAD, _place(organisation, project)).mappings().one_or_none()
    return ChainHead(organisation=organisation, project=project) if row is None else ChainHead(**row)


def _line(row: sa.Row[str, str]) -> SignedLine:
    return SignedLine(text=row.line.encode(), signature=row.signature)
