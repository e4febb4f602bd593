"""What is asked before a prune, how carefully it goes, and what it reports. Values only; ``pruning.py`` does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from ..values import value
from .journal import Count, Entry, Run

Proof: TypeAlias = Literal["full", "version"]
"""``full``: the bytes on the target are read and hashed. ``version``: it is still the version that a copy wrote, and
read where the service does not say so."""


@value
class PruneAsk:
    """What is about to be deleted, for whoever has to say yes."""

    run: Run
    label: str
    """Of the provider that loses it."""
    location: str
    """Where that keeps objects."""
    objects: int
    """At most; what turns out not to be proven stays."""
    bytes: int
    """Of those."""
    recycled: bool
    """Whether the service keeps deleted files in a recycle bin."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {
            "run": self.run.id,
            "label": self.label,
            "location": self.location,
            "objects": self.objects,
            "bytes": self.bytes,
            "recycled": self.recycled,
        }


Confirm: TypeAlias = Callable[[PruneAsk], bool]
"""Says whether to go on."""


@value
class PruneOptions:
    """How carefully, and in spite of what."""

    verify: Proof = "full"
    allow_failed: bool = False
    """Go on though some objects of the run are planned still, or failed: they stay in any case."""
    allow_chosen: bool = False
    """Go on though new documents still go to the source."""
    concurrency: int = 8
    """Objects at once."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: there is no such proof, or nothing is to be done at a time.
        """
        if self.verify not in ("full", "version") or self.concurrency < 1:
            raise ValueError("a prune verifies 'full' or by 'version', one object or more at once")


DEFAULTS: Final = PruneOptions()
"""Every byte is proven again."""


@value
class PruneReport:
    """What a prune did."""

    run: Run
    pruned: Count
    """What was deleted by this call."""
    retained: int
    """Objects that the service, or a rule, keeps."""
    kept: tuple[Entry, ...]
    """The first hundred that stayed for another reason, which each names."""
    recycled: bool
    """Whether what was deleted is in a recycle bin."""
    stopped: str | None = None
    """Why it ended before the last object; None when it did not."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {
            "run": self.run.id,
            "pruned": {"objects": self.pruned.objects, "bytes": self.pruned.bytes},
            "retained": self.retained,
            "kept": [{"key": entry.key, "state": entry.state.value, "reason": entry.reason} for entry in self.kept],
            "recycled": self.recycled,
            "stopped": self.stopped,
        }
