"""Copying one object, as an exchange: read, prove, create, prove.

Nothing on the target is ever replaced, and nothing is left there that was not proven. ``working.py`` tries again what
may pass and records what came of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar

from ..bodies.loading import hashed_source
from ..bodies.source import Source
from ..capabilities import Capability
from ..errors import (
    AccessDeniedError,
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    StorageError,
)
from ..transport import Exchange, Wait
from ..types import MIB, ObjectInfo, PutMode, PutOptions
from .endpoints import Endpoint, are_one_place
from .following import REMOVED, Known
from .journal import REWRITTEN, Entry, EntryState
from .options import CopyOptions
from .rates import Pace
from .reading import large_body, on, read_whole, sha256_of
from .within import MODIFIED as MODIFIED
from .within import copy_within, is_reached

_T = TypeVar("_T")

# Eight bodies of the largest size that is small; sixteen files of 8 MiB at once would be 128 MiB and no faster.
_HELD_BYTES: Final = 64 * MIB
"""Bytes of small objects that are in memory at once."""
_LARGE_AT_ONCE: Final = 4
"""Large objects under way at once: each holds some pieces and parts in memory."""
_TURN_S: Final = 0.01
"""Seconds between two looks whether there is room."""


class Pair:
    """The two ends of a run, and what is under way between them in one process."""

    def __init__(self, source: Endpoint, target: Endpoint, options: CopyOptions, pace: Pace) -> None:
        """Copy from *source* to *target*, as fast as *pace* lets this process."""
        self.source, self.target, self.options, self.pace = source, target, options, pace
        self.one_place = are_one_place(source, target)
        """Whether both have their objects in one place."""
        self._reached = not self.one_place and is_reached(source, target)
        self._held = 0
        self._large = 0

    def copy(self, entry: Entry, known: Known) -> Exchange[Entry]:
        """Copy the object of *entry* and return the entry as it is now: COPIED, SAME or VANISHED.

        Two requests, one to each end, for an object of up to ``small_bytes`` that has no taker yet. An object that was
        changed since it was listed is copied as it is now; one that changes while it is copied, once more.

        Raises:
            AlreadyExistsError: the target has another object under the key.
            IntegrityError: the source is not what is known of it, or the target not what was sent.
            StorageError: as in ``Storage.get_bytes`` and ``Storage.put``.
        """
        if known.removed:
            if not self.one_place:  # a pass that was killed may have copied it before that
                yield from self.delete(entry.key)
            return replace(entry, state=EntryState.VANISHED, reason=REMOVED)
        small = entry.size <= self.options.small_bytes
        # Proving what the service has copied takes more requests than a small object itself.
        if self.one_place or (self._reached and not (small and self.options.verify == "full")):
            try:
                return (yield from self._within(entry, known))
            except (AccessDeniedError, NotSupportedError):
                if self.one_place:
                    raise
                self._reached = False  # the key of the target does not open the source
        again = False
        while True:
            try:
                if small:
                    return (yield from self._small(entry, known, None if again else entry.etag))
                return (yield from self._large_one(entry, known))
            except _ChangedError as error:
                if again:
                    raise error.cause from error
                again = True
            except _GoneError:
                return replace(entry, state=EntryState.VANISHED, reason="the source has it no more")

    def _small(self, entry: Entry, known: Known, etag: str | None) -> Exchange[Entry]:
        size = entry.size
        while self._held and self._held + size > _HELD_BYTES:
            yield Wait(_TURN_S)
        self._held += size
        try:
            if self.pace.limited:
                yield from self.pace.taking(size, source=1, target=1)
            data, info, sha256 = yield from _of_source(read_whole(self.source, entry.key, etag))
            if info.size > self.options.small_bytes:  # it has grown since it was listed
                return (yield from self._large_one(entry, known))
            reason = self._judge(entry.key, known, info, sha256)
            return (yield from self._create(entry, info, hashed_source(data, sha256), reason))
        finally:
            self._held -= size

    def _large_one(self, entry: Entry, known: Known) -> Exchange[Entry]:
        while self._large >= _LARGE_AT_ONCE:
            yield Wait(_TURN_S)
        self._large += 1
        try:
            body, info = yield from _of_source(large_body(self.source, entry.key, self.pace))
            rewritable = _is_rewritable(self.source, entry.key)
            expected = None if rewritable else known.sha256 or info.sha256
            source = Source(body, sha256=expected)
            try:
                return (yield from self._create(entry, info, source, None, known=known))
            except StorageError as error:
                if body.failure is not None:
                    raise _meaning(body.failure) from error
                raise
            finally:
                source.close()
        finally:
            self._large -= 1

    def _create(
        self, entry: Entry, info: ObjectInfo, body: Source, reason: str | None, *, known: Known | None = None
    ) -> Exchange[Entry]:
        """Create the object on the target; *known* is given where the bytes are judged after they were sent."""
        key, target = entry.key, self.target
        try:
            put = target.storage.operations.put(key, body, self._options(info))
            stored = yield from on(target, put)
        except AlreadyExistsError as error:
            return (yield from self._same(_as_read(entry, info), info, body, error))
        checksum = body.checksum
        sha256 = checksum.value if checksum is not None else ""
        try:
            if known is not None:
                reason = self._judge(key, known, info, sha256)
            reason = (yield from self._prove(key, stored, info.size, sha256)) or reason
        except IntegrityError:  # this copy has just created it
            yield from self.delete(key)
            raise
        return replace(
            _as_read(entry, info),
            state=EntryState.COPIED,
            sha256=sha256,
            target_etag=stored.etag,
            reason=reason,
        )

    def _options(self, info: ObjectInfo) -> PutOptions:
        """Return how the object *info* of the source is written."""
        if not self.target.info.can(Capability.METADATA):
            return PutOptions(mode=PutMode.CREATE, content_type=info.content_type, digest="sha256")
        metadata = info.metadata
        if info.last_modified is not None and MODIFIED not in metadata:
            metadata = {**metadata, MODIFIED: info.last_modified.isoformat()}
        return replace(PutOptions.of(info, PutMode.CREATE), metadata=metadata, digest="sha256")

    def _judge(self, key: str, known: Known, info: ObjectInfo, sha256: str) -> str | None:
        """Compare the bytes that were read with what they have to be; return what is worth a note.

        Raises:
            IntegrityError: they are others.
        """
        expected = known.sha256 or info.sha256
        if expected is None or expected == sha256:
            return None
        if not _is_rewritable(self.source, key):
            raise IntegrityError(
                f"the source is not what was uploaded: its bytes have sha256 {sha256}, and {expected} was recorded",
                key=key,
            )
        return self._rewritten(key, f"its bytes have sha256 {sha256}, and {expected} was recorded")

    def _prove(self, key: str, stored: ObjectInfo, size: int, sha256: str) -> Exchange[str | None]:
        """Compare what is on the target with what was read; return what is worth a note.

        Raises:
            IntegrityError: it is something else.
        """
        info, rewritable = self.target.info, _is_rewritable(self.target, key)
        if stored.size != size:
            if rewritable:
                return self._rewritten(key, f"the target has {stored.size} bytes, and {size} were sent")
            raise IntegrityError(f"the target has {stored.size} bytes, and {size} were sent", key=key)
        # A service that rewrites files reports its hash of what it holds, at times late.
        reported = stored.service_checksum is not None or not info.rewrites
        if self.options.verify == "size" or (info.proves_puts and reported and not rewritable):
            return None
        if self.pace.limited:
            yield from self.pace.taking(size, target=1)
        found, _ = yield from sha256_of(self.target, key)
        if found == sha256:
            return None
        if rewritable:
            return self._rewritten(key, f"what the target holds has sha256 {found}, and {sha256} was sent")
        raise IntegrityError(f"what the target holds has sha256 {found}, and {sha256} was sent", key=key)

    def _rewritten(self, key: str, how: str) -> str:
        if self.options.accept_rewritten:
            return REWRITTEN
        raise IntegrityError(
            f"the service has rewritten the file: {how}; set accept_rewritten to copy such files as they are", key=key
        )

    def _same(self, entry: Entry, info: ObjectInfo, body: Source, error: AlreadyExistsError) -> Exchange[Entry]:
        """Return *entry* as SAME when the object that is in the way has the same bytes.

        Raises:
            AlreadyExistsError: it has others.
        """
        checksum = body.checksum
        if checksum is not None:
            sha256 = checksum.value
        else:  # the target refused before it had read everything
            sha256, _ = yield from _of_source(sha256_of(self.source, entry.key, info.etag))
        try:
            found = yield from on(self.target, self.target.storage.operations.head(entry.key))
        except NotFoundError:
            raise error from None
        same = found.size == info.size
        if same and self.options.verify == "full":
            digest, found = yield from sha256_of(self.target, entry.key, found.etag)
            same = digest == sha256
        elif same:
            same = found.sha256 in (None, sha256)
        if not same:
            raise AlreadyExistsError(
                "the target has another object under this key, which was left as it is", key=entry.key
            ) from error
        return replace(entry, state=EntryState.SAME, sha256=sha256, target_etag=found.etag, reason=None)

    def delete(self, key: str) -> Exchange[None]:
        """Delete what a copy of this run created on the target."""
        yield from on(self.target, self.target.storage.operations.delete(key))

    def _within(self, entry: Entry, known: Known) -> Exchange[Entry]:
        """Have the service copy it, or nobody where both keys name one object."""
        full = self.options.verify == "full"
        try:
            return (yield from copy_within(self.source, self.target, entry, known, full=full, one_place=self.one_place))
        except NotFoundError:
            return replace(entry, state=EntryState.VANISHED, reason="the source has it no more")


class _ChangedError(Exception):
    """The source was changed since it was looked at."""

    def __init__(self, cause: StorageError) -> None:
        self.cause = cause
        super().__init__(str(cause))


class _GoneError(Exception):
    """The source has it no more."""


def _of_source(exchange: Exchange[_T]) -> Exchange[_T]:
    """Run *exchange*, which reads the source, and say what its errors mean for a copy."""
    try:
        return (yield from exchange)
    except StorageError as error:
        raise _meaning(error) from error


def _meaning(error: StorageError) -> Exception:
    if isinstance(error, NotFoundError):
        return _GoneError()
    if isinstance(error, PreconditionFailedError | IntegrityError):
        return _ChangedError(error)
    return error


def _as_read(entry: Entry, info: ObjectInfo) -> Entry:
    return replace(entry, size=info.size, etag=info.etag, last_modified=info.last_modified)


def _is_rewritable(end: Endpoint, key: str) -> bool:
    """Say whether the service of *end* may have changed the bytes of a file of this name by itself."""
    name = key.rpartition("/")[2]
    return bool(end.info.rewrites) and "." in name and name.rpartition(".")[2].lower() in end.info.rewrites
