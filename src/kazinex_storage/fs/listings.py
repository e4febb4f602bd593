"""Listings as exchanges: taken whole, or only far enough to know that there is something."""

from __future__ import annotations

from typing import TypeVar

from ..pulls import Listing
from ..transport import Exchange
from ..types import Folder, ObjectInfo
from .entries import Entry, Found

_Kind = TypeVar("_Kind", bound=ObjectInfo | Folder)


def check_depth(maxdepth: int | None) -> None:
    """Refuse a depth that would find nothing.

    Raises:
        ValueError: it is less than 1.
    """
    if maxdepth is not None and maxdepth < 1:
        raise ValueError("maxdepth is at least 1")


def folders_of(found: Found, root: str) -> Found:
    """Return the folders between *root* and the objects in *found*."""
    folders: Found = {}
    for name in found:
        parent = name.rpartition("/")[0]
        while len(parent) > len(root) and parent not in folders:
            folders[parent] = Entry(name=parent, info=None)
            parent = parent.rpartition("/")[0]
    return folders


def all_of(listing: Listing[_Kind]) -> Exchange[list[_Kind]]:
    """Return every entry of *listing*."""
    entries: list[_Kind] = []
    try:
        while (page := (yield from listing.next())) is not None:
            entries.extend(page)
    finally:
        listing.close()
    return entries


def has_any(listing: Listing[_Kind]) -> Exchange[bool]:
    """Say whether the listing has anything."""
    try:
        while (page := (yield from listing.next())) is not None:
            if page:
                return True
    finally:
        listing.close()
    return False
