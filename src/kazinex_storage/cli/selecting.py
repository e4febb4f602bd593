"""Which objects remote operands mean: an object, all of a folder, or what matches a pattern.

A name that exists means itself, whatever characters it has; only otherwise are ``* ? [...]`` signs of a pattern. A
folder needs ``--recursive``. As with ``rsync``, a folder with a slash at the end means what is in it, and one without
comes with its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ..errors import InvalidKeyError, NotFoundError, StorageError, UnavailableError
from ..types import Folder
from ..values import value
from .batches import Problem
from .exits import UsageError
from .operands import RemoteOperand, has_magic, parse_remote, shown
from .places import Found, Place, find_object, is_folder, open_place

if TYPE_CHECKING:
    from ..documents.receipts import StoredDocument
    from .command import RunningCommand


@value
class Selected:
    """One object that an operand means."""

    found: Found
    place: Place
    name: str
    """What it is called below the folder that it is brought to, with slashes."""

    @property
    def address(self) -> str:
        """Its name, which is an operand again."""
        return f"{self.place.operand.base}{self.found.key}"


@value
class Selection:
    """All that the operands of a command mean."""

    items: tuple[Selected, ...]
    problems: tuple[Problem, ...]
    """Operands that mean nothing, by their text."""
    unseen: tuple[Problem, ...]
    """Providers that did not answer, by their label: what they hold may be missing among the items."""


def select(command: RunningCommand, texts: Iterable[str], *, recursive: bool) -> Selection:
    """Return what *texts* mean; each object once. A request or two for each, and the listings of folders."""
    items: dict[str, Selected] = {}
    problems: list[Problem] = []
    unseen: list[Problem] = []
    for text in texts:
        try:
            operand = parse_remote(text)
            place = open_place(command, operand)
            found = sorted(_meant(place, operand, recursive=recursive), key=lambda one: one.found.key)
        except (StorageError, UsageError) as error:
            problems.append((shown(text), {"source": shown(text)}, error))
            continue
        for one in found:
            items.setdefault(one.address, one)
        unseen += [(label, {"provider": label}, error) for label, error in place.silent]
    return Selection(items=tuple(items.values()), problems=tuple(problems), unseen=tuple(unseen))


def single_document(command: RunningCommand, text: str) -> StoredDocument | None:
    """Return the receipt of the document that *text* names, with or without its file; None when it names none.

    Raises:
        InvalidKeyError: it cannot name anything.
        StorageError: the providers could not be asked.
    """
    from .addresses import find_document

    operand = parse_remote(text)
    if operand.organisation is None or operand.folder or operand.key.count("/") not in (2, 3):
        return None
    try:
        return find_document(command, text)
    except NotFoundError:
        return None
    except InvalidKeyError:
        if operand.is_pattern:  # no document has such an id
            return None
        raise


def nothing_there(operand: RemoteOperand) -> NotFoundError:
    """Return the error for an operand that means nothing."""
    above = f"{operand.base}{operand.key.rpartition('/')[0]}"
    who = "no provider of the organisation holds it" if operand.organisation else "nothing is stored there"
    return NotFoundError(f"{who}; see kazinex-storage ls {above}", operation="find", key=operand.name)


def _meant(place: Place, operand: RemoteOperand, *, recursive: bool) -> Iterator[Selected]:
    key = operand.key
    if not operand.folder:
        try:
            found = find_object(place, key)
        except UnavailableError:
            if not recursive:
                raise
            found = None  # the listing tells who did not answer
        if found is not None:
            yield Selected(found=found, place=place, name=key.rpartition("/")[2])
            return
        if not recursive and operand.organisation is not None and key.count("/") == 2:
            files = [one for one in _below(place, f"{key}/", f"{key}/") if one.found.document is not None]
            if files:  # the one file of a revision
                yield from files
                return
    if is_folder(place, key):
        if not recursive:
            raise UsageError(f"{operand.text!r} is a folder; add --recursive for all that is below it")
        yield from _below(place, operand.prefix, operand.prefix if operand.folder else _parent(key))
        return
    if not operand.is_pattern:
        raise nothing_there(operand)
    matches = list(_matching(place, operand, recursive=recursive))
    if not matches:
        raise NotFoundError(f"nothing matches {operand.name!r}", operation="find", key=operand.name)
    yield from matches


def _below(place: Place, prefix: str, without: str) -> Iterator[Selected]:
    for found in place.scan(prefix):
        if isinstance(found, Found):
            yield Selected(found=found, place=place, name=found.key.removeprefix(without))


def _matching(place: Place, operand: RemoteOperand, *, recursive: bool) -> Iterator[Selected]:
    if "**" in operand.key:
        matches = matcher(operand.key)
        for found in place.scan(_parent(operand.key[: first_magic(operand.key)])):
            if isinstance(found, Found) and matches(found.key):
                yield Selected(found=found, place=place, name=found.key.rpartition("/")[2])
        return
    folders = list[str]()
    for match in _walk(place, "", operand.key.split("/")):
        if isinstance(match, Found) and not operand.folder:
            yield Selected(found=match, place=place, name=match.key.rpartition("/")[2])
        elif isinstance(match, Folder):
            folders.append(match.prefix)
    if folders and not recursive:
        raise UsageError(
            f"{operand.text!r} matches folders, such as {folders[0]!r}; add --recursive for what is in them"
        )
    for folder in folders:
        yield from _below(place, folder, folder if operand.folder else _parent(folder.removesuffix("/")))


def _walk(place: Place, prefix: str, segments: list[str]) -> Iterator[Found | Folder]:
    """Yield what the pattern *segments* match below *prefix*, one level after the other."""
    segment, rest = segments[0], segments[1:]
    if rest and not has_magic(segment):
        yield from _walk(place, f"{prefix}{segment}/", rest)
        return
    matches = matcher(segment)
    for found in place.scan(prefix + segment[: first_magic(segment)], recursive=False):
        key = found.prefix.removesuffix("/") if isinstance(found, Folder) else found.key
        if not matches(key.removeprefix(prefix)):
            continue
        if not rest:
            yield found
        elif isinstance(found, Folder):
            yield from _walk(place, found.prefix, rest)


def matcher(pattern: str) -> Callable[[str], object]:
    """Return what says whether a whole name matches *pattern*.

    Raises:
        UsageError: it is no pattern.
    """
    from ..fs.globbing import glob_matcher

    try:
        return glob_matcher(pattern)
    except ValueError as error:
        raise UsageError(f"{pattern!r} is no pattern: {error}") from error


def first_magic(text: str) -> int:
    """Return where the first character is that means something in patterns; the length when there is none."""
    return next((index for index, character in enumerate(text) if has_magic(character)), len(text))


def _parent(key: str) -> str:
    head, slash, _ = key.rpartition("/")
    return head + slash
