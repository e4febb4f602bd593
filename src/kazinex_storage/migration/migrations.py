"""Copying what one provider, or one storage, holds to another one: planned, proven, resumed.

Nothing is ever deleted from the source, and nothing on the target is replaced. ``working.py`` is what one process does;
``executors.py`` has many of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..documents.events import EventHook
from ..errors import SettingsError
from ..keys import check_identifier
from ..storage.sync import Storage
from .endpoints import Endpoint, endpoint_at, endpoint_of
from .executors import Workers, drive
from .following import Follower, NoFollower, RegisterFollower
from .journal import EntryState, Journal, Run, RunKind, RunState
from .memory_journal import MemoryJournal
from .options import CopyOptions
from .owners import this_owner
from .planning import PlanReport, plan_run
from .progress import OnProgress, watching
from .runs import RunReport, begin_run, change_run, left_in, now, report_of
from .scanning import wait
from .telling import run_begun, run_ended
from .working import STOPPED, Job, work

if TYPE_CHECKING:
    from ..organisations.resolver import Resolver

_OTHERS_S: Final = 0.25
"""Seconds between two looks at what other processes still hold."""
_COPYING: Final = (RunState.PLANNED, RunState.RUNNING, RunState.DONE)
_DEFAULTS: Final = CopyOptions()


class Migration:
    """What one provider of an organisation holds, on its way to another one.

    The run is kept in the catalogue: any process that makes an equal migration goes on with it, several at once too.
    """

    def __init__(
        self,
        resolver: Resolver,
        organisation: str,
        source: str,
        target: str,
        *,
        project: str | None = None,
        options: CopyOptions = _DEFAULTS,
        by: str | None = None,
    ) -> None:
        """Look up both providers, which are named by id or label; nothing moves yet.

        Args:
            project: The only project that is copied; None is everything of the organisation.
            options: Of a new run; one that was begun keeps its own.
            by: In whose name.

        Raises:
            RecordNotFoundError: the organisation has no such provider.
            SettingsError: one of them cannot be opened, or both are one.
        """
        if project is not None:
            check_identifier(project, "project")
        self.resolver = resolver if by is None else resolver.acting(by)
        self.organisation, self.project, self.options, self.by = organisation, project, options, by
        self.source: Endpoint = endpoint_of(self.resolver, organisation, source)
        self.target: Endpoint = endpoint_of(self.resolver, organisation, target)
        if self.source.provider == self.target.provider:
            raise SettingsError(f"source and target are both {self.source.label!r}; name two providers")
        self.journal: Journal = self.resolver.organisations.catalogue.journal

    @property
    def prefix(self) -> str:
        """What every key begins with, below the organisation."""
        return f"{self.project}/" if self.project is not None else ""

    @property
    def follower(self) -> Follower:
        """What moves the records of revisions along."""
        return RegisterFollower(self.resolver.revisions, self.organisation, self.source.provider, self.target.provider)

    @property
    def run(self) -> Run | None:
        """The run in the journal, if one was begun and has not ended."""
        return self.journal.find_run(
            self.organisation, [RunKind.COPY], self.source.provider, self.target.provider, self.project
        )

    def plan(self, on_progress: OnProgress | None = None, stop: Callable[[], bool] = bool) -> PlanReport:
        """Begin the run, or go on with it, and add what the source holds and the run does not know.

        Nothing moves. *stop* is asked between pages.

        Raises:
            NotSupportedError: the target cannot create objects without the risk of replacing others.
            StorageError: the source or the catalogue does not answer.
        """
        run = self.begin(RunKind.COPY)
        with watching(self.journal, run, on_progress):
            return _planned(self.journal, run, self, stop)

    def copy(
        self,
        on_progress: OnProgress | None = None,
        stop: Callable[[], bool] = bool,
        *,
        workers: Workers | None = None,
    ) -> RunReport:
        """Copy what the plan says, after making one if there is none, and return what became of all of it.

        What failed before is tried again. A run that was stopped or killed goes on where it was; one that is done is
        planned again, for what has come since. It returns when nothing is left, other processes included.

        Args:
            workers: Who copies what this process has planned; by default this process.

        Raises:
            StorageError: as ``plan``; the journal does not answer.
            UnavailableError: the workers only die, or cannot open the catalogue.
        """
        return _copied(self, self.begin(RunKind.COPY), on_progress, stop, workers)

    def job(self, run: Run) -> Job:
        """Return what one process works on; several may, each with a job of its own."""
        return Job(
            journal=self.journal,
            run=run,
            source=self.source,
            target=self.target,
            follower=self.follower,
            options=CopyOptions.from_dict(run.options),
            owner=this_owner(),
            tell=self.tell,
        )

    @property
    def tell(self) -> EventHook | None:
        """What is told of events; None when nobody listens."""
        return self.resolver.emit if self.resolver.listens else None

    def begin(self, kind: RunKind) -> Run:
        """Return the open run of that kind between the ends, or begin one, with the options of this.

        Raises:
            StorageError: the journal does not answer.
        """
        return begin_run(
            self.journal,
            Run(
                organisation=self.organisation,
                id="",
                kind=kind,
                source=self.source.provider,
                target=self.target.provider,
                project=self.project,
                options=self.options.to_dict(),
                begun_at=now(),
                begun_by=self.resolver.by,
            ),
        )


class _Plain:
    """A copy between two storages that are no providers of an organisation."""

    tell = None

    def __init__(self, source: Storage, target: Storage, prefix: str, options: CopyOptions, journal: Journal) -> None:
        self.source, self.target, self.prefix = endpoint_at(source), endpoint_at(target), prefix
        self.options, self.journal = options, journal

    def job(self, run: Run) -> Job:
        return Job(
            journal=self.journal,
            run=run,
            source=self.source,
            target=self.target,
            follower=NoFollower(),
            options=CopyOptions.from_dict(run.options),
            owner=this_owner(),
        )

    def begun(self) -> Run:
        return begin_run(
            self.journal,
            Run(
                organisation="",
                id="",
                kind=RunKind.COPY,
                source=self.source.provider,
                target=self.target.provider,
                project=self.prefix or None,
                options=self.options.to_dict(),
                begun_at=now(),
            ),
        )


def migrate(
    source: Storage,
    target: Storage,
    *,
    prefix: str = "",
    options: CopyOptions = _DEFAULTS,
    journal: Journal | str | os.PathLike[str] | None = None,
    on_progress: OnProgress | None = None,
) -> RunReport:
    """Copy everything below *prefix* from one storage to another, and return what became of it.

    Args:
        journal: Where the run is kept: a journal, or the path of a SQLite file that is made if need be. The same call
            with the same file goes on where it was. None keeps it in memory, for copies that nobody resumes.
        options: Of a new run; one that was begun keeps its own.

    Raises:
        NotSupportedError: *target* cannot create objects without the risk of replacing others.
        StorageError: *source* or the journal does not answer.
    """
    with _opened(journal) as kept:
        pair = _Plain(source, target, prefix, options, kept)
        return _copied(pair, pair.begun(), on_progress, bool)


def _opened(journal: Journal | str | os.PathLike[str] | None) -> AbstractContextManager[Journal]:
    if journal is None:
        return nullcontext(MemoryJournal())
    if isinstance(journal, str | os.PathLike):
        from ..organisations.journal_rows import open_journal  # of the extra sql

        return closing(open_journal(Path(journal)))
    return nullcontext(journal)


def _planned(journal: Journal, run: Run, pair: Migration | _Plain, stop: Callable[[], bool]) -> PlanReport:
    return plan_run(journal, run, pair.source, pair.target, prefix=pair.prefix, stop=stop)


def _copied(
    pair: Migration | _Plain,
    run: Run,
    on_progress: OnProgress | None,
    stop: Callable[[], bool],
    workers: Workers | None = None,
) -> RunReport:
    begun, journal = time.monotonic(), pair.journal
    with watching(journal, run, on_progress):
        if run.state not in (RunState.PLANNED, RunState.RUNNING):
            run = _planned(journal, run, pair, stop).run
        if run.state is RunState.PLANNED and pair.tell is not None:
            pair.tell(run_begun(run, journal.counts(run)))
        if run.state in _COPYING:  # not where the organisation has moved on
            run = change_run(journal, run, state=RunState.RUNNING)
        if run.state is not RunState.PLANNING:
            journal.reopen(run, [EntryState.FAILED])
        if stop():
            stopped: str | None = STOPPED
        elif workers is None:
            stopped = finish(pair.job(run), stop)
        else:
            stopped = drive(workers, journal, run, stop=stop)
        done = run.state is RunState.RUNNING and stopped is None and not left_in(journal.counts(run))
        run = change_run(journal, run, state=RunState.DONE if done else None, ended_at=now())
        if pair.tell is not None:
            pair.tell(run_ended(run, journal.counts(run)))
    return report_of(journal, run, time.monotonic() - begun, stopped)


def finish(job: Job, stop: Callable[[], bool] = bool) -> str | None:
    """Work until nothing of the run is open, also what other processes leave; return why it ended before that.

    Raises:
        StorageError: the journal does not answer.
    """
    while True:
        stopped = work(job, stop).stopped
        if stopped is not None or not job.journal.open_partitions(job.run):
            return stopped
        if stop():
            return STOPPED
        wait(job.source, _OTHERS_S)
