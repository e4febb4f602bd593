"""Making a target equal to a source: all is looked at first, then copies, and deletes at the very end.

What was copied is whole or absent, each object by itself. Stopped in the middle, it goes on when it is run again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeAlias, cast

from ..errors import NotSupportedError, SettingsError, StorageError
from ..storage.sync import Storage
from ..transport import Exchange, Transport
from ..types import PutOptions
from ..values import value
from .ends import End, Source, Target
from .entries import Listings
from .folders import Folder
from .guarding import MostDeletes, check_deletes
from .judging import Comparison, check_comparison
from .objects import Objects
from .plan import Step, StepKind
from .reports import OnStep, SyncItem, SyncReport, done, failed
from .selecting import Selection
from .survey import Survey

Place: TypeAlias = "Storage | str | os.PathLike[str] | End"
"""A storage, a folder of this machine, or another end."""

Approve: TypeAlias = Callable[[int, int], object]
"""Called with how many objects of how many would be deleted, before anything is changed; raising ends it."""

TENTH: Final = MostDeletes(10, percent=True)
"""What may be deleted unless the caller says otherwise."""

# S3, R2 and Supabase: at most 1,000 keys in one request.
_BATCH: Final = 1000


@value
class SyncOptions:
    """How a synchronisation is done."""

    by: Comparison = "time"
    """What tells whether two objects are the same; see docs/sync.md."""
    delete: bool = False
    """Whether what only the target has is deleted."""
    max_delete: MostDeletes = TENTH
    """How much may be deleted; nothing is changed when it would be more."""
    allow_empty: bool = False
    """Whether an empty source may delete all that the target has."""
    dry_run: bool = False
    """Whether nothing is changed, and the report says what would be."""
    include: Sequence[str] = ()
    """Patterns of the keys that take part; all where there is none."""
    exclude: Sequence[str] = ()
    """Patterns of the keys that do not, and are neither copied nor deleted; see ``Selection``."""
    concurrency: int | None = None
    """How many objects at once; None is what pays off at both ends."""


def sync(
    source: Place,
    target: Place,
    options: SyncOptions | None = None,
    *,
    on_step: OnStep | None = None,
    approve: Approve | None = None,
) -> SyncReport:
    """Copy to *target* what it lacks or has otherwise than *source*, and return what was done; the source stays.

    Nothing is changed before all is listed and compared; memory is flat. Each object is whole or absent, and replaces
    only what was listed: where the service can bind a write to that, what others write meanwhile stays. Deletes come
    last, and not at all when anything had failed. Cost: the listings, what comparing takes (none by time or size; by
    sha256 a request or two for each pair of one size, or its bytes), then a put or a get for each copy.

    Args:
        source: What is copied: a storage, a view of a folder of one, or a folder of this machine.
        target: Likewise; one of the two is no folder of this machine.
        options: How.
        on_step: Called with each item, also in a dry run.
        approve: Called before deletes, unless in a dry run.

    Raises:
        NotFoundError: the source folder does not exist, or what should be a folder is none.
        DeletesRefusedError: more would be deleted than *options* allow; nothing was changed.
        NotSupportedError: both are folders of this machine.
        SettingsError: the target is in the source, or the source in the target.
        InvalidKeyError: a pattern is none.
        StorageError: an end cannot be listed; nothing was changed. What fails later is in the report.

    Example:
        >>> from kazinex_storage.providers.memory import MemoryProvider
        >>> one, other = Storage(MemoryProvider()), Storage(MemoryProvider())
        >>> _ = one.put("plans/a.pdf", b"%PDF")
        >>> sync(one, other).copied, sync(one, other).same
        (1, 1)
    """
    options = options or SyncOptions()
    check_comparison(options.by)
    one, other = cast(Source, end_of(source)), cast(Target, end_of(target))
    transport = other.transport or one.transport
    if transport is None:
        raise NotSupportedError("both are folders of this machine; use rsync or cp for that", operation="sync")
    _check_apart(one, other)
    if isinstance(one, Folder):
        one.check()
    if isinstance(other, Folder):
        other.check(missing=True)
    with Listings() as listings:
        return _Sync(one, other, options, transport, on_step or _ignore).run(listings, approve)


def end_of(place: Place) -> End:
    """Return the end that *place* is."""
    if isinstance(place, Storage):
        return Objects(place)
    return Folder(place) if isinstance(place, str | os.PathLike) else place


class _Sync:
    """One synchronisation."""

    def __init__(
        self, source: Source, target: Target, options: SyncOptions, transport: Transport, on_step: OnStep
    ) -> None:
        self._source, self._target, self._options = source, target, options
        self._transport, self._on_step = transport, on_step
        self._window = options.concurrency or min(source.concurrency, target.concurrency)
        self._report = SyncReport(dry_run=options.dry_run)

    def run(self, listings: Listings, approve: Approve | None) -> SyncReport:
        options, report = self._options, self._report
        selection = Selection(options.include, options.exclude)
        listings.load("source", self._source.entries(selection))
        listings.load("target", self._target.entries(selection))
        survey = Survey(listings, self._source, self._target, options.by)
        try:
            survey.look(self._transport, self._window, report, self._on_step, delete=options.delete)
            deletes, there = survey.count(StepKind.DELETE), listings.count("target")
            empty = not listings.count("source")
            check_deletes(deletes, there, options.max_delete, empty=empty, allow_empty=options.allow_empty)
            if options.dry_run:
                self._tell(survey)
                return report
            if deletes and approve is not None and not survey.is_incomplete and not report.failed:
                approve(deletes, there)
            self._copy(survey)
            self._delete(survey, deletes)
        finally:
            survey.close()
        return report

    def _tell(self, survey: Survey) -> None:
        """Report what would be done."""
        blocked = survey.is_incomplete or self._report.failed
        for step in survey.steps(StepKind.COPY, StepKind.REPLACE, StepKind.DELETE):
            if step.kind is StepKind.DELETE and blocked:
                self._report.undeleted += 1
            else:
                self._on_step(done(self._report, step))

    def _copy(self, survey: Survey) -> None:
        pending, put = dict[int, Step](), PutOptions(digest="sha256" if self._options.by == "sha256" else None)

        def copies() -> Iterator[Exchange[None]]:
            for index, step in enumerate(survey.steps(StepKind.COPY, StepKind.REPLACE)):
                pending[index] = step
                if step.source is not None:
                    yield self._target.take(self._source, step.source, step.target, put)

        for index, outcome in self._transport.run_many(copies(), self._window):
            self._ended(pending.pop(index), outcome.error)

    def _delete(self, survey: Survey, deletes: int) -> None:
        if survey.is_incomplete or self._report.failed:
            self._report.undeleted = deletes
            return
        steps = survey.steps(StepKind.DELETE)
        while batch := {step.key: step for step in islice(steps, _BATCH)}:
            entries = [step.target for step in batch.values() if step.target is not None]
            for entry, error in self._transport.run(self._target.delete(entries)):
                self._ended(batch[entry.key], error)

    def _ended(self, step: Step, error: Exception | None) -> None:
        if error is None:
            self._on_step(done(self._report, step))
        elif isinstance(error, StorageError | OSError):
            self._on_step(failed(self._report, step, error))
        else:
            raise error


def _check_apart(source: Source, target: Target) -> None:
    """Refuse two ends of which one is in the other, where that can be seen.

    Raises:
        SettingsError: it is.
    """
    one, other = getattr(source, "whereabouts", None), getattr(target, "whereabouts", None)
    if one is None or other is None or one[0] != other[0]:
        return
    if one[1].startswith(other[1]) or other[1].startswith(one[1]):
        raise SettingsError("the source and the target are in each other; name two folders apart", operation="sync")


def _ignore(item: SyncItem) -> None:
    """Tell nobody of *item*."""
