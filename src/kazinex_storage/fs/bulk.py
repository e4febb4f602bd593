"""Moving many objects at once, as exchanges: what fsspec means by cat, get, put, copy, mv and rm of several paths.

The rules for where copies land are fsspec's ("Copying files and directories" in its documentation); they are proved by
its own abstract test suites.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from glob import has_magic
from typing import Literal, TypeAlias, TypeVar, cast

from .._internal.admission import Body
from ..errors import BulkError, NotFoundError, PreconditionFailedError
from ..transport import Call, Exchange, Many, Outcome
from ..types import PutOptions
from .entries import Entry
from .lookups import Expanded, Lookups
from .transfers import Transfers
from .upstream import Callback, check_contained, expand_disk, make_path_posix, other_paths, trailing_sep

T = TypeVar("T")

Paths: TypeAlias = str | Sequence[str]
"""One path or pattern, or several."""

OnError: TypeAlias = Literal["raise", "omit", "return"]
"""What becomes of errors of single paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a call on many paths goes, and how many requests at once."""

    recursive: bool = False
    """Whether folders stand for what is below them."""
    maxdepth: int | None = None
    """Levels of folders; None is all of them."""
    window: int | None = None
    """Requests at once; None leaves it to the provider, -1 means all at once."""


class Bulk:
    """Operations on many objects of one space. Paths have no scheme; a slash at the end means a folder."""

    def __init__(self, transfers: Transfers) -> None:
        self.transfers = transfers
        """What moves single objects."""
        self.lookups: Lookups = transfers.lookups
        """What finds things."""

    def cat(self, paths: Paths, reach: Reach, on_error: OnError) -> Exchange[bytes | dict[str, bytes | Exception]]:
        """Return the bytes of one object, or of several by path.

        Raises:
            NotFoundError: nothing is there.
            Exception: of the first object that failed, when *on_error* is ``raise``.
        """
        found = yield from self._expand(paths, reach)
        names = [name for name, entry in found.items() if entry is None or not entry.is_folder]
        exchanges = [self.transfers.cat_file(name) for name in names]
        outcomes = yield from self._outcomes(names, exchanges, reach.window)
        if on_error == "raise":
            for outcome in outcomes:
                outcome.result()
        if isinstance(paths, str) and names == [paths.removesuffix("/")]:
            return outcomes[0].result()
        return {
            name: outcome.error if outcome.error is not None else outcome.result()
            for name, outcome in zip(names, outcomes, strict=True)
            if outcome.error is None or on_error == "return"
        }

    def cat_ranges(
        self,
        paths: Sequence[str],
        starts: Sequence[int | None],
        ends: Sequence[int | None],
        window: int | None,
        on_error: OnError,
    ) -> Exchange[list[bytes | Exception]]:
        """Return the bytes of one slice of each path, in order.

        Raises:
            Exception: of the first slice that failed, when *on_error* is ``raise``.
        """
        slices = zip(paths, starts, ends, strict=True)
        exchanges = [self.transfers.cat_file(path, start, end) for path, start, end in slices]
        outcomes = yield from self._outcomes(paths, exchanges, window)
        if on_error != "return":
            return [outcome.result() for outcome in outcomes]
        return [outcome.error if outcome.error is not None else outcome.result() for outcome in outcomes]

    def pipe(self, values: Mapping[str, Body], options: PutOptions, window: int | None) -> Exchange[None]:
        """Write each value under its path.

        Raises:
            Exception: of the first path that failed; the others are tried all the same.
        """
        exchanges = [self.transfers.pipe_file(path, value, options) for path, value in values.items()]
        _raise_first((yield from self._outcomes(list(values), exchanges, window)))

    def put(
        self, sources: Paths, target: Paths, reach: Reach, callback: Callback, options: PutOptions
    ) -> Exchange[None]:
        """Write local files and folders to *target*.

        Raises:
            FileNotFoundError: a local file is missing.
            Exception: of the first file that failed; the others are tried all the same.
        """
        if not isinstance(sources, str) and not isinstance(target, str):
            pairs = list(zip(sources, target, strict=True))
        else:
            if isinstance(sources, str):
                sources = make_path_posix(sources)
            names, pattern = cast("tuple[list[str], bool]", (yield Call(_expand_local, sources, reach)))
            into = isinstance(target, str) and (trailing_sep(target) or (yield from self.lookups.is_folder(target)))
            targets = _targets(sources, names, _stripped(target), pattern=pattern, into=into)
            pairs = list(zip(names, targets, strict=True))

        def put_file(lpath: str, path: str, child: Callback) -> Exchange[None]:
            return self.transfers.put_file(lpath, path, child, options)

        yield from self._transfer(pairs, put_file, callback, [path for _, path in pairs], reach.window)

    def get(self, sources: Paths, target: Paths, reach: Reach, callback: Callback) -> Exchange[None]:
        """Write objects and folders to local files below *target*.

        Raises:
            NotFoundError: nothing is there.
            ValueError: a copy would land outside of *target*.
            Exception: of the first object that failed; the others are tried all the same.
        """
        if not isinstance(sources, str) and not isinstance(target, str):
            pairs = list(zip(sources, target, strict=True))
        else:
            found, pattern = yield from self._sources(sources, reach)
            names = list(found)
            into = False
            if isinstance(target, str):
                target = make_path_posix(target)
                into = trailing_sep(target) or bool((yield Call(os.path.isdir, target)))
            targets = _targets(sources, names, target, pattern=pattern, into=into)
            if isinstance(target, str):
                check_contained(target, targets)
            pairs = [pair for pair in zip(names, targets, strict=True) if not _is_folder(found[pair[0]])]
        yield from self._transfer(pairs, self.transfers.get_file, callback, [path for path, _ in pairs], reach.window)

    def copy(self, sources: Paths, target: Paths, reach: Reach, on_error: str | None) -> Exchange[list[str]]:
        """Copy objects and folders inside the space and return what was copied.

        Args:
            sources: Paths or patterns.
            target: A path, or one for each source.
            reach: How far it goes.
            on_error: ``ignore`` passes over objects that are gone; it is the default of a recursive copy.

        Raises:
            NotFoundError: nothing is there.
            Exception: of the first object that failed; the others are tried all the same.
        """
        pairs = yield from self._pairs(sources, target, reach)
        origins = [origin for origin, _ in pairs]
        exchanges = [self.transfers.cp_file(origin, goal) for origin, goal in pairs]
        outcomes = yield from self._outcomes(origins, exchanges, reach.window)
        passed_over = on_error == "ignore" or (on_error is None and reach.recursive)
        _raise_first(outcomes, NotFoundError if passed_over else None)
        return [origin for origin, outcome in zip(origins, outcomes, strict=True) if outcome.error is None]

    def move(self, sources: Paths, target: Paths, reach: Reach) -> Exchange[None]:
        """Copy, then remove exactly what was copied.

        Raises:
            NotFoundError: nothing is there.
            IsADirectoryError: a folder, and not recursive.
            PreconditionFailedError: an object was replaced while it was copied; then nothing is removed.
            Exception: of the first object that could not be copied; then nothing is removed.
        """
        if isinstance(sources, str) and sources == target:
            return
        pairs = yield from self._pairs(sources, target, reach)
        if not pairs:
            raise IsADirectoryError(f"{sources!r} is a folder; give recursive=True to move it")
        origins, goals = [origin for origin, _ in pairs], [goal for _, goal in pairs]
        before = yield from self._etags(origins, reach.window)
        copied = yield from self.copy(origins, goals, reach, "raise")
        after = yield from self._etags(copied, reach.window)
        for origin in copied:
            if after[origin] != before[origin]:
                raise PreconditionFailedError(
                    "the object was replaced while it was copied; both are there, nothing was removed",
                    operation="mv",
                    key=origin,
                )
        yield from self._delete(copied)

    def _etags(self, names: Sequence[str], window: int | None) -> Exchange[dict[str, str | None]]:
        outcomes = yield from self._outcomes(names, [self.transfers.known(name) for name in names], window)
        _raise_first(outcomes, None)
        return {name: outcome.result().etag for name, outcome in zip(names, outcomes, strict=True)}

    def _pairs(self, sources: Paths, target: Paths, reach: Reach) -> Exchange[list[tuple[str, str]]]:
        """Return which object is copied to which path."""
        if not isinstance(sources, str) and not isinstance(target, str):
            return list(zip(sources, target, strict=True))
        found, pattern = yield from self._sources(sources, reach)
        names = list(found)
        into = isinstance(target, str) and (
            trailing_sep(target) or (bool(names) and (yield from self.lookups.is_folder(target)))
        )
        targets = _targets(sources, names, _stripped(target), pattern=pattern, into=into)
        return [pair for pair in zip(names, targets, strict=True) if not _is_folder(found[pair[0]])]

    def rm(self, paths: Paths, reach: Reach) -> Exchange[None]:
        """Remove objects, and folders when *recursive*, from every storage that may hold them.

        Raises:
            NotFoundError: one of the paths names nothing; then nothing is removed.
            IsADirectoryError: a folder, and not recursive; then nothing is removed.
            BulkError: some could not be removed; it lists their errors.
        """
        found = yield from self._expand(paths, reach)
        given = [paths] if isinstance(paths, str) else paths
        tops = {path.removesuffix("/") for path in given}  # of what lies below, the listing told everything
        unknown = [
            name
            for name, entry in found.items()
            if entry is None or (entry.is_folder and (name in tops or not reach.recursive))
        ]
        doomed = {name for name, entry in found.items() if entry is not None and not entry.is_folder}
        window = yield from self.lookups.window(unknown, reach.window)
        for entry in (yield from self.lookups.beside([self.lookups.info(name) for name in unknown], window)):
            if not entry.is_folder:
                doomed.add(entry.name)  # an object may bear the name of a folder
            elif not reach.recursive:
                raise IsADirectoryError(f"{entry.name!r} is a folder; give recursive=True to remove it")
        yield from self._delete(sorted(doomed))

    def _delete(self, names: Sequence[str]) -> Exchange[None]:
        space, groups = self.lookups.space, dict[str, list[str]]()
        for name in names:
            place = space.place(name)
            group = f"{place.base}{place.key.partition('/')[0]}" if space.divided else place.base
            groups.setdefault(group, []).append(name)
        failures: dict[str, Exception] = {}
        for members in groups.values():
            places = [space.place(name) for name in members]
            for reader in (yield from space.readers(places[0])):
                try:
                    yield from reader.storage.operations.delete_many([place.key for place in places])
                except BulkError as error:  # the other storages are to be asked all the same
                    for failure in error.failures:
                        failures.setdefault(f"{places[0].base}{getattr(failure, 'key', '')}", failure)
        BulkError.raise_for(list(failures.values()), len(names), "rm")

    def _expand(self, paths: Paths, reach: Reach) -> Exchange[Expanded]:
        given = [paths] if isinstance(paths, str) else paths
        return (yield from self.lookups.expand(given, recursive=reach.recursive, maxdepth=reach.maxdepth))

    def _sources(self, paths: Paths, reach: Reach) -> Exchange[tuple[Expanded, bool]]:
        """Expand *paths*, and say whether it is a pattern; one that is not recursive stands for no folders."""
        found = yield from self._expand(paths, reach)
        # What has the name of the pattern is found under it, and then it was none.
        pattern = isinstance(paths, str) and has_magic(paths) and paths.removesuffix("/") not in found
        if not isinstance(paths, str) or (reach.recursive and reach.maxdepth is None):
            return found, pattern
        known: Expanded = {}
        for name, entry in found.items():
            seen = entry if entry is not None else (yield from self.lookups.find_info(name))
            if not _is_folder(seen):
                known[name] = seen
        return known, pattern

    def _transfer(
        self,
        pairs: Sequence[tuple[str, str]],
        one: Callable[[str, str, Callback], Exchange[None]],
        callback: Callback,
        remote: Sequence[str],
        window: int | None,
    ) -> Exchange[None]:
        def transfer(source: str, target: str) -> Exchange[None]:
            with callback.branched(source, target) as child:
                yield from one(source, target, child)
            callback.relative_update(1)

        callback.set_size(len(pairs))
        _raise_first((yield from self._outcomes(remote, [transfer(*pair) for pair in pairs], window)))

    def _outcomes(
        self, paths: Sequence[str], exchanges: Sequence[Exchange[T]], chosen: int | None
    ) -> Exchange[list[Outcome[T]]]:
        window = yield from self.lookups.window(paths, chosen)
        return cast("list[Outcome[T]]", (yield Many(exchanges, window)))


def _targets(sources: Paths, names: Sequence[str], target: Paths, *, pattern: bool, into: bool) -> list[str]:
    """Return where each of *names* goes: those of a *pattern*, or *into* a folder that is there already."""
    if not names:
        return []
    literal = not isinstance(sources, str)
    inside = False
    if isinstance(sources, str):
        inside = (pattern and len(names) == 1) or (not pattern and into and not trailing_sep(sources))
    into_text = target if isinstance(target, str) else list(target)
    found = other_paths(list(names), into_text, inside=inside, flatten=literal)
    # Joined to an empty target, the root of the space, names would begin with a slash.
    return [name.removeprefix("/") for name in found] if target == "" else found


def _stripped(target: Paths) -> Paths:
    return target.removesuffix("/") if isinstance(target, str) else list(target)


def _is_folder(entry: Entry | None) -> bool:
    return entry is not None and entry.is_folder


def _expand_local(paths: Paths, reach: Reach) -> tuple[list[str], bool]:
    """Return the local files and folders that *paths* stand for, and whether it is a pattern; what exists is none."""
    given = [make_path_posix(path) for path in ([paths] if isinstance(paths, str) else paths)]
    patterns = {path for path in given if has_magic(path) and not os.path.lexists(path)}
    named = [path for path in given if path not in patterns]
    names: set[str] = set()
    for group, literal in ((named, True), (sorted(patterns), False)):
        with suppress(FileNotFoundError):
            names.update(expand_disk(group, recursive=reach.recursive, maxdepth=reach.maxdepth, literal=literal))
    if not names:
        raise FileNotFoundError(errno.ENOENT, "there is nothing to put", ", ".join(given)[:200])
    found = sorted(names)
    if isinstance(paths, str) and not (reach.recursive and reach.maxdepth is None):
        found = [name for name in found if not (trailing_sep(name) or os.path.isdir(name))]
    return found, isinstance(paths, str) and bool(patterns)


def _raise_first(outcomes: Sequence[Outcome[T]], ignored: type[Exception] | None = None) -> None:
    for outcome in outcomes:
        if outcome.error is not None and not (ignored is not None and isinstance(outcome.error, ignored)):
            raise outcome.error
