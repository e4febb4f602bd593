"""The rows of entries and the sums of partitions, as steps of a transaction; ``journal_rows.py`` has the journal.

Who changes entries locks the rows of their partitions first, in order, so that sums are never of another moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ..errors import RecordNotFoundError
from ..migration import tallies
from ..migration.journal import Entry, EntryState, Run
from ..migration.tallies import Tally
from .database import sa
from .entry_writing import insert_entries, known_keys, update_entries
from .journal_runs import grow_run, lock_run
from .migration_tables import run_entries, run_partitions

_OWN: Final = tuple(run_entries.c[name] == sa.bindparam(f"its_{name}") for name in ("organisation", "run"))
_PLAIN: Final = ("key", "size", "etag", "last_modified", "sha256", "target_etag", "attempts", "reason", "changed_at")

# Made once: building a statement takes longer than running it.
_NUMBERED: Final = run_entries.select().where(*_OWN, run_entries.c.number.in_(sa.bindparam("numbers", expanding=True)))
_BEFORE: Final = sa.select(run_entries.c.number, run_entries.c.state, run_entries.c.size).where(
    *_OWN, run_entries.c.number.in_(sa.bindparam("numbers", expanding=True))
)
_SPAN: Final = (
    run_entries.select()
    .where(*_OWN, run_entries.c.number >= sa.bindparam("first"), run_entries.c.number <= sa.bindparam("last"))
    .order_by(run_entries.c.number)
    .limit(sa.bindparam("most"))
)
_SPAN_OF: Final = _SPAN.where(run_entries.c.state.in_(sa.bindparam("states", expanding=True)))
_REOPEN: Final = (
    run_entries.update()
    .where(
        *_OWN,
        run_entries.c.number >= sa.bindparam("first"),
        run_entries.c.number <= sa.bindparam("last"),
        run_entries.c.state.in_(sa.bindparam("states", expanding=True)),
    )
    .values(state=EntryState.PLANNED.value)
)

_PARTS: Final = tuple(run_partitions.c[name] == sa.bindparam(f"its_{name}") for name in ("organisation", "run"))
_SUMS: Final = sa.select(run_partitions.c.number, run_partitions.c.counts).where(
    *_PARTS, run_partitions.c.number >= sa.bindparam("first"), run_partitions.c.number <= sa.bindparam("last")
)
_ORDERED_SUMS: Final = _SUMS.order_by(run_partitions.c.number)
_LOCK_SUMS: Final = (
    sa.select(run_partitions.c.number, run_partitions.c.counts)
    .where(*_PARTS, run_partitions.c.number.in_(sa.bindparam("numbers", expanding=True)))
    .order_by(run_partitions.c.number)
    .with_for_update()
)
_ADD_SUM: Final = run_partitions.insert()
_SET_SUM: Final = (
    run_partitions.update()
    .where(*_PARTS, run_partitions.c.number == sa.bindparam("its_number"))
    .values(counts=sa.bindparam("new_counts"), open=sa.bindparam("new_open"))
)

_LAST: Final = 2**62
_SOME_PARTITIONS: Final = 4
"""Looking at the entries of so many partitions costs less than looking at their sums first."""


def add_entries(connection: sa.Connection, run: Run, entries: Sequence[Entry]) -> int:
    """Keep those of *entries* whose keys the run does not know, numbered from its end on; at most some 2,000.

    Raises:
        RecordNotFoundError: the run is not kept.
    """
    first = lock_run(connection, run)
    added = tallies.fresh(entries, known_keys(connection, run, [entry.key for entry in entries]))
    if not added:
        return 0
    insert_entries(connection, run, added, first)
    numbers = range(tallies.partition_of(first), tallies.partition_of(first + len(added) - 1) + 1)
    sums = _locked(connection, run, numbers)
    there = frozenset(sums)
    for number, entry in enumerate(added, first):
        tallies.add(sums.setdefault(tallies.partition_of(number), {}), entry.state.value, entry.size)
    _set_sums(connection, run, {number: tally for number, tally in sums.items() if number in there})
    made = [
        {
            "organisation": run.organisation,
            "run": run.id,
            "number": number,
            "counts": tally,
            "open": tallies.is_open(tally),
        }
        for number, tally in sums.items()
        if number not in there
    ]
    if made:
        connection.execute(_ADD_SUM, made)
    grow_run(connection, run, first + len(added))
    return len(added)


def known(connection: sa.Connection, run: Run, keys: Sequence[str]) -> Mapping[str, Entry]:
    """Return the entries of those of *keys* that the run knows."""
    there = known_keys(connection, run, keys)
    if not there:
        return {}
    found = connection.execute(_NUMBERED, {**_own(run), "numbers": list(there.values())})
    return {entry.key: entry for entry in map(_entry, found.mappings())}


def entries_of(
    connection: sa.Connection, run: Run, span: tuple[int, int | None], states: Iterable[EntryState] | None, limit: int
) -> list[Entry]:
    """Return up to *limit* entries with numbers in *span*, in order; of *states* alone if given."""
    first, last = max(span[0], 0), _LAST if span[1] is None else span[1]
    if states is None:
        return _entries(connection, run, (first, last), None, limit)
    wanted = tallies.values(states)
    parts = (tallies.partition_of(first), tallies.partition_of(last))
    if parts[1] - parts[0] < _SOME_PARTITIONS:
        return _entries(connection, run, (first, last), wanted, limit)
    found = list[Entry]()
    for start, end in _spans_with(connection, run, parts, wanted):
        if len(found) >= limit:
            break
        found += _entries(connection, run, (max(first, start), min(last, end)), wanted, limit - len(found))
    return found


def record(connection: sa.Connection, run: Run, entries: Sequence[Entry]) -> None:
    """Put each of *entries* in the place of the one with its number.

    Raises:
        RecordNotFoundError: there is none.
    """
    last = {entry.number: entry for entry in entries}
    own = _own(run)
    sums = _locked(connection, run, sorted({tallies.partition_of(number) for number in last}))
    before = {row.number: row for row in connection.execute(_BEFORE, {**own, "numbers": sorted(last)})}
    for number, entry in last.items():
        if number not in before:
            raise RecordNotFoundError(f"the run {run.id!r} has no entry {number}", key=entry.key)
        tally = sums[tallies.partition_of(number)]
        tallies.add(tally, before[number].state, -before[number].size, objects=-1)
        tallies.add(tally, entry.state.value, entry.size)
    update_entries(connection, run, list(last.values()))
    _set_sums(connection, run, sums)


def sums_of(connection: sa.Connection, run: Run) -> list[Tally]:
    """Return the sums of every partition."""
    bound = {**_own(run), "first": 0, "last": _LAST}
    return [row.counts for row in connection.execute(_SUMS, bound)]


def partitions_with(connection: sa.Connection, run: Run, states: frozenset[str]) -> list[int]:
    """Return the numbers of the partitions in which an entry is in one of *states*.

    Raises:
        RecordNotFoundError: the run is not kept.
    """
    found = connection.execute(_ORDERED_SUMS, {**_own(run), "first": 0, "last": _LAST}).all()
    if not found:
        lock_run(connection, run)
    return [row.number for row in found if not states.isdisjoint(row.counts)]


def reopen(connection: sa.Connection, run: Run, partitions: Sequence[int], states: frozenset[str]) -> int:
    """Make the entries of *partitions* in one of *states* PLANNED again, and return how many."""
    sums = _locked(connection, run, partitions)
    objects = sum(tallies.reopened(tally, states) for tally in sums.values())
    for number in sums:
        span = tallies.partition(number, _LAST)
        bound = {**_own(run), "first": span.first, "last": span.last, "states": sorted(states)}
        connection.execute(_REOPEN, bound)
    _set_sums(connection, run, sums)
    return objects


def _own(run: Run) -> dict[str, object]:
    return {"its_organisation": run.organisation, "its_run": run.id}


def _locked(connection: sa.Connection, run: Run, partitions: Sequence[int]) -> dict[int, Tally]:
    found = connection.execute(_LOCK_SUMS, {**_own(run), "numbers": list(partitions)})
    return {row.number: row.counts for row in found}


def _set_sums(connection: sa.Connection, run: Run, sums: Mapping[int, Tally]) -> None:
    rows = [
        {**_own(run), "its_number": number, "new_counts": tally, "new_open": tallies.is_open(tally)}
        for number, tally in sums.items()
    ]
    if rows:
        connection.execute(_SET_SUM, rows)


def _spans_with(
    connection: sa.Connection, run: Run, parts: tuple[int, int], states: frozenset[str]
) -> list[tuple[int, int]]:
    """Return the spans of entries, partitions next to each other as one, in which some are in one of *states*."""
    spans = list[tuple[int, int]]()
    for row in connection.execute(_ORDERED_SUMS, {**_own(run), "first": parts[0], "last": parts[1]}):
        if states.isdisjoint(row.counts):
            continue
        part = tallies.partition(row.number, _LAST)
        if spans and spans[-1][1] == part.first - 1:
            spans[-1] = (spans[-1][0], part.last)
        else:
            spans.append((part.first, part.last))
    return spans


def _entries(
    connection: sa.Connection, run: Run, span: tuple[int, int], states: frozenset[str] | None, limit: int
) -> list[Entry]:
    bound: dict[str, object] = {**_own(run), "first": span[0], "last": span[1], "most": limit}
    if states is None:
        return [_entry(row) for row in connection.execute(_SPAN, bound).mappings()]
    return [_entry(row) for row in connection.execute(_SPAN_OF, {**bound, "states": sorted(states)}).mappings()]


def _entry(row: sa.RowMapping) -> Entry:
    return Entry(number=row["number"], state=EntryState(row["state"]), **{name: row[name] for name in _PLAIN})
