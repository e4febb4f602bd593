"""What a provider adds for reads that spare bytes or requests: conditional reads, and listings that can be resumed.

``contract.py`` has the verbs that every provider owes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from .errors import NotModifiedError
from .keys import ObjectKey, Prefix
from .types import ByteRange, Folder, ObjectInfo, Sink
from .values import value


@value
class Page:
    """One page of a listing, and how to ask for the next one."""

    entries: Sequence[ObjectInfo | Folder]
    token: str | None = None
    """Asks for the next page, in any process; None after the last one. The last page may be empty."""

    @property
    def objects(self) -> list[ObjectInfo]:
        """The objects among the entries."""
        return [entry for entry in self.entries if isinstance(entry, ObjectInfo)]

    @property
    def folders(self) -> list[Folder]:
        """The folders among the entries, of a listing of one level."""
        return [entry for entry in self.entries if isinstance(entry, Folder)]


@runtime_checkable
class ConditionalReader(Protocol):
    """What a provider adds to declare ``Capability.CONDITIONAL_READ``."""

    def get_changed(self, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str) -> ObjectInfo:
        """Push the bytes of *span* as ``StorageProvider.get`` does, unless the object is the version *if_none_match*.

        Raises:
            NotModifiedError: it is; the sink was given nothing.
            NotFoundError: no such key.
        """
        ...


@runtime_checkable
class PageLister(Protocol):
    """What a provider adds to declare ``Capability.RESUMED_LISTING``."""

    def list_page(self, prefix: Prefix, token: str | None, limit: int, one_level: bool) -> Page:
        """Return at most *limit* entries of what begins with *prefix*, from where *token* says, and where they end.

        The token is the provider's own, and works in every process; ``Storage`` seals it. What is there during the
        whole listing is on exactly one of its pages. Only the last page may be empty.

        Raises:
            StorageError: the service refuses, or does not know the token any more.
        """
        ...


def not_modified(key: str, etag: str, last_modified: datetime | None = None) -> NotModifiedError:
    """Return the error for an object that is still the version *etag*."""
    error = NotModifiedError("the object is still the version that you have; use that", key=key)
    error.etag, error.last_modified = etag, last_modified
    return error


def changed(info: ObjectInfo, if_none_match: str) -> ObjectInfo:
    """Return *info*, unless it is of the version *if_none_match*: a service, or a cache before it, may ignore that.

    Raises:
        NotModifiedError: it is.
    """
    if info.etag is not None and info.etag in (if_none_match, if_none_match.strip('"')):
        raise not_modified(info.key, if_none_match, info.last_modified)
    return info


def page_after(entries: Iterable[ObjectInfo | Folder], token: str | None, limit: int) -> Page:
    """Return the page after *token* of *entries*, which come in the order of their keys; the token is the last key.

    Reads all that comes before; for providers whose listings cost nothing.
    """
    found: list[ObjectInfo | Folder] = []
    for entry in entries:
        if token is not None and name_of(entry) <= token:
            continue
        if len(found) == limit:
            return Page(entries=found, token=name_of(found[-1]))
        found.append(entry)
    return Page(entries=found)


def name_of(entry: ObjectInfo | Folder) -> str:
    """Return the key of an object, or the prefix of a folder."""
    return entry.prefix if isinstance(entry, Folder) else entry.key
