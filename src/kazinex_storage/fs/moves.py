"""Copying, moving and removing many objects of one space, once it is known which, in an order that loses nothing.

``bulk.py`` finds out what paths and patterns mean; ``plans.py`` decides on the order.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import partial
from typing import TypeAlias, TypeVar, cast

from ..errors import BulkError, InvalidKeyError, InvalidUrlError, NotFoundError, PreconditionFailedError
from ..storage.operations import Operations
from ..storage.remnants import can_delete_unkeyed, delete_marker, delete_unkeyed, remove_folders, remove_unkeyed
from ..storage.sync import Storage
from ..transport import Exchange, Many, Outcome
from ..types import ObjectInfo
from ..unkeyed import Unkeyed
from .listings import all_of, folders_of
from .lookups import Lookups
from .plans import Step, check_sources, check_targets, in_order
from .searches import Searches
from .spaces import Place
from .transfers import Transfers

T = TypeVar("T")

Pairs: TypeAlias = Iterable[tuple[str, str]]
"""Sources and targets."""


class Moves:
    """Copies, moves and removes many objects of one space. Paths have no scheme."""

    def __init__(self, transfers: Transfers, searches: Searches) -> None:
        self._transfers = transfers
        self._lookups: Lookups = transfers.lookups
        self._searches = searches
        self._space = transfers.space

    def copy(self, pairs: Pairs, window: int | None, *, ignore_missing: bool) -> Exchange[list[str]]:
        """Copy each source to its target as if all at once, and return what was copied.

        When one fails, only what would replace a source that was not copied is not tried.

        Raises:
            ValueError: as ``Calls.copy``; then nothing is copied.
        """
        steps = yield from self._steps(pairs)
        check_targets(steps, "cp")
        for step in steps:
            if step.source == step.target:
                raise ValueError(f"cp: {step.source!r} is its own target; nothing was changed, leave it out")
        copied: list[str] = []
        for group in in_order(steps, "cp"):
            exchanges = [self._transfers.cp_file(step.source, step.target) for step in group]
            outcomes = yield from self.outcomes([step.source for step in group], exchanges, window)
            raise_first(outcomes, NotFoundError if ignore_missing else None)
            copied += [step.source for step, outcome in zip(group, outcomes, strict=True) if outcome.error is None]
        return copied

    def move(
        self, pairs: Pairs, seen: Set[str], looked_up: Mapping[str, ObjectInfo | None], window: int | None
    ) -> Exchange[None]:
        """Give each source the key of its target as if all at once.

        The sources *seen* were there a moment ago, and need no second look if they were *looked_up*: listings may have
        other ETags. When one of the others is missing, nothing is moved.

        Raises:
            ValueError: as ``Calls.mv``; then nothing is moved.
            PreconditionFailedError: an object was replaced while it was copied; then what was copied exists twice.
        """
        steps = yield from self._steps(pairs)
        check_targets(steps, "mv")
        check_sources(steps, "mv")
        steps = [step for step in steps if step.source != step.target]
        groups = in_order(steps, "mv")
        movers = yield from self._movers(steps, window)
        copies = {step.source for step in steps if movers[step] is None}
        unseen = [step.source for step in steps if len(steps) > 1 and step.source not in seen]
        before = {name: info.etag for name, info in looked_up.items() if info is not None}
        before |= yield from self._etags({*copies, *unseen} - before.keys(), window)
        for group in groups:
            exchanges = [self._move(step, movers[step]) for step in group]
            raise_first((yield from self.outcomes([step.source for step in group], exchanges, window)))
            after = yield from self._etags([step.source for step in group if step.source in copies], window)
            for name, etag in after.items():
                if etag != before[name]:
                    raise PreconditionFailedError(
                        "the object was replaced while it was copied; both are there, nothing was removed",
                        operation="mv",
                        key=name,
                    )
        replaced = {step.target_id for step in steps}
        gone = [step.source for step in steps if step.source in copies and step.source_id not in replaced]
        yield from self.delete(sorted(gone))

    def delete(self, names: Sequence[str]) -> Exchange[None]:
        """Remove objects from every storage that may hold them.

        Raises:
            BulkError: some could not be removed; every storage was asked anyway.
        """
        groups: dict[str, list[Place]] = {}
        for name in names:
            place = self._space.place(name)
            groups.setdefault(self._part(place), []).append(place)
        failures: dict[str, Exception] = {}
        for places in groups.values():
            for candidate in (yield from self._space.candidates(places[0])):
                try:
                    yield from candidate.delete_many([place.key for place in places])
                except BulkError as error:  # the other storages are asked anyway
                    for failure in error.failures:
                        failures.setdefault(f"{places[0].base}{getattr(failure, 'key', '')}", failure)
        BulkError.raise_for(list(failures.values()), len(names), "rm")

    def clear(self, folder: str, *, everything: bool) -> Exchange[None]:
        """Remove what no key names below *folder*, once its objects are gone: *everything*, or the markers of empty
        folders.

        Raises:
            BulkError: some could not be removed; it lists their errors.
        """
        place = self._space.place(folder)
        if self._space.divided and not place.key:
            for entry in (yield from self._searches.ls(folder)):
                if entry.is_folder:
                    yield from self.clear(entry.name, everything=everything)
            return
        for candidate in (yield from self._space.candidates(place)):
            operations = candidate.storage.operations
            if everything:
                yield from remove_unkeyed(operations, place.prefix)
            if not can_delete_unkeyed(operations):
                continue
            entries, others = yield from all_of(operations, operations.scan(place.prefix))
            kept = [entry.key for entry in entries] + [one.key for one in others if not one.marks_folder]
            filled = folders_of(kept, "")
            removable = [one for one in others if everything or (one.marks_folder and one.key[:-1] not in filled)]
            yield from delete_unkeyed(operations, removable)
            if place.key and not kept:
                yield from delete_marker(operations, place.key)
            if everything:
                yield from remove_folders(operations, place.prefix)

    def remove_folder(self, path: str) -> Exchange[None]:
        """Do what ``Calls.rmdir`` says.

        Raises:
            OSError: something is in it.
        """
        if not (yield from self._lookups.exists(path)):
            return
        place = self._space.place(path)
        candidates = yield from self._space.candidates(place)
        marked: list[tuple[Operations, list[Unkeyed]]] = []
        for operations in [candidate.storage.operations for candidate in candidates] if place.key else ():
            entries, others = yield from all_of(operations, operations.children(place.prefix))
            marked.append((operations, [one for one in others if one.key == place.prefix and one.marks_folder]))
            if entries or len(others) > len(marked[-1][1]) or (yield from operations.exists(place.key)):
                marked = []
                break
        if not marked:
            raise OSError(f"{path!r} is not empty; remove what is in it, or use rm(recursive=True)")
        for operations, markers in marked:
            yield from delete_unkeyed(operations, markers)
            yield from delete_marker(operations, place.key)

    def identity(self, targets: Iterable[str]) -> Exchange[Callable[[str], str]]:
        """Return what gives two paths of one object the same id, in the storages that *targets* are written to."""
        places = (self._place(target) for target in targets)
        parts = {self._part(place): place for place in places if place is not None}
        ignores_case = False
        for place in parts.values():
            ignores_case |= (yield from self._space.writer(place)).info.ignores_case
        return partial(self._id, ignores_case=ignores_case)

    def outcomes(
        self, paths: Sequence[str], exchanges: Sequence[Exchange[T]], chosen: int | None
    ) -> Exchange[list[Outcome[T]]]:
        """Run *exchanges*, one for each of *paths*, concurrently and return how each ended."""
        window = yield from self._lookups.window(paths, chosen)
        return cast("list[Outcome[T]]", (yield Many(exchanges, window)))

    def _steps(self, pairs: Pairs) -> Exchange[list[Step]]:
        given = list(dict.fromkeys(pairs))
        identify = yield from self.identity(target for _, target in given)
        return [
            Step(source=source, target=target, source_id=identify(source), target_id=identify(target))
            for source, target in given
        ]

    def _movers(self, steps: Sequence[Step], window: int | None) -> Exchange[dict[Step, Storage | None]]:
        """Return the storage that can move each object itself; None where it has to be copied."""
        exchanges = [self._transfers.mover(step.source, step.target) for step in steps]
        outcomes = yield from self.outcomes([step.source for step in steps], exchanges, window)
        return {step: outcome.result() for step, outcome in zip(steps, outcomes, strict=True)}

    def _move(self, step: Step, mover: Storage | None) -> Exchange[None]:
        if mover is not None:
            yield from self._transfers.move_by(mover, step.source, step.target)
        else:
            yield from self._transfers.cp_file(step.source, step.target)

    def _etags(self, names: Iterable[str], window: int | None) -> Exchange[dict[str, str | None]]:
        ordered = sorted(names)
        outcomes = yield from self.outcomes(ordered, [self._transfers.known(name) for name in ordered], window)
        return {name: outcome.result().etag for name, outcome in zip(ordered, outcomes, strict=True)}

    def _id(self, name: str, *, ignores_case: bool) -> str:
        place = self._place(name)
        name = place.name if place is not None else name
        # The canonical caseless match of Unicode (section 3.13, D145).
        return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold()) if ignores_case else name

    def _place(self, name: str) -> Place | None:
        """Return where *name* leads; None when no object can have it, which its transfer will report."""
        try:
            return self._space.place(name)
        except (InvalidKeyError, InvalidUrlError):
            return None

    def _part(self, place: Place) -> str:
        """Return the part of the path that decides which storages hold it."""
        return f"{place.base}{place.key.partition('/')[0]}" if self._space.divided else place.base


def raise_first(outcomes: Sequence[Outcome[T]], ignored: type[Exception] | None = None) -> None:
    """Raise the first error of *outcomes* that is not *ignored*.

    Raises:
        Exception: that error.
    """
    for outcome in outcomes:
        if outcome.error is not None and not (ignored is not None and isinstance(outcome.error, ignored)):
            raise outcome.error
