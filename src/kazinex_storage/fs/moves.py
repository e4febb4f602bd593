"""Copying, moving and removing many objects of one space, once it is known which: in an order that loses nothing.

``bulk.py`` finds out what paths and patterns stand for; ``plans.py`` says what goes first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence, Set
from functools import partial
from typing import TypeAlias, TypeVar, cast

from ..errors import BulkError, InvalidKeyError, InvalidUrlError, NotFoundError, PreconditionFailedError
from ..storage import Storage
from ..transport import Exchange, Many, Outcome
from .lookups import Lookups
from .plans import Step, check_sources, check_targets, in_order
from .spaces import Place
from .transfers import Transfers

T = TypeVar("T")

Pairs: TypeAlias = Iterable[tuple[str, str]]
"""Sources and targets."""


class Moves:
    """What is done to many objects of one space. Paths have no scheme."""

    def __init__(self, transfers: Transfers) -> None:
        self._transfers = transfers
        self._lookups: Lookups = transfers.lookups
        self._space = transfers.space

    def copy(self, pairs: Pairs, window: int | None, *, pass_over_missing: bool) -> Exchange[list[str]]:
        """Copy each source to its target as if all at once, and return what was copied.

        Raises:
            ValueError: two sources have one target, source and target are the same, or the paths form a circle; then
                nothing is copied.
            Exception: of the first object that failed; only what would replace what was not copied is not tried.
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
            raise_first(outcomes, NotFoundError if pass_over_missing else None)
            copied += [step.source for step, outcome in zip(group, outcomes, strict=True) if outcome.error is None]
        return copied

    def move(self, pairs: Pairs, listed: Set[str], window: int | None) -> Exchange[None]:
        """Give each source the key of its target as if all at once; *listed* sources were seen a moment ago.

        Raises:
            NotFoundError: a source is missing; then nothing is moved.
            ValueError: two sources have one target, or one two, or the paths form a circle; then nothing is moved.
            PreconditionFailedError: an object was replaced while it was copied; then what was copied is there twice.
            Exception: of the first object that could not be moved; then what was copied is there twice.
        """
        steps = yield from self._steps(pairs)
        check_targets(steps, "mv")
        check_sources(steps, "mv")
        steps = [step for step in steps if step.source != step.target]
        groups = in_order(steps, "mv")
        movers = yield from self._movers(steps, window)
        copies = {step.source for step in steps if movers[step] is None}
        unseen = [step.source for step in steps if len(steps) > 1 and step.source not in listed]
        before = yield from self._etags({*copies, *unseen}, window)
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
            BulkError: some could not be removed; every storage was asked all the same.
        """
        groups: dict[str, list[Place]] = {}
        for name in names:
            place = self._space.place(name)
            groups.setdefault(self._part(place), []).append(place)
        failures: dict[str, Exception] = {}
        for places in groups.values():
            for reader in (yield from self._space.readers(places[0])):
                try:
                    yield from reader.storage.operations.delete_many([place.key for place in places])
                except BulkError as error:  # the other storages are to be asked all the same
                    for failure in error.failures:
                        failures.setdefault(f"{places[0].base}{getattr(failure, 'key', '')}", failure)
        BulkError.raise_for(list(failures.values()), len(names), "rm")

    def identity(self, targets: Iterable[str]) -> Exchange[Callable[[str], str]]:
        """Return what is equal for two paths of one object, where *targets* are written to."""
        places = (self._place(target) for target in targets)
        parts = {self._part(place): place for place in places if place is not None}
        ignores_case = False
        for place in parts.values():
            ignores_case |= (yield from self._space.writer(place)).info.ignores_case
        return partial(self._id, ignores_case=ignores_case)

    def outcomes(
        self, paths: Sequence[str], exchanges: Sequence[Exchange[T]], chosen: int | None
    ) -> Exchange[list[Outcome[T]]]:
        """Run *exchanges*, one for each of *paths*, beside each other and return how each ended."""
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
        """Return the storage that moves each object by itself; None where it has to be copied."""
        exchanges = [self._transfers.mover(step.source, step.target) for step in steps]
        outcomes = yield from self.outcomes([step.source for step in steps], exchanges, window)
        raise_first(outcomes)
        return {step: outcome.result() for step, outcome in zip(steps, outcomes, strict=True)}

    def _move(self, step: Step, mover: Storage | None) -> Exchange[None]:
        if mover is not None:
            yield from self._transfers.move_by(mover, step.source, step.target)
        else:
            yield from self._transfers.cp_file(step.source, step.target)

    def _etags(self, names: Iterable[str], window: int | None) -> Exchange[dict[str, str | None]]:
        ordered = sorted(names)
        outcomes = yield from self.outcomes(ordered, [self._transfers.known(name) for name in ordered], window)
        raise_first(outcomes)
        return {name: outcome.result().etag for name, outcome in zip(ordered, outcomes, strict=True)}

    def _id(self, name: str, *, ignores_case: bool) -> str:
        place = self._place(name)
        name = place.name if place is not None else name
        # The canonical caseless match of Unicode (section 3.13, D145).
        return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold()) if ignores_case else name

    def _place(self, name: str) -> Place | None:
        """Return where *name* leads; None when no object can have it, which its transfer will tell."""
        try:
            return self._space.place(name)
        except (InvalidKeyError, InvalidUrlError):
            return None

    def _part(self, place: Place) -> str:
        """Return what all places have in common that the same storages hold."""
        return f"{place.base}{place.key.partition('/')[0]}" if self._space.divided else place.base


def raise_first(outcomes: Sequence[Outcome[T]], ignored: type[Exception] | None = None) -> None:
    """Raise the first error of *outcomes* that is not *ignored*.

    Raises:
        Exception: that error.
    """
    for outcome in outcomes:
        if outcome.error is not None and not (ignored is not None and isinstance(outcome.error, ignored)):
            raise outcome.error
