"""What the code that opens a storage may supply where an organisation has quotas: the room that each write claims.

A claim is made before bytes are sent, and used up by who counts the object: the register of a guarded key, or the claim
itself. Storages without quotas have none of this. ``claiming.py`` has the steps around a write, ``documents/claims.py``
what organisations use; docs/adr/0048 has the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, Protocol

from ..keys import ObjectKey
from ..transport import Exchange

# What is killed holds its room for as long. A live upload that is slower is checked again at its end.
_LEAST: Final = timedelta(minutes=15)
_SLOWEST: Final = 256 * 1024  # bytes a second

PARTS_LIFETIME: Final = timedelta(days=1)
"""How long an upload in parts that was begun holds its room; going on with it begins the time again."""

SIGNED_GRACE: Final = timedelta(minutes=15)
"""How long after its expiry a signed PUT holds its room: it may still be running, and has to be confirmed."""


class Claim(Protocol):
    """The room that one write takes of the quotas of an organisation."""

    id: str
    """Of the reservation: kept in what leaves the process, so that another one can use it up."""

    def reserve(self, size: int, lifetime: timedelta) -> Exchange[None]:
        """Reserve room for one object of *size* bytes; once more extends it.

        Raises:
            QuotaExceededError: there is none.
        """
        ...

    def release(self) -> Exchange[None]:
        """Give the room back; harmless when there is nothing to give back."""
        ...

    def keep(self, size: int, objects: int) -> Exchange[None]:
        """Use the room up for what no register counts: so many more bytes and objects."""
        ...


class QuotaRule(Protocol):
    """Makes claims for the keys of a storage; keys are full."""

    def claim(self, key: ObjectKey, reservation: str = "") -> Claim:
        """Return a claim for *key*, which is that of a *reservation* made elsewhere if one is named."""
        ...

    def uncounted(self, keys: Sequence[ObjectKey]) -> Exchange[list[ObjectKey]]:
        """Return those of *keys* that no register counts."""
        ...

    def forget(self, sizes: Mapping[ObjectKey, int]) -> Exchange[None]:
        """Note that objects of these *sizes*, which no register counts, were removed."""
        ...


def lifetime_of(size: int) -> timedelta:
    """Return how long a put of *size* bytes may take before its room is free for others."""
    return _LEAST + timedelta(seconds=size // _SLOWEST)
