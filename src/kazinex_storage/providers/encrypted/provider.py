"""A provider whose objects are encrypted before they leave this process: any other one, and keys of the age format.

Sizes, checksums and spans are of the plain text; the service holds, copies, moves and compares the sealed one. What a
service would have to read for us, such as a signed GET, is not declared, and says why. ADR 0065.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, cast

from ...bodies.checksums import Collector
from ...bodies.source import Source
from ...capabilities import Capability
from ...encryption.age import Age, listed_size
from ...encryption.chunks import CHUNK_BYTES, SEALED_BYTES, ChunkCipher, chunks_of, plain_size
from ...encryption.header import MOST_HEADER_BYTES, PREFIX_BYTES
from ...encryption.opening import DAMAGED, ChunkSink, FileSink
from ...encryption.sealing import sealed
from ...errors import IntegrityError, PreconditionFailedError, SealError, StorageError
from ...keys import ObjectKey, Prefix
from ...lifting import ContinuedPages, Exchanges, Pages, RelativePages
from ...transport import Call, Exchange
from ...types import MIB, WHOLE, ByteRange, Checksum, Folder, ObjectInfo, ProviderInfo, PutMode, PutOptions, Sink
from ...unkeyed import Unkeyed, UnkeyedPages
from ...verbs import AnyProvider, exchanges_of, offers_exchanges

if TYPE_CHECKING:
    from ...transport.addresses import PublicAddresses

_PASSED: Final = frozenset(
    {
        Capability.CREATE_ONLY,
        Capability.CONDITIONAL,
        Capability.METADATA,
        Capability.SERVER_COPY,
        Capability.SERVER_MOVE,
        Capability.BULK_DELETE,
        Capability.CUSTOMER_KEYS,
        Capability.RETENTION,
        Capability.LEGAL_HOLD,
        Capability.VERSIONS,
        Capability.UNDELETE,
        Capability.STORAGE_CLASS,
        Capability.TAGS,
        Capability.CONDITIONAL_READ,
        Capability.RESUMED_LISTING,
        Capability.STREAMED_WRITES,
    }
)
"""What works on sealed bytes as it does on others."""

_NO_URLS: Final = (
    "objects are encrypted here, and whoever has such a URL or form would read or write sealed bytes; let the bytes "
    "pass through your own server"
)
_WHY: Final = {
    Capability.PRESIGN: _NO_URLS,
    Capability.PUBLIC_URL: _NO_URLS,
    Capability.POST_POLICY: _NO_URLS,
    Capability.PARTS: "parts are encrypted here, in order; begin an upload with the sha256 of the whole, and resume it",
    Capability.RESUME: "the service compares the sha256 of what it holds, which is sealed; put the object again",
}

_LATER: Final = "it is not passed on for objects that are encrypted here; use a storage without encryption for it"

_NEAR_BYTES: Final = 4 * CHUNK_BYTES
"""A span that ends here comes with the header, in one request; it is the first window of a stream."""

_KNOWN_OBJECTS: Final = 1024
"""Headers that are kept, each for one version of one key, so that the next span of it is one request."""


class Known(NamedTuple):
    """What was found at the beginning of one version of an object."""

    info: ObjectInfo
    """As the service says it: sealed."""
    cipher: ChunkCipher
    prefix: int
    """Bytes before the first chunk."""
    sha256: str | None

    def payload(self) -> int:
        """Return the size of the plain text.

        Raises:
            IntegrityError: no object has the size that this one has.
        """
        found = plain_size(self.info.size - self.prefix)
        if found is None:
            raise IntegrityError(DAMAGED)
        return found

    def chunks(self, span: ByteRange) -> tuple[ByteRange, int, int, int]:
        """Return the sealed bytes that *span* lies in, their first chunk, and where it starts and ends in the whole.

        Of an empty span it is the last chunk, which proves where the object ends.
        """
        size = self.payload()
        start, end = span.resolve(size)
        first, last = (start // CHUNK_BYTES, chunks_of(end) - 1) if start < end else (chunks_of(size) - 1,) * 2
        begin = self.prefix + first * SEALED_BYTES
        wanted = ByteRange(start=begin, end=min(self.prefix + (last + 1) * SEALED_BYTES, self.info.size))
        return wanted, first, start, end

    def plain(self) -> ObjectInfo:
        """Return the info as it is of the plain text."""
        return plain_info(self.info, self.prefix, self.sha256)


class EncryptedProvider:
    """The verbs over another provider. Fork-safe; it keeps keys of objects that were read, in memory alone."""

    offers_exchanges: Literal[True] = True

    def __init__(self, provider: AnyProvider, keys: Age) -> None:
        """Encrypt what goes to *provider*, which this closes, by *keys*."""
        self._provider = provider
        self._inner: Exchanges = exchanges_of(provider)
        self._keys = keys
        self._known: OrderedDict[str, Known] = OrderedDict()
        self.info = info_over(provider.info)
        """What the provider can do with objects that are encrypted here."""

    @property
    def addresses(self) -> PublicAddresses | None:
        """Where its requests may go."""
        return self._provider.addresses if offers_exchanges(self._provider) else None

    @addresses.setter
    def addresses(self, addresses: PublicAddresses | None) -> None:
        """Let its requests go there alone."""
        if offers_exchanges(self._provider):
            self._provider.addresses = addresses

    @property
    def ca_file(self) -> str | None:
        """Whose certificates its requests trust."""
        return getattr(self._provider, "ca_file", None)

    @property
    def refuses_kept(self) -> bool:
        """Whether the provider beneath refuses by itself what retention forbids; see ``contract_retention.py``."""
        return getattr(self._provider, "refuses_kept", False)

    @property
    def beneath(self) -> AnyProvider:
        """The provider that holds what was encrypted."""
        return self._provider

    def close(self) -> None:
        """Close the provider beneath."""
        self._known.clear()
        self._provider.close()

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write *source*, sealed; as ``StorageProvider.put``."""
        if source.size <= MIB and source.data() is not None:
            body = sealed(source, self._keys)
        else:
            body = cast(Source, (yield Call(sealed, source, self._keys, cancel=source.cancel)))
        info = yield from self._inner.put(key, body, options)
        checksum = source.checksum
        return plain_info(info, PREFIX_BYTES, checksum.value if checksum is not None else None)

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Push the bytes of *span*; as ``StorageProvider.get``. One request, or two for the first span of an object."""
        if span is not WHOLE and span != WHOLE:
            return (yield from self._spanned(key, span, sink, if_match))
        file = FileSink(sink, self._keys)
        info = yield from self._inner.get(key, WHOLE, file, if_match)
        file.finish(info.size)
        return plain_info(info, file.prefix, file.sha256)

    def head(self, key: ObjectKey) -> Exchange[ObjectInfo]:
        """Return what is known; as ``StorageProvider.head``. One request, for the first bytes of the object.

        One that no identity at hand opens, or that is not encrypted, has no checksum.
        """
        try:
            return (yield from self._learn(key, None)).plain()
        except (SealError, IntegrityError):
            return plain_info((yield from self._inner.head(key)), PREFIX_BYTES, None)

    def delete(self, key: ObjectKey) -> Exchange[None]:
        """Remove the object; as ``StorageProvider.delete``."""
        return self._inner.delete(key)

    def delete_many(self, keys: Sequence[ObjectKey]) -> Exchange[Sequence[StorageError | None]]:
        """Remove many; as ``BulkDeleter.delete_many``."""
        return self._inner.delete_many(keys)

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Let the service copy what it holds; as ``ServerCopier.copy``."""
        return plain_info((yield from self._inner.copy(source, target, mode)), PREFIX_BYTES, None)

    def move(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Let the service move what it holds; as ``ServerMover.move``."""
        return plain_info((yield from self._inner.move(source, target, mode)), PREFIX_BYTES, None)

    def scan(self, prefix: Prefix) -> Pages[ObjectInfo]:
        """List everything; as ``StorageProvider.scan``. Sizes are what they are if this package wrote the object."""
        return cast("Pages[ObjectInfo]", pages_over(self._inner.scan(prefix)))

    def children(self, prefix: Prefix) -> Pages[ObjectInfo | Folder]:
        """List one level; as ``StorageProvider.children``."""
        return pages_over(self._inner.children(prefix))

    def checksum(self, key: ObjectKey, info: ObjectInfo) -> Exchange[Checksum | None]:  # noqa: ARG002
        """Return None: chunks prove themselves, also those of a version that is read in part."""
        return None
        yield  # makes an exchange of it

    def _spanned(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        known = self._known.get(key)
        if known is not None and if_match in (None, known.info.etag):
            try:
                return (yield from self._chunks(key, known, span, sink))
            except PreconditionFailedError:
                self._known.pop(key, None)
                if if_match is not None:
                    raise
        near = span.end is not None and span.end <= _NEAR_BYTES
        data = Collector()
        known = yield from self._learn(key, if_match, near=near, data=data)
        start, end = span.resolve(known.payload())
        if near and known.prefix == PREFIX_BYTES and start < end:
            opened = ChunkSink(sink, known.cipher, 0, start, end)
            opened(memoryview(data.value())[known.prefix : known.prefix + chunks_of(end) * SEALED_BYTES])
            opened.finish(known.info.size - known.prefix)
            return known.plain()
        return (yield from self._chunks(key, known, span, sink))

    def _chunks(self, key: ObjectKey, known: Known, span: ByteRange, sink: Sink) -> Exchange[ObjectInfo]:
        wanted, first, start, end = known.chunks(span)
        opened = ChunkSink(sink, known.cipher, first, start, end)
        info = yield from self._inner.get(key, wanted, opened, known.info.etag)
        opened.finish(info.size - known.prefix)
        return known.plain()

    def _learn(
        self, key: ObjectKey, if_match: str | None, *, near: bool = False, data: Collector | None = None
    ) -> Exchange[Known]:
        """Read the header of the object; if *near*, the first chunks come with it into *data*."""

        def read(wanted: ByteRange, into: Sink) -> Exchange[ObjectInfo]:
            return self._inner.get(key, wanted, into, if_match)

        known = yield from self._begun(read, near=near, data=data)
        if known.info.etag is not None:
            self._known[key] = known
            if len(self._known) > _KNOWN_OBJECTS:
                with suppress(KeyError):  # another thread was faster
                    self._known.popitem(last=False)
        return known

    def _begun(
        self,
        read: Callable[[ByteRange, Sink], Exchange[ObjectInfo]],
        *,
        near: bool = False,
        data: Collector | None = None,
    ) -> Exchange[Known]:
        """Return what *read* finds at the beginning of one version."""
        begun = data if data is not None else Collector()
        end = PREFIX_BYTES + _NEAR_BYTES // CHUNK_BYTES * SEALED_BYTES if near else PREFIX_BYTES
        info = yield from read(ByteRange(end=end), begun)
        file = FileSink(lambda _: None, self._keys)
        file.learn(begun.value())
        if file.cipher is None and info.size > end:  # of another writer, with many recipients
            rest = Collector()
            info = yield from read(ByteRange(end=MOST_HEADER_BYTES), rest)
            file.learn(rest.value())
        if file.cipher is None:
            raise IntegrityError(DAMAGED)
        return Known(info, file.cipher, file.prefix, file.sha256)


def info_over(info: ProviderInfo) -> ProviderInfo:
    """Return what is true of a provider that *info* is of once its objects are encrypted."""
    can = (info.capabilities & _PASSED) | {Capability.CHECKSUM}
    if info.can(Capability.PARTS):
        can |= {Capability.RESUME}
    missing = {**info.missing, **{capability: _WHY.get(capability, _LATER) for capability in info.capabilities - can}}
    return replace(
        info,
        capabilities=frozenset(can),
        missing=missing,
        ours=info.ours & can,
        max_object_bytes=max(0, info.max_object_bytes - PREFIX_BYTES) // SEALED_BYTES * CHUNK_BYTES,
        part_rule=None,
        rewrites=frozenset(),
    )


def plain_info(info: ObjectInfo, prefix: int, sha256: str | None) -> ObjectInfo:
    """Return *info* of sealed bytes as it is of the plain text."""
    checksum = Checksum(algorithm="sha256", value=sha256) if sha256 is not None else None
    return replace(info, size=listed_size(info.size, prefix), checksum=checksum, service_checksum=None)


class _PlainPages:
    """A listing with the sizes of the plain text."""

    def __init__(self, pages: Pages[ObjectInfo | Folder]) -> None:
        self._pages = pages

    def next(self) -> Exchange[Sequence[ObjectInfo | Folder] | None]:
        page = yield from self._pages.next()
        if page is None:
            return None
        return [entry if isinstance(entry, Folder) else plain_info(entry, PREFIX_BYTES, None) for entry in page]

    def close(self) -> None:
        self._pages.close()

    @property
    def is_continued(self) -> bool:
        return isinstance(self._pages, ContinuedPages) and self._pages.is_continued


class _RelativePlainPages(_PlainPages):
    @property
    def cut(self) -> int:
        return cast("RelativePages", self._pages).cut

    @cut.setter
    def cut(self, characters: int) -> None:
        cast("RelativePages", self._pages).cut = characters


class _TellingPlainPages(_RelativePlainPages):
    @property
    def unkeyed(self) -> Sequence[Unkeyed]:
        return cast("UnkeyedPages", self._pages).unkeyed


def pages_over(pages: object) -> Pages[ObjectInfo | Folder]:
    """Return *pages* with the sizes of the plain text."""
    found = cast("Pages[ObjectInfo | Folder]", pages)
    if not isinstance(pages, RelativePages):
        return _PlainPages(found)
    return _TellingPlainPages(found) if isinstance(pages, UnkeyedPages) else _RelativePlainPages(found)
