"""Secrets that no traceback shows: text and bytes that behave as usual, but whose ``repr`` is masked.

Rich, Sentry and others print the locals of every frame of an error. Where a secret comes in it is wrapped, so that all
frames that hold it show ``'***'``. What is made of it (a concatenation, a format) is plain text again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import SupportsIndex, TypeVar, cast, overload

from .pickling import not_pickled

_T = TypeVar("_T")
_Error = TypeVar("_Error", bound=BaseException)

MASK = "***"
"""What is shown in place of a secret."""

# Shorter texts are no secrets, and cutting them out would make a message unreadable.
_SECRET_CHARACTERS = 4


@not_pickled("send no secret, but where to find it")
class Masked(str):
    """Text that is not shown.

    Example:
        >>> secret = Masked("example")
        >>> secret, secret == "example", f"{secret}", secret[:3]
        ('***', True, 'example', '***')
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)

    def __getitem__(self, index: SupportsIndex | slice, /) -> Masked:
        return Masked(str.__getitem__(self, index))  # code that shortens long text shows a slice of it


@not_pickled("send no secret, but where to find it")
class MaskedBytes(bytes):
    """Bytes that are not shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK.encode())

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> bytes: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> int | bytes:
        found = bytes.__getitem__(self, index)
        return MaskedBytes(found) if isinstance(found, bytes) else found


def masked(value: _T) -> _T:
    """Return *value* with all text in it masked, however deep in mappings and lists; the rest stays.

    Example:
        >>> masked({"bucket": "plans", "retries": 3, "auth": {"secret": "example"}})
        {'bucket': '***', 'retries': 3, 'auth': {'secret': '***'}}
    """
    found: object = value
    if isinstance(value, str):
        found = Masked(value)
    elif isinstance(value, Mapping):
        found = {name: masked(below) for name, below in value.items()}
    elif isinstance(value, list):
        found = [masked(below) for below in value]
    return cast(_T, found)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return *text* without the *secrets*; those of fewer than four characters are left in it."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SECRET_CHARACTERS:
            text = text.replace(secret, MASK)
    return text


def leaves(value: object) -> Iterator[object]:
    """Yield the values in *value*, however deep in mappings, lists and sets."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from leaves(part)
    else:
        yield value


def without_frames(error: _Error) -> _Error:
    """Return *error* without the frames that it and its causes went through: those of a library, which hold secrets."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is not None and id(found) not in seen:
            seen.add(id(found))
            found.__traceback__ = None
            waiting += [found.__cause__, found.__context__]
    return error
