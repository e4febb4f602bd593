"""The contract as exchanges, for one container: keys in, the service's own names out and back.

``Storage`` runs these. What a single blob, a write in blocks, an upload or a copy needs of the service stands in
``objects.py``, ``blocks.py``, ``storage/uploads.py`` and ``copying.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ...bodies.source import Source
from ...errors import NotFoundError, StorageError
from ...keys import ObjectKey, Prefix
from ...part_uploads import PartExchanges
from ...transport import Exchange
from ...types import (
    WHOLE,
    ByteRange,
    Diagnosis,
    Folder,
    ObjectInfo,
    PresignedUrl,
    PresignOptions,
    PutMode,
    PutOptions,
    Sink,
)
from ...unkeyed import MARKED
from ..objectstore.listed_pages import ListedPages, Listings, Page
from ..settings.bearer import Bearer
from .answers import parse_page
from .batch import delete_many
from .blocks import Blocks
from .copying import Copying
from .delegation import delegate
from .errors import AZURE
from .names import codec_of
from .objects import SINGLE_PUT_BYTES, Objects
from .presign import presign
from .requests import Protocol
from .sas import Signing
from .target import Identity, Target
from .uploads import PartUploads

_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


class AzureBlobExchanges:
    """One container, or the part of it below the prefix of the settings."""

    def __init__(self, target: Target) -> None:
        """Work on *target*."""
        self.target = target
        """The container."""
        self.codec = codec_of(target.prefix)
        """Keys to names of the service, and back."""
        self._signing = signing_of(target)
        self.objects = Objects(Protocol(target, self._signing))
        """Single blobs, by the names of the service."""
        self.blocks = Blocks(self.objects)
        """Writes in blocks, by the names of the service."""
        self._copying = Copying(self.objects)
        self._listings = Listings(self._list, self.codec, target.location)
        self.parts: PartExchanges = PartUploads(self.objects, self.codec)
        """Uploads in parts that outlive a process."""

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write; one request up to 8 MiB, else one for each block and one or two more."""
        name = self.codec.name_of(key)
        if source.size <= SINGLE_PUT_BYTES:
            writing = self.objects.put(name, source, options)
        else:
            writing = self.blocks.put(name, source, options)
        return self._called(key, (yield from writing))

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Read; one request."""
        return self._called(key, (yield from self.objects.get(self.codec.name_of(key), span, sink, if_match)))

    def head(self, key: ObjectKey) -> Exchange[ObjectInfo]:
        """Look; one request."""
        return self._called(key, (yield from self.objects.head(self.codec.name_of(key))))

    def delete(self, key: ObjectKey) -> Exchange[None]:
        """Remove; one request."""
        yield from self.objects.delete(self.codec.name_of(key))

    def scan(self, prefix: Prefix) -> ListedPages[ObjectInfo]:
        """List everything below; one request for 5,000 blobs."""
        return self._listings.scan(prefix)

    def children(self, prefix: Prefix) -> ListedPages[ObjectInfo | Folder]:
        """List one level; one request for 5,000 entries."""
        return self._listings.children(prefix)

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy inside the service."""
        found = yield from self._copying.copy(self.codec.name_of(source), self.codec.name_of(target), mode)
        return self._called(target, found)

    def delete_many(self, keys: Sequence[ObjectKey]) -> Exchange[Sequence[StorageError | None]]:
        """Remove up to 1,000 objects; one request for 256."""
        errors = yield from delete_many(self.objects, [self.codec.name_of(key) for key in keys])
        for key, error in zip(keys, errors, strict=True):
            if error is not None:
                error.key = key
        return errors

    def get_unkeyed(self, name: str, sink: Sink) -> Exchange[ObjectInfo]:
        """Read by the name of the service; one request."""
        return (yield from self.objects.get(name, WHOLE, sink, None))

    def unkeyed_prefix(self, prefix: str) -> str:
        """Return what the names of the service begin with below *prefix*."""
        return self.codec.name_prefix(prefix)

    def delete_unkeyed(self, names: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
        """Remove up to 1,000 blobs by the names of the service; see ``UnkeyedExchanges``."""
        return (yield from delete_many(self.objects, names))

    def delete_marker(self, key: ObjectKey) -> Exchange[None]:
        """Remove the directory, if it is one and has nothing in it; two requests, one when it is none."""
        try:
            yield from self.objects.head(self.codec.name_of(key))
        except NotFoundError as error:
            if error.code == MARKED:
                yield from self.objects.delete(self.codec.name_of(key))

    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Sign a request; none is sent, unless a key of user delegation has to be renewed."""
        signer = yield from self._signing.key(options.expires_in)
        return presign(self.objects.protocol, signer, self.codec.name_of(key), options)

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Explain what *check* met; one request at most, see ``Diagnostics``."""
        from .diagnose import Diagnostics  # only verify pays for the words

        return Diagnostics(self.objects).diagnose(error, check)

    def checks(self) -> Mapping[str, Callable[[], Exchange[Diagnosis | None]]]:
        """Return what ``verify`` has to look at besides: CORS, where browsers upload."""
        from .checks import cors  # as above

        return {"cors": partial(cors, self.objects)} if self.target.browser_origin is not None else {}

    def _list(self, prefix: str, marker: str | None, *, one_level: bool) -> Exchange[Page]:
        response = yield from AZURE.send(self.objects.protocol.list(prefix, marker, one_level=one_level))
        return parse_page(response.body)

    def _called(self, key: str, info: ObjectInfo) -> ObjectInfo:
        return info if info.key == key else replace(info, key=key)


def signing_of(target: Target) -> Signing:
    """Return what authorises the requests for *target*."""
    if not isinstance(target.credential, Identity):
        return Signing(target)
    return Signing(target, partial(delegate, target.endpoint_url, Bearer(target.credential.tokens)))
