"""What files begin with, compared with their names and what they are declared as, before or after they arrive.

``rules.py`` has the names and sizes; ``file_rules.py`` says what an organisation compares. Keys are full.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from ..bodies.first_bytes import FIRST_BYTES, contradicts, fits
from ..bodies.peeking import first_bytes_of, held_bytes
from ..content_types import agrees, extension_of
from ..errors import FileTypeRefusedError
from ..keys import ObjectKey
from ..transport import Call, Exchange
from ..types import ByteRange, ObjectInfo

if TYPE_CHECKING:
    from ..bodies.source import Source
    from ..lifting import Exchanges
    from ..policy import UploadPolicy


def check_first(policy: UploadPolicy | None, key: ObjectKey, first: bytes, encoding: str | None = None) -> None:
    """Refuse a body that begins with *first*, at most ``FIRST_BYTES`` of them; one of no bytes is never refused.

    Bytes of the content *encoding* that they are declared to have are no contradiction.

    Raises:
        FileTypeRefusedError: the policy compares contents, and these are of another type.
    """
    if policy is None or not policy.files.looks_inside or not first:
        return
    extension = extension_of(key.name)
    found = contradicts(extension, first)
    if found is not None and found == encoding:
        return
    if found is not None:
        what = f"of type .{extension}" if extension else "without an extension"
        raise FileTypeRefusedError(
            f"{key.name!r} is {what}, and its bytes are those of {found}; give it the name of what it is"
        )
    if policy.files.content == "required":
        check_signature(extension, first)


def check_signature(extension: str, first: bytes) -> None:
    """Refuse bytes that do not begin as files of *extension* do.

    Raises:
        FileTypeRefusedError: they do not.
    """
    if not fits(extension, first):
        what = f"a file of type .{extension}" if extension else "a file without an extension"
        raise FileTypeRefusedError(f"the object does not begin as {what} does")


def check_declared(policy: UploadPolicy | None, key: ObjectKey, content_type: str | None) -> None:
    """Refuse a declared type that means files of another extension than that of *key*.

    Raises:
        FileTypeRefusedError: the policy compares contents, and the type is another one.
    """
    if policy is None or content_type is None or not policy.files.looks_inside:
        return
    extension = extension_of(key.name)
    if not agrees(extension, content_type):
        what = f"of type .{extension}" if extension else "without an extension"
        raise FileTypeRefusedError(
            f"{key.name!r} is {what}, and was declared as {content_type}; leave the type out, or declare its own"
        )


def check_source(
    policy: UploadPolicy | None, key: ObjectKey, source: Source, encoding: str | None = None
) -> Exchange[None]:
    """Refuse a body by its first bytes before any of it is sent; a file is opened once more for that.

    Raises:
        FileTypeRefusedError: see ``check_first``.
    """
    if policy is None or not policy.files.looks_inside or not source.size:
        return
    held = held_bytes(source, FIRST_BYTES)
    first = held if held is not None else cast(bytes, (yield Call(partial(first_bytes_of, source, FIRST_BYTES))))
    check_first(policy, key, first, encoding)


def check_stored_first(
    policy: UploadPolicy | None, exchanges: Exchanges, info: ObjectInfo, target: ObjectKey
) -> Exchange[None]:
    """Refuse the key *target* for the object *info*, whose key is full, by its first bytes; one request.

    Raises:
        FileTypeRefusedError: see ``check_first``.
    """
    if policy is None or not policy.files.looks_inside or not info.size:
        return
    first = bytearray()
    yield from exchanges.get(ObjectKey(info.key), ByteRange(end=FIRST_BYTES), first.extend, info.etag)
    check_first(policy, target, bytes(first))
