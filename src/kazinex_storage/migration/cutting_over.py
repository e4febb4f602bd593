"""Cut-over: new documents go to the target of a run from now on; ``rolling_back.py`` is the way back.

It may be repeated until it says that nothing is left: what it changes is kept in the run together with the change, so a
killed one goes on. Reads work all the time, since the register says where each document is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ..documents.events import CutOver
from ..errors import SettingsError
from ..values import value
from .choices import FACT, Choices, choices_of, choose_target, verify_end
from .journal import PROVEN, Count, EntryState, Journal, Run, RunKind, RunState
from .leasing import advance, never
from .migrations import Migration, finish
from .mirroring import drain
from .moving import follow_all
from .planning import plan_run
from .runs import now

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
    """Objects that are not on the target, planned or failed, and changes that a mirror owes. Call it again when there
    are any."""

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
        SettingsError: there is no run that is done, something of it is planned, failed or refused, the target does not
            pass its verification, or it was asked to stop before; no choice was changed.
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
        drain(migration, run, stop=stop)  # not to the end, which may never come: what is left comes after the choices
    if stop():
        raise SettingsError("the cut-over was asked to stop, so no choice was changed; call it again")
    _check_complete(run, migration.journal, allow_refused=allow_refused)
    follow_all(migration, run)
    run, changed = _change_choices(migration, run)
    _bring(migration, run, stop)
    follow_all(migration, run)
    pending = 0
    if run.kind is RunKind.MIRROR:
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


def _bring(migration: Migration, run: Run, stop: Callable[[], bool]) -> None:
    """Copy what the source has and the run does not know, and what failed before."""
    journal = migration.journal
    plan_run(journal, run, migration.source, migration.target, prefix=migration.prefix, stop=stop)
    journal.reopen(run, (EntryState.FAILED,))
    finish(migration.job(run), stop)


def _check_complete(run: Run, journal: Journal, *, allow_refused: bool) -> None:
    counts = journal.counts(run)
    # A mirror that goes on meanwhile always has something under way; that comes after the choices.
    open_states = (EntryState.FAILED,) if run.kind is RunKind.MIRROR else (EntryState.FAILED, EntryState.PLANNED)
    left = sum(counts[state].objects for state in open_states if state in counts)
    if left:
        failed = journal.entries(run, states=(EntryState.FAILED,), limit=1)
        why = f"; the first one, {failed[0].key!r}: {failed[0].reason}" if failed else ""
        raise SettingsError(f"{left:,} objects are not on the target, so no choice was changed{why}")
    refused = counts.get(EntryState.REFUSED, Count()).objects
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


def _proven(journal: Journal, run: Run) -> int:
    counts = journal.counts(run)
    return sum(counts[state].objects for state in PROVEN if state in counts)


def left_of(journal: Journal, run: Run) -> int:
    """Return how many objects are planned, or failed."""
    counts = journal.counts(run)
    return sum(counts[state].objects for state in (EntryState.PLANNED, EntryState.FAILED) if state in counts)
