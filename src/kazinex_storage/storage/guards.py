"""What the code that opens a storage may supply: a guard over some of its keys, and a watch over how its calls end.

The guard keeps the rule that a revision has one file for good (``documents/writing.py``), the watch the status of a
provider (``organisations/use.py``). Here is what they are asked, and the one order of steps that keeps the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..bodies.source import Source
from ..errors import AlreadyExistsError, IntegrityError, QuotaExceededError, StorageError
from ..keys import ObjectKey
from ..lazy import logger
from ..transport import Call, Exchange
from ..types import ObjectInfo
from .quota import Claim

_log = logger(__name__)
_CHUNK = 1024 * 1024
_STAYED = "an object that was not to stay could not be taken away: %s"


class Write(Protocol):
    """One write of one key that is guarded; always create-only."""

    @property
    def claim(self) -> Claim | None:
        """The room that it takes, where there are quotas; used up when it is recorded, given back by ``withdraw``."""
        ...

    def before(self, sha256: str | None, *, resumed: bool = False) -> Exchange[str | None]:
        """Return the sha256 that the bytes must have, or None when any will do.

        Args:
            sha256: What the caller says that they have.
            resumed: The object may be there already, made by an earlier call that could not say so.

        Raises:
            AlreadyExistsError: the key is taken.
        """
        ...

    def after(self, info: ObjectInfo) -> Exchange[None]:
        """Make the object that was written permanent.

        Raises:
            AlreadyExistsError: another write was faster.
        """
        ...

    def adopt(self, info: ObjectInfo, *, proven: bool) -> Exchange[None]:
        """Make an object that is already there permanent; repeating it for the same object changes nothing.

        Args:
            info: What the service says of it.
            proven: Whether its bytes were seen here, so that the sha256 is no mere word of who sent them.

        Raises:
            AlreadyExistsError: another write was faster, or the key is taken.
        """
        ...

    def recorded(self) -> Exchange[bool]:
        """Say whether the key already has a permanent object, which no later check may remove."""
        ...

    def withdraw(self) -> Exchange[None]:
        """Undo what ``after`` may have done: the object was removed again."""
        ...

    def taken(self) -> StorageError:
        """Return the error for bytes that differ from those the key had before."""
        ...


class Guard(Protocol):
    """Decides about some of the keys of a storage; keys are full, as the provider knows them."""

    def writing(self, key: ObjectKey, reservation: str = "") -> Write | None:
        """Return the decision over a write of *key*, or None when it is not guarded.

        A *reservation* that was made for it elsewhere is used up when it is recorded.
        """
        ...

    def moving(self, key: ObjectKey) -> Exchange[None]:
        """Refuse to give the object another key where it may not be removed from this one."""
        ...

    def removing(self, keys: Sequence[ObjectKey], *, moved: bool = False) -> Exchange[None]:
        """Note that the existing ones among *keys* are about to be removed, or were just *moved* away.

        Raises:
            RetentionError: something keeps one of them.
        """
        ...


class Watch(Protocol):
    """Is shown how the calls on a storage end. Never raises."""

    def failed(self, error: StorageError) -> Exchange[None]:
        """Note that a call ended in *error*."""
        ...

    def passed(self, operation: str) -> Exchange[None]:
        """Note that a call worked."""
        ...


def guarded(
    write: Write,
    body: object,
    sha256: str | None,
    put: Callable[[str | None], Exchange[ObjectInfo]],
    undo: Callable[[], Exchange[None]],
    known: Callable[[ObjectInfo], Exchange[ObjectInfo]] | None = None,
) -> Exchange[ObjectInfo]:
    """Ask, *put* with the sha256 that *body* must have, and make it permanent; otherwise *undo* the put.

    A put that does not compute the sha256, such as a copy, comes with what finds it out, *known*.

    Raises:
        AlreadyExistsError: the key is taken, or another write was faster.
    """
    declared = body.declared_sha256 if isinstance(body, Source) else sha256
    demanded = yield from write.before(declared.lower() if declared is not None else None)
    if demanded is not None and declared is None and isinstance(body, Source):
        if (yield Call(_sha256_of, body)) != demanded:
            raise write.taken()
    elif demanded is not None and body is not None and declared is None:
        sha256 = demanded
    try:
        info = yield from put(sha256)
    except IntegrityError as error:
        if demanded is None or declared is not None:
            raise
        raise write.taken() from error
    try:
        if known is not None:
            info = yield from known(info)
        if demanded is not None and info.sha256 != demanded:  # a copy, of which nothing was known beforehand
            raise write.taken()
        yield from write.after(info)
    except BaseException:
        yield from _take_away(write, undo)
        raise
    return info


def keep_existing(
    write: Write, info: ObjectInfo, *, proven: bool, undo: Callable[[], Exchange[object]]
) -> Exchange[ObjectInfo]:
    """Make the object that is already there permanent; otherwise *undo* it.

    After an error that decides nothing it is left where it is, and the call can be repeated.

    Raises:
        AlreadyExistsError: the key is taken, or another write was faster.
        QuotaExceededError: there is no room for it.
    """
    try:
        yield from write.adopt(info, proven=proven)
    except (AlreadyExistsError, QuotaExceededError) as refusal:
        if isinstance(refusal, QuotaExceededError) and refusal.limit is None:
            raise  # the catalogue has no room, which decides nothing
        try:
            yield from undo()
        except StorageError as error:
            _log.warning(_STAYED, error)
        raise
    return info


def _sha256_of(source: Source) -> str | None:
    chunk = memoryview(bytearray(_CHUNK))
    with source.open() as reader:
        while reader.readinto(chunk):
            pass
    return source.checksum.value if source.checksum is not None else None


def _take_away(write: Write, undo: Callable[[], Exchange[None]]) -> Exchange[None]:
    try:
        yield from undo()
        yield from write.withdraw()
    except StorageError as error:
        # What made the write fail is what the caller has to know; the object stays, found by its key, under no receipt.
        _log.warning(_STAYED, error)
