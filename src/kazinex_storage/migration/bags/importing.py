"""Importing bags (RFC 8493) into an organisation: all of them are checked whole before the first document is stored.

The run is kept in the journal. While bags are checked, an entry is added for each file that was found to be as its bag
says; the documents are stored when the last bag has passed. The same call goes on where a killed one stopped, in either
part. docs/leaving.md is the guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from ...documents.quotas import utc_now
from ...documents.register import RevisionRecord, RevisionRegister
from ...errors import AccessDeniedError, IntegrityError, NotFoundError, PolicyError, RecordConflictError
from ...keys import check_identifier, is_revision
from ...organisations.resolver import Resolver
from ...policy import UploadPolicy
from ...storage.sync import Storage
from ...types import Folder
from ...values import value
from ..journal import Count, Entry, EntryState, Journal, Run, RunKind, RunState
from ..leasing import advance, in_state
from ..progress import OnProgress, counts_dict, watching
from ..rates import Pace
from ..runs import begin_run
from ..telling import run_begun, run_ended
from .checking import BagCheck, Payload
from .formats import BAGIT, PAYLOAD, lines_of
from .options import ImportOptions
from .passes import batches, keep_and_tell, with_facts, work_through
from .places import BagPlace, bag_in, opened
from .sole import SolePlanner, planning
from .spans import BagSpan, read_spans
from .storing import OnReceipt, StoreJob, Storer
from .tags import REMOVALS, read_removal

_BATCH: Final = 256
_FAILURES: Final = 100
_BAD: Final = (EntryState.FAILED, EntryState.REFUSED)


@value
class ImportReport:
    """What an import has done so far."""

    run: Run | None
    """None after a dry run, which the journal does not keep."""
    organisation: str
    bags: tuple[str, ...]
    """The folders of those that were found, all of them whole."""
    counts: Mapping[EntryState, Count]
    """A dry run has what it would do: ``PLANNED`` and ``REFUSED``."""
    failures: tuple[Entry, ...]
    """The first hundred that were not stored: FAILED ones are tried again by the same import, REFUSED ones are not."""
    removals: int = 0
    """Revisions that were removed before the export, and are taken from now on here too."""

    @property
    def whole(self) -> bool:
        """Whether all that is in the bags is stored now."""
        return not self.failures

    def to_dict(self) -> dict[str, object]:
        """Return the report as values that JSON can hold."""
        return {
            "organisation": self.organisation,
            "run": self.run.id if self.run is not None else None,
            "whole": self.whole,
            "bags": list(self.bags),
            "counts": counts_dict(self.counts),
            "failures": [
                {"key": entry.key, "state": entry.state.value, "reason": entry.reason} for entry in self.failures
            ],
            "removals": self.removals,
        }


def import_bags(
    resolver: Resolver,
    organisation: str,
    bags: Path | Storage,
    *,
    options: ImportOptions | None = None,
    on_receipt: OnReceipt | None = None,
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Store the documents of all bags below *bags* for *organisation*, under its own rules, and report.

    Every bag is read whole and checked first: when one is not valid, or not of this organisation, nothing of any is
    stored. Each document then goes through ``DocumentStore.upload`` (write-once, policy, quotas), its sha256 compared
    once more. What is stored already with the same bytes is left alone, other bytes are REFUSED. Revisions that were
    removed before the export stay removed. An import that was interrupted goes on when it is asked for again. Cost: two
    reads of each file, then what an upload costs.

    Args:
        resolver: What opens the providers; the run is in the journal of its catalogue.
        organisation: Which stores them.
        bags: A folder with bags, or one that is a bag; or a storage, below its prefix.
        options: How.
        on_receipt: Gets the receipt of each document.
        on_progress: Called about once a second from another thread; see ``progress.py``.

    Raises:
        NotFoundError: there is no bag.
        IntegrityError: a bag is not valid; the message names it and says why.
        AccessDeniedError: a bag is of another organisation than *organisation*, or ``options.renamed_from``.
        UnresolvedOrganisationError: no provider is chosen.
    """
    check_identifier(organisation, "organisation")
    with opened(bags, resolver.transport) as place:
        work = _Import(resolver, organisation, place, options or ImportOptions())
        if work.options.dry_run:
            return work.look()
        run = work.begin()
        with watching(work.journal, run, on_progress):
            return work.carry_on(run, on_receipt)


class _Import:
    """One import for one organisation from one place."""

    def __init__(self, resolver: Resolver, organisation: str, place: BagPlace, options: ImportOptions) -> None:
        self.journal: Journal = resolver.organisations.catalogue.journal
        self.options = options
        self._resolver = resolver
        self._organisation = organisation
        self._owner = options.renamed_from or organisation
        self._place = place
        self._policies: dict[str | None, UploadPolicy | None] = {}
        self._pace = Pace(options.limits)
        self._names = _bags(place)

    def look(self) -> ImportReport:
        """Check everything, keep nothing."""
        counts: dict[EntryState, Count] = {}
        failures = list[Entry]()
        for name in self._names:
            with closing(self._check(name)) as check:
                check.structure()
                for payload in check.payload("", self.options.concurrency):
                    entry = self._entry(payload)
                    before = counts.get(entry.state, Count())
                    counts[entry.state] = Count(objects=before.objects + 1, bytes=before.bytes + entry.size)
                    if entry.state is EntryState.REFUSED and len(failures) < _FAILURES:
                        failures.append(entry)
        return ImportReport(
            run=None,
            organisation=self._organisation,
            bags=tuple(self._names),
            counts=counts,
            failures=tuple(failures),
        )

    def begin(self) -> Run:
        """Return the run to go on with: the one that was interrupted, or a new one."""
        options = {"from": self._place.name, "renamed_from": self.options.renamed_from}
        draft = Run(
            organisation=self._organisation,
            id="",
            kind=RunKind.IMPORT,
            source=self._place.id,
            target="",
            options=options,
            begun_at=utc_now(),
            begun_by=self._resolver.by,
        )
        run = begin_run(self.journal, draft)
        if run.options != options:
            raise RecordConflictError(
                "an import of these bags under another name has not ended; finish that one first", operation="import"
            )
        if run.state is not RunState.PLANNING:
            self.journal.reopen(run, [EntryState.FAILED])
        return run

    def carry_on(self, run: Run, on_receipt: OnReceipt | None) -> ImportReport:
        """Check, store, and remember removals."""
        if run.state is RunState.PLANNING:
            with planning(self.journal, run) as (run, sole):
                if run.state is RunState.PLANNING:
                    run = self._planned(run, sole)
        spans = read_spans(run.facts)
        run = advance(self.journal, run, in_state(RunState.RUNNING))
        job = StoreJob(
            organisation=self._organisation,
            owner=self._owner,
            resolver=self._resolver,
            place=self._place,
            spans=spans,
            options=self.options,
            on_receipt=on_receipt,
        )
        with closing(Storer(job)) as storer:
            work_through(self.journal, run, storer.store)
        removals = sum(self._remove(span.name) for span in spans)
        failed = next(iter(self.journal.entries(run, states=[EntryState.FAILED], limit=1)), None)
        state = RunState.ENDED if failed is None else RunState.DONE
        change = in_state(state, ended_at=utc_now())
        run = keep_and_tell(self._resolver, self.journal, run, change, run_ended)
        return ImportReport(
            run=run,
            organisation=self._organisation,
            bags=tuple(self._names),
            counts=self.journal.counts(run),
            failures=tuple(self.journal.entries(run, states=_BAD, limit=_FAILURES)),
            removals=removals,
        )

    def _planned(self, run: Run, sole: SolePlanner) -> Run:
        try:
            return self._plan(run, sole)
        except (IntegrityError, AccessDeniedError):
            self.journal.drop_run(self._organisation, run.id)  # nothing was stored
            raise

    def _plan(self, run: Run, sole: SolePlanner) -> Run:
        """Check the bags that no earlier process has, and add an entry for each file."""
        spans = read_spans(run.facts)
        known = sum(count.objects for count in self.journal.counts(run).values())
        for name in self._names:
            if any(span.name == name for span in spans):
                continue
            first = spans[-1].last + 1 if spans else 0
            after = self.journal.entries(run, first=known - 1, last=known - 1)[0].key if known > first else ""
            with closing(self._check(name)) as check:
                check.structure()
                for batch in batches(check.payload(after, self.options.concurrency), _BATCH):
                    sole.check()
                    entries = [self._entry(payload) for payload in batch]
                    known += self._add(run, name, entries)
                span = BagSpan(
                    name=name, project=None, first=first, last=known - 1, objects=known - first, bytes=check.bytes
                )
            spans.append(span)
            run = advance(self.journal, run, with_facts({"bags": [each.to_dict() for each in spans]}))
        return keep_and_tell(self._resolver, self.journal, run, in_state(RunState.PLANNED), run_begun)

    def _add(self, run: Run, name: str, entries: Sequence[Entry]) -> int:
        added = self.journal.add_entries(run, entries)
        if added != len(entries):
            raise IntegrityError(
                f"the bag {name!r} has a key that another bag has too; import them one by one", operation="import"
            )
        return added

    def _check(self, name: str) -> BagCheck:
        return BagCheck(bag_in(self._place, name), name, self._owner, self._pace)

    def _entry(self, payload: Payload) -> Entry:
        """Return the entry of a file that is as its bag says; REFUSED where the organisation does not allow it."""
        is_document = is_revision(f"{self._organisation}/{payload.key}")
        project = payload.key.partition("/")[0] if is_document else None
        if project not in self._policies:
            self._policies[project] = self._resolver.chosen(self._organisation, project).storage.policy
        policy, refusal = self._policies[project], None
        try:
            if policy is not None:
                policy.check(payload.key.rpartition("/")[2], payload.size)
        except PolicyError as error:
            refusal = error.message
        return Entry(
            number=0,
            key=payload.key,
            size=payload.size,
            state=EntryState.PLANNED if refusal is None else EntryState.REFUSED,
            sha256=payload.sha256,
            reason=refusal,
        )

    def _remove(self, name: str) -> int:
        """Remember what was removed before the export, where the register knows nothing of the revision."""
        with closing(self._check(name)) as check:
            check.tags()
            count = 0
            provider = self._resolver.chosen(self._organisation).provider
            for line in lines_of(check.removals(REMOVALS), REMOVALS):
                count += _taken(self._resolver.revisions, read_removal(line, self._organisation, provider))
            return count


def _taken(register: RevisionRegister, record: RevisionRecord) -> bool:
    return register.revision(record.document) is None and register.swap_revision(None, record)


def _bags(place: BagPlace) -> list[str]:
    """Return the folders below *place* that are bags, or that are meant to be; empty is the place itself.

    Raises:
        NotFoundError: there are none.
    """
    names, here = list[str](), False
    for found in place.entries():
        if isinstance(found, Folder):
            name = found.prefix.rstrip("/")
            if found.prefix == PAYLOAD:
                here = True
            elif place.holds(f"{name}/{PAYLOAD}") or place.storage.exists(f"{name}/{BAGIT}"):
                names.append(name)
        elif found.key == BAGIT:
            here = True
    if here:
        return [""]
    if not names:
        raise NotFoundError(f"there is no bag in {place.name!r}", operation="import")
    return sorted(names)
