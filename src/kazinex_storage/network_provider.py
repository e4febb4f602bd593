"""The blocking methods of a provider whose operations are exchanges: the opposite of ``lifting.Lifted``.

A network provider writes ``exchanges`` and gets the methods of the contract from here; its exchanges say what each one
costs. ``Storage`` does not come by: it runs the exchanges on a transport of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar, cast

from .bodies.source import Source
from .errors import StorageError
from .keys import ObjectKey, Prefix
from .part_uploads import PartExchanges
from .provider import Pages, ProviderExchanges, SettingsUser
from .secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from .transport import Transport
from .types import (
    Buffer,
    ByteRange,
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

E = TypeVar("E", bound=ProviderExchanges)
_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


@not_pickled(SEND_A_FILE_SYSTEM)
class NetworkProvider(Generic[E]):
    """A place behind a network. Thread-safe and fork-safe when its exchanges are.

    What a method raises is what the contract says; one whose capability is not declared is not to be called.
    """

    def __init__(self, exchanges: E, info: ProviderInfo, transport: Transport | None) -> None:
        """Run *exchanges* on *transport*, or on one made for them."""
        self.exchanges = exchanges
        """The same contract as exchanges."""
        self._info = info
        self._transport = transport if transport is not None else Transport()
        self._bound = False

    def use_transport(self, transport: Transport) -> None:
        """Make every request over *transport* from now on, those for tokens too; it stays its owner's.

        A ``Storage`` takes it as well, whatever else it is given.
        """
        self._transport, self._bound = transport, True
        if isinstance(self, SettingsUser):
            self.use_settings(transport.settings)

    @property
    def bound_transport(self) -> Transport | None:
        """What ``use_transport`` said."""
        return self._transport if self._bound else None

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        return self._info

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        """Write the whole of *source*.

        Raises:
            StorageError: as in ``StorageProvider.put``.
        """
        return self._transport.run(self.exchanges.put(key, source, options))

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:
        """Push the bytes of *span* into *sink*.

        Raises:
            StorageError: as in ``StorageProvider.get``.
        """
        return self._transport.run(self.exchanges.get(key, span, sink, if_match))

    def head(self, key: ObjectKey) -> ObjectInfo:
        """Return what is known of the object.

        Raises:
            StorageError: as in ``StorageProvider.head``.
        """
        return self._transport.run(self.exchanges.head(key))

    def delete(self, key: ObjectKey) -> None:
        """Remove the object.

        Raises:
            StorageError: the service refuses.
        """
        self._transport.run(self.exchanges.delete(key))

    def delete_many(self, keys: Sequence[ObjectKey]) -> Sequence[StorageError | None]:
        """Remove up to 1,000 objects.

        Raises:
            StorageError: the service refuses them as a whole.
        """
        return self._transport.run(self.exchanges.delete_many(keys))

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> ObjectInfo:
        """Copy inside the service.

        Raises:
            StorageError: as in ``ServerCopier.copy``.
        """
        return self._transport.run(self.exchanges.copy(source, target, mode))

    def presign(self, key: ObjectKey, options: PresignOptions) -> PresignedUrl:
        """Sign one request.

        Raises:
            StorageError: as in ``Presigner.presign``.
        """
        return self._transport.run(self.exchanges.presign(key, options))

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with *prefix*."""
        return self._entries(self.exchanges.scan(prefix))

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        """Yield the objects and folders one level below *prefix*."""
        return self._entries(self.exchanges.children(prefix))

    def close(self) -> None:
        """Close idle connections."""
        if not self._bound:
            self._transport.close()

    def _entries(self, pages: Pages[_Entry]) -> Iterator[_Entry]:
        try:
            while (page := self._transport.run(pages.next())) is not None:
                yield from page
        finally:
            pages.close()


def bound_transport(provider: object) -> Transport | None:
    """Return the transport that *provider* has to be used with, if there is one."""
    return provider.bound_transport if isinstance(provider, NetworkProvider) else None


class NetworkPartUploader(NetworkProvider[E]):
    """One that takes uploads in parts; what the methods raise stands at ``PartUploader``."""

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> UploadState:
        """Begin an upload in parts.

        Raises:
            StorageError: as in ``PartUploader.begin_upload``.
        """
        return self._transport.run(self._parts.begin_upload(key, size, options, sha256))

    def put_part(self, state: UploadState, number: int, data: Buffer) -> PartInfo:
        """Write one part.

        Raises:
            StorageError: as in ``PartUploader.put_part``.
        """
        return self._transport.run(self._parts.put_part(state, number, data))

    def list_parts(self, state: UploadState) -> Sequence[PartInfo]:
        """Return the parts that the service holds.

        Raises:
            StorageError: as in ``PartUploader.list_parts``.
        """
        return self._transport.run(self._parts.list_parts(state))

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> ObjectInfo:
        """Make the parts the object.

        Raises:
            StorageError: as in ``PartUploader.complete_upload``.
        """
        return self._transport.run(self._parts.complete_upload(state, parts))

    def find_upload(self, state: UploadState) -> ObjectInfo | None:
        """Return the object that the upload became.

        Raises:
            StorageError: as in ``PartUploader.find_upload``.
        """
        return self._transport.run(self._parts.find_upload(state))

    def abort_upload(self, key: ObjectKey, upload_id: str) -> None:
        """Throw an upload and its parts away.

        Raises:
            StorageError: the service refuses.
        """
        self._transport.run(self._parts.abort_upload(key, upload_id))

    def pending_uploads(self, prefix: Prefix) -> Sequence[PendingUpload]:
        """Return the unfinished uploads.

        Raises:
            StorageError: the service refuses.
        """
        return self._transport.run(self._parts.pending_uploads(prefix))

    @property
    def _parts(self) -> PartExchanges:
        return cast(PartExchanges, self.exchanges.parts)
