"""The entries of the audit and the end of its chain, and what they are hashed and sealed over. Values only.

The hash of an entry is the SHA-256 of all that it says, its number and the hash of the entry before it included; so it
stands for the whole chain up to it. A seal is a MAC of that hash under a key that the table does not hold.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, Self

from ...documents.events import Event
from ...errors import InvalidJsonError
from ...json_text import TEXT, TIME, Schema, optional, parse_own_json, whole_number, write_json
from ...lazy import regex
from ...storage.states import StateKeys
from ...values import value

START: Final = "0" * 64
"""Stands for the hash of the entry before the first."""

MAX_TEXT_CHARACTERS: Final = 4000
"""Characters that are kept of each text of an event; a key has at most 1,024 bytes."""

# Changed when what is hashed changes, so that no text means two things.
_ENTRY: Final = "kazinex audit entry 1"
_HEAD: Final = "kazinex audit head 1"
_PURPOSE: Final = b"kazinex-storage audit 1\0"
_SEAL: Final = regex(r"([0-9a-f]{16})\.([0-9a-f]{64})")

_ENTRY_FIELDS: Final = (
    *("organisation", "number", "at", "event", "by", "provider", "project"),
    *("outcome", "fields", "previous", "hash", "seal"),
)
_HEAD_FIELDS: Final = ("organisation", "number", "hash", "first", "before_first", "seal")
_UNCHANGED = "give what export wrote, unchanged"
_SCHEMA = Schema(
    what="an entry of the audit",
    fix=_UNCHANGED,
    fields={
        "organisation": TEXT,
        "number": whole_number(1, "the number of an entry"),
        "at": TIME,
        "event": TEXT,
        "by": optional(TEXT),
        "provider": optional(TEXT),
        "project": optional(TEXT),
        "outcome": TEXT,
        "fields": TEXT,
        "previous": TEXT,
        "hash": TEXT,
        "seal": optional(TEXT),
    },
)
_HEAD_SCHEMA = Schema(
    what="the end of an audit",
    fix=_UNCHANGED,
    fields={
        "organisation": TEXT,
        "number": whole_number(0, "the number of the last entry"),
        "hash": TEXT,
        "first": whole_number(1, "the number of the first entry that is kept"),
        "before_first": TEXT,
        "seal": optional(TEXT),
    },
)


class Seals:
    """Makes and checks the seals of one organisation. Without keys it makes none."""

    __slots__ = ("_keys", "_sealing")

    def __init__(self, keys: StateKeys | None) -> None:
        """Seal under *keys*, those of the upload states of the organisation; the seals are not theirs."""
        self._keys = keys
        self._sealing: tuple[str, bytes] | None = None

    @property
    def seals(self) -> bool:
        """Whether there are keys."""
        return self._keys is not None

    def seal(self, text: str) -> str | None:
        """Return the seal of *text*.

        Raises:
            StorageError: the keys cannot be read.
        """
        if self._keys is None:
            return None
        if self._sealing is None:  # read once: these are made for one entry, and the keys may be in a file
            self._sealing = self._keys.sealing()
        key_id, key = self._sealing
        return f"{key_id}.{_mac(key, text)}"

    def why_not(self, seal: str | None, text: str) -> str | None:
        """Say what is wrong with *seal* as that of *text*; None when nothing is.

        Raises:
            StorageError: the keys cannot be read.
        """
        if self._keys is None:
            return None
        if seal is None:
            return "it is not sealed"
        parts = _SEAL.fullmatch(seal)
        key = self._keys.checking(parts[1]) if parts is not None else None
        if parts is None:
            return "its seal is no seal"
        if key is None:
            return f"it is sealed under the key {parts[1]}, which is not at hand"
        return None if hmac.compare_digest(parts[2], _mac(key, text)) else "its seal does not fit"


@value
class AuditEntry:
    """One event, as it stands in the chain of its organisation."""

    organisation: str
    """Empty for what concerns all organisations."""
    number: int
    """1 for the first event of the organisation, without gaps."""
    at: datetime
    """When it happened; aware UTC."""
    event: str
    """Its name, such as ``provider.added``."""
    by: str | None
    provider: str | None
    """The id of a provider."""
    project: str | None
    outcome: str
    fields: str
    """All that the event says, as JSON."""
    previous: str
    """The hash of the entry before."""
    hash: str
    """The SHA-256 of all the others but the seal, in hexadecimal."""
    seal: str | None = None
    """A MAC of the hash, after the id of the key; None where the catalogue has no keys."""

    def said(self) -> Mapping[str, object]:
        """Return what the event said, as its ``to_dict`` did.

        Raises:
            InvalidJsonError: it was damaged.
        """
        try:
            found = parse_own_json(self.fields)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise InvalidJsonError(f"the entry {self.number} of the audit holds no event; verify the audit")
        return found

    def to_dict(self) -> dict[str, object]:
        """Return the entry as values that JSON can hold, as ``verify_exported`` reads them."""
        return {**self.columns(), "at": self.at.isoformat()}

    def columns(self) -> dict[str, object]:
        """Return the entry as the columns of its row."""
        return {name: getattr(self, name) for name in _ENTRY_FIELDS}

    @classmethod
    def from_dict(cls, found: object) -> Self:
        """Return the entry that ``to_dict`` wrote.

        Raises:
            InvalidJsonError: a field is missing, unknown or not legal.
        """
        fields = _SCHEMA.read(found)
        return cls(**{**fields, "at": datetime.fromisoformat(fields["at"])})

    def digest(self) -> str:
        """Return the hash that the entry has to have."""
        parts = [
            _ENTRY,
            self.organisation,
            self.number,
            self.at.isoformat(),
            self.event,
            self.by,
            self.provider,
            self.project,
            self.outcome,
            self.fields,
            self.previous,
        ]
        return hashlib.sha256(write_json(parts).encode()).hexdigest()


@value
class AuditHead:
    """Where the chain of an organisation ends, and where it begins since its oldest entries were dropped."""

    organisation: str
    number: int = 0
    """That of the last entry; 0 before there is one."""
    hash: str = START
    """Of the last entry."""
    first: int = 1
    """The number of the first entry that is kept."""
    before_first: str = START
    """The hash of the entry before that."""
    seal: str | None = None

    def sealed(self, seals: Seals) -> AuditHead:
        """Return it with its seal.

        Raises:
            StorageError: the keys cannot be read.
        """
        return replace(self, seal=seals.seal(self.text()))

    def text(self) -> str:
        """Return what is sealed."""
        return write_json([_HEAD, self.organisation, self.number, self.hash, self.first, self.before_first])

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold, and as the columns of its row."""
        return {name: getattr(self, name) for name in _HEAD_FIELDS}

    @classmethod
    def from_dict(cls, found: object) -> Self:
        """Return what ``to_dict`` wrote.

        Raises:
            InvalidJsonError: a field is missing, unknown or not legal.
        """
        return cls(**_HEAD_SCHEMA.read(found))


@value
class AuditQuery:
    """Which entries of an organisation are wanted: those that fit all that is given."""

    after: int = 0
    """Only those with a larger number: the last one that was read, to go on from there."""
    before: int | None = None
    """Only those with a smaller number."""
    event: str | None = None
    """A name; ``provider.`` or ``document.`` with its dot is all that begin so."""
    by: str | None = None
    provider: str | None = None
    project: str | None = None
    since: datetime | None = None
    """Those that happened then or later; aware."""
    until: datetime | None = None
    """Those that happened before; aware."""
    limit: int = 100
    """Entries at most."""
    newest_first: bool = False

    def fits(self, entry: AuditEntry) -> bool:
        """Say whether *entry* is wanted, the limit apart."""
        named = self.event is None or (
            entry.event.startswith(self.event) if self.event.endswith(".") else entry.event == self.event
        )
        return (
            named
            and entry.number > self.after
            and (self.before is None or entry.number < self.before)
            and self.by in (None, entry.by)
            and self.provider in (None, entry.provider)
            and self.project in (None, entry.project)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


def entry_of(event: Event, head: AuditHead, seals: Seals) -> AuditEntry:
    """Return *event* as the entry after *head*, hashed and sealed.

    Raises:
        StorageError: the keys cannot be read.
    """
    said = {name: _cut(found) for name, found in event.to_dict().items()}
    entry = AuditEntry(
        organisation=head.organisation,
        number=head.number + 1,
        at=event.at,
        event=event.name,
        by=event.by,
        provider=event.provider,
        project=event.project,
        outcome=event.outcome,
        fields=write_json(said, sort_keys=True),
        previous=head.hash,
        hash="",
    )
    digest = entry.digest()
    return replace(entry, hash=digest, seal=seals.seal(digest))


def after(head: AuditHead, entry: AuditEntry, seals: Seals) -> AuditHead:
    """Return the head of a chain that *entry* was added to.

    Raises:
        StorageError: the keys cannot be read.
    """
    return replace(head, number=entry.number, hash=entry.hash).sealed(seals)


def _cut(found: object) -> object:
    if isinstance(found, str) and len(found) > MAX_TEXT_CHARACTERS:
        return f"{found[:MAX_TEXT_CHARACTERS]} ({len(found) - MAX_TEXT_CHARACTERS} more characters)"
    return found


def _mac(key: bytes, text: str) -> str:
    own = hmac.digest(key, _PURPOSE, "sha256")  # so that no seal is the MAC of an upload state
    return hmac.digest(own, text.encode(), "sha256").hex()
