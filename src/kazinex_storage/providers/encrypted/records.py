"""The verbs of a record keeper over encrypted objects: versions, undelete, retention, and those that spare requests.

What the service does with sealed bytes it does as with others; sizes and bytes that come back are of the plain text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...bodies.stream import Stream
from ...contract_reading import Page
from ...encryption.age import listed_size
from ...encryption.header import PREFIX_BYTES
from ...encryption.opening import ChunkSink, FileSink
from ...encryption.streaming import sealed_stream
from ...keys import ObjectKey, Prefix
from ...retention import Protection, Retention
from ...transport import Exchange
from ...types import WHOLE, ByteRange, Folder, ObjectInfo, PutOptions, Sink
from ...versions import DeletedObject, ObjectVersion
from .provider import EncryptedProvider, plain_info


class EncryptedRecords(EncryptedProvider):
    """Those verbs; each is asked only where the provider beneath declares its capability."""

    def put_stream(self, key: ObjectKey, stream: Stream, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write what *stream* gives, sealed as it comes; as ``StreamWriter.put_stream``."""
        body = sealed_stream(stream, self._keys)
        try:
            info = yield from self._inner.put_stream(key, body, options)
        finally:
            body.close()
        found = stream.checksum
        known = found.value if found is not None and found.algorithm == "sha256" else None
        return plain_info(info, PREFIX_BYTES, known)

    def get_changed(self, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str) -> Exchange[ObjectInfo]:
        """Push *span* unless the object is that version; as ``ConditionalReader.get_changed``."""
        if span is WHOLE or span == WHOLE:
            file = FileSink(sink, self._keys)
            info = yield from self._inner.get_changed(key, WHOLE, file, if_none_match)
            file.finish(info.size)
            return plain_info(info, file.prefix, file.sha256)
        # The first bytes of the header are asked for under the condition, and say which version is read then.
        info = yield from self._inner.get_changed(key, ByteRange(end=1), lambda _: None, if_none_match)
        return (yield from self.get(key, span, sink, info.etag))

    def list_page(self, prefix: Prefix, token: str | None, limit: int, one_level: bool) -> Exchange[Page]:
        """Return one page; as ``PageLister.list_page``."""
        page = yield from self._inner.list_page(prefix, token, limit, one_level)
        entries = [
            entry if isinstance(entry, Folder) else plain_info(entry, PREFIX_BYTES, None) for entry in page.entries
        ]
        return replace(page, entries=entries)

    def protection(self, key: ObjectKey) -> Exchange[Protection]:
        """Return what keeps the object; as ``Protector.protection``."""
        return self._inner.protection(key)

    def retain(self, key: ObjectKey, retention: Retention | None, bypass: bool) -> Exchange[None]:
        """Set the retention; as ``Retainer.retain``."""
        return self._inner.retain(key, retention, bypass)

    def hold(self, key: ObjectKey, held: bool) -> Exchange[None]:
        """Begin or end a hold; as ``Holder.hold``."""
        return self._inner.hold(key, held)

    def tags(self, key: ObjectKey) -> Exchange[Mapping[str, str]]:
        """Return the tags, which are not encrypted; as ``Tagger.tags``."""
        return self._inner.tags(key)

    def set_tags(self, key: ObjectKey, tags: Mapping[str, str]) -> Exchange[None]:
        """Replace the tags, which are not encrypted; as ``Tagger.set_tags``."""
        return self._inner.set_tags(key, tags)

    def set_storage_class(self, key: ObjectKey, storage_class: str) -> Exchange[ObjectInfo]:
        """Give the object another class; as ``ClassSetter.set_storage_class``."""
        return plain_info((yield from self._inner.set_storage_class(key, storage_class)), PREFIX_BYTES, None)

    def versions(self, key: ObjectKey) -> Exchange[Sequence[ObjectVersion]]:
        """Return the versions; as ``VersionKeeper.versions``."""
        found = yield from self._inner.versions(key)
        return [replace(version, size=listed_size(version.size)) for version in found]

    def head_version(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Return what is known of one version; as ``VersionKeeper.head_version``."""
        return plain_info((yield from self._inner.head_version(key, version)), PREFIX_BYTES, None)

    def get_version(self, key: ObjectKey, version: str, span: ByteRange, sink: Sink) -> Exchange[ObjectInfo]:
        """Push *span* of one version; as ``VersionKeeper.get_version``. Of a part the header is one request more."""
        if span is WHOLE or span == WHOLE:
            file = FileSink(sink, self._keys)
            info = yield from self._inner.get_version(key, version, WHOLE, file)
            file.finish(info.size)
            return plain_info(info, file.prefix, file.sha256)

        def read(wanted: ByteRange, into: Sink) -> Exchange[ObjectInfo]:
            return self._inner.get_version(key, version, wanted, into)

        known = yield from self._begun(read)
        wanted, first, start, end = known.chunks(span)
        opened = ChunkSink(sink, known.cipher, first, start, end)
        info = yield from read(wanted, opened)
        opened.finish(info.size - known.prefix)
        return known.plain()

    def restore(self, key: ObjectKey, version: str) -> Exchange[ObjectInfo]:
        """Make a version the object; as ``VersionKeeper.restore``."""
        return plain_info((yield from self._inner.restore(key, version)), PREFIX_BYTES, None)

    def deleted(self, prefix: Prefix) -> Exchange[Sequence[DeletedObject]]:
        """Return what was deleted; as ``Undeleter.deleted``."""
        found = yield from self._inner.deleted(prefix)
        return [replace(entry, size=listed_size(entry.size)) for entry in found]

    def undelete(self, key: ObjectKey, version: str | None) -> Exchange[ObjectInfo]:
        """Bring back what was deleted; as ``Undeleter.undelete``."""
        return plain_info((yield from self._inner.undelete(key, version)), PREFIX_BYTES, None)

    def purge(self, key: ObjectKey) -> Exchange[None]:
        """Remove the object for good; as ``Undeleter.purge``."""
        return self._inner.purge(key)
