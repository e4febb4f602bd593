"""What a record keeper does with objects: the methods of ``Storage`` for versions, retention, tags and the like."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..contract_reading import Page
    from ..retention import Protection, Retention
    from ..transport import Runner
    from ..types import ObjectInfo
    from ..versions import DeletedObject, ObjectVersion
    from .operations import Operations


class RecordVerbs:
    """The methods of ``Storage`` beyond reading and writing; each is one exchange of its operations."""

    _operations: Operations
    _run: Runner

    def retain(self, key: str, retention: Retention | None, *, bypass: bool = False) -> Protection:
        """Keep the object from change and removal until a date; return what keeps it now. Two requests.

        Every way to change it through this library raises ``RetentionError`` until then. Where the capability is not
        in ``info.ours``, the service itself keeps the bytes from whoever reaches it in another way.

        Args:
            key: Of an object that is there.
            retention: From now on; None ends the one that there is.
            bypass: End a GOVERNANCE retention, or let it end earlier; the service may ask for a permission of its own.

        Raises:
            NotSupportedError: without ``Capability.RETENTION``.
            NotFoundError: no such key.
            RetentionError: the one that there is would end earlier, and is COMPLIANCE or *bypass* is not said.
            ValueError: the retention would be over already.
        """
        return self._run(self._operations.keeping.retain(key, retention, bypass))

    def hold(self, key: str) -> None:
        """Keep the object from change and removal until ``release``; silent when it is held already. One request.

        Raises:
            NotSupportedError: without ``Capability.LEGAL_HOLD``.
            NotFoundError: no such key.
        """
        return self._run(self._operations.keeping.hold(key, True))

    def release(self, key: str) -> None:
        """End the hold of the object; a retention goes on. One request.

        Raises:
            NotSupportedError: without ``Capability.LEGAL_HOLD``.
            NotFoundError: no such key.
        """
        return self._run(self._operations.keeping.hold(key, False))

    def retention(self, key: str) -> Protection:
        """Return what keeps the object. One request.

        Raises:
            NotSupportedError: with neither ``Capability.RETENTION`` nor ``Capability.LEGAL_HOLD``.
            NotFoundError: no such key.
        """
        return self._run(self._operations.keeping.protection(key))

    def list_page(
        self, prefix: str = "", *, recursive: bool = True, token: str | None = None, limit: int = 1000
    ) -> Page:
        """Return one page of what begins with *prefix*, and the token that asks for the next, in any process.

        The token is bound to this place, scope, prefix and *recursive*, and sealed under the state key: nothing else
        can be listed with it. It is no secret. One request of most services; SharePoint gives 200 entries at most, one
        request for a level, and in a recursive page one for each folder that it enters.

        Args:
            token: That of the page before; None begins.
            limit: Entries of the page at most, 1 to 1,000; it may have fewer, and only the last one none.

        Raises:
            InvalidTokenError: the token was altered, or is of another listing.
            InvalidKeyError: no key can begin with *prefix*; ``ValueError``: the limit is none.
            NotSupportedError: listings of this provider cannot be resumed.
        """
        return self._run(self._operations.list_page(prefix, token, limit, recursive))

    def versions(self, key: str) -> builtins.list[ObjectVersion]:
        """Return the versions of the object that the place keeps, the newest first; also of one that was deleted.

        One request for each 1,000. ``get_bytes``, ``stream``, ``download`` and ``head`` take a *version*.

        Raises:
            NotFoundError: nothing is kept under that key.
            NotSupportedError: the place keeps no versions, or the settings do not say that it does.
        """
        return self._run(self._operations.history.versions(key))

    def restore(self, key: str, version: str) -> ObjectInfo:
        """Make what *version* holds the object again, under the rules of a put; what is there becomes a version.

        The service copies it: two or three requests.

        Raises:
            NotFoundError: there is no such version of the object.
            NotSupportedError: the place keeps no versions, or the key is written once.
            PolicyError: the policy does not allow the name or the size.
        """
        return self._run(self._operations.history.restore(key, version))

    def deleted(self, prefix: str = "") -> builtins.list[DeletedObject]:
        """Return what was deleted below *prefix* and can be brought back, the latest first; a request for each 1,000.

        Each delete is an entry of its own, also when the key names an object again.

        Raises:
            NotSupportedError: nothing that is deleted is kept here.
        """
        return self._run(self._operations.history.deleted(prefix))

    def undelete(self, key: str, version: str | None = None) -> ObjectInfo:
        """Bring back what was deleted last, or exactly the *version* that ``deleted`` names, under the rules of a put.

        Raises:
            NotFoundError: nothing that was deleted is kept under that key.
            AlreadyExistsError: the key names an object; move that away first.
            NotSupportedError: nothing that is deleted is kept here; or the file of a revision, see ``DocumentStore``.
            PolicyError: the policy does not allow the name or the size; ``QuotaExceededError``: there is no room.
        """
        return self._run(self._operations.history.undelete(key, version))

    def purge(self, key: str) -> None:
        """Remove the object, its versions and what is kept of it after it was deleted, for good; silent when absent.

        Raises:
            NotSupportedError: nothing that is deleted is kept here: ``delete`` is for good then.
            RetentionError: something of it may not be removed yet.
        """
        return self._run(self._operations.history.purge(key))
