"""What folders hold and patterns match: each question once, as an exchange. ``lookups.py`` looks at a single path.

Nothing is cached. Where several storages hold a key, the first one that was asked wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from glob import has_magic
from typing import TypeAlias, TypeVar, cast

from ..errors import (
    InvalidKeyError,
    InvalidUrlError,
    NotFoundError,
    StorageError,
)
from ..lazy import regex
from ..storage.operations import Operations
from ..transport import Exchange, Many, Outcome
from ..types import Folder
from .entries import Entry, Found
from .globbing import glob_matcher
from .listings import Listed, all_of, check_depth, folders_of, markers_at
from .lookups import Lookups
from .spaces import Place, Unanswered

T = TypeVar("T")
Expanded: TypeAlias = dict[str, Entry | None]
"""Entries by name; None for a path that was taken literally, without a request."""

_MAGIC = regex(r"[*?\[]")


class Searches:
    """What can be asked about folders and patterns of one space."""

    def __init__(self, lookups: Lookups) -> None:
        self.lookups = lookups
        """What looks at single paths."""
        self.space = lookups.space
        """Where paths lead."""

    def ls(self, path: str) -> Exchange[list[Entry]]:
        """Return what ``Queries.ls`` says."""
        roots = self.space.roots() if not path else None
        if roots is not None:
            return [Entry(name=name, info=None) for name in sorted(roots)]
        place = self.space.place(path)
        found = yield from self._children(place)
        if not found and place.key:
            entry = yield from self.lookups.info(path)
            return [] if entry.is_folder else [entry]
        return sorted(found, key=lambda entry: entry.name)

    def find(
        self, path: str, maxdepth: int | None = None, *, folders: bool = False, prefix: str = ""
    ) -> Exchange[Found]:
        """Return what ``Queries.find`` says, with the *folders* too when asked for.

        One listing, however deep, unless *maxdepth* is given.
        """
        check_depth(maxdepth)
        place = self.space.place(path)
        if maxdepth is None:
            found, others = yield from self._scan(place, prefix)
            if folders:
                above = folders_of([*found, *others], place.name)
                named = {name: entry for name, entry in above.items() if not others or self._can_be_named(name)}
                found = {**named, **found}  # an object may have the name of a folder
        else:
            found = yield from self._levels(place, maxdepth)
        if prefix:
            start = f"{place.base}{place.prefix}{prefix}"
            return {
                name: found[name]
                for name in sorted(found)
                if name.startswith(start) and (folders or not found[name].is_folder)
            }
        if not found and place.key:
            entry = yield from self.lookups.find_info(path)
            return {} if entry is None or (entry.is_folder and not folders) else {entry.name: entry}
        if folders and place.name and found:
            found[place.name] = Entry(name=place.name, info=None)
        return {name: found[name] for name in sorted(found) if folders or not found[name].is_folder}

    def glob(self, pattern: str, maxdepth: int | None = None, *, folders: bool = True) -> Exchange[Found]:
        """Return what ``Queries.glob`` says. Only what is below the last segment without a wildcard is listed."""
        check_depth(maxdepth)
        only_folders = pattern.endswith("/")
        path = pattern.removesuffix("/")
        magic = _MAGIC.search(path)
        if magic is None:
            entry = yield from self.lookups.find_info(path)
            return {} if entry is None else {path: entry}
        root = path[: magic.start()].rpartition("/")[0]
        levels = path.removeprefix(f"{root}/").count("/") + 1
        depth: int | None = levels
        if "**" in path:
            rest = path[path.find("**") :].count("/") + 1
            depth = None if maxdepth is None else levels - rest + maxdepth
        found = yield from self.find(root, depth, folders=folders)
        matches = glob_matcher(path + ("/" if only_folders else ""))
        slashed = only_folders or path.endswith("/**")
        return {
            name: entry for name, entry in found.items() if matches(f"{name}/" if slashed and entry.is_folder else name)
        }

    def expand(
        self, paths: Iterable[str], *, recursive: bool = False, maxdepth: int | None = None, literal: bool = False
    ) -> Exchange[Expanded]:
        """Return what *paths* mean: for patterns what they match, for folders what they hold when *recursive*.

        A path that names an object or a folder is just that, whatever characters it has: ``Plan [A]`` is not a pattern
        if something has that name. With *literal* no path is a pattern, which saves that request.

        Raises:
            NotFoundError: nothing was found for any of them.
            ValueError: *maxdepth* is less than 1.
        """
        check_depth(maxdepth)
        given = list(paths)
        out: Expanded = {}
        for path in given:
            entry: Entry | None = None
            if not literal and has_magic(path):
                entry = yield from self._named(path.removesuffix("/"))
                if entry is None:
                    out.update((yield from self._expand_pattern(path, recursive=recursive, maxdepth=maxdepth)))
                    continue
            path = path.removesuffix("/")
            if recursive:
                out.update((yield from self.find(path, maxdepth, folders=True)))
            if path not in out and (entry is not None or not recursive or (yield from self.lookups.exists(path))):
                out[path] = entry if path else Entry(name="", info=None)
        if not out:
            raise NotFoundError("nothing is there", operation="find", key=", ".join(given)[:200])
        return {name: out[name] for name in sorted(out)}

    def _named(self, path: str) -> Exchange[Entry | None]:
        """Return what has exactly this name, or None."""
        try:
            return (yield from self.lookups.find_info(path))
        except (InvalidKeyError, InvalidUrlError):
            return None  # a pattern may be where only an id is legal

    def _expand_pattern(self, pattern: str, *, recursive: bool, maxdepth: int | None) -> Exchange[Expanded]:
        found = yield from self.glob(pattern, maxdepth)
        out: Expanded = dict(found)
        below = [name for name, entry in found.items() if entry.is_folder]
        if recursive and below and (maxdepth is None or maxdepth > 1):
            deeper = maxdepth - 1 if maxdepth is not None else None
            out.update((yield from self.expand(below, recursive=True, maxdepth=deeper, literal=True)))
        return out

    def _children(self, place: Place) -> Exchange[list[Entry]]:
        """Return one level; of an entry that several storages have, the first one."""
        levels = yield from self._each(place, lambda one: all_of(one, one.children(place.prefix)))
        found: dict[tuple[str, bool], Entry] = {}  # an object and a folder may have the same name
        marked = [marker for _, others in levels for marker in markers_at(others, place.prefix)]
        for child in [*(child for level, _ in levels for child in level), *marked]:
            if isinstance(child, Folder):
                entry = Entry(name=f"{place.base}{child.prefix}".removesuffix("/"), info=None)
            else:
                entry = Entry(name=f"{place.base}{child.key}", info=child)
            if place.key or self._can_be_named(entry.name):
                found.setdefault((entry.name, entry.is_folder), entry)
        return list(found.values())

    def _each(self, place: Place, ask: Callable[[Operations], Exchange[Listed[T]]]) -> Exchange[list[Listed[T]]]:
        """Return what the storages of *place* list, asked concurrently; at least one has to answer."""
        candidates = yield from self.space.candidates(place)
        if len(candidates) == 1:
            return [(yield from ask(candidates[0].storage.operations))]
        answers = yield Many([ask(candidate.storage.operations) for candidate in candidates], max(1, len(candidates)))
        unanswered, found = Unanswered(place, candidates), list[Listed[T]]()
        for candidate, outcome in zip(candidates, cast("list[Outcome[Listed[T]]]", answers), strict=True):
            if isinstance(outcome.error, StorageError):
                unanswered.add(candidate, outcome.error)
            else:
                found.append(outcome.result())
        yield from unanswered.tolerate()
        return found

    def _can_be_named(self, name: str) -> bool:
        """Say whether *name* is a legal path; other programs may have put something next to the projects."""
        try:
            return self.space.place(name).name == name
        except (InvalidKeyError, InvalidUrlError):
            return False

    def _scan(self, place: Place, prefix: str = "") -> Exchange[tuple[Found, set[str]]]:
        """Return every object below whose name goes on with *prefix*, and the names of what no key names."""
        if self.space.divided and not place.key:
            if prefix.partition("/")[1]:  # names one of the parts
                project, _, rest = prefix.partition("/")
                return (yield from self._scan(self.space.place(f"{place.base}{project}"), rest))
            children = yield from self._children(place)
            children = [entry for entry in children if entry.name.startswith(f"{place.base}{prefix}")]
            found = {entry.name: entry for entry in children if not entry.is_folder}
            parts = [self._scan(self.space.place(entry.name)) for entry in children if entry.is_folder]
            beyond: set[str] = set()
            for part, others in (yield from self.lookups.gather(parts)):
                found.update(part)
                beyond |= others
            return found, beyond
        listings = yield from self._each(place, lambda one: all_of(one, one.scan(f"{place.prefix}{prefix}")))
        found = {}
        for listing, _ in listings:
            for info in listing:
                found.setdefault(f"{place.base}{info.key}", Entry(name=f"{place.base}{info.key}", info=info))
        return found, {f"{place.base}{one.key}" for _, others in listings for one in others}

    def _levels(self, place: Place, depth: int) -> Exchange[Found]:
        """Return *depth* levels, folders included."""
        children = yield from self._children(place)
        found = {entry.name: entry for entry in sorted(children, key=lambda entry: not entry.is_folder)}
        below = [entry.name for entry in children if entry.is_folder] if depth > 1 else []
        if below:
            window = yield from self.lookups.window(below, None)
            deeper = [self._levels(self.space.place(name), depth - 1) for name in below]
            for level in (yield from self.lookups.gather(deeper, window)):
                found.update(level)
        return found
