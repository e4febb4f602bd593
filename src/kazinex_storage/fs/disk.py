"""The local side of put and get: which files a path means, and when two local paths are the same file."""

from __future__ import annotations

import errno
import os
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from glob import has_magic

from ..bodies.special_files import special_file
from ..lazy import logger
from .upstream import expand_disk, make_path_posix, trailing_sep

_log = logger(__name__)


def expand_local(paths: str | Sequence[str], *, recursive: bool, maxdepth: int | None) -> tuple[list[str], bool]:
    """Return the local files and folders that *paths* mean, and whether it is a pattern; a name that exists is not one.

    Raises:
        FileNotFoundError: there are none.
    """
    given = [make_path_posix(path) for path in ([paths] if isinstance(paths, str) else paths)]
    patterns = {path for path in given if has_magic(path) and not os.path.lexists(path)}
    named = [path for path in given if path not in patterns]
    names: set[str] = set()
    for group, literal in ((named, True), (sorted(patterns), False)):
        with suppress(FileNotFoundError):
            names.update(expand_disk(group, recursive=recursive, maxdepth=maxdepth, literal=literal))
    if not names:
        raise FileNotFoundError(errno.ENOENT, "there is nothing to put", ", ".join(given)[:200])
    found = _plain(sorted(names), given)
    if isinstance(paths, str) and not (recursive and maxdepth is None):
        found = [name for name in found if not (trailing_sep(name) or os.path.isdir(name))]
    return found, isinstance(paths, str) and bool(patterns)


def _plain(names: Sequence[str], given: Sequence[str]) -> list[str]:
    """Return *names* without the pipes, devices and sockets found in folders; those that were *given* stay."""
    kept = set(given)
    left_out = [name for name in names if name not in kept and special_file(name) is not None]
    if left_out:
        _log.warning(
            "%d pipes, devices or sockets are no files to be stored and are left out: %s",
            len(left_out),
            ", ".join(left_out[:10]),
        )
    gone = set(left_out)
    return [name for name in names if name not in gone]


def folders_among(paths: Iterable[str]) -> set[str]:
    """Return those of *paths* that are local folders."""
    return {path for path in paths if os.path.isdir(path)}


def local_ids(paths: Sequence[str]) -> list[str]:
    """Return an id for each path, the same for two paths of one file, also on a disk that ignores case or composition.

    The disk is probed only when that matters: a folder is made and removed next to the first path.
    """
    real: dict[str, str] = {}
    found: list[str] = []
    for path in paths:
        head, name = os.path.split(path.rstrip("/"))
        if head not in real:
            real[head] = os.path.realpath(head)
        found.append(os.path.join(real[head], name))
    if len({_folded(path, case=True, marks=True) for path in found}) == len(set(found)):
        return found
    case, marks = _ignored(os.path.dirname(found[0]))
    return [_folded(path, case=case, marks=marks) for path in found]


def _folded(path: str, *, case: bool, marks: bool) -> str:
    if case:
        path = unicodedata.normalize("NFD", path).casefold() if marks else path.casefold()
    return unicodedata.normalize("NFC", path) if marks else path


def _ignored(folder: str) -> tuple[bool, bool]:
    """Say whether the disk at *folder*, which need not exist yet, ignores case and how accents are composed."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    try:
        with tempfile.TemporaryDirectory(prefix=".kazinex-\N{LATIN SMALL LETTER E WITH ACUTE}-", dir=folder) as made:
            name = os.path.basename(made)
            case = os.path.lexists(os.path.join(folder, name.swapcase()))
            marks = os.path.lexists(os.path.join(folder, unicodedata.normalize("NFD", name)))
    except OSError:
        return False, False  # nothing can be written there; the transfers will report it
    return case, marks
