"""The parts of fsspec that are used here, with types; fsspec has none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Protocol, cast

import fsspec.asyn
import fsspec.callbacks
import fsspec.compression
import fsspec.core
import fsspec.implementations.local
import fsspec.utils

trailing_sep: Callable[[str], bool] = fsspec.implementations.local.trailing_sep
"""Whether a path ends with a slash."""
make_path_posix: Callable[[str], str] = fsspec.implementations.local.make_path_posix
"""A local path, absolute."""
glob_tokens: Callable[[str, str, str], list[str]] = fsspec.utils._translate
"""One segment of a pattern as regular expressions, with what ``*`` and ``?`` become; all else is one character each."""
check_contained: Callable[[str, list[str]], None] = fsspec.utils.check_contained
"""Refuse local paths outside of a folder."""
stringify_path: Callable[[str | os.PathLike[str]], str] = fsspec.utils.stringify_path
"""A path object as text."""
tokenize: Callable[..., str] = fsspec.utils.tokenize
"""A digest of anything."""
get_loop: Callable[[], asyncio.AbstractEventLoop] = fsspec.asyn.get_loop
"""The loop on fsspec's own thread, which is started."""
get_compression: Callable[[str, str], str | None] = fsspec.core.get_compression
"""The codec of a file name, or of a name."""

# fsspec's methods are untyped and take any keyword; ours name theirs, so that a slip raises TypeError.
AsyncFileSystem: Any = fsspec.asyn.AsyncFileSystem
"""The class that asynchronous file systems are."""


class Callback(Protocol):
    """What progress is reported to: ``fsspec.callbacks.Callback``."""

    def set_size(self, size: int | None) -> object:
        """Set how much there is to do."""
        ...

    def absolute_update(self, value: int) -> object:
        """Set how much is done."""
        ...

    def relative_update(self, inc: int = 1) -> object:
        """Add to how much is done."""
        ...

    def branched(self, path_1: str, path_2: str) -> AbstractContextManager[Callback]:
        """Return the callback of one file among many."""
        ...


NO_CALLBACK = cast(Callback, fsspec.callbacks.DEFAULT_CALLBACK)
"""Ignores all progress."""


def listens(callback: Callback) -> bool:
    """Say whether *callback* does anything with progress."""
    return not isinstance(callback, fsspec.callbacks.NoOpCallback)


class Cache(Protocol):
    """What holds bytes of one file: ``fsspec.caching.BaseCache``."""

    def _fetch(self, start: int, end: int, /) -> bytes:
        """Return the bytes *start* to *end*."""
        ...


def make_cache(
    name: str | None,
    blocksize: int,
    fetcher: Callable[[int, int], bytes],
    size: int,
    options: Mapping[str, object],
) -> Cache:
    """Return a cache of fsspec over *fetcher*.

    Raises:
        ValueError: there is no such cache.
        TypeError: it has no such options.
    """
    from fsspec.caching import caches

    if name not in caches:
        known = ", ".join(sorted(one for one in caches if one is not None))
        raise ValueError(f"cache_type {name!r} is none that fsspec has: {known}")
    return cast(Cache, caches[name](blocksize, fetcher, size, **options))


class Codec(Protocol):
    """What compresses or decompresses."""

    def __call__(self, infile: BinaryIO, *, mode: str, **options: object) -> BinaryIO:
        """Return a file over *infile*."""
        ...


codecs = cast("dict[str, Codec]", fsspec.compression.compr)
"""The codecs of fsspec by name; ``OpenFile`` looks them up here."""


def wrap_codec(name: str, file: BinaryIO, mode: str) -> BinaryIO:
    """Return *file* behind the codec *name*."""
    return codecs[name](file, mode=mode)


def other_paths(names: list[str], target: str | list[str], *, inside: bool, flatten: bool) -> list[str]:
    """Return where copies of *names* go."""
    found: list[str] = fsspec.utils.other_paths(names, target, exists=inside, flatten=flatten)
    return found


def expand_disk(paths: list[str], *, recursive: bool, maxdepth: int | None, literal: bool) -> list[str]:
    """Return the local files and folders that *paths* mean.

    Raises:
        FileNotFoundError: there are none.
    """
    disk: Any = fsspec.implementations.local.LocalFileSystem
    found: list[str] = disk().expand_path(paths, recursive=recursive, maxdepth=maxdepth, assume_literal=literal)
    return found
