"""What a direct upload brought to its key: compared with what was declared and with the rules of now, or removed.

``documents/direct.py`` uses these, beside signed requests (``signed.py``) and uploads in parts (``uploads.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ..bodies.first_bytes import FIRST_BYTES
from ..capabilities import Capability
from ..contract import ClientSession, SessionOpener
from ..errors import (
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    NotSupportedError,
    PolicyError,
)
from ..keys import ObjectKey
from ..policy import extension_of
from ..transport import Exchange
from ..types import WHOLE, ByteRange, Checksum, ObjectInfo, PutMode, PutOptions
from ..values import value
from .contents import check_declared, check_first, check_signature
from .operation import Context, operation
from .signed import carries, remove_version

NOTE: Final = "kazinex-upload"
"""The name of the metadata by which an object is known that came through a route of the host."""

IsOurs = Callable[[Context, ObjectKey, ObjectInfo], Exchange[bool]]
"""Says whether an object is the one that a ticket brought."""


@value
class Declared:
    """What was declared of a file before it was sent."""

    size: int
    content_type: str | None
    sha256: str | None
    is_untouched: Callable[[ObjectInfo], bool]
    """Whether it is certain that the service has not changed the content since it arrived; of a kind that it may."""


class Arrivals:
    """What direct uploads bring to one storage."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        """Work with what *context* says."""
        self.context = context
        """Provider, prefix and rules."""

    @property
    def opens_sessions(self) -> bool:
        """Whether the service gives URLs that take one body each."""
        return isinstance(self.context.provider, SessionOpener)

    @operation("begin_upload")
    def admit(self, key: ObjectKey, size: int, content_type: str | None = None) -> Exchange[None]:
        """Refuse a name, a size or a declared type that the rules of now do not allow.

        Raises:
            PolicyError: they do not.
            NotSupportedError: the provider has no create-only writes.
        """
        rules = self.context.rules
        rules.need(Capability.CREATE_ONLY, "a direct upload")
        rules.check_name(key)
        rules.check_size(size)
        check_declared(rules.policy, key, content_type)
        return
        yield  # makes an exchange of it

    @operation("begin_upload")
    def begin_session(self, key: ObjectKey, size: int, content_type: str) -> Exchange[ClientSession]:
        """Begin a session of the service for one body.

        Raises:
            NotSupportedError: the service has none.
        """
        if not self.opens_sessions:
            raise NotSupportedError("this provider gives no URLs for uploads of clients")
        options = PutOptions(mode=PutMode.CREATE, content_type=content_type)
        return (yield from self.context.exchanges.begin_session(key, size, options))

    @operation("confirm")
    def is_session_open(self, key: ObjectKey, url: str) -> Exchange[bool]:  # noqa: ARG002  # for the context of errors
        """Say whether a session still waits for bytes."""
        return self.context.exchanges.is_session_open(url)

    @operation("abort_upload")
    def end_session(self, key: ObjectKey, url: str) -> Exchange[None]:  # noqa: ARG002
        """Discard a session."""
        return self.context.exchanges.end_session(url)

    @operation("confirm")
    def check(self, key: ObjectKey, declared: Declared, is_ours: IsOurs) -> Exchange[ObjectInfo]:
        """Return what is there, with its sha256 where that was declared and found by reading the whole.

        Raises:
            NotFoundError: nothing has arrived.
            AlreadyExistsError: another object is there, and is left alone.
            PolicyError: the policy of now does not allow it, or it does not begin as its type does; it was removed.
            IntegrityError: it is not what was declared; it was removed.
        """
        info = yield from self.context.exchanges.head(key)
        if not (yield from is_ours(self.context, key, info)):
            raise AlreadyExistsError("the object that is there did not come with this ticket; nothing was removed")
        try:
            return (yield from self._checked(key, declared, info))
        except (PolicyError, IntegrityError) as error:
            removed = yield from remove_version(self.context, key, info)
            outcome = "it was removed" if removed else "it was left alone, look at it"
            raise type(error)(f"{error.message}; {outcome}") from error

    @operation("abort_upload")
    def discard(self, key: ObjectKey, is_ours: IsOurs) -> Exchange[bool]:
        """Remove what is there if it came with the ticket; say whether it was."""
        try:
            info = yield from self.context.exchanges.head(key)
        except NotFoundError:
            return False
        if not (yield from is_ours(self.context, key, info)):
            return False
        return (yield from remove_version(self.context, key, info))

    def _checked(self, key: ObjectKey, declared: Declared, info: ObjectInfo) -> Exchange[ObjectInfo]:
        context, extension = self.context, extension_of(key.name)
        # What the service changes by itself cannot be compared with what was sent.
        rewritten = extension in context.info.rewrites and not declared.is_untouched(info)
        context.rules.check_name(key)
        context.rules.check_size(info.size)
        if info.size != declared.size and not rewritten:
            raise IntegrityError(f"the object has {info.size:,} bytes, and {declared.size:,} were declared")
        if declared.content_type is not None and context.info.can(Capability.METADATA):
            _check_type(declared.content_type, info)
        if declared.sha256 is None or info.size != declared.size:
            first = bytearray()
            yield from context.exchanges.get(key, ByteRange(end=FIRST_BYTES), first.extend, info.etag)
            self._check_first(key, first)
            return info
        found = yield from self._hashed(key, info)
        if found != declared.sha256:
            if rewritten:
                return info
            raise IntegrityError(f"the object has sha256 {found}, and {declared.sha256} was declared")
        return replace(info, checksum=Checksum(algorithm="sha256", value=found))

    def _hashed(self, key: ObjectKey, info: ObjectInfo) -> Exchange[str]:
        """Read the whole once, for its first bytes and its sha256."""
        digest, first = hashlib.sha256(), bytearray()

        def sink(data: bytes | bytearray | memoryview) -> None:
            if len(first) < FIRST_BYTES:
                first.extend(data[: FIRST_BYTES - len(first)])
            digest.update(data)

        yield from self.context.exchanges.get(key, WHOLE, sink, info.etag)
        self._check_first(key, first)
        return digest.hexdigest()

    def _check_first(self, key: ObjectKey, first: bytearray) -> None:
        check_signature(extension_of(key.name), bytes(first))
        check_first(self.context.rules.policy, key, bytes(first))


def by_write_token(token: str) -> IsOurs:
    """Know the object by the write token that the signed request made the service keep."""

    def is_ours(context: Context, key: ObjectKey, info: ObjectInfo) -> Exchange[bool]:
        return (yield from carries(context, key, info, token))

    return is_ours


def by_note(note: str) -> IsOurs:
    """Know the object by its metadata ``NOTE``."""

    def is_ours(context: Context, key: ObjectKey, info: ObjectInfo) -> Exchange[bool]:  # noqa: ARG001
        return info.metadata.get(NOTE) == note
        yield  # makes an exchange of it

    return is_ours


def by_version(etag: str | None) -> IsOurs:
    """Know the object by its version."""

    def is_ours(context: Context, key: ObjectKey, info: ObjectInfo) -> Exchange[bool]:  # noqa: ARG001
        return etag is not None and info.etag == etag
        yield  # makes an exchange of it

    return is_ours


def _check_type(declared: str, info: ObjectInfo) -> None:
    if (info.content_type or "").lower() != declared.lower():
        raise IntegrityError(f"the object is of type {info.content_type!r}, and {declared!r} was declared")
