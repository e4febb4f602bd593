"""Every operation of a storage, written once, as an exchange.

``Storage`` and ``AsyncStorage`` run these; nothing else implements an operation. Here stand the rules that all
providers share: keys and scopes, policy and limits, capabilities, checksums, what errors are told.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

from ..bodies.body import Spool
from ..bodies.download_file import Download
from ..errors import BulkError, ClosedError, InvalidKeyError, NotFoundError, NotSupportedError, StorageError
from ..keys import MAX_KEY_BYTES, ObjectKey, Prefix
from ..lifting import exchanges_of
from ..policy import UploadPolicy
from ..provider import StorageProvider
from ..transport import Call, Exchange, Many, Outcome
from ..types import (
    WHOLE,
    ByteRange,
    Capability,
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
from .admission import Admission, Body, beside_bytes
from .closed_flag import Life
from .copies import copy_object, move_object
from .fetching import Fetch, Proof, known_checksum
from .guards import Guard, Watch
from .reading import Collector, Listing, Reading, below, each_once
from .signed import confirm_object, presign_object
from .states import StateKeys, StateSeal
from .writes import delete_object, delete_objects, put_object

T = TypeVar("T")

DEFAULTS = PutOptions()
"""Replace what is there; the content type follows from the key."""

LINK = PresignOptions()
"""A GET, for a quarter of an hour."""

WriteOnce: TypeAlias = bool | Callable[[ObjectKey], bool]
"""Which objects are created and never replaced: all, none, or those whose whole key a function says it of."""


class Operations:
    """The operations on one provider below one prefix, under one policy. Holds no state of its own."""

    __slots__ = (
        "_admission",
        "_exchanges",
        "_life",
        "_provider",
        "_scope",
        "_seal",
        "_write_once",
        "guard",
        "info",
        "policy",
        "taken",
        "watch",
    )

    def __init__(
        self,
        provider: StorageProvider,
        scope: Prefix,
        policy: UploadPolicy | None,
        life: Life,
        write_once: WriteOnce = False,
        state_key: bytes | StateKeys | StateSeal | None = None,
    ) -> None:
        """Work on the keys of *provider* that begin with *scope*, which is empty or ends with a slash.

        Raises:
            ValueError: the key for upload states is too short.
        """
        self._provider = provider
        self._exchanges = exchanges_of(provider)
        self._scope = scope
        self._life = life
        self._write_once = write_once
        self._seal = state_key if isinstance(state_key, StateSeal) else StateSeal(provider, state_key)
        self.info = provider.info
        """What the provider is and can do."""
        self.policy = policy
        """What may be put; None allows all that the provider can hold."""
        self._admission = Admission(provider.info, policy)
        self.guard: Guard | None = None
        """What decides over some of the keys; set by who opens the storage, before it is used."""
        self.taken: Callable[[ObjectKey], Exchange[None]] | None = None
        """What refuses a key that is written once and was given away for good, where no guard decides; set likewise."""
        self.watch: Watch | None = None
        """What is shown how calls end; set likewise."""

    def within(self, scope: Prefix, policy: UploadPolicy | None, life: Life) -> Operations:
        """Return the operations on the same provider below *scope*, under *policy*."""
        made = Operations(self._provider, scope, policy, life, self._write_once, self._seal)
        made.guard, made.taken, made.watch = self.guard, self.taken, self.watch
        return made

    def put(
        self,
        key: str,
        body: Body,
        options: PutOptions = DEFAULTS,
        *,
        sha256: str | None = None,
        on_progress: Progress | None = None,
    ) -> Exchange[ObjectInfo]:
        """Write the whole of *body*; see ``Storage.put``."""
        return self._told("put", key, put_object(self, key, body, options, sha256, on_progress))

    def spool(self, key: str) -> Spool:
        """Return a spool that collects a body for *key* and refuses what the policy or the service does.

        Raises:
            InvalidKeyError: the key is not legal.
            FileTypeRefusedError: the policy does not allow the extension.
        """
        self._admission.check_name(self._full(key).name)
        return self._admission.spool()

    def put_many(self, items: Iterable[tuple[str, Body]], options: PutOptions) -> Exchange[list[ObjectInfo]]:
        """Write many (key, body) pairs; see ``Storage.put_many``."""
        return self._told("put_many", None, self._put_many(items, options))

    def get(self, key: str, sink: Sink, span: ByteRange = WHOLE, if_match: str | None = None) -> Exchange[ObjectInfo]:
        """Push the bytes of *span* into *sink*; the whole is compared with the checksum that the service keeps."""
        return self._told("get", key, self._get(key, sink, span, if_match))

    def get_bytes(
        self, key: str, span: ByteRange = WHOLE, if_match: str | None = None, *, sha256: str | None = None
    ) -> Exchange[bytes]:
        """Return the bytes of *span*, the whole compared with *sha256*; see ``Storage.get_bytes``."""
        return self._told("get", key, self._get_bytes(key, span, if_match, sha256))

    def read_ranges(self, key: str, spans: Sequence[ByteRange]) -> Exchange[list[bytes]]:
        """Return the bytes of every span, all of one version; see ``Storage.read_ranges``."""
        return self._told("get", key, self._read_ranges(key, spans))

    def reading(
        self, key: str, span: ByteRange = WHOLE, if_match: str | None = None, *, sha256: str | None = None
    ) -> Reading:
        """Return the pull side of *span*; the whole is compared with *sha256*; see ``Storage.stream``."""
        full = self._full(key)

        def get(sink: Sink, window: ByteRange, if_match: str | None) -> Exchange[ObjectInfo]:
            return self._told("get", key, self._exchanges.get(full, window, sink, if_match))

        def head() -> Exchange[ObjectInfo]:
            return self._told("head", key, self._exchanges.head(full))

        return Reading(
            get,
            head,
            span,
            expected=partial(known_checksum, self._exchanges, self.info, full, sha256),
            if_match=if_match,
        )

    def download(
        self,
        key: str,
        path: os.PathLike[str],
        on_progress: Progress | None = None,
        *,
        sha256: str | None = None,
        if_match: str | None = None,
    ) -> Exchange[ObjectInfo]:
        """Write the object into *path* if it has *sha256* and is the version *if_match*; see ``Storage.download``."""
        return self._told("download", key, self._download(key, Path(path), on_progress, sha256, if_match))

    def head(self, key: str) -> Exchange[ObjectInfo]:
        """Return what is known of the object; see ``Storage.head``."""
        return self._told("head", key, self._head(key))

    def exists(self, key: str) -> Exchange[bool]:
        """Say whether an object has that key."""
        return self._told("head", key, self._exists(key))

    def delete(self, key: str) -> Exchange[None]:
        """Remove the object; see ``Storage.delete``."""
        return self._told("delete", key, delete_object(self, key))

    def delete_many(self, keys: Iterable[str]) -> Exchange[None]:
        """Remove many objects; see ``Storage.delete_many``."""
        return self._told("delete_many", None, delete_objects(self, keys))

    def copy(self, source: str, target: str, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy inside the storage; see ``Storage.copy``."""
        return self._told("copy", source, copy_object(self, source, target, mode))

    def move(self, source: str, target: str, mode: PutMode) -> Exchange[ObjectInfo]:
        """Give an object another key; see ``Storage.move``."""
        return self._told("move", source, move_object(self, source, target, mode))

    def presign(self, key: str, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Sign a request; see ``Storage.presign``."""
        return self._told("presign", key, presign_object(self, key, options))

    def confirm(self, key: str, options: PresignOptions, write_token: str | None) -> Exchange[ObjectInfo]:
        """Check what a signed PUT brought; see ``Storage.confirm``."""
        return self._told("confirm", key, confirm_object(self, key, options, write_token))

    def scan(self, prefix: str) -> Listing[ObjectInfo]:
        """List everything below *prefix*; see ``Storage.list``."""
        return Listing(
            self._exchanges.scan(self._full_prefix(prefix)), partial(self._told, "list", None), self._relative
        )

    def children(self, prefix: str) -> Listing[ObjectInfo | Folder]:
        """List one level; see ``Storage.list``."""
        return Listing(
            self._exchanges.children(self._full_prefix(prefix)), partial(self._told, "list", None), self._relative_entry
        )

    def _told(self, operation: str, key: str | None, exchange: Exchange[T]) -> Exchange[T]:
        """Run *exchange*; an error on the way learns what was being done, to which key, and where."""
        if self._life.closed:
            raise ClosedError("the storage was closed; make a new one", operation=operation, key=key)
        try:
            result = yield from exchange
        except StorageError as error:
            self._explain(error, operation, key)
            if self.watch is not None:
                yield from self.watch.failed(error)
            raise
        if self.watch is not None:
            yield from self.watch.passed(operation)
        return result

    def _explain(self, error: StorageError, operation: str, key: str | None) -> StorageError:
        error.operation = error.operation or operation
        error.provider = error.provider or self.info.kind
        if key is not None:
            error.key = key
        elif error.key is not None:
            error.key = error.key.removeprefix(self._scope)
        return error

    def _full(self, key: str) -> ObjectKey:
        full = ObjectKey(self._scope + ObjectKey(key)) if self._scope else ObjectKey(key)
        most = self.info.max_key_bytes
        if most < MAX_KEY_BYTES and len(full.encode()) > most:
            raise InvalidKeyError(f"this provider holds keys of at most {most} bytes of UTF-8; shorten it")
        return full

    def _relative(self, info: ObjectInfo) -> ObjectInfo:
        return below(info, len(self._scope)) if self._scope else info

    def _relative_entry(self, entry: ObjectInfo | Folder) -> ObjectInfo | Folder:
        if isinstance(entry, Folder):
            return Folder(prefix=entry.prefix[len(self._scope) :]) if self._scope else entry
        return self._relative(entry)

    def _full_prefix(self, prefix: str) -> Prefix:
        return Prefix(self._scope + Prefix(prefix))

    def _need(self, capability: Capability, what: str) -> None:
        if not self.info.can(capability):
            why = self.info.missing.get(capability)
            raise NotSupportedError(
                f"{what} needs the capability {capability.value!r}, which this provider does not declare"
                + (f": {why}" if why else "")
            )

    def _creates(self, key: ObjectKey) -> bool:
        """Say whether the object *key* is created and never replaced."""
        rule = self._write_once
        return rule if isinstance(rule, bool) else rule(key)

    def _check_taken(self, key: ObjectKey) -> Exchange[None]:
        """Refuse *key* when it is written once and was given away for good."""
        if self.taken is not None and self._creates(key):
            yield from self.taken(key)

    def _admitted(self, key: ObjectKey, options: PutOptions) -> PutOptions:
        """Return the *options* in force for *key*, as far as the provider can keep them."""
        if self._write_once and self._creates(key):
            if options.if_match is not None:
                raise NotSupportedError("this key is written once: no version of it is replaced; leave if_match away")
            if options.mode is not PutMode.CREATE:
                options = replace(options, mode=PutMode.CREATE)
        self._check_options(options)
        return options

    def _check_options(self, options: PutOptions) -> None:
        if options.mode is PutMode.CREATE:
            self._need(Capability.CREATE_ONLY, "a create-only put")
        if options.if_match is not None:
            self._need(Capability.CONDITIONAL, "if_match")
            if options.mode is PutMode.CREATE:
                raise ValueError("if_match replaces a version and goes with PutMode.REPLACE only")
        if beside := beside_bytes(options):
            self._need(Capability.METADATA, ", ".join(beside))

    def _put_many(self, items: Iterable[tuple[str, Body]], options: PutOptions) -> Exchange[list[ObjectInfo]]:
        puts = each_once(items, lambda key, body: self.put(key, body, options))
        outcomes = cast("list[Outcome[ObjectInfo]]", (yield Many(puts, self.info.concurrency)))
        failures = [outcome.error for outcome in outcomes if outcome.error is not None]
        BulkError.raise_for(failures, len(outcomes), "put_many")
        return [outcome.result() for outcome in outcomes]

    def _get(self, key: str, sink: Sink, span: ByteRange, if_match: str | None) -> Exchange[ObjectInfo]:
        proof = Proof(sink) if self.info.remote and span == WHOLE else None
        info = yield from self._exchanges.get(self._full(key), span, proof or sink, if_match)
        if proof is not None:
            proof.check(info)
        return self._relative(info)

    def _get_bytes(self, key: str, span: ByteRange, if_match: str | None, sha256: str | None = None) -> Exchange[bytes]:
        collected = Collector()
        info = yield from self._exchanges.get(self._full(key), span, collected, if_match)
        if span == WHOLE and sha256 is not None:
            collected.expect(Checksum(algorithm="sha256", value=sha256))
        elif span != WHOLE or not self.info.remote:
            return collected.value()
        return collected.proven(info)

    def _read_ranges(self, key: str, spans: Sequence[ByteRange]) -> Exchange[list[bytes]]:
        if not spans:
            return []
        # The first span tells the version; the others are pinned to it and run beside each other.
        full, first = self._full(key), Collector()
        info = yield from self._exchanges.get(full, spans[0], first, None)
        rest = (self._get_bytes(key, span, info.etag) for span in spans[1:])
        outcomes = cast("list[Outcome[bytes]]", (yield Many(rest, self.info.concurrency)))
        return [first.value(), *(outcome.result() for outcome in outcomes)]

    def _download(
        self, key: str, path: Path, on_progress: Progress | None, sha256: str | None, if_match: str | None
    ) -> Exchange[ObjectInfo]:
        landing = cast(Download, (yield Call(Download, path, discard=Download.discard)))
        try:
            full = self._full(key)
            get, head = partial(self._exchanges.get, full), partial(self._exchanges.head, full)
            fetch = Fetch(get, head, landing, on_progress, if_match)
            expected = partial(known_checksum, self._exchanges, self.info, full, sha256)
            info = yield from fetch.spans(expected) if self.info.remote else fetch.whole()
            checksum = yield Call(landing.publish, info, sha256 or info.sha256)
        finally:
            landing.discard()
        return self._relative(replace(info, checksum=checksum))

    def _head(self, key: str) -> Exchange[ObjectInfo]:
        return self._relative((yield from self._exchanges.head(self._full(key))))

    def _exists(self, key: str) -> Exchange[bool]:
        try:
            yield from self._exchanges.head(self._full(key))
        except NotFoundError:
            return False
        return True
