"""How much each folder of a place holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ..values import value
from .entries import Entry


@value
class FolderSize:
    """What is below one folder, however deep."""

    folder: str
    """Its key, without a slash at the end; empty for all that was looked at."""
    size: int
    """Bytes."""
    objects: int
    """How many."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {"folder": self.folder, "size": self.size, "objects": self.objects}


def sizes_of(entries: Iterable[Entry], depth: int) -> list[FolderSize]:
    """Return the whole, and each folder that is at most *depth* levels below it, in the order of their keys.

    Memory is that of the folders that are returned.

    Example:
        >>> found = sizes_of([Entry("a/b/c", 2), Entry("a/d", 1), Entry("e", 4)], 1)
        >>> [(one.folder, one.size, one.objects) for one in found]
        [('', 7, 3), ('a', 3, 2)]
    """
    sizes, counts = {"": 0}, {"": 0}
    for entry in entries:
        sizes[""] += entry.size
        counts[""] += 1
        end = -1
        for _ in range(depth):
            end = entry.key.find("/", end + 1)
            if end < 0:
                break
            folder = entry.key[:end]
            sizes[folder] = sizes.get(folder, 0) + entry.size
            counts[folder] = counts.get(folder, 0) + 1
    return [FolderSize(folder=folder, size=sizes[folder], objects=counts[folder]) for folder in sorted(sizes)]
