"""Cut-over: new documents go to the target of a run from now on; ``rolling_back.py`` is the way back.

It may be repeated until it says that nothing is left: what it changes is kept in the run together with the change, so a
killed one goes on. Reads work all the time, since the register says where each document is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..documents.events import CutOver
from ..errors import SettingsError
from ..values import value
from .choices import FACT, Choices, choices_of, choose_target, verify_end
from .journal import PARTITION_ENTRIES, PROVEN, Count, Entry, EntryState, Journal, Partition, Run, RunKind, RunState
from .leasing import advance, never
from .migrate import Migration, finish
from .mirroring import drain
from .planning import plan_run
from .runs import now
from .telling import documents_moved

if TYPE_CHECKING:
    pass

CUT_OVER_AT: Final = "cut_over_at"
"""The name of the fact of a run that says when the choices changed."""

ROLLED_BACK_AT: Final = "rolled_back_at"
"""Likewise, when they changed back."""

READY: Final = frozenset({RunState.DONE, RunState.CUT_OVER, RunState.ROLLED_BACK})
"""What a run has to be before choices follow it."""


@value
class CutOverReport:
    """What a cut-over changed."""

    run: Run
    default: bool
    """Whether the default names the target now instead of the source."""
    overrides: tuple[str, ...]
    """The projects whose overrides do."""
    stragglers: int
    """Objects that came to the source since the pass before, and are on the target now."""
    left: int
    """Objects that are not on the target: planned, or failed. Call it again when there are any."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {
            "run": self.run.id,
            "default": self.default,
            "overrides": list(self.overrides),
            "stragglers": self.stragglers,
            "left": self.left,
        }


def cut_over(migration: Migration, *, allow_refused: bool = False, stop: Callable[[], bool] = never) -> CutOverReport:
    """Send new documents to the target: the default and the overrides that name the source name it from now on.

    First the target is verified and what came meanwhile is copied; then the choices change, in one transaction that
    also keeps what they were; then what was being uploaded meanwhile is copied too. An upload that is under way longer
    than that stays on the source, where it is read; the next call, or copy, brings it.

    Args:
        migration: Names both ends.
        allow_refused: Go on though the target cannot hold some objects: they stay on the source.
        stop: Asked between objects of the copies.

    Raises:
        SettingsError: there is no run that is done, something of it is planned, failed or refused, or the target does
            not pass its verification; no choice was changed.
        RecordConflictError: somebody else changed a choice meanwhile; call it again.
        StorageError: a provider or the catalogue does not answer.
    """
    run = copied_run(migration)
    if run.state not in READY:
        raise SettingsError(f"a cut-over comes after a copy that is done, and the run is {run.state.value}; copy first")
    verify_end(migration, migration.target)
    before = _proven(migration.journal, run)
    _bring(migration, run, stop)
    if run.kind is RunKind.MIRROR:
        _check_drained(migration, run, stop)
    _check_complete(run, migration.journal, allow_refused=allow_refused)
    if run.kind is RunKind.MIRROR or ROLLED_BACK_AT in run.facts:
        follow_all(migration, run)
    run, changed = _change_choices(migration, run)
    _bring(migration, run, stop)
    pending = 0
    if run.kind is RunKind.MIRROR:
        follow_all(migration, run)
        pending = drain(migration, run, stop=stop)
        migration.journal.follow(run, on=False)
    return CutOverReport(
        run=run,
        default=changed.default,
        overrides=changed.projects,
        stragglers=max(0, _proven(migration.journal, run) - before),
        left=left_of(migration.journal, run) + pending,
    )


def copied_run(migration: Migration) -> Run:
    """Return the run that copies, or mirrors, between the ends of *migration*.

    Raises:
        SettingsError: none was begun.
    """
    ends = (migration.source.provider, migration.target.provider)
    run = migration.journal.find_run(migration.organisation, (RunKind.COPY, RunKind.MIRROR), *ends, migration.project)
    if run is None:
        raise SettingsError(
            f"nothing was copied from {migration.source.label!r} to {migration.target.label!r} yet; copy first"
        )
    return run


def follow_all(migration: Migration, run: Run) -> None:
    """Have the register name the target for all that is proven there: after a mirror, which leaves the records alone.

    Raises:
        StorageError: the catalogue or the target does not answer.
    """
    journal, follower = migration.journal, migration.follower
    for entries in entries_in(journal, run, PROVEN):
        number = entries[0].number // PARTITION_ENTRIES
        partition = Partition(number=number, first=entries[0].number, last=entries[-1].number)
        with journal.together():
            recorded = follower.commit(journal, run, entries)
            event = documents_moved(run, partition, recorded)
            if event is not None:
                migration.resolver.emit(event)
        for entry in recorded:
            if entry.state is EntryState.VANISHED:
                migration.target.storage.delete(entry.key)
                journal.record(run, [entry])


def _bring(migration: Migration, run: Run, stop: Callable[[], bool]) -> None:
    """Copy what the source has and the run does not know, and what failed before."""
    journal = migration.journal
    plan_run(journal, run, migration.source, migration.target, prefix=migration.prefix, stop=stop)
    journal.reopen(run, (EntryState.FAILED,))
    finish(migration.job(run), stop)


def _check_drained(migration: Migration, run: Run, stop: Callable[[], bool]) -> None:
    pending = drain(migration, run, stop=stop)
    if pending:
        raise SettingsError(
            f"{pending:,} changes of the source have not reached the target, so no choice was changed; mirror until "
            "none is left"
        )


def _check_complete(run: Run, journal: Journal, *, allow_refused: bool) -> None:
    left = left_of(journal, run)
    if left:
        failed = journal.entries(run, states=(EntryState.FAILED,), limit=1)
        why = f"; the first one, {failed[0].key!r}: {failed[0].reason}" if failed else ""
        raise SettingsError(f"{left:,} objects are not on the target, so no choice was changed{why}")
    refused = journal.counts(run).get(EntryState.REFUSED, Count()).objects
    if refused and not allow_refused:
        raise SettingsError(
            f"the target cannot hold {refused:,} objects, so no choice was changed; allow_refused leaves them where "
            "they are"
        )


def _change_choices(migration: Migration, run: Run) -> tuple[Run, Choices]:
    """Change the choices, and keep what they were, in one transaction."""
    at = now().isoformat()
    with migration.journal.together():
        found = choices_of(migration)
        again = _is_in_force(run)
        whole = found.with_earlier(Choices.of(run)) if again else found
        facts = {FACT: whole.to_dict(), CUT_OVER_AT: run.facts[CUT_OVER_AT] if again else at}
        run = advance(
            migration.journal,
            run,
            lambda kept: replace(kept, state=RunState.CUT_OVER, facts={**kept.facts, **facts}),
        )
        choose_target(migration, found)
        migration.resolver.emit(
            CutOver(
                organisation=run.organisation,
                run=run.id,
                source=run.source,
                target=run.target,
                default=found.default,
                overrides=found.projects,
            )
        )
    return run, found


def _is_in_force(run: Run) -> bool:
    """Say whether the choices were changed before, and not given back since."""
    cut_at, back_at = run.facts.get(CUT_OVER_AT), run.facts.get(ROLLED_BACK_AT)
    return isinstance(cut_at, str) and (not isinstance(back_at, str) or back_at < cut_at)


def entries_in(journal: Journal, run: Run, states: Iterable[EntryState]) -> Iterator[Sequence[Entry]]:
    """Yield the entries in one of *states*, in pages of a partition's size.

    Raises:
        StorageError: the journal does not answer.
    """
    first, wanted = 0, frozenset(states)
    while page := journal.entries(run, first=first, states=wanted, limit=PARTITION_ENTRIES):
        first = page[-1].number + 1
        yield page


def _proven(journal: Journal, run: Run) -> int:
    counts = journal.counts(run)
    return sum(counts[state].objects for state in PROVEN if state in counts)


def left_of(journal: Journal, run: Run) -> int:
    """Return how many objects are planned, or failed."""
    counts = journal.counts(run)
    return sum(counts[state].objects for state in (EntryState.PLANNED, EntryState.FAILED) if state in counts)
