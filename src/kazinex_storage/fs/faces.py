"""How one method becomes two calls of fsspec: ``cp_file`` for blocking callers, ``_cp_file`` for asyncio.

An operation is written once, in ``queries.py`` or ``calls.py``, as a method that returns an exchange. ``blocking`` runs
it on the caller's thread, and ``awaited`` makes the coroutine of it, with the same parameters and the same docstring.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from ..storage.rules import Body
from ..transport import Exchange
from .bulk import Bulk, Paths, Reach
from .hints import IGNORED_BY_CALLS, without
from .lookups import Lookups
from .searches import Searches
from .transfers import Transfers
from .upstream import AsyncFileSystem, stringify_path

P = ParamSpec("P")
T = TypeVar("T")
FS = TypeVar("FS", bound="Faces")


def blocking(operation: Callable[Concatenate[FS, P], Exchange[T]]) -> Callable[Concatenate[FS, P], T]:
    """Return the method that runs *operation* on the caller's thread and returns what it returns."""

    @functools.wraps(operation)
    def call(fs: FS, /, *arguments: P.args, **options: P.kwargs) -> T:
        return fs._call(operation(fs, *arguments, **(_unhinted(options) if options else options)))

    return _signed(call, operation)


def awaited(call: Callable[Concatenate[FS, P], T]) -> Callable[Concatenate[FS, P], Coroutine[Any, Any, T]]:
    """Return the coroutine method of the operation that *call*, made by ``blocking``, runs."""
    operation = cast("Callable[Concatenate[FS, P], Exchange[T]]", inspect.unwrap(call))

    @functools.wraps(operation)
    async def run(fs: FS, /, *arguments: P.args, **options: P.kwargs) -> T:
        return await fs._run(operation(fs, *arguments, **(_unhinted(options) if options else options)))

    run.__name__ = f"_{operation.__name__}"
    run.__qualname__ = f"{operation.__qualname__.removesuffix(operation.__name__)}{run.__name__}"
    return _signed(run, operation)


def hinted(coroutine: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return *coroutine*, which then takes hints, too; for those that are not made by ``awaited``."""

    @functools.wraps(coroutine)
    async def run(*arguments: P.args, **options: P.kwargs) -> T:
        return await coroutine(*arguments, **_unhinted(options))

    return run


def _unhinted(options: Mapping[str, object]) -> Any:
    return without(options, IGNORED_BY_CALLS)


_Function = TypeVar("_Function", bound=Callable[..., object])


def _signed(made: _Function, operation: Callable[..., object]) -> _Function:
    """Give *made* the signature of *operation*, but for the result: what the exchange returns."""
    signature = inspect.signature(operation)
    result = str(signature.return_annotation).removeprefix("Exchange[").removesuffix("]")
    made.__annotations__ = {**operation.__annotations__, "return": result}
    made.__signature__ = signature.replace(return_annotation=result)  # type: ignore[attr-defined]  # inspect reads it
    return made


class Faces(AsyncFileSystem):  # type: ignore[misc]  # it is Any to us, see upstream.py
    """What both kinds of calls need: what runs exchanges, and what reads the arguments of fsspec."""

    _lookups: Lookups
    _searches: Searches
    _transfers: Transfers
    _bulk: Bulk
    batch_size: int | None
    max_gap_bytes: int
    max_block_bytes: int

    def _call(self, exchange: Exchange[T]) -> T:
        return self._lookups.space.transport.run(exchange)

    async def _run(self, exchange: Exchange[T]) -> T:
        # Cancelling is as transport/loop.py says: an object is whole or absent.
        return await self._lookups.space.transport.run_async(exchange)

    def _reach(self, recursive: bool, maxdepth: int | None, batch_size: int | None) -> Reach:
        return Reach(recursive=recursive, maxdepth=maxdepth, window=batch_size or self.batch_size)

    def _path(self, url: str) -> str:
        """Return the path of *url*."""
        path: str = self._strip_protocol(url)
        return path

    def _target(self, url: str) -> str:
        """Return the path of *url*, where an object is to be written; one with a slash at its end is refused."""
        path = self._path(url)
        if str(url).endswith("/"):
            raise IsADirectoryError(f"{str(url)[:200]!r} ends with a slash, which means a folder; name an object in it")
        return path

    def _pattern(self, url: str) -> str:
        """Return the path of *url*, keeping a trailing slash, which says that a folder is meant."""
        path = self._path(url)
        return f"{path}/" if path and str(url).endswith("/") else path

    def _strip_all(self, urls: Sequence[str]) -> list[str]:
        stripped = {url: self._path(url) for url in urls}
        return [stripped[url] for url in urls]

    def _patterns(self, urls: Paths) -> Paths:
        return _each(self._pattern, urls)

    def _locals(self, paths: Paths) -> Paths:
        return _each(stringify_path, paths)

    def _values(self, path: str | Mapping[str, Body], value: Body | None) -> dict[str, Body]:
        if isinstance(path, Mapping):
            given: dict[str, str] = {}
            for url in path:
                other = given.setdefault(self._target(url), url)
                if other != url:
                    raise ValueError(f"pipe: {other!r} and {url!r} are one path; nothing was written, give it once")
            return {name: path[url] for name, url in given.items()}
        if value is None:
            raise TypeError(f"pipe {path!r}: give the value to write")
        return {self._target(path): value}


def _each(one: Callable[[str], str], paths: Paths) -> Paths:
    return [one(path) for path in paths] if isinstance(paths, Sequence) and not isinstance(paths, str) else one(paths)
