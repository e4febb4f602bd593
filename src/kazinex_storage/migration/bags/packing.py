"""Packing: objects are read from where the register says they are and written into their bag, once, proven by sha256.

A payload file is created and never replaced. One that is there already, from a process that was killed, is read and
compared. What a bag says of an object besides its bytes is written, for each partition, before its last entry is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from ...bodies.source import Source
from ...capabilities import Capability
from ...documents.receipts import ResolvedProvider, receipt_of
from ...documents.register import RevisionRecord, RevisionRegister
from ...documents.searching import places_of
from ...errors import AlreadyExistsError, IntegrityError, InvalidKeyError, NotFoundError, StorageError
from ...keys import DocumentKey, is_revision
from ...policy import extension_of
from ...storage.operations import Operations
from ...threads import Threads
from ...transport import Call, Exchange, Outcome, Transport
from ...types import ObjectInfo, PutMode, PutOptions
from ...values import value
from ..journal import Entry, EntryState
from ..rates import Pace
from ..reading import ObjectBody
from .formats import PAYLOAD
from .options import SMALL_BYTES, ExportOptions
from .passes import Portion, ended, is_due
from .places import BagPlace, through
from .spans import BagSpan, span_of
from .tags import OBJECTS, TaggedObject

# Large objects at once: a service gives one connection some 100 MB/s, and each piece of one is in memory.
_LARGE_AT_ONCE: Final = 4


class RemovedError(Exception):
    """Its revision was removed meanwhile; there is nothing to pack."""


@value
class Found:
    """Where one object is read, and what it has to be."""

    provider: ResolvedProvider
    record: RevisionRecord | None
    """What the register says; None where it knows nothing."""
    document: DocumentKey | None


@value
class Packed:
    """What became of one entry."""

    entry: Entry
    tagged: TaggedObject | None = None


@value
class PackJob:
    """What packing needs to know; the same for all partitions."""

    organisation: str
    providers: Sequence[ResolvedProvider]
    """All of the organisation, in order."""
    register: RevisionRegister
    transport: Transport
    """The lane of runs, in the share of the organisation."""
    place: BagPlace
    spans: Sequence[BagSpan]
    options: ExportOptions


class Packer:
    """Packs partitions."""

    def __init__(self, job: PackJob) -> None:
        self._job = job
        self._pace = Pace(job.options.limits)
        self._run = job.transport.run
        self._threads = Threads(_LARGE_AT_ONCE, "kazinex-pack")
        self._stopped = False
        self._places = [place for place in places_of(job.providers) if place[0].error is None]
        self._create = PutMode.CREATE if job.place.storage.info.can(Capability.CREATE_ONLY) else PutMode.REPLACE

    def close(self) -> None:
        """Begin no more large objects, and wait for none; one that is under way is proven by whoever goes on."""
        self._stopped = True
        self._threads.close(wait=False)

    def pack(self, portion: Portion) -> None:
        """Pack the entries of a partition that are planned, and write what the bags say of all of them."""
        entries = portion.entries()
        planned = [entry for entry in entries if entry.state is EntryState.PLANNED]
        tagged: dict[str, TaggedObject] = {}
        results = list[Entry]()
        for done, packed in enumerate(self._all(planned), 1):
            results.append(packed.entry)
            if packed.tagged is not None:
                tagged[packed.entry.key] = packed.tagged
            # The last one is recorded when the tag files are there: until then the partition is open.
            if done < len(planned) and is_due(results):
                portion.record(results)
        for entry in entries:  # packed before this process came
            if entry.state is EntryState.PACKED:
                tagged[entry.key] = self._run(self._described(entry))
        if not portion.lost:
            self._tag(portion, entries, tagged)
        portion.record(results)

    def _all(self, planned: Sequence[Entry]) -> Iterator[Packed]:
        """Yield what became of each entry, as they end."""
        small = [entry for entry in planned if entry.size <= SMALL_BYTES]
        large, found = [entry for entry in planned if entry.size > SMALL_BYTES], list[Packed]()
        jobs = [self._threads.submit(partial(self._large, entry, found)) for entry in large]
        exchanges = (self._small(entry) for entry in small)
        for index, outcome in self._job.transport.run_many(exchanges, self._job.options.concurrency):
            yield _judged(small[index], outcome)
        for job in jobs:
            job.wait()
            while found:
                yield found.pop(0)

    def _small(self, entry: Entry) -> Exchange[Packed]:
        """Pack one object that fits into memory."""
        source = yield from self._source(entry)
        yield from self._pace.taking(entry.size, source=1, target=1)
        chunks = list[bytes]()
        key, storage = entry.key, source.provider.storage
        info = yield from through(storage, storage.operations.get(key, lambda buffer: chunks.append(bytes(buffer))))
        data = b"".join(chunks)
        sha256 = hashlib.sha256(data).hexdigest()
        reason = self._check(source, info, sha256)
        target, path = self._job.place.storage, self._path(entry)
        try:
            yield from through(target, target.operations.put(path, data, self._written(info), sha256=sha256))
        except AlreadyExistsError as error:
            yield from self._prove(path, sha256, error)
        return self._packed(entry, source, info, sha256, reason)

    def _large(self, entry: Entry, found: list[Packed]) -> None:
        """Pack one large object on a thread of its own."""
        if self._stopped:
            return
        try:
            found.append(self._streamed(entry))
        except Exception as error:  # the edge of a thread: it is judged like all others
            found.append(_judged(entry, Outcome(error=error)))

    def _streamed(self, entry: Entry) -> Packed:
        job, path = self._job, self._path(entry)
        source = self._run(self._source(entry))
        storage = source.provider.storage
        info = storage.head(entry.key)
        expected = _expected(source, info)
        demanded = None if self._may_be_rewritten(source) else expected
        target = job.place.storage
        body = Source(ObjectBody(storage, entry.key, info, self._pace), sha256=demanded)
        try:
            kept = target.put(path, body, self._written(info))
            sha256 = kept.sha256 or self._run(hash_of(target.operations, path))
        except AlreadyExistsError as error:
            sha256 = demanded if demanded is not None else self._run(hash_of(storage.operations, entry.key))
            self._run(self._prove(path, sha256, error))
        return self._packed(entry, source, info, sha256, self._check(source, info, sha256))

    def _source(self, entry: Entry) -> Exchange[Found]:
        """Return where the object of *entry* is: where the register says, else in the first place that has it.

        Raises:
            RemovedError: it was removed meanwhile.
            NotFoundError: no provider has it.
        """
        full = f"{self._job.organisation}/{entry.key}"
        document = DocumentKey.parse(full) if is_revision(full) else None
        record: RevisionRecord | None = None
        if document is not None:
            record = yield Call(self._job.register.revision, document)
            if record is not None and record.document != document:
                record = None
        if record is not None and record.removal is not None:
            raise RemovedError
        if record is not None:
            for provider in self._job.providers:
                if provider.provider == record.provider:
                    return Found(provider=provider, record=record, document=document)
        for place in self._places:
            storage = place[0].storage
            try:
                if (yield from through(storage, storage.operations.exists(entry.key))):
                    return Found(provider=place[0], record=record, document=document)
            except InvalidKeyError:
                continue
        raise NotFoundError("no provider of the organisation holds it", operation="export", key=full)

    def _described(self, entry: Entry) -> Exchange[TaggedObject]:
        """Return what there is to say of an object that was packed by another process."""
        info: ObjectInfo
        try:
            source = yield from self._source(entry)
            storage = source.provider.storage
            info = yield from through(storage, storage.operations.head(entry.key))
        except (RemovedError, NotFoundError):
            return TaggedObject(key=entry.key, sha256=entry.sha256 or "", receipt=None, options=PutOptions())
        return self._tagged(entry.key, source, info, entry.sha256 or "")

    def _packed(self, entry: Entry, source: Found, info: ObjectInfo, sha256: str, reason: str | None) -> Packed:
        # The size that was read counts: what the register knows may be older, or nothing.
        read = replace(entry, size=info.size, etag=info.etag, last_modified=info.last_modified)
        tagged = self._tagged(entry.key, source, info, sha256)
        return Packed(entry=ended(read, EntryState.PACKED, reason, sha256), tagged=tagged)

    def _tagged(self, key: str, source: Found, info: ObjectInfo, sha256: str) -> TaggedObject:
        receipt = None
        if source.document is not None:
            stored = receipt_of(source.document, source.provider, info)
            receipt = replace(stored, sha256=sha256).to_dict()
        return TaggedObject.of(key, sha256, receipt, info)

    def _check(self, source: Found, info: ObjectInfo, sha256: str) -> str | None:
        """Refuse bytes that are not those that were uploaded; return what is to be remarked.

        Raises:
            IntegrityError: they are not.
        """
        expected = _expected(source, info)
        if expected is None or expected == sha256:
            return None
        if self._may_be_rewritten(source):
            return "the service has rewritten it since it was uploaded"
        rewrites = extension_of(info.key) in source.provider.storage.info.rewrites
        raise IntegrityError(
            f"it has sha256 {sha256}, and {expected} was uploaded"
            + (
                "; this service rewrites such files: accept_rewritten (--accept-rewritten) packs it as it is now"
                if rewrites
                else ""
            )
        )

    def _may_be_rewritten(self, source: Found) -> bool:
        rewrites = source.provider.storage.info.rewrites
        if not self._job.options.accept_rewritten or source.document is None:
            return False
        return extension_of(source.document.filename) in rewrites

    def _prove(self, path: str, sha256: str, error: AlreadyExistsError) -> Exchange[None]:
        """Compare what is in the bag already.

        Raises:
            AlreadyExistsError: it has other bytes.
        """
        target = self._job.place.storage
        if (yield from through(target, hash_of(target.operations, path))) != sha256:
            raise AlreadyExistsError("the bag has other bytes under this name", operation="export", key=path) from error

    def _path(self, entry: Entry) -> str:
        return f"{span_of(self._job.spans, entry.number).name}/{PAYLOAD}{self._job.organisation}/{entry.key}"

    def _written(self, info: ObjectInfo) -> PutOptions:
        return PutOptions(mode=self._create, content_type=info.content_type)

    def _tag(self, portion: Portion, entries: Sequence[Entry], tagged: dict[str, TaggedObject]) -> None:
        """Write what the bags of these entries say of them."""
        lines: dict[str, list[str]] = {}
        for entry in entries:
            if entry.key in tagged:
                lines.setdefault(span_of(self._job.spans, entry.number).name, []).append(tagged[entry.key].line())
        for bag, text in lines.items():
            data = "".join(text).encode()
            put_tag(self._job.place, f"{bag}/{OBJECTS}{portion.partition.number:08}.jsonl", partial(_once, data))


def put_tag(place: BagPlace, path: str, chunks: Callable[[], Iterable[bytes]]) -> None:
    """Write a tag file, in the place of the one that an earlier try wrote.

    Raises:
        AlreadyExistsError: the storage replaces nothing, and has another one.
    """
    storage = place.storage
    try:
        storage.put(path, iter(chunks()), PutOptions(content_type="text/plain; charset=utf-8"))
    except AlreadyExistsError:
        digest = hashlib.sha256()
        for chunk in chunks():
            digest.update(chunk)
        if storage.transport.run(hash_of(storage.operations, path)) != digest.hexdigest():
            raise


def hash_of(operations: Operations, key: str) -> Exchange[str]:
    """Read an object whole and return its sha256."""
    digest = hashlib.sha256()
    yield from operations.get(key, digest.update)
    return digest.hexdigest()


def _once(data: bytes) -> Iterable[bytes]:
    return (data,)


def _expected(source: Found, info: ObjectInfo) -> str | None:
    return source.record.sha256 if source.record is not None else info.sha256


def _judged(entry: Entry, outcome: Outcome[Packed]) -> Packed:
    """Return what an outcome means for an entry.

    Raises:
        Exception: the error is neither ours nor the system's.
    """
    error = outcome.error
    if error is None:
        return outcome.result()
    if isinstance(error, RemovedError):
        return Packed(entry=ended(entry, EntryState.VANISHED, "it was removed while the export ran"))
    if not isinstance(error, StorageError | OSError):
        raise error
    return Packed(entry=ended(entry, EntryState.FAILED, str(error)))
