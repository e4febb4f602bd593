"""Every operation of a storage, written once, as an exchange.

``Storage`` and ``AsyncStorage`` run these; nothing else implements an operation. Bodies have full keys and raise plain
errors; ``operation.py`` adds the rest, ``rules.py`` says what may enter.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from ..bodies.checksums import Collector
from ..capabilities import Capability
from ..errors import BulkError, NotFoundError
from ..keys import ObjectKey
from ..lazy import module
from ..transport import Call, Exchange, Many, Outcome
from ..types import (
    DEFAULTS,
    WHOLE,
    ByteRange,
    Checksum,
    Folder,
    ObjectInfo,
    PresignedUrl,
    PresignOptions,
    Progress,
    PutMode,
    PutOptions,
    Sink,
)
from .fetching import Fetch, Proof, read_spans
from .operation import Context, operation, unscoped_operation
from .ranges import GAP_BYTES
from .reading import Listing, RangeReader

if TYPE_CHECKING:
    import pathlib

    from ..bodies.body import Spool
    from ..bodies.download_file import Download
    from ..bodies.small_download import Destination, SmallDownload
    from ..bodies.source import Source
    from ..contract_reading import Page
    from .guards import Write
    from .history import History
    from .keeping import Keeping
    from .labels import Labels
    from .rules import Body
    from .uploads import Uploads
else:
    pathlib = module(__name__, "pathlib")


LINK = PresignOptions()
"""A GET, for a quarter of an hour."""


class Operations:
    """The operations on one provider below one prefix, under one policy. Holds no state."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        """Work with what *context* says."""
        self.context = context
        """Provider, prefix and rules."""

    @operation("put")
    def put(
        self,
        key: ObjectKey,
        body: Body,
        options: PutOptions = DEFAULTS,
        *,
        sha256: str | None = None,
        on_progress: Progress | None = None,
        write: Write | None = None,
    ) -> Exchange[ObjectInfo]:
        """Write the whole of *body*; see ``Storage.put``. A *write* that the caller has asked is not asked again."""
        context = self.context
        admitted = context.rules.admit(key, options)
        if write is not None:
            return self._write(key, body, admitted, sha256, on_progress, write=write)
        put = self._write if context.guard is None and context.rules.taken is None else self._write_guarded
        rules = context.rules  # no call: single requests pay for each
        if not rules.records_sha256 or (sha256 is None and (admitted.digest or rules.digest) == "service"):
            return put(key, body, admitted, sha256, on_progress)
        from .digests import recording

        return recording(context, key, put(key, body, admitted, sha256, on_progress))

    @property
    def uploads(self) -> Uploads:
        """Uploads in parts."""
        from .uploads import Uploads

        return Uploads(self.context)

    @property
    def keeping(self) -> Keeping:
        """Retention and legal holds."""
        from .keeping import Keeping

        return Keeping(self.context)

    @property
    def history(self) -> History:
        """Earlier versions, and what was deleted."""
        from .history import History

        return History(self.context)

    def of_version(self, version: str | None) -> Operations:
        """Return the operations that read *version* of an object; None: these ones, and what the key names now."""
        if version is None:
            return self
        from .history import context_of

        return type(self)(context_of(self.context, version))

    @property
    def labels(self) -> Labels:
        """Tags, storage classes, public URLs and forms."""
        from .labels import Labels

        return Labels(self.context)

    def spool(self, key: str) -> Spool:
        """Return a spool that collects a body for *key* and refuses what the policy or the service does.

        Raises:
            InvalidKeyError: the key is not legal.
            FileTypeRefusedError: the policy does not allow the extension.
        """
        rules = self.context.rules
        rules.check_name(self.context.scope.full_key(key))
        return rules.spool()

    @unscoped_operation("put_many")
    def put_many(self, items: Iterable[tuple[str, Body]], options: PutOptions) -> Exchange[list[ObjectInfo]]:
        """Write many (key, body) pairs; see ``Storage.put_many``.

        Raises:
            BulkError: some failed.
        """
        from .bulk import each_once

        puts = each_once(items, lambda key, body: self.put(key, body, options))
        outcomes = cast("list[Outcome[ObjectInfo]]", (yield Many(puts, self.context.info.concurrency)))
        failures = [outcome.error for outcome in outcomes if outcome.error is not None]
        BulkError.raise_for(failures, len(outcomes), "put_many")
        return [outcome.result() for outcome in outcomes]

    @operation("get")
    def get(
        self, key: ObjectKey, sink: Sink, span: ByteRange = WHOLE, if_match: str | None = None
    ) -> Exchange[ObjectInfo]:
        """Push the bytes of *span* into *sink*; the whole is compared with the checksum that the service keeps."""
        proof = Proof(sink) if self.context.info.remote and (span is WHOLE or span == WHOLE) else None
        info = yield from self.context.exchanges.get(key, span, proof or sink, if_match)
        if proof is not None:
            proof.check(info)
        return info

    @operation("get")
    def get_bytes(
        self,
        key: ObjectKey,
        span: ByteRange = WHOLE,
        if_match: str | None = None,
        if_none_match: str | None = None,
        *,
        sha256: str | None = None,
    ) -> Exchange[bytes]:
        """Return the bytes of *span*, the whole compared with *sha256*; see ``Storage.get_bytes``."""
        if if_none_match is not None:
            from .conditional import bytes_if_changed

            return bytes_if_changed(self.context, key, span, if_match, if_none_match)
        read = self.context.read
        if read is not None and span is WHOLE and if_match is None:
            return read(key, sha256)
        return self._collected(key, span, if_match, sha256)

    @operation("get")
    def read_ranges(
        self, key: ObjectKey, spans: Sequence[ByteRange], gap: int = GAP_BYTES, if_match: str | None = None
    ) -> Exchange[list[bytes]]:
        """Return the bytes of every span, all of one version; see ``Storage.read_ranges``."""
        return read_spans(self.context, key, spans, gap, if_match)

    def range_reader(
        self, key: str, span: ByteRange = WHOLE, if_match: str | None = None, *, sha256: str | None = None
    ) -> RangeReader:
        """Return the pull side of *span*; the whole is compared with *sha256*; see ``Storage.stream``."""
        return RangeReader(self.context, key, span, if_match=if_match, sha256=sha256)

    @operation("download")
    def download(
        self,
        key: ObjectKey,
        path: str | os.PathLike[str] | Destination,
        on_progress: Progress | None = None,
        *,
        sha256: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> Exchange[ObjectInfo]:
        """Write the object into *path* if it has *sha256* and is the version *if_match*; see ``Storage.download``.

        A small object of which the size is known costs one request and one blocking call.
        """
        from ..bodies.small_download import Destination, SmallDownload

        if if_none_match is not None:
            self.context.rules.need(Capability.CONDITIONAL_READ, "if_none_match")
        remote = self.context.info.remote
        into = path if isinstance(path, Destination) else Destination(path=pathlib.Path(path))
        trusting = remote and self.context.rules.digest == "service"
        target: Download | SmallDownload
        if small := remote and into.is_small:
            target = SmallDownload(into, trusting=trusting)
        else:
            from ..bodies.download_file import Download

            target = cast(Download, (yield Call(into.open, trusting, discard=Download.discard)))
        try:
            fetch = Fetch(self.context, key, target, on_progress, if_match, into.size)
            fetch.if_none_match = if_none_match
            info = yield from fetch.small(sha256) if small else fetch.spans(sha256) if remote else fetch.whole()
            checksum = yield Call(target.publish, info, sha256 or info.sha256)
        finally:
            target.discard()
        return info if checksum is None or checksum == info.checksum else replace(info, checksum=checksum)

    @operation("head")
    def head(self, key: ObjectKey, if_none_match: str | None = None) -> Exchange[ObjectInfo]:
        """Return what is known of the object; see ``Storage.head``."""
        if if_none_match is None:
            return self.context.exchanges.head(key)
        from .conditional import head_if_changed

        return head_if_changed(self.context, key, if_none_match)

    @operation("head")
    def exists(self, key: ObjectKey) -> Exchange[bool]:
        """Say whether an object has that key."""
        try:
            yield from self.context.exchanges.head(key)
        except NotFoundError:
            return False
        return True

    @operation("delete")
    def delete(self, key: ObjectKey, *, keep: bool | None = None) -> Exchange[None]:
        """Remove the object; see ``Storage.delete``. Where there is a trash, *keep* says whether it goes there."""
        context = self.context
        if context.rules.quota is not None:
            from .claiming import removing

            return removing(context, [key], self._delete(key, keep))
        plain = context.guard is None and context.trash is None
        return context.exchanges.delete(key) if plain else self._delete(key, keep)

    @unscoped_operation("delete_many")
    def delete_many(self, keys: Iterable[str]) -> Exchange[None]:
        """Remove many objects; see ``Storage.delete_many``."""
        from .bulk import delete_objects

        return delete_objects(self.context, keys)

    @operation("copy")
    def copy(self, source: ObjectKey, target: str, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy inside the storage; see ``Storage.copy``."""
        from .copies import copy_object

        return copy_object(self.context, source, self.context.scope.full_key(target), mode)

    @operation("move")
    def move(self, source: ObjectKey, target: str, mode: PutMode) -> Exchange[ObjectInfo]:
        """Give an object another key; see ``Storage.move``."""
        from .copies import move_object

        return move_object(self.context, source, self.context.scope.full_key(target), mode)

    @operation("presign")
    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Sign a request; see ``Storage.presign``."""
        from .signed import presign_object

        return presign_object(self.context, key, options)

    @operation("confirm")
    def confirm(self, key: ObjectKey, options: PresignOptions, write_token: str | None) -> Exchange[ObjectInfo]:
        """Check what a signed PUT brought; see ``Storage.confirm``."""
        from .signed import confirm_object

        return confirm_object(self.context, key, options, write_token)

    @unscoped_operation("list")
    def list_page(self, prefix: str, token: str | None, limit: int, recursive: bool) -> Exchange[Page]:
        """Return one page of a listing; see ``Storage.list_page``."""
        from .paging import list_page

        return list_page(self.context, prefix, token, limit, recursive=recursive)

    def scan(self, prefix: str) -> Listing[ObjectInfo]:
        """List everything below *prefix*; see ``Storage.list``."""
        return Listing(self.context, self.context.exchanges.scan(self.context.scope.full_prefix(prefix)))

    def children(self, prefix: str) -> Listing[ObjectInfo | Folder]:
        """List one level; see ``Storage.list``."""
        return Listing(self.context, self.context.exchanges.children(self.context.scope.full_prefix(prefix)))

    def _delete(self, key: ObjectKey, keep: bool | None) -> Exchange[None]:
        context, trash = self.context, self.context.trash
        if context.guard is not None:
            yield from context.guard.removing([key])
        if trash is None or not (trash.always if keep is None else keep):
            return (yield from context.exchanges.delete(key))
        from .trashing import discard

        yield from discard(context, trash, key)

    def _collected(self, key: ObjectKey, span: ByteRange, if_match: str | None, sha256: str | None) -> Exchange[bytes]:
        collected = Collector()
        info = yield from self.context.exchanges.get(key, span, collected, if_match)
        whole = span is WHOLE or span == WHOLE
        if whole and sha256 is not None:
            collected.expect(Checksum(algorithm="sha256", value=sha256))
        elif not whole or not self.context.info.remote:
            return collected.value()
        return collected.proven(info)

    def _write(
        self,
        key: ObjectKey,
        body: Body,
        options: PutOptions,
        sha256: str | None,
        on_progress: Progress | None,
        *,
        write: Write | None = None,
    ) -> Exchange[ObjectInfo]:
        """Write; where a *write* records it, that keeps the sha256, so that nothing else will do."""
        rules = self.context.rules
        hashed = write is not None or (options.digest or rules.digest) == "sha256"
        if rules.streams and type(body) is not bytes and rules.is_unsized(body):
            from .streaming import Streaming

            streaming = Streaming(self.context, key, options, write=write, hashed=hashed)
            return (yield from streaming.run(body, sha256, on_progress, self._write))
        source = yield from rules.source(body, sha256, on_progress, hashed=hashed)
        try:
            if source is body and not hashed:
                source.trust_service(True)
            if rules.looks_inside:
                yield from rules.check_contents(key, source, options.content_encoding)
            if rules.quota is not None:
                return (yield from self._claimed(key, source, options, write))
            return rules.check_stored(key, source, (yield from self.context.exchanges.put(key, source, options)))
        finally:
            if source is not body:
                source.close()
            else:  # whoever opened it may use it again, where a sha256 is needed
                source.trust_service(False)

    def _write_guarded(
        self, key: ObjectKey, body: Body, options: PutOptions, sha256: str | None, on_progress: Progress | None
    ) -> Exchange[ObjectInfo]:
        """Write where a guard, or the register of removed keys, may refuse."""
        context = self.context
        write = context.write_of(key)
        if write is None:
            yield from context.rules.check_taken(key)
            return (yield from self._write(key, body, options, sha256, on_progress))
        from .guards import guarded

        created = replace(options, mode=PutMode.CREATE)

        def create(demanded: str | None) -> Exchange[ObjectInfo]:
            return self._write(key, body, created, demanded, on_progress, write=write)

        return (yield from guarded(write, body, sha256, create, lambda: context.exchanges.delete(key)))

    def _claimed(
        self, key: ObjectKey, source: Source, options: PutOptions, write: Write | None
    ) -> Exchange[ObjectInfo]:
        """Write where there are quotas."""
        from .claiming import within_quota

        def send() -> Exchange[ObjectInfo]:
            info = yield from self.context.exchanges.put(key, source, options)
            return self.context.rules.check_stored(key, source, info)

        return (yield from within_quota(self.context, (key, options.mode, source.size), write, send))
