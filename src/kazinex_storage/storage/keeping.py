"""The operations on what keeps objects: retention until a date, and legal holds. ``protecting.py`` enforces them."""

from __future__ import annotations

from datetime import UTC, datetime

from ..capabilities import KEEPS, Capability
from ..keys import ObjectKey
from ..retention import Protection, Retention, check_change
from ..transport import Exchange
from .operation import Context, operation


class Keeping:
    """The operations on what keeps objects."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        """Work with what *context* says."""
        self.context = context
        """Provider, prefix and rules."""

    @operation("retain")
    def retain(self, key: ObjectKey, retention: Retention | None, bypass: bool) -> Exchange[Protection]:
        """Set the retention; see ``Storage.retain``."""
        context = self.context
        context.rules.need(Capability.RETENTION, "a retention")
        before = yield from context.exchanges.protection(key)
        check_change(before.retention, retention, datetime.now(UTC), bypass=bypass)
        if before.retention != retention:
            yield from context.exchanges.retain(key, retention, bypass)
        return Protection(retention=retention, held=before.held)

    @operation("hold")
    def hold(self, key: ObjectKey, held: bool) -> Exchange[None]:
        """Begin or end a hold; see ``Storage.hold``."""
        context = self.context
        context.rules.need(Capability.LEGAL_HOLD, "a legal hold")
        if (yield from context.exchanges.protection(key)).held is not held:
            yield from context.exchanges.hold(key, held)

    @operation("retention")
    def protection(self, key: ObjectKey) -> Exchange[Protection]:
        """Return what keeps the object; see ``Storage.retention``."""
        if not self.context.info.capabilities & KEEPS:
            self.context.rules.need(Capability.RETENTION, "a retention")
        return self.context.exchanges.protection(key)
