"""Moving many objects at once, as exchanges: what fsspec means by cat, get, put, copy, mv and rm of several paths.

Where copies go is decided by the rules of fsspec ("Copying files and directories" in its documentation), which its
abstract test suites check.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from glob import has_magic
from typing import Literal, TypeAlias, cast

from ..errors import AccessDeniedError, NotFoundError
from ..storage.rules import Body
from ..transport import Call, Exchange
from ..types import PutOptions
from ..values import value
from .disk import expand_local, folders_among, local_ids
from .entries import Bounds, Entry
from .lookups import Lookups
from .moves import Moves, raise_first
from .plans import Step, check_targets
from .ranges import Joining, RangeReads
from .searches import Expanded, Searches
from .transfers import Transfers
from .upstream import Callback, check_contained, make_path_posix, other_paths, trailing_sep

Paths: TypeAlias = str | Sequence[str]
"""One path or pattern, or several."""

OnError: TypeAlias = Literal["raise", "omit", "return"]
"""What happens to the errors of single paths."""


@value
class Reach:
    """How far a call on many paths goes, and how many requests at once."""

    recursive: bool = False
    """Whether a folder means everything below it."""
    maxdepth: int | None = None
    """Levels of folders; None is all of them."""
    window: int | None = None
    """Requests at once; None leaves it to the provider, -1 means all at once."""


class Bulk:
    """Operations on many objects of one space; ``calls.py`` says what each of them does, and what it raises.

    Paths have no scheme; a slash at the end means a folder.
    """

    def __init__(self, transfers: Transfers, searches: Searches) -> None:
        self.transfers = transfers
        """What moves single objects."""
        self.lookups: Lookups = transfers.lookups
        """What looks at single paths."""
        self.searches = searches
        """What lists folders and matches patterns."""
        self.moves = Moves(transfers, searches)
        """What copies, moves and removes many objects, once it is known which."""

    def cat(self, paths: Paths, reach: Reach, on_error: OnError) -> Exchange[bytes | dict[str, bytes | Exception]]:
        """Do what ``Calls.cat`` says."""
        found = yield from self._expand(paths, reach)
        names = [name for name, entry in found.items() if entry is None or not entry.is_folder]
        exchanges = [self.transfers.cat_file(name) for name in names]
        outcomes = yield from self.moves.outcomes(names, exchanges, reach.window)
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
        self, paths: Sequence[str], bounds: Sequence[Bounds], joining: Joining, window: int | None, on_error: OnError
    ) -> Exchange[list[bytes | Exception]]:
        """Do what ``Calls.cat_ranges`` says."""
        found = yield from RangeReads(self.lookups, joining).read(paths, bounds, window)
        if on_error != "return":
            for one in found:
                if isinstance(one, Exception):
                    raise one
        return found

    def pipe(self, values: Mapping[str, Body], options: PutOptions, window: int | None) -> Exchange[None]:
        """Do what ``Calls.pipe`` says."""
        exchanges = [self.transfers.pipe_file(path, value, options) for path, value in values.items()]
        raise_first((yield from self.moves.outcomes(list(values), exchanges, window)))

    def put(
        self, sources: Paths, target: Paths, reach: Reach, callback: Callback, options: PutOptions
    ) -> Exchange[None]:
        """Do what ``Calls.put`` says."""
        if not isinstance(sources, str) and not isinstance(target, str):
            pairs = list(zip(sources, target, strict=True))
        else:
            if isinstance(sources, str):
                sources = make_path_posix(sources)
            expand = partial(expand_local, sources, recursive=reach.recursive, maxdepth=reach.maxdepth)
            names, pattern = cast("tuple[list[str], bool]", (yield Call(expand)))
            into = isinstance(target, str) and (trailing_sep(target) or (yield from self._goes_into(target)))
            targets = _targets(sources, names, _stripped(target), pattern=pattern, into=into)
            pairs = list(zip(names, targets, strict=True))

        pairs = list(dict.fromkeys(pairs))
        identify = yield from self.moves.identity(path for _, path in pairs)
        steps = [Step(source=lpath, target=path, target_id=identify(path)) for lpath, path in pairs]
        if len({step.target_id for step in steps}) < len(steps):
            folders = yield Call(folders_among, [step.source for step in steps])
            steps = [step for step in steps if step.source not in cast("set[str]", folders)]
        check_targets(steps, "put")

        def put_file(lpath: str, path: str, child: Callback) -> Exchange[None]:
            return self.transfers.put_file(lpath, path, child, options)

        yield from self._transfer(pairs, put_file, callback, [path for _, path in pairs], reach.window)

    def get(self, sources: Paths, target: Paths, reach: Reach, callback: Callback) -> Exchange[None]:
        """Do what ``Calls.get`` says."""
        sizes: dict[str, int] = {}
        if not isinstance(sources, str) and not isinstance(target, str):
            pairs = list(zip(sources, target, strict=True))
        else:
            found, pattern = yield from self._sources(sources, reach, look=False)
            names = list(found)
            sizes = {name: entry.size for name, entry in found.items() if entry is not None}
            into = False
            if isinstance(target, str):
                target = make_path_posix(target)
                into = trailing_sep(target) or bool((yield Call(os.path.isdir, target)))
            targets = _targets(sources, names, target, pattern=pattern, into=into)
            if isinstance(target, str):
                check_contained(target, targets)
            pairs = [pair for pair in zip(names, targets, strict=True) if not _is_folder(found[pair[0]])]
        pairs = list(dict.fromkeys(pairs))
        ids = cast("list[str]", (yield Call(local_ids, [path for _, path in pairs])))
        steps = (Step(source=pair[0], target=pair[1], target_id=one) for pair, one in zip(pairs, ids, strict=True))
        check_targets(steps, "get")
        plain = isinstance(sources, str) and not reach.recursive

        def get_file(path: str, lpath: str, child: Callback) -> Exchange[None]:
            if plain:
                return self._get_object(path, lpath, child, sizes.get(path))
            return self.transfers.get_file(path, lpath, child, size=sizes.get(path))

        yield from self._transfer(pairs, get_file, callback, [path for path, _ in pairs], reach.window)

    def _get_object(self, path: str, lpath: str, callback: Callback, size: int | None) -> Exchange[None]:
        """Get *path*, which was not looked up, unless it is a folder: without *recursive*, those are left out."""
        try:
            yield from self.transfers.get_object(path, lpath, callback, size)
        except NotFoundError:
            if not (yield from self.lookups.is_folder(path)):
                raise

    def copy(self, sources: Paths, target: Paths, reach: Reach, on_error: str | None) -> Exchange[list[str]]:
        """Do what ``Calls.copy`` says, and return what was copied."""
        pairs, _ = yield from self._pairs(sources, target, reach)
        ignore_missing = on_error == "ignore" or (on_error is None and reach.recursive)
        return (yield from self.moves.copy(pairs, reach.window, ignore_missing=ignore_missing))

    def move(self, sources: Paths, target: Paths, reach: Reach) -> Exchange[None]:
        """Do what ``Calls.mv`` says.

        Raises:
            IsADirectoryError: a folder, and not recursive.
        """
        if isinstance(sources, str) and sources == target:
            return
        pairs, found = yield from self._pairs(sources, target, reach)
        if not pairs:
            advice = "no object is in it, so nothing was moved" if reach.recursive else "give recursive=True to move it"
            raise IsADirectoryError(f"{sources!r} is a folder; {advice}")
        seen = {name: entry.info for name, entry in found.items() if entry is not None}
        looked_up = seen if list(seen) == [sources] and not reach.recursive else {}
        yield from self.moves.move(pairs, seen.keys(), looked_up, reach.window)
        if reach.recursive and reach.maxdepth is None:
            for folder in _outermost(name for name, entry in found.items() if _is_folder(entry)):
                yield from self.moves.clear(folder, everything=False)

    def _pairs(self, sources: Paths, target: Paths, reach: Reach) -> Exchange[tuple[list[tuple[str, str]], Expanded]]:
        """Return which object is copied to which path, and what is known of the sources, if they were looked up."""
        if not isinstance(sources, str) and not isinstance(target, str):
            return list(zip(sources, target, strict=True)), {}
        found, pattern = yield from self._sources(sources, reach)
        names = list(found)
        into = isinstance(target, str) and (
            trailing_sep(target) or (bool(names) and (yield from self.lookups.is_folder(target)))
        )
        targets = _targets(sources, names, _stripped(target), pattern=pattern, into=into)
        pairs = [pair for pair in zip(names, targets, strict=True) if not _is_folder(found[pair[0]])]
        return pairs, found

    def rm(self, paths: Paths, reach: Reach) -> Exchange[None]:
        """Do what ``Calls.rm`` says.

        Raises:
            IsADirectoryError: a folder, and not recursive; then nothing is removed.
        """
        found = yield from self._expand(paths, reach)
        given = [paths] if isinstance(paths, str) else paths
        tops = {path.removesuffix("/") for path in given}  # the listing has shown everything below them
        unknown = [
            name
            for name, entry in found.items()
            if entry is None or (entry.is_folder and (name in tops or not reach.recursive))
        ]
        objects = {name for name, entry in found.items() if entry is not None and not entry.is_folder}
        folders = {name for name, entry in found.items() if _is_folder(entry)}
        window = yield from self.lookups.window(unknown, reach.window)
        looks = [self.lookups.info(name, is_folder=_is_folder(found[name])) for name in unknown]
        for entry in (yield from self.lookups.gather(looks, window)):
            if not entry.is_folder:
                objects.add(entry.name)  # an object may have the name of a folder
            elif not reach.recursive:
                raise IsADirectoryError(f"{entry.name!r} is a folder; give recursive=True to remove it")
            else:
                folders.add(entry.name)
        yield from self.moves.delete(sorted(objects))
        for folder in _outermost(folders) if reach.recursive and reach.maxdepth is None else ():
            yield from self.moves.clear(folder, everything=True)

    def _goes_into(self, target: str) -> Exchange[bool]:
        """Say whether *target* is a folder; credentials that may write but not look take its name literally."""
        try:
            return (yield from self.lookups.is_folder(target))
        except AccessDeniedError:
            return False

    def _expand(self, paths: Paths, reach: Reach) -> Exchange[Expanded]:
        given = [paths] if isinstance(paths, str) else paths
        return (yield from self.searches.expand(given, recursive=reach.recursive, maxdepth=reach.maxdepth))

    def _sources(self, paths: Paths, reach: Reach, *, look: bool = True) -> Exchange[tuple[Expanded, bool]]:
        """Expand *paths* (no folders unless *recursive*; *look* at literal ones too), and say if it is a pattern."""
        found = yield from self._expand(paths, reach)
        # If something has the name of the pattern, it was a name and not a pattern.
        pattern = isinstance(paths, str) and has_magic(paths) and paths.removesuffix("/") not in found
        if not isinstance(paths, str) or (reach.recursive and reach.maxdepth is None):
            return found, pattern
        known: Expanded = {}
        for name, entry in found.items():
            seen = entry if entry is not None or not look else (yield from self.lookups.find_info(name))
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
        raise_first((yield from self.moves.outcomes(remote, [transfer(*pair) for pair in pairs], window)))


def _targets(sources: Paths, names: Sequence[str], target: Paths, *, pattern: bool, into: bool) -> list[str]:
    """Return where each of *names* goes: from a *pattern*, or *into* a folder that exists already."""
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


def _outermost(folders: Iterable[str]) -> list[str]:
    """Return the *folders* that are not inside another of them."""
    found: list[str] = []
    for folder in sorted(folders, key=lambda name: f"{name}/"):
        if not found or not (f"{folder}/".startswith(f"{found[-1]}/") or not found[-1]):
            found.append(folder)
    return found


def _stripped(target: Paths) -> Paths:
    return target.removesuffix("/") if isinstance(target, str) else list(target)


def _is_folder(entry: Entry | None) -> bool:
    return entry is not None and entry.is_folder
