"""AzureBlobProvider: the contract for Azure Blob Storage; each method runs one of ``exchanges.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from ...errors import StorageError
from ...keys import MAX_KEY_BYTES, ObjectKey, Prefix
from ...provider import Pages
from ...source import Source
from ...transport import Transport
from ...types import (
    Buffer,
    ByteRange,
    Capability,
    Diagnosis,
    Folder,
    ObjectInfo,
    PartInfo,
    PendingUpload,
    PresignedUrl,
    PresignOptions,
    ProviderInfo,
    PutMode,
    PutOptions,
    Sink,
    UploadState,
)
from .exchanges import AzureBlobExchanges
from .target import PART_RULE, Target

if TYPE_CHECKING:
    from .settings import AzureBlobSettings

_CAPABILITIES = frozenset(
    {
        Capability.METADATA,
        Capability.CREATE_ONLY,
        Capability.CONDITIONAL,
        Capability.SERVER_COPY,
        Capability.BULK_DELETE,
        Capability.PARTS,
    }
)
_CANNOT_SIGN = (
    "a shared access signature cannot sign others; give the key of the account, or an identity of Microsoft Entra"
)

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)

# As for S3: a real service is 20 ms away.
CONCURRENCY = 64
"""Requests at once that pay off in bulk work."""


class AzureBlobProvider:
    """One container of a storage account. Thread-safe and fork-safe.

    ``Storage`` runs its ``exchanges`` on a transport of its own; the methods here are for those who hold the bare
    provider, and use one made for it.
    """

    def __init__(self, target: Target, *, transport: Transport | None = None) -> None:
        """Use *target*; nothing is asked before the first call."""
        self.exchanges = AzureBlobExchanges(target)
        """The same contract as exchanges."""
        self._transport = transport if transport is not None else Transport()
        self._info = _info(target)

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        return self._info

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        """Write the whole of *source*; one request up to 8 MiB, then one for each block and one or two more.

        Raises:
            StorageError: as in ``StorageProvider.put``.
        """
        return self._transport.run(self.exchanges.put(key, source, options))

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        """Push the bytes of *span* into *sink*; one request.

        Raises:
            StorageError: as in ``StorageProvider.get``.
        """
        return self._transport.run(self.exchanges.get(key, span, sink, if_match))

    def head(self, key: ObjectKey) -> ObjectInfo:
        """Return what is known of the object; one request.

        Raises:
            StorageError: as in ``StorageProvider.head``.
        """
        return self._transport.run(self.exchanges.head(key))

    def delete(self, key: ObjectKey) -> None:
        """Remove the object; one request.

        Raises:
            StorageError: the service refuses.
        """
        self._transport.run(self.exchanges.delete(key))

    def delete_many(self, keys: Sequence[ObjectKey]) -> Sequence[StorageError | None]:
        """Remove up to 1,000 objects; one request for 256.

        Raises:
            StorageError: the service refuses a batch as a whole.
        """
        return self._transport.run(self.exchanges.delete_many(keys))

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
        """Copy inside the service; two requests up to 256 MiB.

        Raises:
            StorageError: as in ``ServerCopier.copy``.
        """
        return self._transport.run(self.exchanges.copy(source, target, mode))

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> UploadState:
        """Begin an upload in parts; one request, two under a condition.

        Raises:
            StorageError: as in ``PartUploader.begin_upload``.
        """
        return self._transport.run(self.exchanges.parts.begin_upload(key, size, options, sha256))

    def put_part(self, state: UploadState, number: int, data: Buffer) -> PartInfo:
        """Write one part; one request.

        Raises:
            StorageError: as in ``PartUploader.put_part``.
        """
        return self._transport.run(self.exchanges.parts.put_part(state, number, data))

    def list_parts(self, state: UploadState) -> Sequence[PartInfo]:
        """Return the parts that the service holds; one request.

        Raises:
            StorageError: as in ``PartUploader.list_parts``.
        """
        return self._transport.run(self.exchanges.parts.list_parts(state))

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> ObjectInfo:
        """Make the parts the object; one request.

        Raises:
            StorageError: as in ``PartUploader.complete_upload``.
        """
        return self._transport.run(self.exchanges.parts.complete_upload(state, parts))

    def find_upload(self, state: UploadState) -> ObjectInfo | None:
        """Return the object that the upload became; one request.

        Raises:
            StorageError: as in ``PartUploader.find_upload``.
        """
        return self._transport.run(self.exchanges.parts.find_upload(state))

    def abort_upload(self, key: ObjectKey, upload_id: str) -> None:
        """Give an upload up; two requests. The service drops its parts after a week.

        Raises:
            StorageError: the service refuses.
        """
        self._transport.run(self.exchanges.parts.abort_upload(key, upload_id))

    def pending_uploads(self, prefix: Prefix) -> Sequence[PendingUpload]:
        """Return the unfinished uploads; one request for 5,000 blobs, and one for each empty one.

        Raises:
            StorageError: the service refuses.
        """
        return self._transport.run(self.exchanges.parts.pending_uploads(prefix))

    def presign(self, key: ObjectKey, options: PresignOptions) -> PresignedUrl:
        """Sign one request; none is sent, unless a key of user delegation has to be renewed.

        Raises:
            SettingsError: the credential cannot sign, or azure-storage-blob is missing.
            NotSupportedError: it belongs to an upload in parts.
            ValueError: the expiry is outside of 1 second to 7 days.
        """
        return self._transport.run(self.exchanges.presign(key, options))

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with *prefix*; one request for 5,000."""
        return self._entries(self.exchanges.scan(prefix))

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        """Yield the objects and folders one level below *prefix*; one request for 5,000."""
        return self._entries(self.exchanges.children(prefix))

    def diagnose(self, error: StorageError, check: str) -> Diagnosis | None:
        """Explain what *check* met; one request at most, see ``Diagnostics``."""
        from .diagnose import Diagnostics  # only verify pays for the words

        return self._transport.run(Diagnostics(self.exchanges.objects).diagnose(error, check))

    def checks(self) -> Mapping[str, Callable[[], Diagnosis | None]]:
        """Return what ``verify`` has to look at besides: CORS, where browsers upload."""
        from .checks import cors  # as above

        objects, run = self.exchanges.objects, self._transport.run
        return {"cors": lambda: run(cors(objects))} if objects.protocol.target.browser_origin is not None else {}

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def _entries(self, pages: Pages[_Entry]) -> Iterator[_Entry]:
        while (page := self._transport.run(pages.next())) is not None:
            yield from page


def open_azure_blob(settings: AzureBlobSettings) -> AzureBlobProvider:
    """Make the provider for a container of Azure Blob Storage."""
    return AzureBlobProvider(settings.target())


def _info(target: Target) -> ProviderInfo:
    return ProviderInfo(
        kind="azure_blob",
        location=target.location,
        capabilities=_CAPABILITIES | ({Capability.PRESIGN} if target.signs else set()),
        max_object_bytes=target.max_object_bytes,
        max_key_bytes=MAX_KEY_BYTES - len(target.prefix.encode()),
        part_rule=PART_RULE,
        concurrency=CONCURRENCY,
        missing={} if target.signs else {Capability.PRESIGN: _CANNOT_SIGN},
        remote=True,
    )
