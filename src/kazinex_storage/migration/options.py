"""How objects are copied: what is proven, how much at once, and for how long a provider that is down is waited for.

Options stand in the record of a run, as JSON, so that whoever goes on with it goes on in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from ..json_text import Kind, Schema, one_of, optional, whole_number
from ..types import MIB, ProviderInfo
from ..values import value
from .rates import RateLimits

Verify: TypeAlias = Literal["full", "size"]
"""What proves a copy: the sha256 of every byte, or its size alone."""

# From S3 to S3, 4 KiB each: 9.4 ms an object with 16 at once, 5.6 with 32, 4.9 with 64; the lane of runs has half of
# the connections.
MOST_AT_ONCE: Final = 32
"""Objects under way at once in one process, unless more are asked for."""

_FLAG: Final = Kind("true or false", lambda value: isinstance(value, bool))
_SECONDS: Final = Kind(
    "seconds above 0", lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value > 0
)
_OPTIONS: Final = Schema(
    what="the options of a copy",
    fix="use what to_dict returned",
    fields={
        "verify": one_of(("full", "size"), "'full' or 'size'"),
        "concurrency": optional(whole_number(1, "objects at once")),
        "small_bytes": whole_number(0, "bytes"),
        "attempts": whole_number(1, "tries"),
        "patience_s": _SECONDS,
        "lease_s": _SECONDS,
        "accept_rewritten": _FLAG,
        "drop_properties": _FLAG,
        "limits": Kind("limits by name", lambda value: isinstance(value, Mapping)),
    },
    optional={
        "verify": "full",
        "concurrency": None,
        "small_bytes": 8 * MIB,
        "attempts": 5,
        "patience_s": 900.0,
        "lease_s": 30.0,
        "accept_rewritten": False,
        "drop_properties": False,
        "limits": {},
    },
)


@value
class CopyOptions:
    """How objects are copied. The defaults prove every byte."""

    verify: Verify = "full"
    """``size`` leaves out comparing bytes on the target; the sha256 of what was read is recorded in any case."""
    concurrency: int | None = None
    """Objects that one process has under way at once; None: as many as pay off at both ends, ``at_once``."""
    # What every provider takes in one request, and what 16 of are no burden on memory.
    small_bytes: int = 8 * MIB
    """Up to this size an object is held in memory while it is copied; what is larger is read in pieces."""
    attempts: int = 5
    """How many times an object is tried in one pass, after errors that may pass."""
    patience: timedelta = timedelta(minutes=15)
    """How long a provider that does not answer at all is waited for before objects fail."""
    lease: timedelta = timedelta(seconds=30)
    """How long a partition is held without a sign of life of its process."""
    accept_rewritten: bool = False
    """Whether a file counts as copied whose bytes the service changed by itself, as SharePoint does with office files;
    the new sha256 is then the one that is kept. Otherwise it fails, and nothing of it is kept on the target."""
    drop_properties: bool = False
    """Whether objects are copied without metadata, disposition and the like to a target that keeps none of those.
    Otherwise the plan refuses them."""
    limits: RateLimits = RateLimits()
    """Bytes and requests a second that all processes together may use."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            InvalidJsonError: a value is not legal; the message names it.
        """
        _OPTIONS.read(self._fields())

    def at_once(self, *ends: ProviderInfo) -> int:
        """Return how many objects to have under way at once between *ends*."""
        if self.concurrency is not None:
            return self.concurrency
        return min(MOST_AT_ONCE, *(max(1, end.concurrency) for end in ends))

    def to_dict(self) -> dict[str, object]:
        """Return the options as values that JSON can hold."""
        return self._fields()

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> CopyOptions:
        """Return the options that ``to_dict`` wrote; what is left out has its default, what is unknown is left alone.

        Raises:
            InvalidJsonError: a value is not legal.
        """
        found = _OPTIONS.read({name: given for name, given in fields.items() if name in _OPTIONS.fields})
        patience, lease = timedelta(seconds=found.pop("patience_s")), timedelta(seconds=found.pop("lease_s"))
        limits = RateLimits.from_dict(found.pop("limits"))
        return cls(**found, patience=patience, lease=lease, limits=limits)

    def _fields(self) -> dict[str, object]:
        return {
            "verify": self.verify,
            "concurrency": self.concurrency,
            "small_bytes": self.small_bytes,
            "attempts": self.attempts,
            "patience_s": self.patience.total_seconds(),
            "lease_s": self.lease.total_seconds(),
            "accept_rewritten": self.accept_rewritten,
            "drop_properties": self.drop_properties,
            "limits": self.limits.to_dict(),
        }
