"""Writes that are safe to repeat: what a refusal means, and whether the object in the way is our own.

A write carries a random token in its metadata. The response to an earlier attempt may have been lost, so a writer that
is refused looks for its token before it reports that another object is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from ...errors import (
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    PreconditionFailedError,
    StorageError,
    UnavailableError,
)
from ...transport import Call, Exchange, Response
from ...types import Checksum, ObjectInfo, PutMode, PutOptions

if TYPE_CHECKING:
    from ...bodies.source import Source


def read_first(source: Source, write: Callable[[bytes], Exchange[ObjectInfo]], owner: object) -> Exchange[ObjectInfo]:
    """Read a small body, within the memory budget of *owner*, and *write* it."""
    from ...bodies.memory_budget import BUDGET  # a process that only reads does without

    yield from BUDGET.take(source.size, source, owner)
    try:
        data = cast(bytes, (yield Call(_read_whole, source, cancel=source.cancel)))
        return (yield from write(data))
    finally:
        BUDGET.give(source.size, owner)


def find_own_write(
    key: str,
    token: str,
    looking: Exchange[Response],
    header: str,
    parse: Callable[[str, Mapping[str, str]], ObjectInfo],
) -> Exchange[ObjectInfo | None]:
    """Return the object when it carries *token* in *header*; None when it carries another one, or there is none.

    *looking* returns the response to a HEAD, whose headers *parse* reads.

    Raises:
        UnavailableError: the service does not say which object is there.
    """
    try:
        response = yield from looking
    except NotFoundError:
        return None
    except StorageError as error:
        raise ambiguous_write(key, error) from error
    return parse(key, response.headers) if response.headers.get(header) == token else None


def check_unchanged(found: Checksum | None, kept: Checksum | None) -> Checksum:
    """Return the checksum *found* of a body, all of which has been sent; it must be *kept*, if that was known before.

    Raises:
        IntegrityError: the body changed while it was being sent.
    """
    if found is None or kept not in (None, found):
        raise IntegrityError("the body changed while it was being sent; nothing was stored, repeat it")
    return found


def check_condition(key: str, options: PutOptions, looking: Exchange[ObjectInfo]) -> Exchange[None]:
    """Refuse a write whose condition, if any, does not hold now; if the look fails, the write itself decides.

    Raises:
        AlreadyExistsError: ``PutMode.CREATE`` and the key exists.
        PreconditionFailedError: ``if_match`` and the object is another version or absent.
    """
    if options.mode is not PutMode.CREATE and options.if_match is None:
        return
    try:
        found: ObjectInfo | None = yield from looking
    except NotFoundError:
        found = None
    except StorageError:
        return
    if options.mode is PutMode.CREATE and found is not None:
        raise already_exists(key)
    if options.if_match is not None and (found is None or found.etag != options.if_match):
        raise other_version(key)


def refused_write(error: StorageError, options: PutOptions) -> StorageError:
    """Return what *error*, met by a write under *options*, means to the caller."""
    key = error.key or ""
    if isinstance(error, PreconditionFailedError) and options.mode is PutMode.CREATE:
        return already_exists(key, error.request_id)
    if isinstance(error, NotFoundError) and options.if_match is not None:
        return other_version(key)
    if isinstance(error, NotFoundError):
        return UnavailableError(f"the service lost the upload ({error.code}); repeat it", key=key, code=error.code)
    return error


def already_exists(key: str, request_id: str | None = None) -> AlreadyExistsError:
    """Return the error for a create-only write to a key that has an object."""
    return AlreadyExistsError("an object has that key already; nothing was changed", key=key, request_id=request_id)


def other_version(key: str) -> PreconditionFailedError:
    """Return the error for a write over a version that is no longer there."""
    return PreconditionFailedError("the object is another version, or gone; read it again", key=key)


def ambiguous_write(key: str, error: StorageError | None = None) -> UnavailableError:
    """Return the error for a write that an earlier attempt may have done; *error* is what looking for it met."""
    return UnavailableError(
        "it is not known whether the object there is from this write or from another one; look at it before repeating",
        key=key,
        code=error.code if error is not None else None,
        request_id=error.request_id if error is not None else None,
        retry_after_s=error.retry_after_s if error is not None else None,
    )


def _read_whole(source: Source) -> bytes:
    with source.open() as reader:
        return reader.read()
