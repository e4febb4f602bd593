"""Roll-back: new documents go to the source of a run again, and are read from there where it still has them.

It may be repeated, and goes on where a killed one stopped. Nothing is deleted anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from ..documents.events import RolledBack
from ..documents.register import RevisionRecord, new_token, prepare_register
from ..errors import InvalidKeyError, NotFoundError, NotSupportedError, SettingsError
from ..keys import DocumentKey
from ..transport import Exchange
from ..types import ObjectInfo
from ..values import value
from .choices import Choices, choose_source, verify_end
from .cutting_over import CUT_OVER_AT, READY, ROLLED_BACK_AT, copied_run, left_of
from .journal import PARTITION_ENTRIES, PROVEN, Entry, EntryState, Journal, Run, RunKind, RunState
from .leasing import advance, never
from .migrations import Migration, finish
from .moving import entries_in
from .reading import on
from .runs import RunReport, begin_run, change_run, now, report_of

if TYPE_CHECKING:
    from ..documents.listing import RevisionListing

MAX_STRAGGLERS: Final = 100
"""Documents that a report names of those that only the target has."""

_COPIES_BACK: Final = "copies_back"
_ON_BOTH: Final = PROVEN | {EntryState.RETAINED}


@value
class RollBackReport:
    """What a roll-back changed."""

    run: Run
    default: bool
    """Whether the default names the source again."""
    overrides: tuple[str, ...]
    """The projects whose overrides are what they were."""
    moved: int
    """Documents that the register names the source for again."""
    stragglers: int
    """Documents that only the target has: uploaded since the cut-over, or pruned from the source."""
    named: tuple[str, ...]
    """The keys of the first hundred of them, below the organisation."""
    copied_back: RunReport | None = None
    """What became of them, where they were to be copied back."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {
            "run": self.run.id,
            "default": self.default,
            "overrides": list(self.overrides),
            "moved": self.moved,
            "stragglers": self.stragglers,
            "named": list(self.named),
            "copied_back": self.copied_back.to_dict() if self.copied_back is not None else None,
        }


def roll_back(migration: Migration, *, copy_back: bool = False, stop: Callable[[], bool] = never) -> RollBackReport:
    """Send new documents to the source again, and read those from there that it still has as they were copied.

    Nothing is deleted. Documents that only the target has are listed, and stay readable there; with *copy_back* they
    are copied to the source. One request to the source for each object of the run.

    Raises:
        SettingsError: there is no run that is done, or the source does not pass its verification; nothing was changed.
        NotSupportedError: the catalogue cannot list its register.
        RecordConflictError: somebody else changed a choice meanwhile; call it again.
        StorageError: a provider or the catalogue does not answer.
    """
    run = copied_run(migration)
    if run.state not in READY:
        raise SettingsError(f"a roll-back comes after a run that is done, and this one is {run.state.value}")
    verify_end(migration, migration.source)
    run, back = _give_back(migration, run)
    moved = sum(_move_back(migration, run, stop))
    copied = _copy_back(migration, run, stop) if copy_back else None
    count, named = 0, list[str]()
    for entry in _stragglers(migration, run):
        count += 1
        if len(named) < MAX_STRAGGLERS:
            named.append(entry.key)
    _tell(migration, run, moved, count)
    return RollBackReport(
        run=run,
        default=back.default,
        overrides=back.projects,
        moved=moved,
        stragglers=count,
        named=tuple(named),
        copied_back=copied,
    )


def _give_back(migration: Migration, run: Run) -> tuple[Run, Choices]:
    """Give the choices back, and keep that it was done, in one transaction."""
    facts = {ROLLED_BACK_AT: now().isoformat()}
    with migration.journal.together():
        back = choose_source(migration, Choices.of(run))
        run = advance(
            migration.journal,
            run,
            lambda kept: replace(kept, state=RunState.ROLLED_BACK, facts={**kept.facts, **facts}),
        )
    return run, back


def _tell(migration: Migration, run: Run, moved: int, stragglers: int) -> None:
    migration.resolver.emit(
        RolledBack(
            organisation=run.organisation,
            run=run.id,
            source=run.source,
            target=run.target,
            objects=moved,
            stragglers=stragglers,
        )
    )


def _move_back(migration: Migration, run: Run, stop: Callable[[], bool]) -> Iterator[int]:
    """Have the register name the source for what that has as it was copied; yield how many of each page."""
    source = migration.source
    for entries in entries_in(migration.journal, run, _ON_BOTH):
        if stop():
            return
        heads = (_head(migration, entry) for entry in entries)
        there = dict(source.storage.transport.run_many(heads, migration.options.at_once(source.info)))
        alike = [entry for number, entry in enumerate(entries) if _is_version(entry, there[number].result())]
        # What was retained is on both sides, like what was just copied, and is followed by the next cut-over.
        retained = [replace(entry, state=EntryState.COPIED) for entry in alike if entry.state is EntryState.RETAINED]
        prepare_register(migration.resolver.revisions, run.organisation)
        with migration.journal.together():
            moved = sum(_names_source(migration, run, entry) for entry in alike)
            migration.journal.record(run, retained)
        yield moved


def _names_source(migration: Migration, run: Run, entry: Entry) -> bool:
    """Have the register name the source for one document that it has on the target; say whether it did."""
    try:
        document = DocumentKey.parse(f"{run.organisation}/{entry.key}")
    except InvalidKeyError:
        return False
    register = migration.resolver.revisions
    record = register.revision(document)
    if record is None or record.document != document or record.removal is not None or record.provider != run.target:
        return False
    return register.swap_revision(record, replace(record, provider=run.source, token=new_token()))


def _head(migration: Migration, entry: Entry) -> Exchange[ObjectInfo | None]:
    try:
        return (yield from on(migration.source, migration.source.storage.operations.head(entry.key)))
    except NotFoundError:
        return None


def _is_version(entry: Entry, info: ObjectInfo | None) -> bool:
    return info is not None and info.size == entry.size and entry.etag in (None, info.etag)


def _stragglers(migration: Migration, run: Run) -> Iterator[Entry]:
    """Yield the documents that the register has on the target and that the run brought there, or that came since."""
    listing: RevisionListing | None = getattr(migration.resolver.organisations.catalogue, "listing", None)
    if listing is None:
        raise NotSupportedError("this catalogue cannot list its register, so nobody knows what only the target has")
    cut_at, after = run.facts.get(CUT_OVER_AT), None
    since = datetime.fromisoformat(cut_at) if isinstance(cut_at, str) else None
    while page := listing.records(run.organisation, project=run.project, after=after):
        after = page[-1].document
        here = {_key(record): record for record in page if record.provider == run.target and record.removal is None}
        known = migration.journal.known(run, list(here))
        for key, record in here.items():
            if key in known or (since is not None and record.recorded_at >= since):
                yield Entry(number=0, key=key, size=record.size or 0)


def _copy_back(migration: Migration, rolled_back: Run, stop: Callable[[], bool]) -> RunReport:
    """Copy the stragglers of a run from its target to its source, in a run of their own that ends with that."""
    reverse = Migration(
        migration.resolver,
        migration.organisation,
        migration.target.provider,
        migration.source.provider,
        project=migration.project,
        options=migration.options,
    )
    begun, journal = now(), migration.journal
    before = begin_run(journal, _draft_back(reverse, rolled_back, begun))
    _plan_back(journal, before, _stragglers(migration, rolled_back))
    run = change_run(journal, before, state=RunState.RUNNING)
    journal.reopen(run, (EntryState.FAILED,))
    stopped = finish(reverse.job(run), stop)
    _plan_again(journal, rolled_back, run)
    ours = run.facts.get(_COPIES_BACK) == rolled_back.id
    complete = stopped is None and not left_of(journal, run)
    state = (RunState.ENDED if complete else RunState.DONE) if ours else before.state
    run = change_run(journal, run, state=state, ended_at=now())
    return report_of(journal, run, (now() - begun).total_seconds(), stopped)


def _draft_back(reverse: Migration, rolled_back: Run, at: datetime) -> Run:
    return Run(
        organisation=reverse.organisation,
        id="",
        kind=RunKind.COPY,
        source=reverse.source.provider,
        target=reverse.target.provider,
        project=reverse.project,
        options=reverse.options.to_dict(),
        facts={_COPIES_BACK: rolled_back.id},
        begun_at=at,
        begun_by=reverse.resolver.by,
    )


def _plan_back(journal: Journal, run: Run, stragglers: Iterator[Entry]) -> None:
    """Plan every straggler, also those that a run between the same ends has copied once before."""
    while batch := list(islice(stragglers, PARTITION_ENTRIES)):
        journal.add_entries(run, batch)
        known = journal.known(run, [entry.key for entry in batch]).values()
        journal.record(run, [replace(entry, state=EntryState.PLANNED) for entry in known])


def _plan_again(journal: Journal, rolled_back: Run, back: Run) -> None:
    """Plan what was copied back once more where it was pruned, so that the next cut-over proves and follows it."""
    for entries in entries_in(journal, back, PROVEN):
        known = journal.known(rolled_back, [entry.key for entry in entries]).values()
        again = [replace(entry, state=EntryState.PLANNED) for entry in known if entry.state not in _ON_BOTH]
        journal.record(rolled_back, again)


def _key(record: RevisionRecord) -> str:
    return record.document.build().removeprefix(f"{record.document.organisation}/")
