"""``cat_ranges``, as an exchange: ranges of many objects, those of one in blocks, all blocks under one window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

from ..storage.ranges import Block, Chunks, blocks_of, check_joining, replaced
from ..storage.sync import Storage
from ..transport import Exchange, Many, Outcome
from ..types import ByteRange, ObjectInfo
from ..values import value
from .entries import Bounds, slice_span
from .lookups import Lookups
from .spaces import object_at

_Found: TypeAlias = tuple[ObjectInfo, list[bytes]]


@value
class Joining:
    """How ranges of one object are joined; ``storage/ranges.py`` has the values that were measured."""

    gap: int
    """The most bytes between two ranges of a block."""
    block: int
    """The most bytes of a block of several ranges."""

    def __post_init__(self) -> None:
        """Refuse bounds that mean nothing.

        Raises:
            ValueError: the gap is negative, or the block not positive.
        """
        check_joining(self.gap, self.block)


class _Asked:
    """The ranges of one path."""

    __slots__ = ("bounds", "indexes", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.indexes: list[int] = []
        """Which ranges of the call they are."""
        self.bounds: list[Bounds] = []


class _Part:
    """One block of one path, and how to read it."""

    __slots__ = ("asked", "block", "exchange")

    def __init__(self, asked: _Asked, block: Block, exchange: Exchange[_Found]) -> None:
        self.asked = asked
        self.block = block
        self.exchange = exchange


class RangeReads:
    """Reads ranges of the objects of one space."""

    def __init__(self, lookups: Lookups, joining: Joining) -> None:
        self._lookups = lookups
        self._joining = joining

    def read(
        self, paths: Sequence[str], bounds: Sequence[Bounds], window: int | None
    ) -> Exchange[list[bytes | Exception]]:
        """Return the bytes of each range, or its error; what is read of one path is of one version.

        One request for each block, and one for a path of which a range has a negative end, for its size.
        """
        asked: dict[str, _Asked] = {}
        for index, (path, bound) in enumerate(zip(paths, bounds, strict=True)):
            one = asked.get(path) or asked.setdefault(path, _Asked(path))
            one.indexes.append(index)
            one.bounds.append(bound)
        found: list[bytes | Exception] = [b""] * len(paths)
        width = yield from self._lookups.window(paths, window)
        parts: list[_Part] = []
        plans = cast("list[Outcome[list[_Part]]]", (yield Many([self._plan(one) for one in asked.values()], width)))
        for one, plan in zip(asked.values(), plans, strict=True):
            if plan.error is None:
                parts += plan.result()
            else:
                for index in one.indexes:
                    found[index] = plan.error
        outcomes = cast("list[Outcome[_Found]]", (yield Many([part.exchange for part in parts], width)))
        versions: dict[_Asked, ObjectInfo] = {}
        for part, outcome in zip(parts, outcomes, strict=True):
            error = outcome.error
            if error is None:
                info, pieces = outcome.result()
                error = replaced(versions.setdefault(part.asked, info), info, part.asked.path)
            for number, place in enumerate(part.block.places):
                found[part.asked.indexes[place]] = error or pieces[number]
        return found

    def _plan(self, asked: _Asked) -> Exchange[list[_Part]]:
        """Return how the blocks of one path are read."""
        space, joining = self._lookups.space, self._joining
        place = object_at(space, asked.path)
        candidates = yield from space.candidates(place)
        spans, etag = [slice_span(start, end, None) for start, end in asked.bounds], None
        if None in spans:
            storage, info = yield from self._lookups.head(place, candidates)
            candidates = [candidate for candidate in candidates if candidate.storage is storage]
            spans, etag = [slice_span(start, end, info.size) for start, end in asked.bounds], info.etag

        def read(block: Block) -> Exchange[_Found]:
            def attempt(storage: Storage) -> Exchange[_Found]:
                chunks = Chunks()  # for each storage: one that fails may have sent something
                info = yield from storage.operations.get(place.key, chunks, block.span, etag)
                return info, block.cut(chunks.kept)

            return (yield from self._lookups.first(place, candidates, attempt))[1]

        blocks = blocks_of(cast("list[ByteRange]", spans), joining.gap, joining.block)
        return [_Part(asked, block, read(block)) for block in blocks]
