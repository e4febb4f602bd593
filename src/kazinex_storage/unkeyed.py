"""Objects that no key names: markers of folders that consoles make, names that are not NFC or hold control characters.

Listings leave them out, because using them would reach something else. They are there all the same: a folder with one
of them exists, and removing a folder removes them too. What a provider adds to tell them is optional.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from .errors import StorageError
from .keys import ObjectKey, Prefix
from .transport import Exchange
from .types import ObjectInfo, Sink
from .values import value


@value
class Unkeyed:
    """An object of a service that no key names."""

    name: str
    """The whole name, as the service spells it."""
    key: str
    """The text where a key would stand; it ends with a slash when the object stands for a folder."""
    size: int = 0

    @property
    def marks_folder(self) -> bool:
        """Whether it is nothing but the marker of a folder."""
        return self.key.endswith("/") and not self.size


@runtime_checkable
class UnkeyedPages(Protocol):
    """What the pages of a listing add to tell what they leave out."""

    @property
    def unkeyed(self) -> Sequence[Unkeyed]:
        """What stood in the pages so far, below the prefix; the marker of the prefix itself too.

        In a listing of one level also the folders that no key names.
        """
        ...


@runtime_checkable
class UnkeyedExchanges(Protocol):
    """What the exchanges of a provider add to remove what no key names."""

    def get_unkeyed(self, name: str, sink: Sink) -> Exchange[ObjectInfo]:
        """Push the bytes of one object by the name of the service; the key of what is returned is that name."""
        ...

    def unkeyed_prefix(self, prefix: str) -> str:
        """Return what the names of the service begin with below *prefix*."""
        ...

    def delete_unkeyed(self, names: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
        """Remove up to 1,000 objects by the names of the service; an error or None for each."""
        ...

    def delete_marker(self, key: ObjectKey) -> Exchange[None]:
        """Remove what stands for the folder *key* under just this name, where a service knows such a thing."""
        ...


@runtime_checkable
class FolderExchanges(Protocol):
    """What the exchanges of a provider add whose folders are real, and stay when nothing is in them any more."""

    def remove_folders(self, prefix: Prefix, *, itself: bool) -> Exchange[Sequence[StorageError | None]]:
        """Remove the folders below *prefix* that nothing is in, deepest first, and *itself*; an error or None for each.

        The key of an error is the text where a key of the folder would stand.
        """
        ...


@runtime_checkable
class UnkeyedRemover(Protocol):
    """What a provider of blocking methods adds to remove what no key names."""

    def remove_unkeyed(self, prefix: Prefix) -> None:
        """Remove what no key names below *prefix*, and the folders that nothing is in.

        Raises:
            StorageError: something could not be removed.
        """
        ...


MARKED = "DirectoryMarker"
"""The code of a ``NotFoundError``: no object has that key, the marker of a folder has."""
