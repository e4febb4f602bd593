"""The provider for one folder of a document library: the verbs as exchanges, each bound to what does it.

``Storage`` runs these. What a file, a large write, an upload, a copy or a read needs of the service is in
``objects.py``, ``sessions.py``, ``uploads.py``, ``copying.py`` and ``reading.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from ...bodies.source import Source
from ...capabilities import Capability
from ...errors import AccessDeniedError, InvalidKeyError, LockedError, NotSupportedError, StorageError
from ...keys import MAX_KEY_BYTES, ObjectKey, Prefix
from ...lifting import Pages
from ...secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ...transport import Exchange, TransportSettings
from ...types import (
    Diagnosis,
    Folder,
    ObjectInfo,
    PresignedUrl,
    PresignOptions,
    ProviderInfo,
    PutMode,
    PutOptions,
    UploadState,
)
from ..settings.entra import GivenStore, Tokens
from ..settings.place import NO_CUSTOMER_KEYS, keeping_deleted
from .batch import Doomed, delete_all
from .copying import Copying
from .delta import DeltaPages
from .hashing import REWRITTEN
from .library import Library
from .listing import FolderPages
from .objects import SINGLE_PUT_BYTES, Objects
from .reading import FileReads
from .sessions import UploadSessions
from .target import Target
from .unkeyed import UnkeyedItems
from .uploads import ResumableUploads

if TYPE_CHECKING:
    from ...contract_reading import Page
    from ...retention import Protection
    from ...transport.addresses import PublicAddresses
    from ...types import ByteRange, Sink
    from ...versions import ObjectVersion
    from .labels import Labels
    from .versions import FileVersions

T = TypeVar("T")

_ALL: Final = Prefix()

# Microsoft counts 3,000 requests in 5 minutes for a user and 1,250 units a minute for an app; more at once only meets
# the limit earlier — the page on throttling, see ``transport/gate.py``.
CONCURRENCY = 8
"""Requests at once that pay off in bulk work."""

CAPABILITIES = frozenset(
    {
        Capability.CREATE_ONLY,
        Capability.CONDITIONAL,
        Capability.SERVER_COPY,
        Capability.SERVER_MOVE,
        Capability.BULK_DELETE,
        Capability.RESUME,
        Capability.CONDITIONAL_READ,
        Capability.RESUMED_LISTING,
        Capability.VERSIONS,
    }
)
"""What a library can do. It keeps no metadata, and signs no requests."""


_MISSING = {
    Capability.CUSTOMER_KEYS: NO_CUSTOMER_KEYS,
    Capability.RETENTION: "a retention label has the period that Purview gives it, and takes no date for one file; "
    "documents of organisations are kept by the register",
    Capability.CHECKSUM: "a library keeps nothing of ours with a file; storage.sha256(key) reads a record beside it",
    Capability.METADATA: "a library keeps columns, and neither metadata nor HTTP headers; keep them with the document",
    Capability.PRESIGN: "Graph signs no requests for others; give clients a ticket, which has an upload session",
    Capability.PARTS: "an upload session takes its bytes in order; it can be resumed by another process",
    Capability.TAGS: "files of a library have no tags; keep them with the document",
    Capability.STORAGE_CLASS: "a library has one storage class",
    Capability.PUBLIC_URL: "a library has sharing links, which this library does not make; hand out documents yourself",
    Capability.POST_POLICY: "Graph takes no forms; give clients a ticket, which has an upload session",
    Capability.STREAMED_WRITES: "Graph has to know the size of a file at first: bodies without one are spooled",
}
"""Why what no library can do is not there, and what to do about it."""

_NO_HOLDS: Final = (
    "files are held by a retention label of the tenant: set hold_label to its name; documents of organisations are "
    "held by the register in any case"
)


@not_pickled(SEND_A_FILE_SYSTEM)
class SharePointProvider:
    """A folder of one document library. Thread-safe and fork-safe."""

    offers_exchanges: Literal[True] = True
    addresses: PublicAddresses | None = None

    def __init__(self, target: Target) -> None:
        """Use *target*; nothing is sent before the first call."""
        info = ProviderInfo(
            kind="sharepoint",
            location=target.location,
            place=target.place,
            capabilities=CAPABILITIES,
            missing=_MISSING,
            max_object_bytes=target.max_object_bytes,
            max_key_bytes=MAX_KEY_BYTES,
            hierarchical=True,
            concurrency=CONCURRENCY,
            remote=True,
            rewrites=REWRITTEN,
            ignores_case=True,
        )
        self.info = keeping_deleted(_holding(info, target.hold_label), target.keep_deleted_days, {})
        """What it can do."""
        self.library = Library(target)
        """The library."""
        self.ca_file = target.ca_file
        """Whose certificates are trusted; None: what the transport trusts."""
        self.list_sites = self.library.sites
        self._tokens = target.tokens if isinstance(target.tokens, Tokens) else None
        self.objects = Objects(self.library)
        """Its files."""
        reading, copying = FileReads(self.library), Copying(self.objects)
        self.get, self.head, self.get_changed = reading.get, self.objects.head, reading.get_changed
        self._reading, self._copying = reading, copying
        self.sessions = UploadSessions(self.objects)
        """Large writes."""
        unkeyed = UnkeyedItems(self.library, self.objects.folders, reading)
        self.get_unkeyed, self.delete_unkeyed, self.unkeyed_prefix = unkeyed.get, unkeyed.delete, unkeyed.prefix
        self.remove_folders = unkeyed.remove_folders
        uploads = ResumableUploads(self.sessions)
        self.begin_upload, self.abort_upload = uploads.begin_upload, uploads.abort_upload
        self._uploads = uploads
        self.begin_session, self.is_session_open = uploads.begin_session, uploads.is_session_open
        self.end_session = uploads.end_session

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write; one request up to 8 MiB if nothing is there yet, else two and one for each 10 MiB."""
        if source.size <= SINGLE_PUT_BYTES:
            return self._explained(key, self.objects.write(key, source, options))
        return self._explained(key, self.sessions.upload(key, source, options))

    def resume_upload(self, state: UploadState, source: Source) -> Exchange[ObjectInfo]:
        """Send what is lacking; see ``ResumableUploads.resume_upload``."""
        return self._explained(ObjectKey(state.key), self._uploads.resume_upload(state, source))

    def delete(self, key: ObjectKey) -> Exchange[None]:
        """Move a file into the recycle bin; two requests, one when there is none."""
        return self._explained(key, self.objects.delete(key))

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy; see ``Copying.copy``."""
        return self._explained(target, self._copying.copy(source, target, mode))

    def move(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Move; see ``Copying.move``. Labels let a file move, and keep what it would replace."""
        return self._explained(target, self._copying.move(source, target, mode))

    def protection(self, key: ObjectKey) -> Exchange[Protection]:
        """Return whether the file is held; one request."""
        return self._labels.protection(key)

    def hold(self, key: ObjectKey, held: bool) -> Exchange[None]:
        """Begin or end a hold; two or three requests."""
        return self._labels.hold(key, held)

    def check_key(self, key: ObjectKey) -> None:
        """Refuse a key whose path is too long."""
        self.library.path_of(key)

    def scan(self, prefix: Prefix) -> Pages[ObjectInfo]:
        """List everything below; one request for each folder and each 200 entries of it.

        For a whole library, one request for each 200 files and folders; entries then have no ETag.
        """
        if not self.library.folder_of(prefix):
            return DeltaPages(self.library, prefix)
        return FolderPages(self.library, prefix, one_level=False)

    def children(self, prefix: Prefix) -> FolderPages[ObjectInfo | Folder]:
        """List one level; one request for 200 entries."""
        return FolderPages(self.library, prefix, one_level=True)

    def list_page(self, prefix: Prefix, token: str | None, limit: int, one_level: bool) -> Exchange[Page]:
        """Return one page of a listing; see ``paging.py`` for what it costs."""
        from .paging import list_page

        return list_page(self.library, prefix, token, limit, one_level)

    def delete_many(self, keys: Sequence[ObjectKey]) -> Exchange[Sequence[StorageError | None]]:
        """Remove many objects; see ``delete_all``. A key that is too long is refused alone."""
        found: dict[ObjectKey, StorageError | None] = {}
        doomed: list[Doomed] = []
        for key in keys:
            try:
                doomed.append(self._doomed(key))
            except InvalidKeyError as error:
                found[key] = error
        for one, outcome in zip(doomed, (yield from delete_all(self.library, doomed)), strict=True):
            found[ObjectKey(one.text)] = outcome
        return [found[key] for key in keys]

    def delete_marker(self, key: ObjectKey) -> Exchange[None]:  # noqa: ARG002
        """Do nothing: folders are real, see ``remove_folders``."""
        return
        yield  # makes an exchange of it

    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Refuse: Graph signs nothing for a period and a purpose of the caller's choice.

        Raises:
            NotSupportedError: always.
        """
        raise NotSupportedError(f"SharePoint gives no URL that is bound to a {options.method} request", key=key)
        yield  # makes an exchange of it

    @property
    def _labels(self) -> Labels:
        from .labels import Labels

        return Labels(self.library)

    def _explained(self, key: ObjectKey, verb: Exchange[T]) -> Exchange[T]:
        """Do *verb*; what a retention label of the tenant refuses is a ``RetentionError``, for one request more."""
        try:
            return (yield from verb)
        except (AccessDeniedError, LockedError) as error:
            yield from self._labels.explain(key, error)
            raise

    @property
    def _versions(self) -> FileVersions:
        from .versions import FileVersions

        return FileVersions(self.library, self._reading)

    def versions(self, key: ObjectKey) -> Exchange[list[ObjectVersion]]:
        """Return the versions of a file, the newest first; two requests."""
        return self._versions.versions(key)

    def head_version(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Look at one version; two requests."""
        return self._versions.head_version(key, version)

    def get_version(self, key: ObjectKey, version: str, span: ByteRange, sink: Sink) -> Exchange[ObjectInfo]:
        """Read one version; four requests."""
        return self._versions.get_version(key, version, span, sink)

    def restore(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Restore one version; four requests."""
        return self._explained(key, self._versions.restore(key, version))

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Explain what *check* met; none or two requests, see ``Diagnostics``."""
        from .diagnose import Diagnostics  # only verify pays for the words

        return Diagnostics(self.library).diagnose(error, check)

    def checks(self) -> Mapping[str, Callable[[], Exchange[Diagnosis | None]]]:
        """Return what else ``verify`` has to check: residency and holds, where the settings ask for them."""
        from .checks import residency  # as above

        found: dict[str, Callable[[], Exchange[Diagnosis | None]]] = {}
        if self.library.target.residency is not None:
            found["residency"] = partial(residency, self.library)
        if self.library.target.hold_label is not None:
            found["hold label"] = partial(self._labels.check, self.objects)
        return found

    def list_libraries(self) -> Exchange[list[tuple[str, str]]]:
        """Return (name, URL) of each library of the site, for a chooser; two requests."""
        found = yield from self.library.libraries((yield from self.library.site()))
        return [(name, url) for _, name, url in found]

    def sweep(self, prefix: Prefix = _ALL, *, dry_run: bool = False) -> Exchange[int]:  # noqa: ARG002  # sessions know no prefix
        """Throw away the upload sessions that this process has left behind, wherever they were to go."""
        return self.sessions.left if dry_run else (yield from self.sessions.sweep(most=self.sessions.left))

    def use_settings(self, settings: TransportSettings) -> None:
        """Ask for tokens by *settings*."""
        if self._tokens is not None:
            self._tokens.use_settings(settings)

    def state_secret(self) -> bytes | None:
        """Return what the app proves its identity with; a refresh token changes at each use."""
        proof = self._tokens.app_secret if self._tokens is not None else None
        return proof.encode() if proof else None

    @property
    def rotating_secret(self) -> str | None:
        """The refresh token, when a person has connected."""
        return "refresh_token" if self._tokens is not None and self._tokens.store is not None else None

    def keep_secret(self, load: Callable[[], str], swap: Callable[[str, str], bool]) -> None:
        """Keep the refresh token where *load* and *swap* reach it."""
        if self._tokens is not None:
            self._tokens.store = GivenStore(load, swap)

    @property
    def discovered(self) -> Mapping[str, object]:
        """The ids of site and library, for the settings."""
        found = self.library.looked_up
        return {"looked_up": found} if found is not None else {}

    def refresh(self) -> None:
        """Look the ids up again at the next use."""
        self.library.refresh()

    def close(self) -> None:
        """Do nothing: the connections are those of the storage."""

    def _doomed(self, key: ObjectKey) -> Doomed:
        path = self.library.path_of(key)
        return Doomed(
            text=key,
            url=lambda drive: self.library.requests.item_url(drive, path),
            may_go=lambda item: item.is_file and self.library.is_at(item, path),
            alone=lambda: self.delete(key),
        )


def _holding(info: ProviderInfo, label: str | None) -> ProviderInfo:
    if label is None:
        return replace(info, missing={**info.missing, Capability.LEGAL_HOLD: _NO_HOLDS})
    return replace(info, capabilities=info.capabilities | {Capability.LEGAL_HOLD})
