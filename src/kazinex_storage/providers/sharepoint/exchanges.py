"""The contract as exchanges, for one folder of a document library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...bodies.source import Source
from ...errors import InvalidKeyError, NotSupportedError, StorageError, for_each_key
from ...keys import ObjectKey, Prefix
from ...part_uploads import ResumeExchanges
from ...provider import Pages
from ...transport import Exchange
from ...types import ByteRange, Diagnosis, Folder, ObjectInfo, PresignedUrl, PresignOptions, PutMode, PutOptions, Sink
from .batches import Doomed, delete_all
from .copying import Copying
from .delta import DeltaPages
from .library import Library
from .listing import ListedPages
from .objects import SINGLE_PUT_BYTES, Objects
from .reading import Reading
from .rest import Rest
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
        self._rest = Rest(self.library, self.objects.folders, self._reading)
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

        After a batch that is refused as a whole no other is tried. A key that is too long is refused alone.
        """
        found: dict[ObjectKey, StorageError | None] = {}
        try:
            drive = yield from self.library.drive()
        except StorageError as error:
            return for_each_key(error, keys)
        doomed: list[Doomed] = []
        for key in keys:
            try:
                doomed.append(self._doomed(drive, key))
            except InvalidKeyError as error:
                found[key] = error
        for one, outcome in zip(doomed, (yield from delete_all(self.library, doomed)), strict=True):
            found[ObjectKey(one.text)] = outcome
        return [found[key] for key in keys]

    def get_unkeyed(self, name: str, sink: Sink) -> Exchange[ObjectInfo]:
        """Read by path and id; two requests."""
        return (yield from self._rest.get(name, sink))

    def unkeyed_prefix(self, prefix: str) -> str:
        """Return what the names of what no key names begin with below *prefix*."""
        return self._rest.prefix(prefix)

    def delete_unkeyed(self, names: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
        """Remove up to 1,000 items by their ids; see ``UnkeyedExchanges``."""
        return (yield from self._rest.delete(names))

    def delete_marker(self, key: ObjectKey) -> Exchange[None]:  # noqa: ARG002
        """Do nothing: folders are real, see ``remove_folders``."""
        return
        yield  # makes an exchange of it

    def remove_folders(self, prefix: Prefix, *, itself: bool) -> Exchange[Sequence[StorageError | None]]:
        """Remove the folders that nothing is in; see ``FolderExchanges``."""
        return (yield from self._rest.remove_folders(prefix, itself=itself))

    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Refuse: Graph signs nothing for a time and a purpose that the caller chooses.

        Raises:
            NotSupportedError: always.
        """
        raise NotSupportedError(f"SharePoint gives no URL that is bound to a {options.method} request", key=key)
        yield  # makes an exchange of it

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Explain what *check* met; none or two requests, see ``Diagnostics``."""
        from .diagnose import Diagnostics  # only verify pays for the words

        return Diagnostics(self.library).diagnose(error, check)

    def checks(self) -> Mapping[str, Callable[[], Exchange[Diagnosis | None]]]:
        """Return nothing: there is no more to verify."""
        return {}

    def _doomed(self, drive: str, key: ObjectKey) -> Doomed:
        path = self.library.path_of(key)
        return Doomed(
            text=key,
            url=self.library.protocol.item_url(drive, path),
            may_go=lambda item: item.is_file and self.library.is_at(item, path),
            alone=lambda: self.objects.delete(key),
        )
