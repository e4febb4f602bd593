"""The permanent memory of revisions: which file each one has, and who removed it, when and why.

The register decides between uploads that race, and keeps a removed revision taken. A catalogue of organisations is one
(``organisations/catalogue.py``); ``writing.py`` and ``removing.py`` use it. docs/adr/0010 has the reasons.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import field, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Final, Protocol

from ..keys import DocumentKey
from ..values import value
from .quotas import Reservation, Usage
from .retentions import Kinds, MemoryRetentions, RetentionTable
from .usage import MemoryUsage

MAX_REASON_CHARACTERS: Final = 2000
"""Characters that who removed a document, and why, may have each."""


@value
class Removal:
    """Who removed a revision, when and why."""

    at: datetime
    """Aware UTC, by the clock of this process."""
    by: str | None = None
    """The person or program that the caller named."""
    reason: str | None = None

    def __post_init__(self) -> None:
        """Check what a database can hold.

        Raises:
            ValueError: a text is too long or holds what no text may, or the time has no zone.
        """
        if self.at.tzinfo is None:
            raise ValueError("the time of a removal has no zone; use datetime.now(UTC)")
        object.__setattr__(self, "at", self.at.astimezone(UTC))
        for name in ("by", "reason"):
            text: str | None = getattr(self, name)
            if text is None:
                continue
            check_words(f"{name!r} of a removal", text)


def check_words(what: str, text: str) -> None:
    """Refuse what a database cannot hold as *what* a person wrote.

    Raises:
        ValueError: the text is longer than ``MAX_REASON_CHARACTERS``, or holds what no text may.
    """
    if len(text) > MAX_REASON_CHARACTERS or "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(f"{what} is at most {MAX_REASON_CHARACTERS} characters, without NUL and surrogates")


def new_token() -> str:
    """Return a token that distinguishes a new state of a revision from every other one."""
    return secrets.token_hex(16)


@value
class RevisionRecord:
    """The one file that a revision has, or had."""

    document: DocumentKey
    provider: str
    """The id of the record of the provider that it was stored on."""
    sha256: str | None
    """Of its bytes; None where no sha256 is kept, and then no bytes are accepted again."""
    size: int | None = None
    """Bytes; None where an earlier release recorded it, or nothing was stored through here."""
    recorded_at: datetime
    """Aware UTC, by the clock of the process that stored it."""
    recorded_by: str | None = None
    """In whose name it was stored, where the caller said so."""
    removal: Removal | None = None
    """None while it is stored."""
    token: str = field(default_factory=new_token)
    """Distinguishes this state of the revision from every other one; each change makes a new one."""


class RevisionRegister(Protocol):
    """Remembers one record for each revision. Thread-safe, shared by all processes that write documents."""

    @property
    def retentions(self) -> RetentionTable:
        """What keeps revisions, in the same place."""
        ...

    def revision(self, document: DocumentKey) -> RevisionRecord | None:
        """Return what is remembered of the revision of *document*, whatever file name that has."""
        ...

    def swap_revision(
        self, before: RevisionRecord | None, after: RevisionRecord | None, *, claim: str | None = None
    ) -> bool:
        """Replace *before* by *after* in one step and say whether that was done; None means no record.

        Nothing is changed when the stored record has another token than *before*, or exists although *before* is None.
        Of concurrent callers that name the same *before*, exactly one succeeds. The usage of the organisation changes
        in the same step.

        Args:
            claim: The id of the reservation that this uses up, where there are quotas; empty when there was none.

        Raises:
            QuotaExceededError: there is a *claim*, its reservation has expired or never was, and there is no room.
            RetentionError: it is a removal, and a retention or a hold keeps the revision.
        """
        ...

    def unsized(self, organisation: str) -> tuple[RevisionRecord, ...]:
        """Return the stored revisions of which no size is kept: those that an earlier release recorded."""
        ...


def prepare_register(register: RevisionRegister, organisation: str) -> None:
    """Have at hand what swaps of *organisation* are signed with; call it before a transaction that has some.

    Raises:
        SettingsError: the keys cannot be read or made.
        StorageError: a key service refuses, or does not answer.
    """
    prepare = getattr(register, "prepare", None)  # where there is nothing to sign, there is none
    if prepare is not None:
        prepare(organisation)


class MemoryRegister:
    """A register for tests and short-lived programs: it lives as long as the object. Thread-safe."""

    def __init__(self, usage: MemoryUsage | None = None) -> None:
        """Count what is stored in *usage*, by default in one of its own."""
        self._records: dict[str, RevisionRecord] = {}
        self._usage = usage if usage is not None else MemoryUsage()
        self._usage.counted_by(self._counted)
        self._retentions = MemoryRetentions(self._usage.changing, self._stored)
        self.retentions: RetentionTable = self._retentions
        """What keeps revisions."""
        self._changed: Callable[[RevisionRecord | None, RevisionRecord | None], None] = lambda _before, _after: None

    def watched_by(self, changed: Callable[[RevisionRecord | None, RevisionRecord | None], None]) -> None:
        """Let *changed* be told of each swap, in the same step."""
        self._changed = changed

    def revision(self, document: DocumentKey) -> RevisionRecord | None:
        """Return what is remembered of the revision."""
        return self._records.get(document.revision_prefix)

    def records(self) -> tuple[RevisionRecord, ...]:
        """Return all that is remembered, of every organisation; for lists."""
        return tuple(self._records.values())

    def swap_revision(
        self, before: RevisionRecord | None, after: RevisionRecord | None, *, claim: str | None = None
    ) -> bool:
        """Replace *before* by *after* unless another one is kept.

        Raises:
            ValueError: both are None, or they are of two revisions.
        """
        prefix = prefix_of(before, after)
        with self._usage.changing:
            kept = self._records.get(prefix)
            if (kept.token if kept is not None else None) != (before.token if before is not None else None):
                return False
            record = after if after is not None else before
            if record is not None:
                self._retentions.swapped(record.document, kinds_of(before, after), record.recorded_at)
            if claim is not None and after is not None:
                self._usage.settle(claimed(claim, after))
            self._usage.change(prefix.partition("/")[0], usage_changes(before, after))
            if after is None:
                del self._records[prefix]
            else:
                self._records[prefix] = after
            self._changed(before, after)
            return True

    def unsized(self, organisation: str) -> tuple[RevisionRecord, ...]:
        """Return the stored revisions of which no size is kept."""
        with self._usage.changing:
            stored = [record for record in self._records.values() if record.document.organisation == organisation]
        return tuple(record for record in stored if record.size is None and record.removal is None)

    def _stored(self, prefix: str) -> bool:
        record = self._records.get(prefix)
        return record is not None and record.removal is None

    def _counted(self, organisation: str) -> Iterable[Usage]:
        stored = [record for record in self._records.values() if record.document.organisation == organisation]
        counted: dict[tuple[str, str], Usage] = {}
        for change in chain.from_iterable(usage_changes(None, record) for record in stored):
            known = counted.get((change.project, change.provider))
            objects, size = (known.objects, known.bytes) if known is not None else (0, 0)
            counted[change.project, change.provider] = replace(
                change, objects=objects + change.objects, bytes=size + change.bytes
            )
        return counted.values()


def usage_changes(before: RevisionRecord | None, after: RevisionRecord | None) -> tuple[Usage, ...]:
    """Return what a swap adds to the usage, and takes from it, in the order of projects and providers."""
    added: dict[tuple[str, str], tuple[int, int]] = {}
    for record, sign in ((before, -1), (after, 1)):
        if record is None or record.removal is not None:
            continue
        place = (record.document.project, record.provider)
        objects, size = added.get(place, (0, 0))
        added[place] = (objects + sign, size + sign * (record.size or 0))
    return tuple(
        Usage(project=place[0], provider=place[1], objects=added[place][0], bytes=added[place][1])
        for place in sorted(added)
        if added[place] != (0, 0)
    )


def kinds_of(before: RevisionRecord | None, after: RevisionRecord | None) -> Kinds:
    """Return what a swap means for what keeps the revision.

    A removal leaves the time of the record as it was; a withdrawal goes back to what was there before the record.
    """
    was, stays = before is not None and before.removal is None, after is not None and after.removal is None
    same = before is None or after is None or before.recorded_at == after.recorded_at
    removes = after is not None and not stays and same and (was or before is None)
    moves = before is not None and after is not None and was and stays and before.provider != after.provider
    return Kinds(stores=stays and not was, removes=removes, withdraws=was and not stays and not removes, moves=moves)


@value
class SourceChange:
    """What a swap changes for those who keep a copy of what is on one provider."""

    organisation: str
    provider: str
    """Where a file was stored, or removed."""
    key: str
    """Of the file, below the organisation."""
    removed: bool
    at: datetime
    """Aware UTC."""


def source_change(before: RevisionRecord | None, after: RevisionRecord | None) -> SourceChange | None:
    """Return what a swap changes on a provider; None where it tells no more of the same file."""
    record = after if after is not None else before
    if record is None or (before is not None and after is not None and _place(before) == _place(after)):
        return None
    document = record.document
    removed = after is None or after.removal is not None
    if removed and before is not None and before.removal is not None:
        return None  # it was removed before
    at = datetime.now(UTC) if after is None else after.removal.at if after.removal is not None else after.recorded_at
    return SourceChange(
        organisation=document.organisation,
        provider=record.provider,
        key=f"{document.project}/{document.document}/{document.revision}/{document.filename}",
        removed=removed,
        at=at,
    )


def _place(record: RevisionRecord) -> tuple[str, str, str | None, bool]:
    return record.provider, record.document.filename, record.sha256, record.removal is None


def claimed(claim: str, after: RevisionRecord) -> Reservation:
    """Return what recording *after* takes up, under the id of its reservation."""
    return Reservation(
        id=claim,
        organisation=after.document.organisation,
        project=after.document.project,
        provider=after.provider,
        bytes=after.size or 0,
        expires_at=after.recorded_at,
    )


def prefix_of(before: RevisionRecord | None, after: RevisionRecord | None) -> str:
    """Return the prefix of the one revision that both are of.

    Raises:
        ValueError: both are None, or they are of two revisions.
    """
    prefixes = {record.document.revision_prefix for record in (before, after) if record is not None}
    if len(prefixes) != 1:
        raise ValueError("a swap is of one revision")
    return prefixes.pop()
