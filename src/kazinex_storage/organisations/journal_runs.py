"""The rows of runs, as steps of a transaction; ``journal_rows.py`` has the journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ..errors import RecordConflictError, RecordNotFoundError
from ..migration.journal import PARTITION_ENTRIES, Run, RunKind, RunState
from .database import sa
from .migration_tables import run_entries, run_partitions, run_pending, runs

_IS: Final = (runs.c.organisation == sa.bindparam("its_organisation"), runs.c.id == sa.bindparam("its_id"))
_LOOK: Final = runs.select().where(*_IS)
_INSERT: Final = runs.insert()
_UPDATE: Final = runs.update().where(*_IS, runs.c.version == sa.bindparam("its_version"))
_DELETE: Final = runs.delete().where(*_IS)
_ENTRIES: Final = sa.select(runs.c.entries).where(*_IS)
_LOCK: Final = _ENTRIES.with_for_update()
_GROW: Final = runs.update().where(*_IS).values(entries=sa.bindparam("now"))
_FOLLOW: Final = runs.update().where(*_IS).values(followed=sa.bindparam("on"))
_NEWEST: Final = (runs.c.begun_at.desc(), runs.c.id.desc())

# So that no change lasts long, and others wait for none.
_DROPPED: Final = 40 * PARTITION_ENTRIES


def run_is(run: Run) -> dict[str, object]:
    """Return what binds the parameters of a statement to *run*."""
    return {"its_organisation": run.organisation, "its_id": run.id}


def add_run(connection: sa.Connection, run: Run) -> Run:
    """Keep a new run.

    Raises:
        RecordConflictError: there is one of that id.
    """
    run = replace(run, version=1)
    row = {"organisation": run.organisation, "id": run.id, "entries": 0, "followed": False, **_columns(run)}
    try:
        connection.execute(_INSERT, row)
    except sa.exc.IntegrityError as error:
        raise RecordConflictError(f"there is a run {run.id!r} already; give the new one another id") from error
    return run


def find_run(connection: sa.Connection, organisation: str, run: str) -> Run | None:
    """Return the run of that id."""
    row = connection.execute(_LOOK, {"its_organisation": organisation, "its_id": run}).mappings().one_or_none()
    return None if row is None else _run(row)


def newest_runs(connection: sa.Connection, organisation: str, limit: int) -> list[Run]:
    """Return the latest runs, the newest first."""
    query = runs.select().where(runs.c.organisation == organisation).order_by(*_NEWEST).limit(limit)
    return [_run(row) for row in connection.execute(query).mappings()]


def open_run(
    connection: sa.Connection,
    organisation: str,
    kinds: Iterable[RunKind],
    place: tuple[str, str, str | None],
) -> Run | None:
    """Return the newest run of one of *kinds* at *place* (source, target, project) that has not ENDED."""
    source, target, project = place
    query = runs.select().where(
        runs.c.organisation == organisation,
        runs.c.source == source,
        runs.c.target == target,
        runs.c.project.is_(None) if project is None else runs.c.project == project,
        runs.c.kind.in_([kind.value for kind in kinds]),
        runs.c.state != RunState.ENDED.value,
    )
    row = connection.execute(query.order_by(*_NEWEST).limit(1)).mappings().one_or_none()
    return None if row is None else _run(row)


def replace_run(connection: sa.Connection, run: Run) -> Run:
    """Put *run* in the place of the version it was made from.

    Raises:
        RecordConflictError: another version is kept.
    """
    after = replace(run, version=run.version + 1)
    bound = {**run_is(run), "its_version": run.version}
    if connection.execute(_UPDATE, {**bound, **_columns(after)}).rowcount != 1:
        raise RecordConflictError(f"the run {run.id!r} has changed meanwhile; read it again")
    return after


def drop_some(connection: sa.Connection, organisation: str, run: str) -> bool:
    """Forget some entries of a run, at last the run itself, and say whether it is gone."""
    mine = (run_entries.c.organisation == organisation, run_entries.c.run == run)
    first = connection.execute(sa.select(sa.func.min(run_entries.c.number)).where(*mine)).scalar()
    if first is not None:
        last = first + _DROPPED
        connection.execute(run_entries.delete().where(*mine, run_entries.c.number < last))
        return False
    for table in (run_partitions, run_pending):
        connection.execute(table.delete().where(table.c.organisation == organisation, table.c.run == run))
    connection.execute(_DELETE, {"its_organisation": organisation, "its_id": run})
    return True


def lock_run(connection: sa.Connection, run: Run) -> int:
    """Return how many entries the run has; nobody adds any before the end of the transaction.

    Raises:
        RecordNotFoundError: it is not kept.
    """
    found = connection.execute(_LOCK, run_is(run)).scalar()
    if found is None:
        raise unknown_run(run)
    return int(found)


def grow_run(connection: sa.Connection, run: Run, entries: int) -> None:
    """Keep how many entries the run has now."""
    connection.execute(_GROW, {**run_is(run), "now": entries})


def follow(connection: sa.Connection, run: Run, *, on: bool) -> None:
    """Let the register remember changes for the run, or no longer.

    Raises:
        RecordNotFoundError: it is not kept.
    """
    if connection.execute(_FOLLOW, {**run_is(run), "on": on}).rowcount != 1:
        raise unknown_run(run)


def unknown_run(run: Run) -> RecordNotFoundError:
    """Return the error for a run that is not kept."""
    return RecordNotFoundError(f"the journal has no run {run.id!r} of that organisation; it may have been dropped")


def _columns(run: Run) -> dict[str, object]:
    return {
        "kind": run.kind.value,
        "source": run.source,
        "target": run.target,
        "project": run.project,
        "state": run.state.value,
        "options": dict(run.options),
        "facts": dict(run.facts),
        "begun_at": run.begun_at,
        "begun_by": run.begun_by,
        "ended_at": run.ended_at,
        "version": run.version,
    }


def _run(row: sa.RowMapping) -> Run:
    plain = ("organisation", "id", "source", "target", "project", "options", "facts")
    times = ("begun_at", "begun_by", "ended_at", "version")
    return Run(
        **{name: row[name] for name in (*plain, *times)}, kind=RunKind(row["kind"]), state=RunState(row["state"])
    )
