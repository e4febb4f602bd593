"""The forms in which fsspec passes arguments and expects results. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from ..errors import NotSupportedError
from .entries import Entry, Found, InfoDict

Slices: TypeAlias = int | Sequence[int | None] | None
"""One bound for all, or one for each."""


def names_or_dicts(found: Found, *, detail: bool) -> list[str] | dict[str, InfoDict]:
    """Return the names, or with *detail* the dictionaries by name."""
    return {name: entry.as_dict() for name, entry in found.items()} if detail else list(found)


def sum_or_sizes(found: Found, *, total: bool) -> int | dict[str, int]:
    """Return the bytes in *total*, or the bytes of each object by name."""
    sizes = {name: entry.size for name, entry in found.items()}
    return sum(sizes.values()) if total else sizes


def modified_at(entry: Entry) -> datetime:
    """Return when the version was written.

    Raises:
        IsADirectoryError: it is a folder.
        NotSupportedError: the provider does not say.
    """
    if entry.info is None:
        raise IsADirectoryError(f"{entry.name!r} is a folder; name an object in it")
    if entry.info.last_modified is None:
        raise NotSupportedError("the provider does not say when objects were written", key=entry.info.key)
    return entry.info.last_modified


def slices(
    paths: Sequence[str], starts: Slices, ends: Slices, max_gap: int | None
) -> tuple[Sequence[str], Sequence[int | None], Sequence[int | None]]:
    """Return the paths and bounds of ``cat_ranges``, as many of each.

    Raises:
        NotSupportedError: *max_gap* is given; every range is its own request.
        ValueError: there are not as many bounds as paths.
    """
    if max_gap is not None:
        raise NotSupportedError("ranges are not merged; leave max_gap out")
    from_all, to_all = _for_each(starts, len(paths)), _for_each(ends, len(paths))
    if not len(from_all) == len(to_all) == len(paths):
        raise ValueError(f"{len(paths)} paths, {len(from_all)} starts, {len(to_all)} ends; give as many of each")
    return paths, from_all, to_all


def _for_each(bounds: Slices, count: int) -> Sequence[int | None]:
    return list(bounds) if isinstance(bounds, Iterable) else [bounds] * count
