"""Listings as exchanges: read to the end, or only far enough to know that there is something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, TypeVar

from ..storage.operations import Operations
from ..storage.reading import Listing
from ..storage.remnants import unkeyed_in
from ..transport import Exchange
from ..types import Folder, ObjectInfo
from ..unkeyed import Unkeyed
from .entries import Entry, Found

T = TypeVar("T")
Listed: TypeAlias = tuple[list[T], list[Unkeyed]]
"""Entries, and what no key names."""

_Kind = TypeVar("_Kind", bound=ObjectInfo | Folder)


def check_depth(maxdepth: int | None) -> None:
    """Refuse a depth at which nothing could be found.

    Raises:
        ValueError: it is less than 1.
    """
    if maxdepth is not None and maxdepth < 1:
        raise ValueError("maxdepth must be at least 1")


def folders_of(names: Iterable[str], root: str) -> Found:
    """Return the folders between *root* and the objects *names*."""
    folders: Found = {}
    for name in names:
        parent = name.rpartition("/")[0]
        while len(parent) > len(root) and parent not in folders:
            folders[parent] = Entry(name=parent, info=None)
            parent = parent.rpartition("/")[0]
    return folders


def markers_at(others: Iterable[Unkeyed], prefix: str) -> list[Folder]:
    """Return the folders one level below *prefix* that exist because of something that no key names."""
    return [
        Folder(prefix=one.key)
        for one in others
        if one.key.endswith("/") and one.key != prefix and "/" not in one.key[len(prefix) : -1]
    ]


def all_of(operations: Operations, listing: Listing[_Kind]) -> Exchange[Listed[_Kind]]:
    """Return every entry of *listing*, of *operations*, and what no key names."""
    entries: list[_Kind] = []
    try:
        while (page := (yield from listing.next())) is not None:
            entries.extend(page)
    finally:
        listing.close()
    return entries, unkeyed_in(operations, listing)


def has_any(operations: Operations, prefix: str) -> Exchange[bool]:
    """Say whether anything is below *prefix*, including what no key names."""
    listing = operations.children(prefix)
    try:
        while (page := (yield from listing.next())) is not None:
            if page:
                return True
    finally:
        listing.close()
    return bool(unkeyed_in(operations, listing))
