"""A key of its own for each organisation, wrapped by a key service: envelope encryption of what a catalogue seals.

A data key is made when something is first sealed for an organisation, and anew when it has expired; old ones go on
opening. What is wrapped is a root of 32 random bytes, from which the key is derived together with the name of the
organisation: a row that is moved to another one unwraps to another key, whose id gives it away. What was sealed under a
plain ring before (``KAZINEX_STORAGE_KEY``, a key file) goes on opening by that ring.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from ..errors import SealError, StorageError
from ..json_text import write_json
from ..secrecy.masking import MaskedBytes
from ..secrecy.pickling import not_pickled
from ..values import value
from .data_key_rows import DataKey, DataKeyRows, DataKeyStatus, record_of, wrapped_of
from .database import Database, sa
from .key_sources.source import KeySource, WrappedKey
from .records import now
from .sealing import DESTROYED, KEY_BYTES, KeyRing, RingSource

DEFAULT_LIFE: Final = timedelta(days=365)
"""How long a data key seals: NIST SP 800-57 part 1, 5.3.6, advises up to two years for symmetric data keys."""

DEFAULT_CACHE_S: Final = 300.0
"""Seconds for which an unwrapped key is kept in memory: how soon one that is disabled in its service is of no use."""

# A transaction that has begun goes on with a key that expires meanwhile; the next one begins with another.
_LATE: Final = timedelta(hours=1)
_TRIES: Final = 5


@not_pickled("give the other process a key source of its own")
@value
class KeyService:
    """What a catalogue is given to have data keys: the service, and how long its keys are good for."""

    source: KeySource
    """What wraps new keys, and unwraps those that it wrapped."""
    earlier: tuple[KeySource, ...] = ()
    """Services of other kinds that wrapped keys before; ``rewrap`` moves them to *source*."""
    life: timedelta | None = DEFAULT_LIFE
    """How long a data key seals; None is for ever."""
    cache_s: float = DEFAULT_CACHE_S
    """Seconds for which an unwrapped key is kept in memory."""
    clock: Callable[[], datetime] = now
    """What time it is, aware."""

    def close(self) -> None:
        """Close idle connections."""
        for source in (self.source, *self.earlier):
            source.close()


@value(kw_only=False)
class NoKeys:
    """A ring source for hosts that have a key service alone."""

    def for_sealing(self) -> KeyRing:
        """Refuse.

        Raises:
            SealError: always.
        """
        raise SealError("this process has no sealing key of its own, only a key service")

    def for_opening(self, key_id: str, /) -> KeyRing:
        """Refuse.

        Raises:
            SealError: always.
        """
        raise SealError(
            f"it is sealed under the key {key_id}, which is no data key of the organisation; set KAZINEX_STORAGE_KEY "
            "to the key that sealed it, or enter the secret again"
        )


@not_pickled("let the other process open the catalogue")
class DataKeys:
    """The data keys of a catalogue. Thread-safe and fork-safe, for any number of processes."""

    def __init__(self, database: Database, service: KeyService, ring: RingSource) -> None:
        """Keep them in *database*, which stays the catalogue's to close; *ring* opens what was sealed before."""
        self._rows = DataKeyRows(database)
        self._service = service
        self._ring = ring
        self._held: dict[str, _Held] = {}

    @property
    def service(self) -> KeyService:
        """What wraps them."""
        return self._service

    def of(self, organisation: str) -> _Ring:
        """Return where the ring of *organisation* is taken from."""
        return _Ring(self, organisation)

    def all(self, organisation: str) -> tuple[DataKey, ...]:
        """Return every data key that the organisation ever had, the newest first.

        Raises:
            StorageError: the database does not answer.
        """
        return tuple(record_of(row) for row in self._rows.all(organisation))

    def organisations(self) -> tuple[str, ...]:
        """Return the organisations that have data keys, sorted.

        Raises:
            StorageError: the database does not answer.
        """
        return self._rows.organisations()

    def renew(self, organisation: str) -> DataKey:
        """Make a new data key that seals from now on; what is sealed stays under the old one until it is resealed.

        Raises:
            StorageError: the key service or the database refuses, or does not answer.
        """
        self._sealing(organisation, renewed=True)
        return self.all(organisation)[0]

    def rewrap(self, organisation: str) -> int:
        """Wrap each data key under the newest version of the newest key of the service, and say how many were not.

        Raises:
            SealError: one cannot be unwrapped; those before it are done.
            StorageError: the key service or the database refuses, or does not answer.
        """
        changed = 0
        source = self._service.source
        newest = source.newest(organisation)
        for row in self._rows.all(organisation):
            wrapped = wrapped_of(row)
            if row["wrapped"] is None or (wrapped.source == source.kind and (wrapped.key, wrapped.version) == newest):
                continue
            again = _wrapped(source, self._unwrapped(wrapped, organisation), organisation)
            self._rows.rewrap(organisation, row["id"], again)
            changed += 1
        return changed

    def destroy(
        self, organisation: str, key_ids: Iterable[str] | None, *, by: str | None, reason: str
    ) -> tuple[DataKey, ...]:
        """Forget data keys of the organisation for good, all or those of *key_ids*, and return them.

        Backups of the database still hold them wrapped: destroy those too, or the key in the service.

        Raises:
            StorageError: the database does not answer.
        """
        wanted = None if key_ids is None else frozenset(key_ids)
        ids = tuple(
            row["id"]
            for row in self._rows.all(organisation)
            if row["wrapped"] is not None and (wanted is None or row["id"] in wanted)
        )
        if ids:
            self._rows.destroy(organisation, ids, self._service.clock(), by, reason)
            self.forget(organisation)
        return tuple(found for found in self.all(organisation) if found.id in ids)

    def forget(self, organisation: str) -> None:
        """Drop what this process has unwrapped for the organisation."""
        self._held.pop(organisation, None)

    def prepare(self, organisation: str) -> None:
        """Have the key at hand that seals for the organisation now, in place of one that has expired.

        Raises:
            StorageError: the key service or the database refuses, or does not answer.
        """
        held = self._held.get(organisation)
        if held is None or not held.seals_at(self._service.clock()) or time.monotonic() >= held.until:
            self._sealing(organisation)

    def for_sealing(self, organisation: str) -> KeyRing:
        """Return a ring that seals for the organisation now.

        Raises:
            StorageError: the key service or the database refuses, or does not answer.
        """
        held, moment = self._held.get(organisation), self._service.clock()
        if held is not None and held.seals_at(moment - _LATE) and time.monotonic() < held.until:
            return held.ring
        return self._sealing(organisation)

    def for_opening(self, organisation: str, key_id: str) -> KeyRing:
        """Return a ring with the key of that id, or the newest one at hand of those from before.

        Raises:
            SealError: the key was destroyed, or cannot be unwrapped.
            StorageError: the key service or the database refuses, or does not answer.
        """
        held = self._held.get(organisation)
        if held is not None and held.ring.cipher(key_id) is not None and time.monotonic() < held.until:
            return held.ring
        row = next((row for row in self._rows.all(organisation) if row["id"] == key_id), None)
        if row is None:
            return self._ring.for_opening(key_id)
        ring = self._opened(row)
        if held is not None and time.monotonic() < held.until:
            ring = held.ring.with_further(ring)
            self._held[organisation] = _Held(ring=ring, expires_at=held.expires_at, until=held.until, seals=held.seals)
        else:
            until = time.monotonic() + self._service.cache_s
            self._held[organisation] = _Held(ring=ring, expires_at=None, until=until, seals=False)
        return ring

    def _sealing(self, organisation: str, *, renewed: bool = False) -> KeyRing:
        for _ in range(_TRIES):
            rows = [row for row in self._rows.all(organisation) if row["status"] == DataKeyStatus.ACTIVE.value]
            moment = self._service.clock()
            current = rows[0] if rows else None
            if current is not None and not renewed and not _over(current["expires_at"], moment):
                ring, expires_at = self._opened(current), current["expires_at"]
            else:
                made = self._made(organisation, moment, [row["id"] for row in rows])
                if made is None:
                    renewed = False  # another process was faster
                    continue
                ring, expires_at = made
            until = time.monotonic() + self._service.cache_s
            held = _Held(ring=ring, expires_at=expires_at, until=until, seals=True)
            # A key that an undone transaction had made is nowhere: what is sealed under it later would be lost.
            self._rows.once_kept(partial(self._held.__setitem__, organisation, held))
            return ring
        raise StorageError("the data keys of the organisation change all the time; try again", retryable=True)

    def _made(self, organisation: str, moment: datetime, seen: list[str]) -> tuple[KeyRing, datetime | None] | None:
        root = MaskedBytes(os.urandom(KEY_BYTES))
        wrapped = _wrapped(self._service.source, root, organisation)
        ring, life = KeyRing((_derived(root, organisation),)), self._service.life
        record = DataKey(
            organisation=organisation,
            id=ring.current,
            source=wrapped.source,
            key=wrapped.key,
            key_version=wrapped.version,
            status=DataKeyStatus.ACTIVE,
            created_at=moment,
            expires_at=None if life is None else moment + life,
            ended_at=None,
            ended_by=None,
            ended_for=None,
        )
        return (ring, record.expires_at) if self._rows.add(record, wrapped, seen) else None

    def _opened(self, row: sa.RowMapping) -> KeyRing:
        organisation = row["organisation"]
        whose = f"the data key {row['id']} of the organisation {organisation!r}"
        if row["wrapped"] is None:
            at = row["ended_at"].isoformat(timespec="seconds")
            by, reason = row["ended_by"] or "nobody by name", row["ended_for"] or "no reason given"
            raise SealError(
                f"{whose} was destroyed at {at} by {by} ({reason}), so what was sealed under it cannot be opened any "
                "more; enter the secret again",
                code=DESTROYED,
            )
        try:
            root = self._unwrapped(wrapped_of(row), organisation)
        except SealError as error:
            raise SealError(f"{whose} cannot be unwrapped: {error}", code=error.code) from error
        ring = KeyRing((_derived(root, organisation),))
        if ring.current != row["id"]:
            raise SealError(f"{whose} is altered, or was taken from another organisation; restore it from a backup")
        return ring

    def _unwrapped(self, wrapped: WrappedKey, organisation: str) -> bytes:
        for source in (self._service.source, *self._service.earlier):
            if source.kind == wrapped.source:
                return source.unwrap(wrapped, organisation)
        raise SealError(
            f"it is wrapped by {wrapped.source} ({wrapped.key}), and this process has {self._service.source.kind}; "
            "name that service too, as an earlier one"
        )


@value
class _Held:
    """What a process has unwrapped for one organisation."""

    ring: KeyRing
    """The key that seals first, if it *seals*."""
    expires_at: datetime | None
    until: float
    """By the monotonic clock."""
    seals: bool

    def seals_at(self, moment: datetime) -> bool:
        return self.seals and not _over(self.expires_at, moment)


@value(kw_only=False)
class _Ring:
    """A ``RingSource`` of one organisation."""

    keys: DataKeys
    organisation: str

    def for_sealing(self) -> KeyRing:
        """Return a ring that seals now."""
        return self.keys.for_sealing(self.organisation)

    def for_opening(self, key_id: str, /) -> KeyRing:
        """Return a ring with the key of that id, if there is one."""
        return self.keys.for_opening(self.organisation, key_id)


def _wrapped(source: KeySource, root: bytes, organisation: str) -> WrappedKey:
    """Wrap *root*, and prove that it can be unwrapped before anything is sealed under it: two requests.

    Raises:
        SealError: something else came back.
        StorageError: the service refuses either, or does not answer.
    """
    wrapped = source.wrap(root, organisation)
    if not hmac.compare_digest(source.unwrap(wrapped, organisation), root):
        raise SealError(f"{source.kind} gives back another key than it was given ({wrapped.key}); do not use it")
    return wrapped


def _over(expires_at: datetime | None, moment: datetime) -> bool:
    return expires_at is not None and expires_at <= moment


def _derived(root: bytes, organisation: str) -> bytes:
    # The root has all its entropy, so one HMAC is a sound derivation (NIST SP 800-108, one block of counter mode).
    return MaskedBytes(hmac.digest(root, b"kazinex-storage data key\0" + write_json([organisation]).encode(), "sha256"))
