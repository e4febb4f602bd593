"""What keeps revisions, in the database of the catalogue: decided in the transactions of the register.

A removal changes the row of the revision and looks here after that; whoever keeps a revision locks that row first. So
of the two exactly one is done, also where transactions run at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from ..documents.retentions import (
    DefaultRetention,
    Hold,
    KeptRevision,
    Kinds,
    conflict,
    kept_from,
    refused,
)
from ..keys import DocumentKey
from ..retention import Retention, RetentionMode
from ..secrecy.pickling import not_pickled
from .database import Database, sa, write_next
from .evidence.chain import ReceiptChains
from .evidence.keeping import keeping_lines
from .evidence.lines import Happening
from .retention_tables import defaults, kept
from .schema import revisions
from .usage_changes import inserted

_KEY = ("organisation", "project", "document", "revision")

# Made once: building a statement takes longer than running it.
_LOOK = kept.select().where(*(kept.c[name] == sa.bindparam(f"its_{name}") for name in _KEY))
_FORGET = kept.delete().where(*(kept.c[name] == sa.bindparam(f"its_{name}") for name in _KEY))
_UNTOLD = (
    kept.update()
    .where(*(kept.c[name] == sa.bindparam(f"its_{name}") for name in _KEY), kept.c.by_service.is_(True))
    .values(by_service=False, version=kept.c.version + 1)
)
_STORED = (
    sa.select(revisions.c.removed_at)
    .where(*(revisions.c[name] == sa.bindparam(f"its_{name}") for name in _KEY))
    .with_for_update()
)
_RULES = (
    defaults.select()
    .where(
        defaults.c.organisation == sa.bindparam("its_organisation"),
        sa.or_(defaults.c.project == "", defaults.c.project == sa.bindparam("its_project")),
    )
    .order_by(defaults.c.project.desc())
)


@not_pickled("let the other process open the catalogue")
class SqlRetentions:
    """Remembers in SQL what keeps revisions. Thread-safe and fork-safe, for any number of processes."""

    def __init__(self, database: Database, receipts: ReceiptChains) -> None:
        """Use the tables of *database*, which stays the catalogue's to close; *receipts* gets a line of each change."""
        self._database = database
        self._receipts = receipts

    def find(self, document: DocumentKey) -> KeptRevision:
        """Return what keeps the revision. One query by primary key.

        Raises:
            StorageError: the database does not answer.
        """
        with self._database.reading() as connection:
            return _kept(connection, document)

    def set_kept(self, kept: KeptRevision, *, by: str | None = None, reason: str | None = None) -> bool:
        """Put *kept* in the place of the one that it was made from; three statements, and those of its evidence.

        Raises:
            SettingsError: the keys that sign the evidence cannot be read.
            StorageError: the database does not answer; whether it was done is then not known.
        """
        self._receipts.prepare(kept.document.organisation)
        with self._database.changing() as connection:
            row = connection.execute(_STORED, _revision_of(kept.document)).one_or_none()
            if row is None or row.removed_at is not None:
                return False
            before = _kept(connection, kept.document)
            if not _write(connection, kept):
                return False
            self._receipts.keeping_changed(connection, keeping_lines(before, kept, by, reason))
            return True

    def default(self, organisation: str, project: str | None) -> DefaultRetention:
        """Return what is set for the organisation, or for one project."""
        query = defaults.select().where(defaults.c.organisation == organisation, defaults.c.project == (project or ""))
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return DefaultRetention(organisation=organisation, project=project) if row is None else _rule(row)

    def defaults(self, organisation: str) -> tuple[DefaultRetention, ...]:
        """Return all that are in force."""
        query = defaults.select().where(defaults.c.organisation == organisation, defaults.c.period_s.is_not(None))
        with self._database.reading() as connection:
            found = [_rule(row) for row in connection.execute(query).mappings()]
        return tuple(sorted(found, key=lambda rule: rule.project or ""))  # collations of databases differ

    def set_default(self, rule: DefaultRetention) -> DefaultRetention:
        """Put *rule* in the place of the one that it was made from.

        Raises:
            RecordConflictError: the one that is kept has another version.
        """
        keys = {"organisation": rule.organisation, "project": rule.project or ""}
        where = (defaults.c.organisation == keys["organisation"], defaults.c.project == keys["project"])
        period_s = int(rule.period.total_seconds()) if rule.period is not None else None
        values = {"period_s": period_s, "mode": rule.mode.value, "version": rule.version + 1}
        with self._database.changing() as connection:
            if not write_next(connection, defaults, where, keys, values):
                raise conflict(rule)
            return self.default(rule.organisation, rule.project)


def swapped(connection: sa.Connection, document: DocumentKey, kinds: Kinds, stored_at: datetime) -> Iterable[Happening]:
    """Refuse a swap of the register that removes what is kept, or keep what is stored from now on.

    One statement for a removal or a move; two for a new file, three where a default keeps it. Returns what the evidence
    says of what a default keeps.

    Raises:
        RetentionError: something keeps it.
    """
    if kinds.moves:
        connection.execute(_UNTOLD, _revision_of(document))
    if not (kinds.stores or kinds.removes or kinds.withdraws):
        return ()
    rules = (
        [_rule(row) for row in connection.execute(_RULES, _revision_of(document)).mappings()] if kinds.stores else []
    )
    if kinds.stores and not rules:
        return ()
    before = _kept(connection, document)
    if refusal := refused(before, kinds):
        raise refusal
    if kinds.withdraws and before.version:
        connection.execute(_FORGET, _revision_of(document))
    after = kept_from(before, rules, document, stored_at) if kinds.stores else None
    if after is None:
        return ()
    values = {**_columns(after), "version": after.version}
    insert = inserted(connection, kept).values({**_key(document), **values})
    connection.execute(insert.on_conflict_do_update(index_elements=list(_KEY), set_=values))
    return keeping_lines(before, after)


def _kept(connection: sa.Connection, document: DocumentKey) -> KeptRevision:
    row = connection.execute(_LOOK, _revision_of(document)).mappings().one_or_none()
    if row is None:
        return KeptRevision(document=document)
    until, held_at = row["until"], row["held_at"]
    return KeptRevision(
        document=document,
        retention=Retention(until=until, mode=RetentionMode(row["mode"])) if until is not None else None,
        hold=Hold(reason=row["held_for"], at=held_at, by=row["held_by"]) if held_at is not None else None,
        by_default=row["by_default"],
        by_service=row["by_service"],
        version=row["version"],
    )


def _write(connection: sa.Connection, after: KeptRevision) -> bool:
    key = _key(after.document)
    where = tuple(kept.c[name] == value for name, value in key.items())
    return write_next(connection, kept, where, key, {**_columns(after), "version": after.version + 1})


def _columns(of: KeptRevision) -> dict[str, object]:
    retention, hold = of.retention, of.hold
    return {
        "until": retention.until if retention is not None else None,
        "mode": retention.mode.value if retention is not None else None,
        "held_for": hold.reason if hold is not None else None,
        "held_at": hold.at if hold is not None else None,
        "held_by": hold.by if hold is not None else None,
        "by_default": of.by_default,
        "by_service": of.by_service,
    }


def _rule(row: sa.RowMapping) -> DefaultRetention:
    period_s = row["period_s"]
    return DefaultRetention(
        organisation=row["organisation"],
        project=row["project"] or None,
        period=timedelta(seconds=period_s) if period_s is not None else None,
        mode=RetentionMode(row["mode"]),
        version=row["version"],
    )


def _key(document: DocumentKey) -> dict[str, str]:
    return {name: getattr(document, name) for name in _KEY}


def _revision_of(document: DocumentKey) -> dict[str, object]:
    return {f"its_{name}": value for name, value in _key(document).items()}
