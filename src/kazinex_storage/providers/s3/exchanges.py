"""The contract as exchanges, for one bucket of an S3 service: keys in, the service's own names out and back.

``Storage`` runs these. What a single object, an upload in parts, a copy or a listing needs of the service stands in
``objects.py``, ``multipart.py``, ``uploads.py``, ``copying.py`` and ``listing.py``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...errors import StorageError
from ...keys import ObjectKey, Prefix
from ...part_uploads import PartExchanges
from ...source import Source
from ...transport import Exchange, Response
from ...types import ByteRange, Folder, ObjectInfo, PutMode, PutOptions, Sink
from .answers import Page, parse_failures
from .copying import Copying
from .listing import ListedPages
from .mapping import map_error
from .multipart import Multipart
from .objects import SINGLE_PUT_BYTES, Objects
from .protocol import Protocol
from .signing import Signing
from .target import Target
from .uploads import PartUploads, Spelling


@dataclass(frozen=True, slots=True)
class Names:
    """How keys are spelt on a service that holds fewer characters. The default spells them as they are."""

    encode: Callable[[str], str] = str
    decode: Callable[[str], str] = str
    encode_prefix: Callable[[str], str] = str


class S3Exchanges:
    """One bucket, or the part of it below the prefix of the settings."""

    def __init__(self, target: Target, names: Names | None = None) -> None:
        """Work on *target*."""
        self.target = target
        """The bucket."""
        self._names = names
        self._prefix = target.prefix
        self._signing = Signing(target)
        self.objects = Objects(Protocol(target), self._signing)
        """Single objects, by the names of the service."""
        self.multipart = Multipart(self.objects)
        """Uploads in parts, by the names of the service."""
        self._copying = Copying(self.objects, self.multipart)
        spelling = Spelling(self.name_of, self._name_prefix, self.key_of)
        self.parts: PartExchanges = PartUploads(self.objects, self.multipart, spelling)
        """Uploads in parts that outlive a process."""

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write; one request up to 8 MiB, else two and one for each part."""
        name = self.name_of(key)
        write = self.objects.put if source.size <= SINGLE_PUT_BYTES else self.multipart.put
        return self._called(key, (yield from write(name, source, options)))

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Read; one request."""
        return self._called(key, (yield from self.objects.get(self.name_of(key), span, sink, if_match)))

    def head(self, key: ObjectKey) -> Exchange[ObjectInfo]:
        """Look; one request."""
        return self._called(key, (yield from self.objects.head(self.name_of(key))))

    def delete(self, key: ObjectKey) -> Exchange[None]:
        """Remove; one request."""
        yield from self.objects.delete(self.name_of(key))

    def scan(self, prefix: Prefix) -> ListedPages[ObjectInfo]:
        """List everything below; one request for 1,000 objects."""
        return ListedPages(self.objects, self._name_prefix(prefix), self._infos, one_level=False)

    def children(self, prefix: Prefix) -> ListedPages[ObjectInfo | Folder]:
        """List one level; one request for 1,000 entries."""
        return ListedPages(self.objects, self._name_prefix(prefix), self._entries, one_level=True)

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy inside the service."""
        found = yield from self._copying.copy(self.name_of(source), self.name_of(target), mode)
        return self._called(target, found)

    def delete_many(self, keys: Sequence[ObjectKey]) -> Exchange[Sequence[StorageError | None]]:
        """Remove up to 1,000 objects in one request.

        Raises:
            StorageError: the service refuses the request as a whole.
        """
        names = [self.name_of(key) for key in keys]
        signing = yield from self.objects.key()
        response: Response = yield self.objects.protocol.delete_many(names, signing)
        if response.status != 200:
            raise map_error(response)
        failures = parse_failures(response.body)
        return [
            _failure(key, failures[name]) if name in failures and failures[name][0] != "NoSuchKey" else None
            for key, name in zip(keys, names, strict=True)
        ]

    def name_of(self, key: str) -> str:
        """Return how the service spells *key*."""
        return self._prefix + (key if self._names is None else self._names.encode(key))

    def key_of(self, name: str) -> str | None:
        """Return the key that the service spells *name*; None for what is no object of ours: markers of folders."""
        if not name.startswith(self._prefix) or name.endswith("/") or len(name) == len(self._prefix):
            return None
        key = name[len(self._prefix) :]
        if self._names is not None:
            return self._names.decode(key)
        # R2 shows the spelling that was uploaded last, and keys are NFC here.
        folds = self.target.preset.folds_names and not key.isascii()
        return unicodedata.normalize("NFC", key) if folds else key

    def _name_prefix(self, prefix: str) -> str:
        return self._prefix + (prefix if self._names is None else self._names.encode_prefix(prefix))

    def _called(self, key: str, info: ObjectInfo) -> ObjectInfo:
        return info if info.key == key else replace(info, key=key)

    def _infos(self, page: Page) -> list[ObjectInfo]:
        return [
            ObjectInfo(key=key, size=size, etag=etag, last_modified=moment)
            for name, size, etag, moment in page.objects
            if (key := self.key_of(name)) is not None
        ]

    def _entries(self, page: Page) -> list[ObjectInfo | Folder]:
        folders: list[ObjectInfo | Folder] = [
            Folder(prefix=f"{key}/")
            for name in page.folders
            if (key := self.key_of(name.removesuffix("/"))) is not None
        ]
        return folders + self._infos(page)


def _failure(key: ObjectKey, failure: tuple[str, str]) -> StorageError:
    code, _ = failure
    body = f"<Error><Code>{code}</Code></Error>".encode() if code.isalnum() else b""
    statuses = {"AccessDenied": 403, "InternalError": 500, "SlowDown": 503}
    return map_error(Response(status=statuses.get(code, 500), headers={}, body=body), key)
