"""A storage, or a folder of one, as one end: its objects, by their keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from ..bodies.loading import hashed_source
from ..bodies.source import Source as BodySource
from ..capabilities import Capability
from ..errors import AccessDeniedError, BulkError, IntegrityError, NotFoundError, NotSupportedError, StorageError
from ..keys import Prefix
from ..migration.endpoints import Endpoint
from ..migration.fitting import Fit
from ..migration.options import CopyOptions
from ..migration.rates import Pace
from ..migration.reading import large_body, read_whole, sha256_of
from ..providers.encrypted.provider import EncryptedProvider
from ..storage.digests import Digests
from ..storage.operations import Operations
from ..storage.rules import Body
from ..storage.sync import Storage
from ..transport import Exchange, Transport, Wait
from ..types import MIB, ObjectInfo, PutMode, PutOptions
from .ends import Deleted, Source, through
from .entries import Entry
from .selecting import Selection

_T = TypeVar("_T")

_OWN: Final = ".kazinex"
OWN_KEY: Final = f"keys that begin with {_OWN} belong to this library"
"""Why a key is refused that ``is_own``."""

# Sixty-four of them at once, which is more than pays off anywhere, are 64 MiB.
_SMALL_BYTES: Final = MIB
"""Objects up to this size are read in one request and held while they are written elsewhere."""
_LARGE_AT_ONCE: Final = 4
"""Larger ones under way at once: each holds some pieces and parts in memory."""
_TURN_S: Final = 0.01
"""Seconds between two looks whether there is room."""


class Objects:
    """The objects of a storage; its keys are those of the storage, so a view of a folder is a folder."""

    keeps_times = False

    def __init__(self, storage: Storage) -> None:
        """Work on *storage*, which stays the caller's to close."""
        self.storage = storage
        self._end = Endpoint(storage=storage, kind=storage.info.kind, label=storage.info.location)
        self._fit = Fit(self._end, CopyOptions())
        self._large = 0

    @property
    def transport(self) -> Transport:
        """What runs its exchanges."""
        return self.storage.transport

    @property
    def concurrency(self) -> int:
        """How many objects at once pay off."""
        return max(1, self.storage.info.concurrency)

    @property
    def ignores_case(self) -> bool:
        """Whether keys that differ only in case are one."""
        return self.storage.info.ignores_case

    @property
    def hierarchical(self) -> bool:
        """Whether folders are real."""
        return self.storage.info.hierarchical

    @property
    def whereabouts(self) -> tuple[str, str]:
        """Its place, and the folder in it."""
        context = self.storage.operations.context
        place = context.info.place or f"provider {id(context.provider)}"
        return place, context.scope.prefix

    def entries(self, selection: Selection) -> Iterator[Entry]:
        """Yield the objects that take part; the requests are those of a listing.

        Raises:
            StorageError: the service does not list them.
        """
        for info in self.storage.list():
            if not is_own(info.key) and selection.takes(info.key):
                yield entry_of(info)

    def sha256(self, entry: Entry) -> Exchange[str]:
        """Return the sha256 that the object carries, in one or two requests, else that of its bytes, read now.

        Raises:
            StorageError: the service does not give it.
        """
        known = yield from self._on(Digests(self.storage.operations.context).known(entry.key))
        if known is not None:
            return known
        found, _ = yield from sha256_of(self._end, entry.key)
        return found

    def has(self, key: str) -> Exchange[bool]:
        """Say whether there is an object. One request.

        Raises:
            StorageError: the service does not say.
        """
        return (yield from self._on(self.storage.operations.exists(key)))

    def body(self, entry: Entry, sha256: str | None = None) -> Exchange[tuple[Body, ObjectInfo | None]]:
        """Return the object as a body, all of one version; a small one is read now.

        Args:
            entry: The object.
            sha256: What it has to have; None is what it carries, unless the service may have rewritten it.

        Raises:
            NotFoundError: it is gone by now; ``IntegrityError``: the bytes are not those that were stored.
        """
        if entry.size <= _SMALL_BYTES:
            data, info, found = yield from read_whole(self._end, entry.key, None)
            expected = sha256 or self._carried(info)
            if expected not in (None, found):
                raise IntegrityError(f"its bytes have sha256 {found}, and {expected} was stored", key=entry.key)
            return hashed_source(data, found), info
        body, info = yield from large_body(self._end, entry.key, Pace())
        return BodySource(body, sha256=sha256 or self._carried(info)), info

    def download(self, entry: Entry, path: Path) -> Exchange[None]:
        """Write the object into the file *path*; see ``Storage.download``.

        Raises:
            StorageError: the service does not give it; ``OSError``: the disk does not take it.
        """
        yield from self._on(self.storage.operations.download(entry.key, path))

    def refusal(self, key: str, size: int) -> str | None:
        """Return why the provider or the policy does not take it."""
        return OWN_KEY if is_own(key) else self._fit.misfit(key, size)

    def is_written_once(self, key: str) -> bool:
        """Say whether the rules of the storage have it written once."""
        context = self.storage.operations.context
        return bool(context.rules.write_once) and context.rules.creates(context.scope.full_key(key))

    def take(self, source: Source, entry: Entry, before: Entry | None, options: PutOptions) -> Exchange[None]:
        """Put what *source* has: create-only where nothing was listed, else in place of the version that was.

        Where the service cannot bind a write to that, it replaces. Copies inside one service are its own.

        Raises:
            AlreadyExistsError: an object has come there since the target was listed.
            PreconditionFailedError: it was replaced since then.
            StorageError: either end refuses.
        """
        options = self._bound(before, options)
        if isinstance(source, Objects) and (yield from self._within(source, entry, options)):
            return
        is_large = isinstance(source, Objects) and entry.size > _SMALL_BYTES
        while is_large and self._large >= _LARGE_AT_ONCE:
            yield Wait(_TURN_S)
        self._large += is_large
        try:
            body, info = yield from source.body(entry)
            try:
                put = self.storage.operations.put(entry.key, body, self._as_there(info, options))
                yield from self._on(put)
            finally:
                if isinstance(body, BodySource):
                    body.close()
        finally:
            self._large -= is_large

    def delete(self, entries: Sequence[Entry]) -> Exchange[Deleted]:
        """Delete the objects; requests as of ``Storage.delete_many``."""
        refused = dict[str | None, Exception]()
        try:
            yield from self._on(self.storage.operations.delete_many([entry.key for entry in entries]))
        except BulkError as error:
            refused = {getattr(one, "key", None): one for one in error.failures}
        except StorageError as error:
            refused = {entry.key: error for entry in entries}
        return [(entry, refused.get(entry.key, refused.get(None))) for entry in entries]

    def _carried(self, info: ObjectInfo) -> str | None:
        return None if self.storage.info.rewrites else info.sha256

    def _bound(self, before: Entry | None, options: PutOptions) -> PutOptions:
        info = self.storage.info
        if before is None:
            return replace(options, mode=PutMode.CREATE) if info.can(Capability.CREATE_ONLY) else options
        conditional = info.can(Capability.CONDITIONAL) and before.etag is not None
        return replace(options, if_match=before.etag) if conditional else options

    def _as_there(self, info: ObjectInfo | None, options: PutOptions) -> PutOptions:
        """Return *options* with the properties that the object has on the source, as far as they can be kept."""
        if info is None:
            return options
        if not self.storage.info.can(Capability.METADATA):
            return replace(options, content_type=info.content_type)
        kept = PutOptions.of(info, options.mode)
        return replace(kept, if_match=options.if_match, digest=options.digest)

    def _within(self, source: Objects, entry: Entry, options: PutOptions) -> Exchange[bool]:
        """Have the service copy, where both ends are in one place; say whether it did."""
        ours, theirs = self.storage.operations.context, source.storage.operations.context
        one_place = bool(ours.info.place) and ours.info.place == theirs.info.place
        if not one_place or options.if_match is not None or not ours.info.can(Capability.SERVER_COPY):
            return False
        if isinstance(ours.provider, EncryptedProvider) or isinstance(theirs.provider, EncryptedProvider):
            return False  # each may have keys of its own
        whole = Operations(ours.within(Prefix(), ours.rules.policy))
        old, new = theirs.scope.full_key(entry.key), ours.scope.full_key(entry.key)
        try:
            yield from self._on(whole.copy(old, new, options.mode))
        except (AccessDeniedError, NotSupportedError, NotFoundError):
            return False  # reading it in the usual way says what is wrong, if anything is
        return True

    def _on(self, exchange: Exchange[_T]) -> Exchange[_T]:
        return through(self.storage.transport, exchange)

    def __repr__(self) -> str:
        return f"Objects({self.storage!r})"


def entry_of(info: ObjectInfo, holder: str = "") -> Entry:
    """Return the object *info*, which the provider *holder* has, as an entry."""
    modified = None if info.last_modified is None else info.last_modified.timestamp()
    return Entry(info.key, info.size, modified, info.etag, info.sha256, holder)


def is_own(key: str) -> bool:
    """Say whether this library keeps the object *key* for itself: probes, parts of uploads, records of digests."""
    return key.startswith(_OWN) or f"/{_OWN}/" in key
