"""The contract as exchanges, for one folder of a document library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from ..._internal.json_text import parse_json as parse_text
from ...errors import NotSupportedError, StorageError, for_each_key
from ...keys import ObjectKey, Prefix
from ...part_uploads import ResumeExchanges
from ...provider import Pages
from ...source import Source
from ...transport import Exchange, Response
from ...types import ByteRange, Folder, ObjectInfo, PresignedUrl, PresignOptions, PutMode, PutOptions, Sink
from .answers import Item, item_of, parse_json
from .copying import Copying
from .delta import DeltaPages
from .library import Library
from .listing import ListedPages
from .mapping import map_error
from .objects import SINGLE_PUT_BYTES, Objects
from .protocol import BATCH_REQUESTS
from .reading import Reading
from .resuming import Resuming
from .sessions import Sessions
from .target import Target


class SharePointExchanges:
    """One folder of a library."""

    def __init__(self, target: Target) -> None:
        """Work on *target*."""
        self.library = Library(target)
        """The library."""
        self.objects = Objects(self.library)
        """Its files."""
        self._reading = Reading(self.library)
        self.sessions = Sessions(self.objects)
        """Large writes."""
        self._copying = Copying(self.objects)
        self.parts: ResumeExchanges = Resuming(self.objects, self.sessions)
        """Uploads that another process goes on with."""

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write; one request up to 8 MiB where nothing stands yet, else two and one for each 10 MiB."""
        writer = self.objects if source.size <= SINGLE_PUT_BYTES else self.sessions
        return (yield from writer.put(key, source, options))

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Read; two requests."""
        return (yield from self._reading.get(key, span, sink, if_match))

    def head(self, key: ObjectKey) -> Exchange[ObjectInfo]:
        """Look; one request."""
        return (yield from self.objects.head(key))

    def delete(self, key: ObjectKey) -> Exchange[None]:
        """Move into the recycle bin, or remove for ever; two requests."""
        yield from self.objects.delete(key)

    def scan(self, prefix: Prefix) -> Pages[ObjectInfo]:
        """List everything below; one request for each folder and each 200 entries of it.

        Of a whole library, one request for each 200 files and folders; such entries have no version mark.
        """
        if not self.library.folder_of(prefix):
            return DeltaPages(self.library, prefix)
        return ListedPages(self.library, prefix, one_level=False)

    def children(self, prefix: Prefix) -> ListedPages[ObjectInfo | Folder]:
        """List one level; one request for 200 entries."""
        return ListedPages(self.library, prefix, one_level=True)

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy inside the library."""
        return (yield from self._copying.copy(source, target, mode))

    def move(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Move inside the library."""
        return (yield from self._copying.move(source, target, mode))

    def delete_many(self, keys: Sequence[ObjectKey]) -> Exchange[Sequence[StorageError | None]]:
        """Remove many objects: two requests for 20 of them, and two for each one that is refused there.

        After a batch that is refused as a whole no other is tried.
        """
        errors: list[StorageError | None] = []
        for start in range(0, len(keys), BATCH_REQUESTS):
            try:
                errors += yield from self._delete_batch(keys[start : start + BATCH_REQUESTS])
            except StorageError as error:
                return errors + for_each_key(error, keys[start:])
        return errors

    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Refuse: Graph signs nothing for a time and a purpose that the caller chooses.

        Raises:
            NotSupportedError: always.
        """
        raise NotSupportedError(f"SharePoint gives no URL that is bound to a {options.method} request", key=key)
        yield  # makes an exchange of it

    def _delete_batch(self, keys: Sequence[ObjectKey]) -> Exchange[list[StorageError | None]]:
        library, protocol = self.library, self.library.protocol
        drive = yield from library.drive()
        paths = [library.path_of(key) for key in keys]
        looks = yield from self._batch([("GET", protocol.item_url(drive, path), None) for path in paths])
        found: list[tuple[int, Item]] = []
        doubtful: set[int] = set()
        for index, path in enumerate(paths):
            status, body = looks.get(index, (0, {}))
            if status == 200 and body:
                item = item_of(body)
                library.saw()
                if item.is_file and library.is_at(item, path):
                    found.append((index, item))
            elif status != 404:
                doubtful.add(index)
        if not found and not doubtful:
            yield from library.check_alive()
        if found:
            deletes = [(*protocol.deletion(drive, item.id), item.etag or item.ctag) for _, item in found]
            answers = yield from self._batch(deletes)
            for number, (index, _) in enumerate(found):
                if answers.get(number, (0, {}))[0] not in (200, 204, 404):
                    doubtful.add(index)
        errors: list[StorageError | None] = [None] * len(keys)
        for index in sorted(doubtful):  # throttled or refused there: one by one, with all the care of a single delete
            try:
                yield from self.objects.delete(keys[index])
            except StorageError as error:
                error.key = keys[index]
                errors[index] = error
        return errors

    def _batch(
        self, requests: Sequence[tuple[str, str, str | None]]
    ) -> Exchange[dict[int, tuple[int, Mapping[str, object]]]]:
        protocol = self.library.protocol
        response: Response = yield from self.library.ask(lambda token: protocol.batch(token, requests))
        if response.status != 200:
            raise map_error(response)
        answers = parse_json(response).get("responses")
        found: dict[int, tuple[int, Mapping[str, object]]] = {}
        for answer in answers if isinstance(answers, list) else ():
            if not isinstance(answer, dict):
                continue
            body, number, status = answer.get("body"), str(answer.get("id")), answer.get("status")
            if isinstance(body, str):
                with suppress(ValueError):
                    body = parse_text(body or "{}")
            if number.isascii() and number.isdigit() and isinstance(status, int):
                found[int(number)] = (status, body if isinstance(body, dict) else {})
        return found
