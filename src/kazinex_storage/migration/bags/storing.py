"""Storing what came from bags: documents through the door of ``DocumentStore``, the rest created in the chosen place.

What is stored already is proven by its bytes and left alone; other bytes are refused, and nothing is written over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

from ...bodies.source import Source
from ...capabilities import Capability
from ...documents.integrity import IntegrityState
from ...documents.receipts import StoredDocument
from ...documents.register import RevisionRecord
from ...documents.store import DocumentStore
from ...errors import AlreadyExistsError, IntegrityError, InvalidKeyError, NotFoundError, PolicyError, StorageError
from ...keys import DocumentKey, is_revision
from ...organisations.resolver import Resolver
from ...storage.sync import Storage
from ...threads import Threads
from ...transport import Call, Exchange, Outcome
from ...types import MIB, PutMode, PutOptions
from ...values import value
from ..journal import Entry, EntryState
from ..rates import Pace
from ..reading import ObjectBody
from .formats import PAYLOAD
from .options import SMALL_BYTES, ImportOptions
from .packing import hash_of
from .passes import Portion, ended, is_due
from .places import BagPlace, bag_in, through
from .spans import BagSpan, span_of
from .tags import OBJECTS, TaggedObject, read_objects

_LARGE_AT_ONCE: Final = 4
# What the lines of a partition of 256 objects come to with the most metadata that services keep, and as much again.
_TAG_BYTES: Final = 16 * MIB

OnReceipt: TypeAlias = Callable[[StoredDocument], object]
"""Called with each receipt before the journal knows of it: after a kill some come again, none is left out."""


@value
class StoreJob:
    """What storing needs to know; the same for all partitions."""

    organisation: str
    """Which stores them."""
    owner: str
    """Whose the bags are."""
    resolver: Resolver
    place: BagPlace
    spans: Sequence[BagSpan]
    options: ImportOptions
    on_receipt: OnReceipt | None = None


@value
class Stored:
    """What became of one entry."""

    entry: Entry
    receipt: StoredDocument | None = None


class BagTags:
    """What one bag says of its objects besides their bytes; two of its files are kept in memory."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._firsts: list[str] = []
        self._files: list[str] = []
        self._kept: dict[str, Mapping[str, TaggedObject]] = {}
        for info in storage.list(OBJECTS):
            if info.size > _TAG_BYTES:
                raise IntegrityError(f"{info.key} has {info.size:,} bytes, which no such file has")
            if found := read_objects(storage.get_bytes(info.key)):
                self._firsts.append(found[0].key)
                self._files.append(info.key)

    def find(self, key: str) -> TaggedObject | None:
        """Return what the bag says of *key*; None in a bag of other tools.

        Raises:
            IntegrityError: its file is not as it was written.
        """
        at = bisect_right(self._firsts, key) - 1
        if at < 0:
            return None
        file = self._files[at]
        if file not in self._kept:
            found = read_objects(self._storage.get_bytes(file))
            while len(self._kept) > 1:
                self._kept.pop(next(iter(self._kept)))
            self._kept[file] = {each.key: each for each in found}
        return self._kept[file].get(key)


class Storer:
    """Stores partitions."""

    def __init__(self, job: StoreJob) -> None:
        self._job = job
        self._documents = DocumentStore(job.resolver, organisation=job.organisation)
        self._register = job.resolver.revisions
        self._pace = Pace(job.options.limits)
        self._threads = Threads(_LARGE_AT_ONCE, "kazinex-store")
        self._stopped = False
        self._tags: dict[str, BagTags] = {}
        self._objects: Storage | None = None

    def close(self) -> None:
        """Begin no more large objects, and wait for none; one that is under way is proven by whoever goes on."""
        self._stopped = True
        self._threads.close(wait=False)

    def store(self, portion: Portion) -> None:
        """Store the entries of a partition that are planned."""
        planned = [entry for entry in portion.entries() if entry.state is EntryState.PLANNED]
        results = list[Entry]()
        for stored in self._all(planned):
            if stored.receipt is not None and self._job.on_receipt is not None:
                self._job.on_receipt(stored.receipt)
            results.append(stored.entry)
            if is_due(results):
                portion.record(results)
        portion.record(results)

    def _all(self, planned: Sequence[Entry]) -> Iterator[Stored]:
        options = [self._options(entry) for entry in planned]  # blocking, so before anything is under way
        small = [pair for pair in zip(planned, options, strict=True) if pair[0].size <= SMALL_BYTES]
        large = [pair for pair in zip(planned, options, strict=True) if pair[0].size > SMALL_BYTES]
        found = list[Stored]()
        jobs = [self._threads.submit(partial(self._large, entry, kept, found)) for entry, kept in large]
        exchanges = (self._small(entry, kept) for entry, kept in small)
        for index, outcome in self._documents.transport.run_many(exchanges, self._job.options.concurrency):
            yield _judged(small[index][0], outcome)
        for job in jobs:
            job.wait()
            while found:
                yield found.pop(0)

    def _small(self, entry: Entry, options: PutOptions) -> Exchange[Stored]:
        document = self._document(entry)
        done = yield from self._known(entry, document)
        if done is not None:
            return done
        bag, path = self._bag(entry)
        yield from self._pace.taking(entry.size, source=1, target=1)
        data = yield from through(bag, bag.operations.get_bytes(path, sha256=entry.sha256))
        return (yield from self._create(entry, document, data, options))

    def _large(self, entry: Entry, options: PutOptions, found: list[Stored]) -> None:
        """Store one large object on a thread of its own."""
        if self._stopped:
            return
        try:
            found.append(self._streamed(entry, options))
        except Exception as error:  # the edge of a thread: it is judged like all others
            found.append(_judged(entry, Outcome(error=error)))

    def _streamed(self, entry: Entry, options: PutOptions) -> Stored:
        run, document = self._documents.transport.run, self._document(entry)
        done = run(self._known(entry, document))
        if done is not None:
            return done
        bag, path = self._bag(entry)
        body = ObjectBody(bag, path, bag.head(path), self._pace)
        return run(self._create(entry, document, Source(body, sha256=entry.sha256), options))

    def _create(
        self, entry: Entry, document: DocumentKey | None, body: bytes | Source, options: PutOptions
    ) -> Exchange[Stored]:
        """Create the object; one that is there already is compared with the bytes of the bag."""
        sha256 = entry.sha256 if isinstance(body, bytes) else None  # a source has its own
        try:
            if document is None:
                storage = self._place_of_objects()
                yield from through(storage, storage.operations.put(entry.key, body, options, sha256=sha256))
                return Stored(entry=ended(entry, EntryState.STORED))
            upload = self._documents.operations.upload(document, body, options.content_type, sha256, None)
            receipt = yield from upload
        except AlreadyExistsError as error:
            return (yield from self._compared(entry, document, error))
        return Stored(entry=ended(entry, EntryState.STORED), receipt=receipt)

    def _known(self, entry: Entry, document: DocumentKey | None) -> Exchange[Stored | None]:
        """Return what is to be done about an entry whose revision the register knows; None: store it."""
        if document is None:
            return None
        record: RevisionRecord | None = yield Call(self._register.revision, document)
        if record is None:
            return None
        if record.document != document:
            why = f"the revision has the file {record.document.filename!r}"
        elif record.sha256 is not None and record.sha256 != entry.sha256:
            why = "the revision has, or had, other bytes"
        elif record.removal is None:
            return (yield from self._compared(entry, document, None))
        elif self._job.options.restore_removed:
            return None
        else:
            why = f"it was removed on {record.removal.at:%Y-%m-%d}; restore_removed (--restore-removed) stores it again"
        return Stored(entry=ended(entry, EntryState.REFUSED, why))

    def _compared(
        self, entry: Entry, document: DocumentKey | None, error: AlreadyExistsError | None
    ) -> Exchange[Stored]:
        """Return what is to be said of an object that is stored already: by its bytes."""
        if document is None:
            storage = self._place_of_objects()
            same = (yield from through(storage, hash_of(storage.operations, entry.key))) == entry.sha256
            return _same(entry) if same else _other(entry, error)
        try:
            receipt = yield from self._documents.operations.find(document)
        except NotFoundError:
            if error is not None:
                return _other(entry, error)
            raise
        receipt = replace(receipt, sha256=entry.sha256)
        state = yield from self._documents.operations.check(receipt)
        if state is IntegrityState.INTACT:
            return Stored(entry=_same(entry).entry, receipt=receipt)
        return _other(entry, error)

    def _options(self, entry: Entry) -> PutOptions:
        """Return how the object was stored, as far as its bag says, and the place can keep."""
        name = span_of(self._job.spans, entry.number).name
        tags = self._tags.get(name)
        if tags is None:
            tags = self._tags[name] = BagTags(bag_in(self._job.place, name))
        tagged = tags.find(entry.key)
        if tagged is None:
            return PutOptions(mode=PutMode.CREATE)
        if self._document(entry) is None and self._place_of_objects().info.can(Capability.METADATA):
            return tagged.options
        return PutOptions(mode=PutMode.CREATE, content_type=tagged.options.content_type)

    def _document(self, entry: Entry) -> DocumentKey | None:
        full = f"{self._job.organisation}/{entry.key}"
        return DocumentKey.parse(full) if is_revision(full) else None

    def _bag(self, entry: Entry) -> tuple[Storage, str]:
        name = span_of(self._job.spans, entry.number).name
        return bag_in(self._job.place, name), f"{PAYLOAD}{self._job.owner}/{entry.key}"

    def _place_of_objects(self) -> Storage:
        if self._objects is None:
            self._objects = self._job.resolver.storage_for(self._job.organisation)
        return self._objects


def _same(entry: Entry) -> Stored:
    return Stored(entry=ended(entry, EntryState.SAME, "it was stored already"))


def _other(entry: Entry, error: AlreadyExistsError | None) -> Stored:
    why = error.message if error is not None else "what is stored has other bytes"
    return Stored(entry=ended(entry, EntryState.REFUSED, why))


def _judged(entry: Entry, outcome: Outcome[Stored]) -> Stored:
    """Return what an outcome means for an entry.

    Raises:
        Exception: the error is neither ours nor the system's.
    """
    error = outcome.error
    if error is None:
        return outcome.result()
    if isinstance(error, PolicyError | InvalidKeyError | AlreadyExistsError):
        return Stored(entry=ended(entry, EntryState.REFUSED, str(error)))
    if not isinstance(error, StorageError | OSError):
        raise error
    return Stored(entry=ended(entry, EntryState.FAILED, str(error)))
