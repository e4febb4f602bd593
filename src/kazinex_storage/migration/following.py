"""What goes with an object when it is copied: for a document, the register's record of where its revision lies.

Entry and record change in one transaction, so no reader ever finds a record that names a place without the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from ..documents.register import RevisionRecord, RevisionRegister, new_token, prepare_register
from ..errors import InvalidKeyError
from ..keys import DocumentKey
from ..values import value
from .journal import PROVEN, Entry, EntryState, Journal, Run

REMOVED: Final = "its revision was removed"
LOST: Final = "the source has no file of this revision any more, and the register says that it does"


@value
class Known:
    """What is known of an object before it is read."""

    sha256: str | None = None
    """What its bytes have to have."""
    removed: bool = False
    """Whether its revision was removed: then it is not copied."""


NOTHING: Final = Known()
"""Of an object that is no document."""


class Follower(Protocol):
    """Records what was copied, and what goes with it."""

    def before(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """Return what is known of objects that are about to be copied; what is not in it is not known."""
        ...

    def commit(self, journal: Journal, run: Run, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Record *entries* and what goes with them, in one transaction, and return them as they were recorded.

        One whose revision was removed meanwhile is VANISHED and not recorded yet: the caller deletes it from the target
        and then records it, so that a kill in between leaves it to the next pass.
        """
        ...


class NoFollower:
    """Records the entries alone: for objects that are no documents, and for runs that leave the register alone."""

    def before(self, keys: Sequence[str]) -> Mapping[str, Known]:  # noqa: ARG002  # nothing is known of any
        """Return nothing."""
        return {}

    def commit(self, journal: Journal, run: Run, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Record *entries*."""
        journal.record(run, entries)
        return entries


class RegisterFollower:
    """Moves the records of revisions from the source of a run to its target."""

    def __init__(
        self, register: RevisionRegister, organisation: str, source: str, target: str, *, moves: bool = True
    ) -> None:
        """Follow the documents of *organisation*.

        Args:
            register: Of the catalogue that also keeps the journal.
            organisation: Whose keys are relative to its folder.
            source: The id of the provider that records name before.
            target: That which they name afterwards.
            moves: Whether records are moved at all; a mirror only looks at them.
        """
        self._register = register
        self._organisation = organisation
        self._source, self._target, self._moves = source, target, moves
        self._seen: dict[str, RevisionRecord] = {}
        """What ``before`` has found: swaps name it by its token, so it is not looked up again unless one fails."""

    def before(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """Return the sha256 that the register keeps of documents; one look-up each.

        Raises:
            StorageError: the catalogue does not answer.
        """
        prepare_register(self._register, self._organisation)  # not in the transactions that come
        found: dict[str, Known] = {}
        for key, record in self._records(keys):
            if record is not None and record.document.filename == key.rpartition("/")[2]:
                removed = record.removal is not None
                self._seen[key] = record
                found[key] = Known(sha256=None if removed else record.sha256, removed=removed)
        return found

    def commit(self, journal: Journal, run: Run, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Record *entries* and where their revisions are, in one transaction; see ``Follower.commit``.

        Raises:
            StorageError: the catalogue does not answer; then nothing was recorded.
        """
        proven = {entry.key: entry for entry in entries if entry.state in PROVEN}
        with journal.together():
            removed = {key for key, entry in proven.items() if not self._follow(entry)}
            returned = [_vanished(entry) if entry.key in removed else self._found_lost(entry) for entry in entries]
            journal.record(run, [entry for entry in returned if entry.key not in removed])
        for entry in entries:
            self._seen.pop(entry.key, None)
        return returned

    def _records(self, keys: Iterable[str]) -> Iterable[tuple[str, RevisionRecord | None]]:
        for key in keys:
            document = self._document(key)
            if document is not None:
                yield key, self._register.revision(document)

    def _document(self, key: str) -> DocumentKey | None:
        if key.count("/") != 3:
            return None
        try:
            return DocumentKey.parse(f"{self._organisation}/{key}")
        except InvalidKeyError:
            return None

    def _found_lost(self, entry: Entry) -> Entry:
        """Return *entry* as FAILED if its file has gone and nobody removed it through the register."""
        document = self._document(entry.key) if entry.state is EntryState.VANISHED else None
        record = self._register.revision(document) if document is not None else None
        if record is None or record.removal is not None or record.provider != self._source:
            return entry
        return replace(entry, state=EntryState.FAILED, reason=LOST)

    def _follow(self, entry: Entry) -> bool:
        """Have the record of a document name the target; False when its revision is removed."""
        seen = self._seen.pop(entry.key, None)
        document = seen.document if seen is not None else self._document(entry.key)
        while document is not None:
            record = seen if seen is not None else self._register.revision(document)
            if record is None or record.document.filename != document.filename:
                return True  # an object that the register never heard of
            if record.removal is not None:
                return False
            if not self._moves or record.provider != self._source:
                if seen is None:
                    return True
                seen = None  # it may have been removed since
                continue
            seen, moved = None, self._moved(record, entry)
            if self._register.swap_revision(record, moved):
                return True
        return True

    def _moved(self, record: RevisionRecord, entry: Entry) -> RevisionRecord:
        """Return *record* as it names the target, with the bytes of *entry*."""
        return replace(record, provider=self._target, sha256=entry.sha256, size=entry.size, token=new_token())


def _vanished(entry: Entry) -> Entry:
    return replace(entry, state=EntryState.VANISHED, target_etag=None, reason=REMOVED)
