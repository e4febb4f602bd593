"""What a provider adds to keep objects from change and removal: retention until a date, and legal holds.

A provider need not look at either before it writes or removes: ``storage/protecting.py`` asks ``protection`` first, for
every verb that would change an object. One that refuses all of these by itself, with ``RetentionError``, says so with
an attribute ``refuses_kept`` that is True; then nothing is asked.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .keys import ObjectKey
from .retention import Protection, Retention


@runtime_checkable
class Protector(Protocol):
    """What a provider has that declares ``Capability.RETENTION`` or ``Capability.LEGAL_HOLD``."""

    def protection(self, key: ObjectKey) -> Protection:
        """Return what keeps the object.

        Raises:
            NotFoundError: no such key.
        """
        ...


@runtime_checkable
class Retainer(Protocol):
    """What a provider adds to declare ``Capability.RETENTION``."""

    def retain(self, key: ObjectKey, retention: Retention | None, bypass: bool) -> None:
        """Set the retention of the object as it is now; None ends it. It was checked that this may be done.

        Args:
            key: Of the object.
            retention: The one that is to hold from now on.
            bypass: It ends, or ends earlier than the one before, which the caller has a right to say.

        Raises:
            NotFoundError: no such key.
            RetentionError: the service does not let the one before go.
        """
        ...


@runtime_checkable
class Holder(Protocol):
    """What a provider adds to declare ``Capability.LEGAL_HOLD``."""

    def hold(self, key: ObjectKey, held: bool) -> None:
        """Begin a hold of the object as it is now, or end it; doing so twice changes nothing.

        Raises:
            NotFoundError: no such key.
        """
        ...
