"""Exporting an organisation into bags (RFC 8493): all that it has stored, for an archive or for another home.

One bag for each project, or several where a bag would be too large, and one for objects that are no documents. The run
is kept in the journal, so the same call goes on where a killed one stopped. docs/leaving.md is the guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

from ...documents.quotas import utc_now
from ...documents.receipts import ResolvedProvider
from ...errors import AlreadyExistsError, NotSupportedError, StorageError
from ...keys import check_identifier
from ...organisations.catalogue import ListingCatalogue
from ...organisations.resolver import Resolver
from ...storage.background import in_background
from ...storage.sync import Storage
from ...values import value
from ..journal import Count, Entry, EntryState, Journal, Run, RunKind, RunState
from ..leasing import advance, in_state
from ..progress import OnProgress, counts_dict, watching
from ..runs import begin_run
from ..telling import run_begun, run_ended
from .claiming import claim_bags
from .finishing import FinishedBag, FinishJob, entries_of, finish
from .inventory import Item, inventory, records_of
from .options import ExportOptions
from .packing import Packer, PackJob
from .passes import batches, keep_and_tell, with_facts, work_through
from .places import BagPlace, opened
from .sole import SolePlanner, planning
from .spans import REMOVALS_BAG, BagSpan, Cutting, read_spans

_BATCH: Final = 1000
_FAILURES: Final = 100


@value
class ExportReport:
    """What an export has done so far."""

    run: Run
    to: str
    """Where the bags are."""
    bags: tuple[FinishedBag, ...]
    """Those that are whole."""
    unfinished: tuple[str, ...]
    """The names of the others: something in them failed; the same export tries it again."""
    counts: Mapping[EntryState, Count]
    failures: tuple[Entry, ...]
    """The first hundred that could not be packed; ``reason`` says why."""
    shadowed: int
    """Objects, no documents, of which another place of the organisation holds one under the same key, which is not
    packed."""
    unlisted: tuple[str, ...]
    """The labels of providers that could not be listed and were left out."""

    @property
    def whole(self) -> bool:
        """Whether all that the organisation has is in finished bags."""
        return not self.unfinished and not self.failures and not self.unlisted and not self.shadowed

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        return {
            "organisation": self.run.organisation,
            "run": self.run.id,
            "state": self.run.state.value,
            "whole": self.whole,
            "to": self.to,
            "bags": [bag.to_dict() for bag in self.bags],
            "unfinished": list(self.unfinished),
            "counts": counts_dict(self.counts),
            "failures": [{"key": entry.key, "reason": entry.reason} for entry in self.failures],
            "shadowed": self.shadowed,
            "unlisted": list(self.unlisted),
        }


def export_bags(
    resolver: Resolver,
    organisation: str,
    to: Path | Storage,
    *,
    project: str | None = None,
    options: ExportOptions | None = None,
    on_progress: OnProgress | None = None,
) -> ExportReport:
    """Pack all that *organisation* has stored, or one *project* of it, into bags below *to*.

    An export that was interrupted, or left something FAILED, goes on when the same one is asked for again. Bags are
    written once: nothing that is there already is replaced, and one is finished (``bagit.txt``) only when all of it is
    there. Cost: a listing of each place of the organisation, then a read and a write for each object.

    Args:
        resolver: What opens the providers; the run is in the journal of its catalogue.
        organisation: Its id.
        to: A folder, made where it is missing; or a storage, below its prefix.
        project: The only project; objects that are no documents are left out then, but for those below it.
        options: How.
        on_progress: Called about once a second from another thread; see ``progress.py``.

    Raises:
        AlreadyExistsError: a bag of this name is there already, of another export.
        StorageError: a provider could not be listed, or the target does not work.
        NotSupportedError: the catalogue cannot list what its register knows.
    """
    check_identifier(organisation, "organisation")
    if project is not None:
        check_identifier(project, "project")
    with opened(to, resolver.transport, create=True) as place:
        export = _Export(resolver, organisation, place, project, options or ExportOptions())
        run = export.begin()
        with watching(export.journal, run, on_progress):
            return export.carry_on(run)


class _Export:
    """One export of one organisation to one place."""

    def __init__(
        self, resolver: Resolver, organisation: str, place: BagPlace, project: str | None, options: ExportOptions
    ) -> None:
        catalogue = resolver.organisations.catalogue
        if not isinstance(catalogue, ListingCatalogue):
            raise NotSupportedError("this catalogue cannot list what its register knows, which an export needs")
        self.journal: Journal = catalogue.journal
        self._listing = catalogue.listing
        self._resolver = resolver
        self._organisation = organisation
        self._place = place
        self._project = project
        self._options = options

    def begin(self) -> Run:
        """Return the run to go on with: the one that was interrupted, or a new one."""
        draft = Run(
            organisation=self._organisation,
            id="",
            kind=RunKind.EXPORT,
            source="",
            target=self._place.id,
            project=self._project,
            options={"to": self._place.name, **self._options.to_dict()},
            begun_at=utc_now(),
            begun_by=self._resolver.by,
        )
        run = begin_run(self.journal, draft)
        if run.state is not RunState.PLANNING:
            self.journal.reopen(run, [EntryState.FAILED])
        return run

    def carry_on(self, run: Run) -> ExportReport:
        """Plan, pack and finish."""
        found = self._resolver.in_order(self._organisation, self._project)
        providers = [replace(each, storage=in_background(each.storage)) for each in found]
        if run.state is RunState.PLANNING:
            with planning(self.journal, run) as (run, sole):
                if run.state is RunState.PLANNING:
                    run = self._plan(run, sole, providers)
        spans = tuple(read_spans(run.facts))
        run = advance(self.journal, run, in_state(RunState.RUNNING))
        job = PackJob(
            organisation=self._organisation,
            providers=providers,
            register=self._resolver.revisions,
            transport=self._resolver.transport.owned(self._organisation).background(),
            place=self._place,
            spans=spans,
            options=self._options,
        )
        with closing(Packer(job)) as packer:
            work_through(self.journal, run, packer.pack)
        return self._finish(run, spans)

    def _plan(self, run: Run, sole: SolePlanner, providers: Sequence[ResolvedProvider]) -> Run:
        """Add an entry for each object, cut bags, and claim their folders."""
        if self.journal.counts(run):  # of a process that was killed: what has changed since must not be left out
            with self.journal.together():
                self.journal.drop_run(self._organisation, run.id)
                run = self.journal.add_run(run)
        tidy = self._place.is_untouched
        cutting, unlisted = Cutting(self._options.max_bag_bytes, self._project), list[str]()
        shadowed = 0

        def silent(provider: ResolvedProvider, error: StorageError) -> None:
            if not self._options.leave_out_failed:
                raise error
            unlisted.append(provider.label)

        records = records_of(self._listing, self._organisation, self._project)
        items = inventory(self._organisation, self._project, records, providers, silent)
        for batch in batches(items, _BATCH):
            sole.check()
            for item in batch:
                shadowed += item.shadowed
                cutting.add(item.project, item.size)
            self.journal.add_entries(run, map(_entry, batch))
        if not cutting.spans and self._has_removals():
            cutting.add_bag(f"{self._project or ''}{REMOVALS_BAG}", self._project)
        sole.check()
        try:
            claim_bags(self._place, run, cutting.spans, providers)
        except AlreadyExistsError:
            self.journal.drop_run(self._organisation, run.id)
            raise
        facts = {
            "bags": [span.to_dict() for span in cutting.spans],
            "unlisted": unlisted,
            "shadowed": shadowed,
            "finished": [],
            "tidy": tidy,
        }
        return keep_and_tell(self._resolver, self.journal, run, _planned(facts), run_begun)

    def _finish(self, run: Run, spans: tuple[BagSpan, ...]) -> ExportReport:
        finished = _finished(run)
        job = FinishJob(
            journal=self.journal,
            run=run,
            listing=self._listing,
            place=self._place,
            spans=spans,
        )
        unfinished = list[str]()
        for span in spans:
            if span.name in finished:
                continue
            failed = next(entries_of(self.journal, run, span, [EntryState.FAILED]), None)
            if failed is not None and not self._options.leave_out_failed:
                unfinished.append(span.name)
                continue
            finished[span.name] = finish(job, span)
            facts = {"finished": [bag.to_dict() for bag in finished.values()]}
            run = advance(self.journal, run, with_facts(facts))
        if not unfinished and run.facts["tidy"]:
            self._place.tidy()
        state = RunState.DONE if unfinished else RunState.ENDED
        change = in_state(state, ended_at=utc_now())
        run = keep_and_tell(self._resolver, self.journal, run, change, run_ended)
        return ExportReport(
            run=run,
            to=self._place.name,
            bags=tuple(finished.values()),
            unfinished=tuple(unfinished),
            counts=self.journal.counts(run),
            failures=tuple(self.journal.entries(run, states=[EntryState.FAILED], limit=_FAILURES)),
            shadowed=cast(int, run.facts["shadowed"]),
            unlisted=tuple(cast("list[str]", run.facts["unlisted"])),
        )

    def _has_removals(self) -> bool:
        records = records_of(self._listing, self._organisation, self._project)
        return any(record.removal is not None for record in records)


def _entry(item: Item) -> Entry:
    return Entry(number=0, key=item.key, size=item.size, etag=item.etag, last_modified=item.last_modified)


def _finished(run: Run) -> dict[str, FinishedBag]:
    found = cast("Sequence[Mapping[str, object]]", run.facts["finished"])
    bags = [FinishedBag.from_dict(fields) for fields in found]
    return {bag.name: bag for bag in bags}


def _planned(facts: Mapping[str, object]) -> Callable[[Run], Run]:
    return lambda run: replace(run, state=RunState.PLANNED, facts=facts)
