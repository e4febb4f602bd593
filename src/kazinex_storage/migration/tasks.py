"""What a worker does with a task: it opens the catalogue, makes of the run what is to be done, and does some of it.

A worker opens a catalogue once. Addresses, settings and secrets come from there, and never with a task.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias, cast

from ..errors import RecordNotFoundError, SettingsError
from .auditing import audit_job, work_audit
from .executors import Task, TaskReport
from .journal import Run, RunKind
from .leasing import never
from .migrations import Migration
from .rates import Pace
from .working import STOPPED, work

if TYPE_CHECKING:
    from ..organisations.resolver import Resolver
    from ..organisations.service import Organisations

Opened: TypeAlias = "tuple[Organisations, Resolver]"
"""What an opener returns."""


def run_task(task: Task, stop: Callable[[], bool] = never) -> TaskReport:
    """Work on as many free partitions of the run as *task* says, and return what was done.

    Raises:
        RecordNotFoundError: there is no such run, or a provider of it is gone.
        SettingsError: the catalogue or a provider cannot be opened, or a run of this kind is not for workers.
        StorageError: the journal does not answer.
    """
    _, resolver = _opened(task.opener, os.getpid())
    run = resolver.organisations.catalogue.journal.run(task.organisation, task.run)
    if run is None:
        raise RecordNotFoundError(f"there is no run {task.run!r} of that organisation; it may have been dropped")
    if run.begun_by is not None:
        resolver = resolver.acting(run.begun_by)
    match run.kind:
        case RunKind.COPY:
            return _copied(resolver, run, task, stop)
        case RunKind.AUDIT:
            return _audited(resolver, run, task, stop)
        case _:
            raise SettingsError(f"a run of the kind {run.kind.value!r} is not divided among workers")


def forget_opened() -> None:
    """Let the next task of this process open its catalogue again; what was opened is its opener's to close."""
    _opened.cache_clear()


def from_environment() -> Opened:
    """Open the catalogue that the environment names."""
    from ..organisations.assembly import open_organisations
    from ..organisations.resolver import Resolver

    organisations = open_organisations()
    return organisations, Resolver(organisations)


def _copied(resolver: Resolver, run: Run, task: Task, stop: Callable[[], bool]) -> TaskReport:
    migration = Migration(resolver, run.organisation, run.source, run.target, project=run.project)
    job = migration.job(run)
    pace = Pace(job.options.limits.divided(task.workers))
    done = work(replace(job, pace=pace, partitions=task.partitions), stop)
    return TaskReport(
        objects=sum(done.objects.values()),
        bytes=done.bytes,
        seconds=done.seconds,
        stopped=done.stopped if done.stopped != STOPPED else None,
    )


def _audited(resolver: Resolver, run: Run, task: Task, stop: Callable[[], bool]) -> TaskReport:
    begun, job = time.monotonic(), audit_job(resolver, run)
    job = replace(job, pace=Pace(job.limits.divided(task.workers)))
    objects = work_audit(job, stop=stop, wait=False, most=task.partitions)
    return TaskReport(objects=objects, seconds=time.monotonic() - begun)


@cache
def _opened(opener: str, pid: int) -> Opened:  # noqa: ARG001 -- a forked child opens one of its own
    """Open the catalogue of this process, once.

    Raises:
        SettingsError: *opener* names no function.
    """
    module, _, name = opener.partition(":")
    try:
        function = cast("Callable[[], Opened]", getattr(import_module(module), name))
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"the opener {opener!r} is no function: write module:function ({error})") from error
    return function()
