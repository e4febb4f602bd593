"""Accounts with blob versioning: earlier versions, and what was deleted, as exchanges.

learn.microsoft.com/azure/storage/blobs/versioning-overview and rest/api/storageservices/list-blobs (read 2026-11): each
write makes a version, whose id is its time. A delete leaves no marker: the current version becomes a previous one, and
the name has no current one any more. A blob from before versioning was turned on has no version until it is replaced
or deleted. Soft delete (azure/storage/blobs/soft-delete-blob-overview) keeps versions that are removed for its days; by
itself it is not used here, because it brings back only all of its snapshots at once, and lets nobody purge a blob.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final, Literal, cast
from urllib.parse import quote

from ...bodies.source import Source
from ...errors import AlreadyExistsError, NotFoundError, StorageError
from ...keys import ObjectKey, Prefix
from ...transport import Exchange, Many, Outcome, Request
from ...types import ByteRange, Diagnosis, ObjectInfo, PutMode, PutOptions, Sink
from ...versions import DeletedObject, ObjectVersion
from ..settings.unmet import UnmetError
from . import causes
from .answers import ListedVersion, parse_versions
from .copying import Copying
from .errors import AZURE
from .objects import Objects
from .requests import VERSION, Requests

_AT_ONCE: Final = 16
"""Versions of one blob that are removed at the same time."""

_NO_VERSION_AT_ALL: Final = "InvalidQueryParameterValue"
"""What the service answers to an id that is no time."""


class VersionRequests(Requests):
    """Requests about one version of whatever blob they name."""

    __slots__ = ("_query",)

    def __init__(self, requests: Requests, version: str) -> None:
        """Build as *requests* does, for *version*."""
        super().__init__(requests.target, requests.auth, requests.codec)
        self._query = f"?versionid={quote(version, safe='')}"

    def url(self, key: str) -> str:
        """Return the URL of the version."""
        return super().url(key) + self._query

    def tags_url(self, key: str) -> str:
        """Return the URL of its tags."""
        return f"{self.url(key)}&comp=tags"

    def delete(self, key: str) -> Request:
        """Remove the version, which has no snapshots; the service refuses that of the blob that is there."""
        headers = (("x-ms-version", VERSION),)
        return Request(method="DELETE", url=self.url(key), headers=headers, auth=self.auth, operation="delete")


class Versions:
    """The verbs of ``contract_versions.py`` on one container."""

    def __init__(self, objects: Objects) -> None:
        """Work in the container of *objects*."""
        self._objects = objects

    def lend(self, provider: object) -> None:
        """Make the verbs those of *provider*: it has them only where its account keeps versions."""
        for verb in ("versions", "head_version", "get_version", "restore", "deleted", "undelete", "purge"):
            setattr(provider, verb, getattr(self, verb))

    def versions(self, key: ObjectKey) -> Exchange[list[ObjectVersion]]:
        """Return the versions of the object, the newest first; one request for each page.

        Raises:
            NotFoundError: no version is kept under that key.
        """
        found = [
            ObjectVersion(
                key=key,
                version=one.version,
                size=one.size,
                etag=one.etag,
                last_modified=one.last_modified,
                is_current=one.is_current,
            )
            for one in (yield from self._of(key))
            if one.version is not None
        ]
        if not found:
            raise NotFoundError("no version of that key is kept", key=key)
        return found

    def head_version(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Look at one version; one request."""
        return _known(key, self._version(version).head(key))

    def get_version(self, key: ObjectKey, version: str, span: ByteRange, sink: Sink) -> Exchange[ObjectInfo]:
        """Read one version; one request, two when the span counts from the end or begins after it."""
        return _known(key, self._version(version).get(key, span, sink, None))

    def restore(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Copy a version over what is there, inside the service; two requests up to 256 MiB."""
        return _known(key, self._copied(key, version, PutMode.REPLACE))

    def deleted(self, prefix: Prefix) -> Exchange[list[DeletedObject]]:
        """Return the versions of the names below *prefix* that have no current one, the latest first.

        The service does not say which of them were deleted and which replaced before, nor when. One request a page.
        """
        codec = self._objects.requests.codec
        listed = yield from self._listed(codec.name_prefix(prefix))
        current = {one.name for one in listed if one.is_current}
        kept = [
            DeletedObject(key=key, version=one.version, size=one.size)
            for one in listed
            if one.name not in current and one.version is not None and (key := codec.key_of(one.name)) is not None
        ]
        return sorted(kept, key=lambda one: one.version, reverse=True)

    def undelete(self, key: ObjectKey, version: str | None) -> Exchange[ObjectInfo]:
        """Copy the latest version, or *version*, to the name that has none; a listing and two requests.

        Raises:
            NotFoundError: nothing that was deleted is kept under that key.
            AlreadyExistsError: the key names an object.
        """
        found = yield from self._of(key)
        if any(one.is_current for one in found):
            raise AlreadyExistsError("an object has that key; nothing was brought back", key=key)
        kept = [one.version for one in found if one.version is not None]
        if not kept or version not in (None, *kept):
            raise NotFoundError("nothing that was deleted is kept under that key", key=key)
        return (yield from self._copied(key, kept[0] if version is None else version, PutMode.CREATE))

    def purge(self, key: ObjectKey) -> Exchange[None]:
        """Remove every version; one request for each, one more for what is there, and one or two listings.

        Earlier versions go first: where one may not be removed, what the key names is still there.
        """
        found = yield from self._of(key)
        yield from self._remove(key, found)
        if any(one.is_current for one in found):
            yield from self._objects.delete(key)
            yield from self._remove(key, (yield from self._of(key)))

    def _remove(self, key: ObjectKey, found: Sequence[ListedVersion]) -> Exchange[None]:
        removals = [
            self._version(one.version).delete(key) for one in found if one.version is not None and not one.is_current
        ]
        for outcome in cast("list[Outcome[None]]", (yield Many(iter(removals), _AT_ONCE))) if removals else ():
            outcome.result()

    def _copied(self, key: ObjectKey, version: str, mode: PutMode) -> Exchange[ObjectInfo]:
        return Copying(self._objects, self._version(version)).copy(key, key, mode)

    def _version(self, version: str) -> Objects:
        return Objects(VersionRequests(self._objects.requests, version))

    def _of(self, key: ObjectKey) -> Exchange[list[ListedVersion]]:
        """Return the versions of one key, the newest first; its name is the first of those that begin with it."""
        name = self._objects.requests.codec.name_of(key)
        found = yield from self._listed(name, only=name)
        of_key = [one for one in found if one.name == name]
        return sorted(of_key, key=lambda one: (one.is_current, one.version or ""), reverse=True)

    def soft_deleted(self, key: ObjectKey) -> Exchange[bool]:
        """Say whether the account keeps versions of the purged object; one request."""
        name = self._objects.requests.codec.name_of(key)
        return bool((yield from self._listed(name, include="deleted,versions")))

    def _listed(
        self, prefix: str, only: str | None = None, include: Literal["versions", "deleted,versions"] = "versions"
    ) -> Exchange[list[ListedVersion]]:
        found, marker = list[ListedVersion](), None
        while True:
            response = yield from AZURE.send(self._objects.requests.list(prefix, marker, include=include))
            page, marker = parse_versions(response.body)
            found += page
            if marker is None or (only is not None and page and page[-1].name != only):
                return found


def versioning(objects: Objects) -> Exchange[Diagnosis | None]:
    """Prove that the account keeps what is deleted, as the settings say, and lets it be removed; six requests.

    Where soft delete keeps what was removed, the answer is a warning.

    Raises:
        UnmetError: it does not, or the credentials may not.
    """
    key = ObjectKey(f".kazinex-verify/{secrets.token_hex(8)}")
    yield from objects.write(key, Source.of(b"kazinex-storage probe: safe to delete\n"), PutOptions())
    yield from objects.delete(key)
    versions = Versions(objects)
    if not (yield from versions.deleted(Prefix(key))):
        raise UnmetError(causes.NO_VERSIONS)
    try:
        yield from versions.purge(key)
    except StorageError as error:
        raise UnmetError(causes.VERSIONS_STAY, error) from error
    if not (yield from versions.soft_deleted(key)):
        return None
    return causes.SOFT_DELETED


def _known(key: ObjectKey, asking: Exchange[ObjectInfo]) -> Exchange[ObjectInfo]:
    """Ask about a version, and say that there is none where the service says that its id is no id."""
    try:
        return (yield from asking)
    except StorageError as error:
        if error.code != _NO_VERSION_AT_ALL:
            raise
        raise NotFoundError(
            "there is no such version", key=key, code=error.code, request_id=error.request_id
        ) from error
