"""What every event has: a name, when, in whose name, of which organisation, how it ended; and its form in JSON."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from ...keys import DocumentKey
from ..register import Removal, check_words

if TYPE_CHECKING:
    from typing import Self

EventOutcome: TypeAlias = Literal["done", "refused", "failed"]
"""How it ended: done; refused by a rule of ours; or tried and failed."""


def utc_now() -> datetime:
    """Return the time as events have it."""
    return datetime.now(UTC)


class Event:
    """Something that happened, as a value. It holds no secret, and no signed URL."""

    __slots__ = ()

    name = ""
    """What happened, such as ``provider.added``: the same for all events of one class."""

    # What follows are fields of the events, or made of their fields.

    @property
    @abstractmethod
    def at(self) -> datetime:
        """When; aware UTC, by the clock of this process."""
        ...

    @property
    @abstractmethod
    def organisation(self) -> str:
        """Whose it is; empty for what concerns all organisations."""
        ...

    @property
    @abstractmethod
    def by(self) -> str | None:
        """In whose call it happened, as the host named them: ``acting(by)``, ``DocumentStore(by=...)``."""
        ...

    @property
    @abstractmethod
    def outcome(self) -> EventOutcome:
        """How it ended."""
        ...

    @property
    def project(self) -> str | None:
        """The project, where there is one."""
        return None

    @property
    def provider(self) -> str | None:
        """The id of the record of the provider, where there is one."""
        return None

    @property
    def document(self) -> DocumentKey | None:
        """The document, where there is one."""
        return None

    def in_name_of(self, by: str | None) -> Self:
        """Return the event as one of *by*, unless it says who it is of."""
        if by is None or self.by is not None:
            return self
        return replace(self, by=by)  # type: ignore[type-var]  # its classes are values

    def to_dict(self) -> dict[str, object]:
        """Return the event as values that JSON can hold; a document as its key, times in ISO 8601."""
        found: dict[str, object] = {
            "event": self.name,
            "at": self.at.isoformat(),
            "organisation": self.organisation,
            "by": self.by,
            "outcome": self.outcome,
            "provider": self.provider,
            "project": self.project,
        }
        for each in fields(self):  # type: ignore[arg-type]  # as above
            found.setdefault(each.name, _json(getattr(self, each.name)))
        return found


EventHook: TypeAlias = Callable[[Event], object]
"""Called with each event; what it raises passes through the call that caused the event."""


def check_by(by: str | None) -> str | None:
    """Return *by*, in whose name something is done, if a database can hold it.

    Raises:
        ValueError: it is empty, too long, or holds NUL or surrogates.
    """
    if by is not None:
        if not by:
            raise ValueError("'by' is the name or id of whoever acts; leave it out when there is none")
        check_words("'by'", by)
    return by


def both(*hooks: EventHook | None) -> EventHook:
    """Return a hook that gives each event to all of *hooks*, in their order; the first that raises ends it."""
    given = [hook for hook in hooks if hook is not None]

    def emit(event: Event) -> None:
        for hook in given:
            hook(event)

    return emit


def _json(found: object) -> object:
    if isinstance(found, DocumentKey):
        return found.build()
    if isinstance(found, datetime):
        return found.isoformat()
    if isinstance(found, Removal):
        return {"at": found.at.isoformat(), "by": found.by, "reason": found.reason}
    if isinstance(found, tuple):
        return [_json(each) for each in found]
    return found
