"""Compares one object of two sides, as far as was asked for: its size, the checksums that are reported, or its bytes.

An exchange, so that many run at once; it only reads. ``auditing.py`` plans what is compared and keeps what was found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Literal, Protocol, TypeAlias, cast

from ..documents.integrity import is_by_service
from ..documents.receipts import StoredDocument
from ..documents.register import RevisionRegister
from ..errors import IntegrityError, InvalidKeyError, NotFoundError, StorageError, clean_text
from ..keys import DocumentKey
from ..storage.sync import Storage
from ..transport import Call, Exchange, Through
from ..types import Buffer, Checksum, ObjectInfo
from ..values import value
from .journal import MAX_REASON_CHARACTERS, Entry, EntryState

AuditLevel: TypeAlias = Literal["size", "checksum", "full"]
"""``size``: that it is there, with as many bytes. ``checksum``: what both report, and the bytes where they report no
checksum in common. ``full``: every byte is read and hashed."""


@value
class Found:
    """What one side has under a key."""

    size: int | None
    """Bytes; None where the register does not know."""
    sha256: str | None = None
    """What it says, or of the bytes when they were read."""
    checksums: tuple[Checksum, ...] = ()
    """What the service reports."""
    info: ObjectInfo | None = None
    """What the service says; None of the register."""


class Reference(Protocol):
    """What a target is compared with: another provider, or the register."""

    @property
    def rewrites(self) -> AbstractSet[str]:
        """Extensions, in lower case, of files that the service may change."""
        ...

    def look(self, key: str) -> Exchange[Found | None]:
        """Return what is known without reading; None when there is nothing."""
        ...

    def read(self, key: str) -> Exchange[Found | None]:
        """Return it with the sha256 of the bytes, read now where there are bytes; None when there is nothing."""
        ...


class StoredSide:
    """The objects of a provider."""

    def __init__(self, storage: Storage) -> None:
        """Look at *storage*, whose keys are below the organisation."""
        self._storage = storage
        self.rewrites: AbstractSet[str] = storage.info.rewrites
        """Extensions, in lower case, of files that the service may change."""

    def look(self, key: str) -> Exchange[Found | None]:
        """Ask for the object. One request."""
        try:
            info = yield from self._through(self._storage.operations.head(key))
        except (NotFoundError, InvalidKeyError):  # a place that cannot hold the key does not
            return None
        return _found(info, info.sha256)

    def read(self, key: str) -> Exchange[Found | None]:
        """Read the object whole, one version of it. One request, and one more where its checksum does not fit.

        Raises:
            IntegrityError: not all of it arrived.
            StorageError: the service does not answer.
        """
        digest, size = hashlib.sha256(), 0

        def sink(data: Buffer) -> None:
            nonlocal size
            digest.update(data)
            size += len(data)

        try:
            info = yield from self._through(self._storage.operations.get(key, sink))
        except (NotFoundError, InvalidKeyError):
            return None
        except IntegrityError:
            # The service keeps a checksum that its own bytes have not: that is what was to be found out.
            info = yield from self._through(self._storage.operations.head(key))
        if size != info.size:
            raise IntegrityError(f"{size} of {info.size} bytes arrived; audit it again", operation="audit", key=key)
        return _found(info, digest.hexdigest())

    def _through(self, exchange: Exchange[ObjectInfo]) -> Exchange[ObjectInfo]:
        return cast(ObjectInfo, (yield Through(self._storage.transport, exchange)))


class RecordedSide:
    """The documents of an organisation that the register says are on one provider."""

    def __init__(self, register: RevisionRegister, organisation: str, provider: str) -> None:
        """Look at the records of *organisation* that name *provider*."""
        self._register = register
        self._organisation = organisation
        self._provider = provider
        self.rewrites: AbstractSet[str] = frozenset()
        """None: the register holds no bytes."""

    def look(self, key: str) -> Exchange[Found | None]:
        """Return what the register knows. One query."""
        try:
            document = DocumentKey.parse(f"{self._organisation}/{key}")
        except InvalidKeyError:
            return None
        record = yield Call(self._register.revision, document, owner=self._organisation)
        if record is None or record.document != document or record.removal is not None:
            return None
        return Found(size=record.size, sha256=record.sha256) if record.provider == self._provider else None

    def read(self, key: str) -> Exchange[Found | None]:
        """Return what the register knows: it holds the sha256 of what was uploaded."""
        return (yield from self.look(key))


@value
class Known:
    """What is known of an object from when it came to its place."""

    receipt: StoredDocument | None = None
    """The receipt of its upload, to either side."""
    etag: str | None = None
    """Its version on the target when a copy had written it there."""


class Comparison:
    """How entries of one run are compared."""

    def __init__(self, reference: Reference, target: Storage, provider: str, level: AuditLevel) -> None:
        """Compare what *target*, the storage of *provider*, has with *reference*."""
        self._reference = reference
        self._target = StoredSide(target)
        self._storage = target
        self._provider = provider
        self._level = level

    def judged(self, entry: Entry, at: datetime, look_up: Callable[[], Known] | None = None) -> Exchange[Entry]:
        """Return *entry* with what was found; what a side does not answer is FAILED, and why. Nothing is written.

        *look_up* may block; it is asked only where the bytes differ.
        """
        try:
            source, target = yield from self._found(entry)
            if source is None or target is None:
                judged = _decided(entry, source, target)
            else:
                judged = self._weighed(entry, source, target)
                if judged.state is EntryState.DIFFERENT and look_up is not None:
                    known = cast(Known, (yield Call(look_up)))
                    if self._is_rewritten(entry.key, source, target, known):
                        why = f"the service changed it: {judged.reason}"
                        judged = replace(judged, state=EntryState.REWRITTEN, reason=why)
        except StorageError as error:
            judged = replace(entry, state=EntryState.FAILED, reason=clean_text(str(error), MAX_REASON_CHARACTERS))
        return replace(judged, attempts=entry.attempts + 1, changed_at=at)

    def _found(self, entry: Entry) -> Exchange[tuple[Found | None, Found | None]]:
        if self._level == "full":
            return (yield from self._read(entry.key))
        source = yield from self._reference.look(entry.key)
        target = yield from self._target.look(entry.key)
        if self._level == "size" or source is None or target is None or source.size != target.size:
            return source, target
        return (source, target) if _in_common(source, target) else (yield from self._read(entry.key))

    def _read(self, key: str) -> Exchange[tuple[Found | None, Found | None]]:
        """Read both; what differs is read twice, since what was altered on its way here is no finding."""
        source = yield from self._reference.read(key)
        target = yield from self._target.read(key)
        if source is None or target is None or source.sha256 is None or source.sha256 == target.sha256:
            return source, target
        again = (yield from self._reference.read(key)), (yield from self._target.read(key))
        if any(_changed(*pair) for pair in zip((source, target), again, strict=True)):
            raise IntegrityError("two reads of it differ; audit it again", operation="audit", key=key)
        return again

    def _weighed(self, entry: Entry, source: Found, target: Found) -> Entry:
        alike = _alike(source, target, self._level)
        entry = replace(
            entry,
            size=source.size if source.size is not None else cast(int, target.size),
            etag=source.info.etag if source.info is not None else entry.etag,
            target_etag=target.info.etag if target.info is not None else None,
            sha256=target.sha256,
        )
        if alike is None:
            why = "neither the register nor the source has a sha256 of it, so its bytes cannot be compared"
            return replace(entry, state=EntryState.FAILED, reason=why)
        if alike:
            return replace(entry, state=EntryState.MATCHED, reason=None)
        return replace(entry, state=EntryState.DIFFERENT, reason=_both(source, target))

    def _is_rewritten(self, key: str, source: Found, target: Found, known: Known) -> bool:
        """Say whether a service made the difference, as far as it reports: the kind of file alone says nothing."""
        if known.etag is not None and target.info is not None and known.etag == target.info.etag:
            return may_rewrite(self._storage, key)
        receipt = known.receipt
        if receipt is None:
            return False
        found, end = (target, self._target) if receipt.provider == self._provider else (source, self._reference)
        return found.info is not None and is_by_service(receipt, found.info, end.rewrites)


def may_rewrite(storage: Storage, key: str) -> bool:
    """Say whether the service of *storage* may change the bytes of a file of that name."""
    name = key.rpartition("/")[2]
    return "." in name and name.rpartition(".")[2].lower() in storage.info.rewrites


def _found(info: ObjectInfo, sha256: str | None) -> Found:
    reported = tuple(each for each in (info.checksum, info.service_checksum) if each is not None)
    return Found(size=info.size, sha256=sha256, checksums=reported, info=info)


def _decided(entry: Entry, source: Found | None, target: Found | None) -> Entry:
    """Return *entry* where a side has nothing."""
    there = source or target
    if there is None:
        return replace(entry, state=EntryState.VANISHED, reason="it was removed on both sides since it was listed")
    etag = there.info.etag if there.info is not None else None
    size = there.size if there.size is not None else entry.size
    entry = replace(entry, size=size, sha256=there.sha256)
    if source is not None:
        return replace(entry, state=EntryState.MISSING, etag=etag or entry.etag, target_etag=None, reason=None)
    return replace(entry, state=EntryState.EXTRA, etag=None, target_etag=etag, reason=None)


def _alike(source: Found, target: Found, level: AuditLevel) -> bool | None:
    """Say whether both are the same as far as was asked for; None when that cannot be said."""
    if source.size is not None and source.size != target.size:
        return False
    if level == "size":
        return True
    if level == "checksum" and (common := _in_common(source, target)):
        return all(one == other for one, other in common)
    return None if source.sha256 is None or target.sha256 is None else source.sha256 == target.sha256


def _in_common(source: Found, target: Found) -> list[tuple[str, str]]:
    """Return the checksums of the algorithms that both report, in pairs."""
    ours, theirs = _by_algorithm(source), _by_algorithm(target)
    return [(ours[name], theirs[name]) for name in ours.keys() & theirs.keys()]


def _by_algorithm(found: Found) -> dict[str, str]:
    reported = {each.algorithm: each.value for each in found.checksums}
    return {**reported, "sha256": found.sha256} if found.sha256 is not None else reported


def _changed(before: Found, after: Found | None) -> bool:
    return after is None or after.sha256 != before.sha256


def _both(source: Found, target: Found) -> str:
    if source.size is not None and source.size != target.size:
        return f"{source.size:,} bytes on the source, {target.size:,} on the target"
    if source.sha256 is not None and target.sha256 is not None and source.sha256 != target.sha256:
        return f"sha256 {source.sha256} on the source, {target.sha256} on the target"
    return "the checksums that both sides report differ"
