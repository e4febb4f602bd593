"""AzureBlobProvider: the contract for Azure Blob Storage; each method runs one of ``exchanges.py``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

from ...keys import MAX_KEY_BYTES, ObjectKey, Prefix
from ...provider import Pages
from ...source import Source
from ...transport import Transport
from ...types import (
    ByteRange,
    Capability,
    Folder,
    ObjectInfo,
    ProviderInfo,
    PutOptions,
    Sink,
)
from .exchanges import AzureBlobExchanges
from .target import PART_RULE, Target

if TYPE_CHECKING:
    from .settings import AzureBlobSettings

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

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with *prefix*; one request for 5,000."""
        return self._entries(self.exchanges.scan(prefix))

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:
        """Yield the objects and folders one level below *prefix*; one request for 5,000."""
        return self._entries(self.exchanges.children(prefix))

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
        capabilities=frozenset({Capability.METADATA, Capability.CREATE_ONLY, Capability.CONDITIONAL}),
        max_object_bytes=target.max_object_bytes,
        max_key_bytes=MAX_KEY_BYTES - len(target.prefix.encode()),
        part_rule=PART_RULE,
        concurrency=CONCURRENCY,
        remote=True,
    )
