"""The permanent memory of revisions: which file each one has, and who removed it, when and why.

The register decides between uploads that race, and keeps a removed revision taken. A catalogue of organisations is one
(``organisations/catalogue.py``); ``writing.py`` and ``removing.py`` use it. docs/adr/0010 has the reasons.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import field
from datetime import UTC, datetime
from typing import Final, Protocol

from ..keys import DocumentKey
from ..values import value

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
    recorded_at: datetime
    """Aware UTC, by the clock of the process that stored it."""
    removal: Removal | None = None
    """None while it is stored."""
    token: str = field(default_factory=new_token)
    """Distinguishes this state of the revision from every other one; each change makes a new one."""


class RevisionRegister(Protocol):
    """Remembers one record for each revision. Thread-safe, shared by all processes that write documents."""

    def revision(self, document: DocumentKey) -> RevisionRecord | None:
        """Return what is remembered of the revision of *document*, whatever file name that has."""
        ...

    def swap_revision(self, before: RevisionRecord | None, after: RevisionRecord | None) -> bool:
        """Replace *before* by *after* in one step and say whether that was done; None means no record.

        Nothing is changed when the stored record has another token than *before*, or exists although *before* is None.
        Of concurrent callers that name the same *before*, exactly one succeeds.
        """
        ...


class MemoryRegister:
    """A register for tests and short-lived programs: it lives as long as the object. Thread-safe."""

    def __init__(self) -> None:
        self._records: dict[str, RevisionRecord] = {}
        self._lock = threading.Lock()

    def revision(self, document: DocumentKey) -> RevisionRecord | None:
        """Return what is remembered of the revision."""
        return self._records.get(document.revision_prefix)

    def swap_revision(self, before: RevisionRecord | None, after: RevisionRecord | None) -> bool:
        """Replace *before* by *after* unless another one is kept.

        Raises:
            ValueError: both are None, or they are of two revisions.
        """
        prefix = prefix_of(before, after)
        with self._lock:
            kept = self._records.get(prefix)
            if (kept.token if kept is not None else None) != (before.token if before is not None else None):
                return False
            if after is None:
                del self._records[prefix]
            else:
                self._records[prefix] = after
            return True


def prefix_of(before: RevisionRecord | None, after: RevisionRecord | None) -> str:
    """Return the prefix of the one revision that both are of.

    Raises:
        ValueError: both are None, or they are of two revisions.
    """
    prefixes = {record.document.revision_prefix for record in (before, after) if record is not None}
    if len(prefixes) != 1:
        raise ValueError("a swap is of one revision")
    return prefixes.pop()
