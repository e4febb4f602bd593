"""Listings of one library that any process can continue: from the link of Graph, or from the last key.

One level is continued by the link of the last page, which Graph answers whoever asks. A walk has no such link: it goes
through the folders in the order of keys, and begins again after the last key, so a page lists the folders above that
once more. Listings of a whole library that nobody has to resume cost less, see ``delta.py``.
"""

from __future__ import annotations

from typing import Final

from ...contract_reading import Page, name_of
from ...keys import Prefix
from ...transport import Exchange
from ...types import Folder, ObjectInfo
from .library import Library
from .listing import FolderPages

# What Graph gives in one request, and what a caller of one page is ready to wait for.
_MOST: Final = 200
"""Entries of a page."""


def list_page(library: Library, prefix: Prefix, token: str | None, limit: int, one_level: bool) -> Exchange[Page]:
    """Return the page after *token*; see ``PageLister``.

    One request for one level. A walk takes one for each folder that it enters and each 200 entries of it.

    Raises:
        StorageError: the service refuses, or no longer knows the link.
    """
    most = min(limit, _MOST)
    if one_level:
        pages = FolderPages[ObjectInfo | Folder](library, prefix, one_level=True, link=token, most=most)
        entries = yield from pages.next()
        return Page(entries=entries or (), token=pages.link)
    found: list[ObjectInfo | Folder] = []
    yield from _walk(library, prefix, token or "", found, most)
    return Page(entries=found, token=name_of(found[-1]) if len(found) == most else None)


def _walk(library: Library, prefix: str, after: str, found: list[ObjectInfo | Folder], most: int) -> Exchange[None]:
    """Add to *found*, up to *most*, what is below *prefix* and comes after the key *after*."""
    pages = FolderPages[ObjectInfo | Folder](library, prefix, one_level=True)
    entries: list[ObjectInfo | Folder] = []
    while (page := (yield from pages.next())) is not None:
        entries += page
    for entry in sorted(entries, key=name_of):
        if len(found) == most:
            return
        if isinstance(entry, ObjectInfo):
            if entry.key > after:
                found.append(entry)
        elif entry.prefix > after or after.startswith(entry.prefix):
            yield from _walk(library, entry.prefix, after, found, most)
