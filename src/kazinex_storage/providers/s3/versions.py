"""Versioned buckets: earlier versions, and what delete markers hide, as exchanges.

docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html and API_ListObjectVersions (read 2026-11): a delete adds a
marker, a request with ``versionId`` is about one version, and removing a marker brings back what it hides. A listing
has the names in order, and of each name the newest version first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import quote

from ...errors import AlreadyExistsError, NotFoundError
from ...keys import ObjectKey, Prefix
from ...transport import Exchange, Many, Outcome
from ...types import ByteRange, ObjectInfo, PutMode, Sink
from ...versions import DeletedObject, ObjectVersion
from .answers import ListedVersion, parse_versions
from .copying import Copying
from .errors import S3
from .objects import Objects
from .requests import PAGE_KEYS, Requests

if TYPE_CHECKING:
    from ...transport import Request
    from .multipart import Multipart

_AT_ONCE: Final = 16
"""Versions of one object that are removed at the same time."""

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def in_order(found: Sequence[ListedVersion]) -> list[ListedVersion]:
    """Return what a listing says with the versions and markers of each name together, the newest first.

    Amazon lists them so; others list all versions first, and then all markers.
    """
    groups: dict[str, list[ListedVersion]] = {}
    for one in found:
        groups.setdefault(one.name, []).append(one)
    return [one for group in groups.values() for one in (group if _is_in_order(group) else _merged(group))]


def _is_in_order(group: Sequence[ListedVersion]) -> bool:
    times = [one.last_modified or _EPOCH for one in group]
    return times == sorted(times, reverse=True) and not any(one.is_latest for one in group[1:])


def _merged(group: Sequence[ListedVersion]) -> list[ListedVersion]:
    """Merge versions and markers, each newest first; of those of one second a marker follows on a version."""
    kinds = [[one for one in group if (one.size is None) is marked] for marked in (False, True)]
    merged = list[ListedVersion]()
    while all(kinds):
        heads = [kind[0] for kind in kinds]
        before = merged[-1].size is None if merged else None
        first = max(heads, key=lambda one: (one.is_latest, one.last_modified or _EPOCH, (one.size is None) != before))
        merged.append(kinds[first.size is None].pop(0))
    return merged + kinds[0] + kinds[1]


class VersionRequests(Requests):
    """Requests about one version of whatever object they name."""

    def __init__(self, requests: Requests, version: str) -> None:
        """Build as *requests* does, for *version*."""
        super().__init__(requests.target, requests.auth, requests.codec)
        self._query = f"?versionId={quote(version, safe='~')}"

    def url(self, key: str) -> str:
        """Return the URL of the version."""
        return super().url(key) + self._query

    def copy_source(self, key: str) -> str:
        """Return how a copy names the version."""
        return super().copy_source(key) + self._query


class Versions:
    """The verbs of ``contract_versions.py`` on one bucket."""

    def __init__(self, objects: Objects, multipart: Callable[[], Multipart]) -> None:
        """Work in the bucket of *objects*; *multipart* gives what large copies need."""
        self._objects = objects
        self._multipart = multipart

    def lend(self, provider: object) -> None:
        """Make the verbs those of *provider*: it has them only where its bucket keeps versions."""
        for verb in ("versions", "head_version", "get_version", "restore", "deleted", "undelete", "purge"):
            setattr(provider, verb, getattr(self, verb))

    def versions(self, key: ObjectKey) -> Exchange[list[ObjectVersion]]:
        """Return the versions of the object, the newest first; one request for each 1,000.

        Raises:
            NotFoundError: nothing is kept under that key.
        """
        found = [one for one in (yield from self._of(key)) if one.size is not None]
        if not found:
            raise NotFoundError("no version of that key is kept", key=key)
        return [
            ObjectVersion(
                key=key,
                version=one.version,
                size=one.size or 0,
                etag=one.etag,
                last_modified=one.last_modified,
                is_current=one.is_latest,
            )
            for one in found
        ]

    def head_version(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Look at one version; one request."""
        return self._version(version).head(key)

    def get_version(self, key: ObjectKey, version: str, span: ByteRange, sink: Sink) -> Exchange[ObjectInfo]:
        """Read one version; one request."""
        return self._version(version).get(key, span, sink, None)

    def restore(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Copy a version over what is there, inside the service; two requests up to 5 GiB."""
        copying = Copying(self._objects, self._multipart(), self._version(version))
        return copying.copy(key, key, PutMode.REPLACE)

    def deleted(self, prefix: Prefix) -> Exchange[list[DeletedObject]]:
        """Return what delete markers hide, or hid, below *prefix*, the latest first; one request for 1,000 versions."""
        codec = self._objects.requests.codec
        found, above = list[DeletedObject](), ListedVersion("", "", None, None, None, False)
        for one in (yield from self._listed(codec.name_prefix(prefix))):
            hidden = one.size is not None and above.size is None and above.name == one.name
            if hidden and (key := codec.key_of(one.name)) is not None:
                found.append(
                    DeletedObject(key=key, version=one.version, size=one.size or 0, deleted_at=above.last_modified)
                )
            above = one
        return sorted(found, key=lambda one: one.deleted_at or _EPOCH, reverse=True)

    def undelete(self, key: ObjectKey, version: str | None) -> Exchange[ObjectInfo]:
        """Remove the markers over the latest version, or copy another one; a listing, one request a marker, a look.

        Raises:
            NotFoundError: nothing that was deleted is kept under that key.
            AlreadyExistsError: the key names an object.
        """
        found = yield from self._of(key)
        if found and found[0].size is not None:
            raise AlreadyExistsError("an object has that key; nothing was brought back", key=key)
        kept = [one for one in found if one.size is not None]
        if not kept or version not in (None, *(one.version for one in kept)):
            raise NotFoundError("nothing that was deleted is kept under that key", key=key)
        if version not in (None, kept[0].version):
            return (yield from self.restore(key, version or ""))
        for marker in found[: found.index(kept[0])]:
            yield from self._version(marker.version).delete(key)
        return (yield from self._objects.head(key))

    def purge(self, key: ObjectKey) -> Exchange[None]:
        """Remove every version and marker; one request for each, and one for each 1,000 to list them."""
        found = yield from self._of(key)
        removals = (self._version(one.version).delete(key) for one in found)
        for outcome in cast("list[Outcome[None]]", (yield Many(removals, _AT_ONCE))) if found else ():
            outcome.result()

    def _version(self, version: str) -> Objects:
        return Objects(VersionRequests(self._objects.requests, version))

    def _of(self, key: ObjectKey) -> Exchange[list[ListedVersion]]:
        """Return the versions and markers of one key; its name is the first of those that begin with it."""
        name = self._objects.requests.codec.name_of(key)
        found = yield from self._listed(name, only=name)
        return [one for one in found if one.name == name]

    def _listed(self, prefix: str, only: str | None = None) -> Exchange[Sequence[ListedVersion]]:
        found, after = list[ListedVersion](), None
        while True:
            response = yield from S3.send(self._page(prefix, after))
            page, after = parse_versions(response.body)
            found += page
            if after is None or (only is not None and page and page[-1].name != only):
                return in_order(found)

    def _page(self, prefix: str, after: tuple[str, str] | None) -> Request:
        from ...transport import Request

        requests = self._objects.requests
        query = {"versions": "", "encoding-type": "url", "max-keys": str(PAGE_KEYS), "prefix": prefix}
        if after is not None:
            query["key-marker"] = after[0]
            if after[1]:
                query["version-id-marker"] = after[1]
        return Request(
            method="GET", url=requests.query(query), headers=requests.reading, auth=requests.auth, operation="list"
        )
