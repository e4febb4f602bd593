"""What happens to fleets of documents: runs that move, mirror, compare and prune them; see ``migration``.

A million objects are not a million events. A run tells when it begins and ends; what it moved and what it deleted is
told once for each partition, some 256 objects, with a sha256 over the keys and bytes of all of them, so that an audit
proves each one by the journal or by the evidence of the run. ADR 0054.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from ...values import value
from .base import Event, EventOutcome, utc_now


@value
class RunBegun(Event):
    """A run was planned, and its work begins."""

    name = "run.begun"

    organisation: str
    run: str
    """The id of the run."""
    kind: str
    """``copy``, ``mirror``, ``audit``, ``export`` or ``import``."""
    source: str
    """The id of a provider; empty where it is none of the organisation."""
    target: str
    project: str | None = None
    """The only project; None is all."""
    objects: int = 0
    """How many the plan has."""
    bytes: int = 0
    """In all."""
    refused: int = 0
    """Of them, how many the target cannot hold."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def provider(self) -> str | None:
        """The target."""
        return self.target or None


@value
class RunEnded(Event):
    """A pass of a run ended. It failed when an object failed; the next pass tries those again."""

    name = "run.ended"

    organisation: str
    run: str
    """The id of the run."""
    kind: str
    """``copy``, ``mirror``, ``audit``, ``export`` or ``import``."""
    source: str
    """The id of a provider; empty where it is none of the organisation."""
    target: str
    project: str | None = None
    """The only project; None is all."""
    objects: int = 0
    """How many are done: on the target, packed or stored, or compared."""
    bytes: int = 0
    """In all."""
    failed: int = 0
    """How many objects; ``reason`` of their entries says why."""
    refused: int = 0
    """How many the target cannot hold."""
    vanished: int = 0
    """How many the source had no more."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def provider(self) -> str | None:
        """The target."""
        return self.target or None


@value
class DocumentsMoved(Event):
    """Objects of one partition were proven on the target; but for a mirror, documents are read there from now on."""

    name = "documents.moved"

    organisation: str
    run: str
    """The id of the run."""
    source: str
    """The id of a provider."""
    target: str
    partition: int
    """Its number in the run."""
    objects: int
    """How many."""
    bytes: int
    """In all."""
    sha256: str
    """Over a line for each object: its key, its size and its sha256; see ``migration.telling``."""
    project: str | None = None
    """The only project of the run; None is all."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def provider(self) -> str | None:
        """The target."""
        return self.target or None


@value
class SourcePruned(Event):
    """Objects of one partition were deleted from the source after the target had been proven."""

    name = "source.pruned"

    organisation: str
    run: str
    """The id of the run."""
    source: str
    """The id of a provider."""
    target: str
    partition: int
    """Its number in the run."""
    objects: int
    """How many."""
    bytes: int
    """In all."""
    sha256: str
    """Over a line for each object: its key, its size and its sha256; see ``migration.telling``."""
    retained: int = 0
    """How many the source keeps: a retention rule, a lock."""
    project: str | None = None
    """The only project of the run; None is all."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def provider(self) -> str | None:
        """The source: the one that has less now."""
        return self.source or None


@value
class CutOver(Event):
    """The choices of the organisation that named the source of a run name its target now."""

    name = "run.cut_over"

    organisation: str
    run: str
    """The id of the run."""
    source: str
    """The id of a provider."""
    target: str
    default: bool
    """Whether the default was one of them."""
    overrides: tuple[str, ...] = ()
    """The projects whose overrides were, sorted."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def provider(self) -> str | None:
        """The target."""
        return self.target or None


@value
class RolledBack(Event):
    """What a cut-over had changed names the source again, and so does the register where the source has the objects."""

    name = "run.rolled_back"

    organisation: str
    run: str
    """The id of the run."""
    source: str
    """The id of a provider."""
    target: str
    objects: int
    """How many the register names the source for again."""
    stragglers: int = 0
    """How many lie on the target alone."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def provider(self) -> str | None:
        """The source: the one that is chosen again."""
        return self.source or None


@value
class AuditEnded(Event):
    """Two providers, or one and the register, were compared. It failed when something is missing or different."""

    name = "run.audited"

    organisation: str
    run: str
    """The id of the run."""
    source: str
    """The id of a provider; empty for the register."""
    target: str
    level: str
    """``size``, ``checksum`` or ``full``."""
    matched: int
    """How many are alike, as far as was asked for."""
    missing: int
    """How many the target lacks."""
    extra: int
    """How many it has besides."""
    different: int
    """How many have other bytes."""
    rewritten: int
    """How many have other bytes that the service itself made."""
    project: str | None = None
    """The only project; None is all."""
    outcome: EventOutcome = "done"
    by: str | None = None
    at: datetime = field(default_factory=utc_now, compare=False)
    """Aware UTC."""

    @property
    def provider(self) -> str | None:
        """The target."""
        return self.target or None
