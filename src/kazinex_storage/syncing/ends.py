"""What a source and a target of a synchronisation are: a folder, a storage, an organisation.

``folders.py``, ``objects.py`` and ``organisations.py`` have them; ``syncs.py`` knows no more of them than this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar, cast

from ..storage.rules import Body
from ..transport import Exchange, Through, Transport
from ..types import ObjectInfo, PutOptions
from .entries import Entry
from .selecting import Selection

_T = TypeVar("_T")

Deleted: TypeAlias = "list[tuple[Entry, Exception | None]]"
"""What was to be deleted, and why it was not; None where it was."""


class End(Protocol):
    """One end of a synchronisation."""

    @property
    def transport(self) -> Transport | None:
        """What runs its exchanges; None where any can."""
        ...

    @property
    def concurrency(self) -> int:
        """How many objects at once pay off."""
        ...

    def entries(self, selection: Selection) -> Iterator[Entry]:
        """Yield what takes part, in any order.

        Raises:
            StorageError: it cannot be listed.
        """
        ...

    def sha256(self, entry: Entry) -> Exchange[str]:
        """Return the sha256 of the bytes, read now where it is not known."""
        ...


class Source(End, Protocol):
    """An end that is read."""

    def body(self, entry: Entry) -> Exchange[tuple[Body, ObjectInfo | None]]:
        """Return the bytes as a body, and what is known of the object; who asks closes a ``Source``."""
        ...

    def download(self, entry: Entry, path: Path) -> Exchange[None]:
        """Write the bytes into the file *path*, proved, whole or not at all."""
        ...


class Target(End, Protocol):
    """An end that is written to."""

    @property
    def keeps_times(self) -> bool:
        """Whether what it is given has the time that it has on the source."""
        ...

    @property
    def ignores_case(self) -> bool:
        """Whether names that differ only in case are one."""
        ...

    @property
    def hierarchical(self) -> bool:
        """Whether folders are real."""
        ...

    def refusal(self, key: str, size: int) -> str | None:
        """Return why it cannot hold an object of that key and size; None when it can. No request."""
        ...

    def is_written_once(self, key: str) -> bool:
        """Say whether what is under *key* is never replaced."""
        ...

    def take(self, source: Source, entry: Entry, before: Entry | None, options: PutOptions) -> Exchange[None]:
        """Make what *source* has under a key what is there instead of *before*; whole or not at all.

        Raises:
            StorageError: it was changed since it was listed, or either end refuses; ``OSError``: likewise, of a disk.
        """
        ...

    def delete(self, entries: Sequence[Entry]) -> Exchange[Deleted]:
        """Delete each of *entries*, at most 1,000; of a disk, unless it is another file by now."""
        ...


def through(transport: Transport, exchange: Exchange[_T]) -> Exchange[_T]:
    """Run *exchange* over the connections of *transport*, whatever carries what it is a part of."""
    return cast(_T, (yield Through(transport, exchange)))
