"""Puts of bodies whose length is not known: small ones as any other, large ones as they come, where the service can.

``operations.py`` runs these; docs/adr/0066 has the reasons. Keys are full.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, cast

from ..bodies.feed import Feed
from ..bodies.first_bytes import FIRST_BYTES
from ..bodies.source import Source
from ..bodies.stream import Pulled, Room, Stream
from ..errors import NotSupportedError, QuotaExceededError
from ..keys import ObjectKey
from ..lazy import logger
from ..transport import Call, Exchange
from ..types import MIB, ObjectInfo, Progress, PutMode, PutOptions
from ..verbs import offers_exchanges
from .claiming import counted, give_back, size_of
from .contents import check_first
from .guards import Write
from .operation import Context
from .quota import Claim, lifetime_of

if TYPE_CHECKING:
    from ..bodies.body import Spool
    from .rules import Body

_log = logger(__name__)

_CLAIMED: Final = 64 * MIB
"""Bytes by which the room of a stream is claimed, where there are quotas: one statement for so many."""


class Known(Protocol):
    """Writes a body of known size, as ``Operations`` does."""

    def __call__(
        self,
        key: ObjectKey,
        body: Body,
        options: PutOptions,
        sha256: str | None,
        on_progress: Progress | None,
        *,
        write: Write | None,
    ) -> Exchange[ObjectInfo]:
        """Write *body*."""
        ...


class Streaming:
    """One put of a body of unknown length."""

    def __init__(
        self, context: Context, key: ObjectKey, options: PutOptions, *, write: Write | None, hashed: bool
    ) -> None:
        """Put under *key*; *options* were admitted, and *hashed* says that only a sha256 proves the body."""
        self._context = context
        self._key = key
        self._options = options
        self._write = write
        self._hashed = hashed

    def run(self, body: object, sha256: str | None, on_progress: Progress | None, known: Known) -> Exchange[ObjectInfo]:
        """Write *body*; up to 8 MiB, and where the service needs the length first, by *known*.

        Raises:
            FileTooLargeError: it is over the limit; nothing was stored.
            IntegrityError: it has another sha256.
            StorageError: as a put of a body of known size.
        """
        context = self._context
        claim = self._claim()
        room = Room(context.rules.limit, context.rules.too_large, None if claim is None else partial(_grow, claim, [0]))
        supply = body if isinstance(body, Feed) else cast(Pulled, (yield Call(Pulled, body)))
        # A service that verifies every part is trusted with them, as with bodies of known size.
        trusted = context.info.remote and context.info.proves_puts and not self._hashed
        algorithm = "crc32" if trusted else "sha256"
        stream = Stream(supply, room, algorithm=algorithm, sha256=sha256, progress=on_progress)
        try:
            head = yield from stream.read_head()
            if head is not None:
                return (yield from known(self._key, head, self._options, sha256, on_progress, write=self._write))
            if context.rules.looks_inside:
                check_first(
                    context.rules.policy,
                    self._key,
                    stream.first_bytes(FIRST_BYTES),
                    self._options.content_encoding,
                )
            blocking = claim is not None and not offers_exchanges(context.provider)
            if not blocking:
                try:
                    return (yield from self._streamed(stream, claim))
                except NotSupportedError:
                    if stream.begun:
                        raise
            return (yield from self._spooled(stream, sha256, on_progress, known))
        finally:
            stream.cancel()
            stream.close()

    def _claim(self) -> Claim | None:
        if self._write is not None:
            return self._write.claim
        rule = self._context.rules.quota
        return rule.claim(self._key) if rule is not None else None

    def _streamed(self, stream: Stream, claim: Claim | None) -> Exchange[ObjectInfo]:
        context, replaced = self._context, None
        if claim is not None and self._write is None and self._options.mode is not PutMode.CREATE:
            replaced = yield from size_of(context, self._key)
        try:
            info = yield from context.exchanges.put_stream(self._key, stream, self._options)
        except BaseException:
            yield from give_back(claim)
            raise
        if claim is not None and self._write is None:
            yield from counted(claim.keep(info.size - (replaced or 0), 1 if replaced is None else 0))
        info = context.rules.check_stored(self._key, stream, info)
        if self._hashed and self._write is None:  # its sha256 came too late to be sent with it, but on Azure
            from .digests import Digests

            yield from Digests(context).keep_of(self._key, info, look=context.rules.keeps_metadata)
        return info

    def _spooled(
        self, stream: Stream, sha256: str | None, on_progress: Progress | None, known: Known
    ) -> Exchange[ObjectInfo]:
        """Collect the rest in a spool, and write that."""
        spool = self._context.rules.spool()
        try:
            yield Call(_collect, stream, spool, cancel=stream.cancel)
            with Source(spool.body(), sha256=sha256, progress=on_progress) as source:
                return (yield from known(self._key, source, self._options, None, None, write=self._write))
        finally:
            spool.discard()


def _collect(stream: Stream, spool: Spool) -> None:
    stream.silence()
    spool.extend(stream.chunks())


def _grow(claim: Claim, claimed: list[int], size: int) -> Exchange[None]:
    """Claim room for *size* bytes, and some more where there is room for that, unless so much was claimed before."""
    if size <= claimed[0]:
        return
    wanted = -(-size // _CLAIMED) * _CLAIMED
    try:
        yield from claim.reserve(wanted, lifetime_of(wanted))
    except QuotaExceededError:
        wanted = size
        yield from claim.reserve(wanted, lifetime_of(wanted))
    claimed[0] = wanted
