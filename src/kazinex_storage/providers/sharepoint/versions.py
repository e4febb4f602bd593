"""Earlier versions of the files of one library, as exchanges: the version history that SharePoint keeps.

What a site deletes is in its recycle bin, which Graph lists only under ``/beta`` and restores for OneDrive Personal
alone (learn.microsoft.com/graph/api/driveitem-restore, read 2026-11), so deletes are kept by ``storage/trash.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ...errors import IntegrityError, NotFoundError, UnavailableError
from ...keys import ObjectKey
from ...transport import Exchange, Response
from ...types import Buffer, ByteRange, ObjectInfo, Sink
from ...versions import ObjectVersion
from ..objectstore.header_text import moment_of
from ..objectstore.reading import CONTENT_RANGE
from .answers import Item, info_of, parse_json
from .errors import GRAPH, map_error
from .library import Library
from .reading import FileReads

_DONE: Final = (200, 204)


class FileVersions:
    """The verbs of ``contract_versions.py`` for what a library keeps. Versions say their sizes, and no checksums."""

    def __init__(self, library: Library, reading: FileReads) -> None:
        """Work on *library*; *reading* reads the current version."""
        self._library = library
        self._requests = library.requests
        self._reading = reading

    def versions(self, key: ObjectKey) -> Exchange[list[ObjectVersion]]:
        """Return the versions of the file, the newest first; two requests.

        Raises:
            NotFoundError: there is no such file.
        """
        return (yield from self._all(key))[1]

    def head_version(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Look at one version; two requests.

        Raises:
            NotFoundError: there is no such version of the file.
        """
        item, found = yield from self._one(key, version)
        if found.is_current:
            return replace(info_of(key, item), version=version)
        return self._info(item, found)

    def get_version(self, key: ObjectKey, version: str, span: ByteRange, sink: Sink) -> Exchange[ObjectInfo]:
        """Push *span* of one version into *sink*; four requests.

        Raises:
            NotFoundError: there is no such version of the file.
            IntegrityError: the service sent something else than was asked for.
            UnavailableError: Graph does not say where it is.
        """
        item, found = yield from self._one(key, version)
        if found.is_current:
            return replace((yield from self._reading.get(key, span, sink, item.version)), version=version)
        start, end = span.resolve(found.size)
        if start == end:
            return self._info(item, found)
        drive = yield from self._library.drive()
        response: Response = yield self._requests.versions(drive, item.id, version, "content")
        url = response.headers.get("location")
        if response.status != 302 or url is None:
            raise (
                map_error(response, key)
                if response.status >= 400
                else UnavailableError("SharePoint gives no URL to read the version; repeat it", key=key)
            )
        whole = (start, end) == (0, found.size)
        taking = _Counting(sink, None if whole else (start, end))
        response = yield self._requests.download(url, taking.span, taking, taking.check)
        if response.status not in (200, 206):
            raise map_error(response, key)
        if taking.size != end - start:
            raise IntegrityError(f"{taking.size} of {end - start} bytes came; read it again", key=key)
        return self._info(item, found)

    def restore(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Make what *version* holds the file; four requests.

        Raises:
            NotFoundError: there is no such version of the file.
        """
        item, _ = yield from self._one(key, version)
        drive = yield from self._library.drive()
        yield from GRAPH.send(self._requests.versions(drive, item.id, version, "restoreVersion"), _DONE, key)
        return info_of(key, (yield from self._library.file(key, self._library.path_of(key))))

    def _one(self, key: ObjectKey, version: str) -> Exchange[tuple[Item, ObjectVersion]]:
        item, found = yield from self._all(key)
        for one in found:
            if one.version == version:
                return item, one
        raise NotFoundError(f"there is no version {version!r} of that key", key=key)

    def _all(self, key: ObjectKey) -> Exchange[tuple[Item, list[ObjectVersion]]]:
        item = yield from self._library.file(key, self._library.path_of(key))
        drive = yield from self._library.drive()
        request, found = self._requests.versions(drive, item.id), list[ObjectVersion]()
        while True:
            page = parse_json((yield from GRAPH.send(request, key=key)))
            entries = page.get("value")
            if not isinstance(entries, list):
                raise UnavailableError("Graph sent a list without versions; repeat it", key=key)
            found += [_version_of(key, entry, is_current=not found and at == 0) for at, entry in enumerate(entries)]
            link = page.get("@odata.nextLink")
            if not isinstance(link, str):
                return item, found
            request = self._requests.next_page(link)

    @staticmethod
    def _info(item: Item, found: ObjectVersion) -> ObjectInfo:
        return ObjectInfo(
            key=found.key,
            size=found.size,
            last_modified=found.last_modified,
            content_type=item.content_type,
            etag=f"{item.id} {found.version}",
            version=found.version,
        )


class _Counting:
    """A sink that counts, and refuses what was not asked for before its first byte."""

    __slots__ = ("_sink", "size", "span")

    def __init__(self, sink: Sink, span: tuple[int, int] | None) -> None:
        self._sink = sink
        self.span = span
        self.size = 0

    def __call__(self, buffer: Buffer) -> None:
        self.size += len(buffer)
        self._sink(buffer)

    def check(self, headers: Mapping[str, str]) -> None:
        match = CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
        sent = (int(match[1]), int(match[2]) + 1) if match is not None else None
        if self.span is not None and sent != self.span:
            raise IntegrityError("the service sent another part than was asked for; nothing of it was taken")


def _version_of(key: ObjectKey, entry: object, *, is_current: bool) -> ObjectVersion:
    found = entry if isinstance(entry, dict) else {}
    version, size = found.get("id"), found.get("size")
    if not isinstance(version, str) or not isinstance(size, int) or size < 0:
        raise UnavailableError("Graph sent something that is not a version of a file; repeat it", key=key)
    return ObjectVersion(
        key=key,
        version=version,
        size=size,
        last_modified=moment_of(found.get("lastModifiedDateTime")),
        is_current=is_current,
    )
