"""Hints: keywords of other file systems that change speed or memory, never what is read, written or allowed.

Tools pass them to every file system. Here a hint is honoured where it has a meaning and ignored elsewhere, as the table
in docs/fsspec.md says of each. Keywords that would change what is done are refused, unless their value asks for what is
done anyway. Any other name is a TypeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from ..errors import NotSupportedError

HINTS_OF_FILES = frozenset(
    {
        "blocksize",
        "default_block_size",
        "default_cache",
        "default_cache_type",
        "default_fill_cache",
        "fill_cache",
        "max_concurrency",
        "size",
    }
)
"""What ``open`` takes beside its parameters: ``blocksize`` is ``block_size``, and the others are ignored."""

IGNORED_BY_CALLS = frozenset({"chunksize", "invalidate_cache", "max_concurrency", "refresh"})
"""What all other calls ignore: nothing is cached, and the provider decides on its requests."""

IGNORED_BY_FILE_SYSTEMS = frozenset({"default_fill_cache", "listings_expiry_time", "max_paths", "skip_instance_cache"})
"""What constructors ignore: neither listings nor instances are cached."""

GRANTED: Mapping[str, tuple[object, ...]] = {
    "anon": (None, False),
    "requester_pays": (None, False),
    "use_listings_cache": (None, False),
    "version_aware": (None, False),
    "version_id": (None,),
    "versions": (None, False),
}
"""Keywords that are no hints, and their values that ask for what is done anyway."""

REASONS: Mapping[str, str] = {
    "anon": "requests are always signed; make a public URL of the object, or give credentials",
    "requester_pays": "no request agrees to costs; read through credentials of the account that owns the bucket",
    "use_listings_cache": "listings are not cached; leave use_listings_cache out",
}
"""What to do without them, where it is not to leave them out."""


class OpenHints(TypedDict, total=False):
    """What ``open`` takes beside its parameters."""

    blocksize: int | None
    """Bytes that a reader fetches at a time when less is asked for."""
    default_block_size: int | None
    default_cache: str | None
    default_cache_type: str | None
    default_fill_cache: bool | None
    fill_cache: bool | None
    max_concurrency: int | None
    """Requests at once."""
    size: int | None


class FileSystemHints(TypedDict, total=False):
    """What constructors take beside options, and ignore or grant."""

    anon: bool | None
    default_fill_cache: bool | None
    listings_expiry_time: float | None
    """Seconds."""
    max_paths: int | None
    """Listings."""
    requester_pays: bool | None
    skip_instance_cache: bool
    use_listings_cache: bool | None
    version_aware: bool | None


def check_open_hints(hints: Mapping[str, object]) -> None:
    """Refuse keywords of ``open`` that are neither hints nor granted.

    Raises:
        TypeError: a name is not known.
        NotSupportedError: a value asks for something that is not done.
    """
    unknown = sorted(without(hints, HINTS_OF_FILES))
    if unknown:
        raise TypeError(f"open() has no option {', '.join(map(repr, unknown))}; docs/fsspec.md lists what it takes")


def without(given: Mapping[str, object], ignored: frozenset[str]) -> dict[str, object]:
    """Return what is left of *given* without the hints that are *ignored* and what is granted.

    Raises:
        NotSupportedError: a value asks for something that is not done.
    """
    left: dict[str, object] = {}
    for name, value in given.items():
        if name in GRANTED:
            if not any(value is granted for granted in GRANTED[name]):
                reason = REASONS.get(name, "objects are read as they are now; leave it out, or see docs/versions.md")
                raise NotSupportedError(f"{name}={str(value)[:50]}: {reason}")
        elif name not in ignored:
            left[name] = value
    return left
