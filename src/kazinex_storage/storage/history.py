"""Earlier versions of objects, and what was deleted: listed, read, brought back, and removed for good, as exchanges.

``Storage`` and ``AsyncStorage`` run these as they run ``operations.py``. Versions are the place's; what was deleted is
kept by the place, or by this library (``trash.py``). A write that brings something back passes the same door as a put.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from ..capabilities import Capability
from ..errors import NotSupportedError, StorageError
from ..keys import ObjectKey
from ..transport import Exchange
from ..types import ByteRange, ObjectInfo, PutMode, Sink
from ..versions import DeletedObject, ObjectVersion
from .claiming import removing, within_quota
from .operation import Context, operation, unscoped_operation

_Kept = TypeVar("_Kept", ObjectVersion, DeletedObject)


class History:
    """The operations on what objects were, below one prefix, under one policy. Holds no state."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        """Work with what *context* says."""
        self.context = context
        """Provider, prefix and rules."""

    @operation("versions")
    def versions(self, key: ObjectKey) -> Exchange[list[ObjectVersion]]:
        """Return the versions of the object, the newest first; see ``Storage.versions``."""
        self.context.rules.need(Capability.VERSIONS, "listing versions")
        return self._relative((yield from self.context.exchanges.versions(key)))

    @operation("restore")
    def restore(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Make *version* the object again; see ``Storage.restore``.

        Raises:
            NotSupportedError: the key is written once.
        """
        context = self.context
        context.rules.need(Capability.VERSIONS, "restoring a version")
        if context.rules.creates(key):
            raise NotSupportedError("this key is written once: no version of it replaces another")
        context.rules.check_name(key)
        size = (yield from context.exchanges.head_version(key, version)).size
        context.rules.check_size(size)

        def restore() -> Exchange[ObjectInfo]:
            return context.exchanges.restore(key, version)

        return (yield from within_quota(context, (key, PutMode.REPLACE, size), None, restore))

    @unscoped_operation("deleted")
    def deleted(self, prefix: str) -> Exchange[list[DeletedObject]]:
        """Return what was deleted below *prefix*; see ``Storage.deleted``."""
        self.context.rules.need(Capability.UNDELETE, "listing what was deleted")
        full = self.context.scope.full_prefix(prefix)
        if self.context.trash is None:
            return self._relative((yield from self.context.exchanges.deleted(full)))
        from .trashing import deleted_below

        return self._relative((yield from deleted_below(self.context, self.context.trash, full)))

    @operation("undelete")
    def undelete(self, key: ObjectKey, version: str | None) -> Exchange[ObjectInfo]:
        """Bring back what was deleted; see ``Storage.undelete``.

        Raises:
            NotSupportedError: it is the file of a revision.
        """
        context = self.context
        context.rules.need(Capability.UNDELETE, "undelete")
        if context.guard is not None and context.guard.writing(key) is not None:
            raise NotSupportedError("the file of a revision is brought back by DocumentStore.undelete")
        yield from context.rules.check_taken(key)
        context.rules.check_name(key)
        return (yield from self._brought_back(key, version))

    @operation("undelete")
    def bring_back(self, key: ObjectKey, version: str | None) -> Exchange[ObjectInfo]:
        """Bring back what was deleted, for a caller who has admitted that: no rule but that of the size is asked."""
        self.context.rules.need(Capability.UNDELETE, "undelete")
        return self._bring_back(key, version)

    @operation("purge")
    def purge(self, key: ObjectKey) -> Exchange[None]:
        """Remove the object and all that is kept of it; see ``Storage.purge``."""
        self.context.rules.need(Capability.UNDELETE, "purge")
        return removing(self.context, [key], self._purge(key))

    @unscoped_operation("sweep")
    def sweep(self, *, dry_run: bool) -> Exchange[tuple[int, tuple[StorageError, ...]]]:
        """Remove what this library has kept of deletes for long enough, or count it; return how many, and failures.

        After a failure the object is among those that were counted.
        """
        trash = self.context.trash
        if trash is None:
            return 0, ()
        from .trashing import sweep_trash

        return (yield from sweep_trash(self.context, trash, datetime.now(UTC), dry_run=dry_run))

    def _brought_back(self, key: ObjectKey, version: str | None) -> Exchange[ObjectInfo]:
        context = self.context
        if context.rules.quota is None and context.rules.policy is None:
            return (yield from self._bring_back(key, version))
        size = (yield from self._kept(key, version)).size
        context.rules.check_size(size)
        return (
            yield from within_quota(context, (key, PutMode.CREATE, size), None, lambda: self._bring_back(key, version))
        )

    def _kept(self, key: ObjectKey, version: str | None) -> Exchange[DeletedObject]:
        """Return what would be brought back.

        Raises:
            NotFoundError: there is nothing.
            AlreadyExistsError: the key names an object.
        """
        from .trashing import chosen, latest

        if self.context.trash is not None:
            return (yield from latest(self.context, self.context.trash, key, version))
        found = yield from self.context.exchanges.deleted(self.context.scope.full_prefix(self._relative_key(key)))
        return chosen(found, key, version)

    def _bring_back(self, key: ObjectKey, version: str | None) -> Exchange[ObjectInfo]:
        if self.context.trash is None:
            return self.context.exchanges.undelete(key, version)
        from .trashing import bring_back

        return bring_back(self.context, self.context.trash, key, version)

    def _purge(self, key: ObjectKey) -> Exchange[None]:
        context = self.context
        if context.guard is not None:
            yield from context.guard.removing([key])
        if context.trash is None:
            return (yield from context.exchanges.purge(key))
        from .trashing import purge

        yield from purge(context, context.trash, key)

    def _relative_key(self, key: ObjectKey) -> str:
        return self.context.scope.relative_key(key)

    def _relative(self, found: Sequence[_Kept]) -> list[_Kept]:
        return [replace(one, key=self.context.scope.relative_key(one.key)) for one in found]


class OfVersion:
    """The verbs of a provider that read, all of one version of whatever object they are asked for."""

    def __init__(self, context: Context, version: str) -> None:
        self._context = context
        self._version = version

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """As ``StorageProvider.get``; a version never changes, so that there is nothing to match."""
        del if_match
        self._context.rules.need(Capability.VERSIONS, "reading a version")
        return (yield from self._context.exchanges.get_version(key, self._version, span, sink))

    def get_changed(self, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str) -> Exchange[ObjectInfo]:
        """Read it whatever its ETag is: who names a version wants its bytes."""
        del if_none_match
        return self.get(key, span, sink, None)

    def head(self, key: ObjectKey) -> Exchange[ObjectInfo]:
        """As ``StorageProvider.head``."""
        self._context.rules.need(Capability.VERSIONS, "reading a version")
        return (yield from self._context.exchanges.head_version(key, self._version))


def context_of(context: Context, version: str) -> Context:
    """Return *context* for reading one *version*; nothing else is possible with it."""
    return context.reading(OfVersion(context, version))
