"""The coroutines of the file systems: each runs one exchange on the running loop.

``calls.py`` has the same for blocking callers. What is not here (``_walk``) is fsspec's own, in terms of what is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from ..storage.rules import Body
from ..transport import Exchange
from .bulk import Bulk, OnError, Paths, Reach
from .entries import InfoDict
from .lookups import Lookups
from .shapes import Slices, modified_at, names_or_dicts, slices, sum_or_sizes
from .transfers import LocalPath, Transfers, Writable, put_options
from .upstream import NO_CALLBACK, AsyncFileSystem, Callback, stringify_path

T = TypeVar("T")


class Coroutines(AsyncFileSystem):  # type: ignore[misc]  # it is Any to us, see upstream.py
    """What asyncio callers use. Cancelling is as ``transport/loop.py`` says: an object is whole or absent."""

    _lookups: Lookups
    _transfers: Transfers
    _bulk: Bulk
    batch_size: int | None

    async def _run(self, exchange: Exchange[T]) -> T:
        return await self._lookups.space.transport.run_async(exchange)

    async def _info(self, path: str, *, refresh: bool = False) -> InfoDict:  # noqa: ARG002  # no cache
        return (await self._run(self._lookups.info(self._path(path)))).as_dict()

    async def _exists(self, path: str) -> bool:
        return await self._run(self._lookups.exists(self._path(path)))

    async def _isfile(self, path: str) -> bool:
        return await self._run(self._lookups.is_file(self._path(path)))

    async def _isdir(self, path: str) -> bool:
        return await self._run(self._lookups.is_folder(self._path(path)))

    async def _ls(
        self,
        path: str,
        detail: bool = True,
        *,
        refresh: bool = False,  # noqa: ARG002  # no cache
    ) -> list[InfoDict] | list[str]:
        entries = await self._run(self._lookups.ls(self._path(path)))
        return [entry.as_dict() for entry in entries] if detail else [entry.name for entry in entries]

    async def _find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, *, detail: bool = False
    ) -> list[str] | dict[str, InfoDict]:
        found = await self._run(self._lookups.find(self._path(path), maxdepth, folders=withdirs))
        return names_or_dicts(found, detail=detail)

    async def _glob(
        self, path: str, maxdepth: int | None = None, *, detail: bool = False, withdirs: bool = True
    ) -> list[str] | dict[str, InfoDict]:
        found = await self._run(self._lookups.glob(self._pattern(path), maxdepth, folders=withdirs))
        return names_or_dicts(found, detail=detail)

    async def _du(
        self, path: str, total: bool = True, maxdepth: int | None = None, *, withdirs: bool = False
    ) -> int | dict[str, int]:
        found = await self._run(self._lookups.find(self._path(path), maxdepth, folders=withdirs))
        return sum_or_sizes(found, total=total)

    async def _size(self, path: str) -> int:
        return (await self._run(self._lookups.info(self._path(path)))).size

    async def _sizes(self, paths: Sequence[str], batch_size: int | None = None) -> list[int]:
        stripped = self._strip_all(paths)
        window = batch_size or self.batch_size
        return [entry.size for entry in await self._run(self._lookups.infos(stripped, window))]

    async def _expand_path(
        self,
        path: Paths,
        recursive: bool = False,
        maxdepth: int | None = None,
        assume_literal: bool = False,
    ) -> list[str]:
        given = self._patterns(path)
        expand = self._lookups.expand(
            [given] if isinstance(given, str) else given,
            recursive=recursive,
            maxdepth=maxdepth,
            literal=assume_literal,
        )
        return list(await self._run(expand))

    async def _checksum(self, path: str) -> int:
        return int((await self._run(self._lookups.info(self._path(path)))).mark(), 16)

    async def _ukey(self, path: str) -> str:
        return (await self._run(self._lookups.info(self._path(path)))).mark()

    async def _modified(self, path: str) -> datetime:
        return modified_at(await self._run(self._lookups.object(self._path(path))))

    async def _created(self, path: str) -> datetime:
        return await self._modified(path)

    async def _sign(
        self, path: str, expiration: float = 100, *, method: str = "GET", content_type: str | None = None
    ) -> str:
        expires_in = timedelta(seconds=expiration)
        return await self._run(self._transfers.sign(self._path(path), method, expires_in, content_type))

    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        return await self._run(self._transfers.cat_file(self._path(path), start, end))

    async def _cat(
        self, path: Paths, recursive: bool = False, on_error: OnError = "raise", batch_size: int | None = None
    ) -> bytes | dict[str, bytes | Exception]:
        reach = Reach(recursive=recursive, window=batch_size or self.batch_size)
        return await self._run(self._bulk.cat(self._patterns(path), reach, on_error))

    async def _cat_ranges(
        self,
        paths: Sequence[str],
        starts: Slices,
        ends: Slices,
        max_gap: int | None = None,
        batch_size: int | None = None,
        on_error: OnError = "return",
    ) -> list[bytes | Exception]:
        asked = slices(self._strip_all(paths), starts, ends, max_gap)
        return await self._run(self._bulk.cat_ranges(*asked, batch_size or self.batch_size, on_error))

    async def _pipe_file(
        self,
        path: str,
        value: Body,
        mode: str = "overwrite",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        options = put_options(mode, content_type, metadata)
        await self._run(self._transfers.pipe_file(self._target(path), value, options))

    async def _pipe(
        self,
        path: str | Mapping[str, Body],
        value: Body | None = None,
        batch_size: int | None = None,
        *,
        mode: str = "overwrite",
    ) -> None:
        values = self._values(path, value)
        await self._run(self._bulk.pipe(values, put_options(mode, None, None), batch_size or self.batch_size))

    async def _put_file(
        self,
        lpath: LocalPath,
        rpath: str,
        callback: Callback = NO_CALLBACK,
        mode: str = "overwrite",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        options = put_options(mode, content_type, metadata)
        await self._run(self._transfers.put_file(lpath, self._target(rpath), callback, options))

    async def _put(
        self,
        lpath: Paths,
        rpath: Paths,
        recursive: bool = False,
        callback: Callback = NO_CALLBACK,
        batch_size: int | None = None,
        maxdepth: int | None = None,
        *,
        mode: str = "overwrite",
    ) -> None:
        reach = Reach(recursive=recursive, maxdepth=maxdepth, window=batch_size or self.batch_size)
        options = put_options(mode, None, None)
        await self._run(self._bulk.put(self._locals(lpath), self._patterns(rpath), reach, callback, options))

    async def _get_file(
        self,
        rpath: str,
        lpath: LocalPath | None = None,
        callback: Callback = NO_CALLBACK,
        outfile: Writable | None = None,
    ) -> None:
        await self._run(self._transfers.get_file(self._path(rpath), lpath, callback, outfile))

    async def _get(
        self,
        rpath: Paths,
        lpath: Paths,
        recursive: bool = False,
        callback: Callback = NO_CALLBACK,
        maxdepth: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        reach = Reach(recursive=recursive, maxdepth=maxdepth, window=batch_size or self.batch_size)
        await self._run(self._bulk.get(self._patterns(rpath), self._locals(lpath), reach, callback))

    async def _cp_file(self, path1: str, path2: str) -> None:
        await self._run(self._transfers.cp_file(self._path(path1), self._target(path2)))

    async def _copy(
        self,
        path1: Paths,
        path2: Paths,
        recursive: bool = False,
        on_error: str | None = None,
        maxdepth: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        reach = Reach(recursive=recursive, maxdepth=maxdepth, window=batch_size or self.batch_size)
        await self._run(self._bulk.copy(self._patterns(path1), self._patterns(path2), reach, on_error))

    async def _mv(self, path1: Paths, path2: Paths, recursive: bool = False, maxdepth: int | None = None) -> None:
        reach = Reach(recursive=recursive, maxdepth=maxdepth, window=self.batch_size)
        await self._run(self._bulk.move(self._patterns(path1), self._patterns(path2), reach))

    async def _mv_file(self, path1: str, path2: str) -> None:
        await self._run(self._transfers.mv_file(self._path(path1), self._path(path2)))

    async def _rm_file(self, path: str) -> None:
        await self._run(self._transfers.rm_file(self._path(path)))

    async def _rm(
        self, path: Paths, recursive: bool = False, batch_size: int | None = None, maxdepth: int | None = None
    ) -> None:
        reach = Reach(recursive=recursive, maxdepth=maxdepth, window=batch_size or self.batch_size)
        await self._run(self._bulk.rm(self._patterns(path), reach))

    async def _touch(self, path: str, truncate: bool = True) -> None:
        await self._run(self._transfers.touch(self._target(path), truncate=truncate))

    async def _mkdir(
        self,
        path: str,
        create_parents: bool = True,  # noqa: ARG002  # nothing is made
        *,
        mode: int | None = None,  # noqa: ARG002  # universal_pathlib gives permissions
    ) -> None:
        await self._run(self._transfers.make_folder(self._path(path), exist_ok=False))

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        await self._run(self._transfers.make_folder(self._path(path), exist_ok=exist_ok))

    async def _rmdir(self, path: str) -> None:
        await self._run(self._bulk.moves.remove_folder(self._path(path)))

    def _path(self, url: str) -> str:
        """Return the path of *url*."""
        path: str = self._strip_protocol(url)
        return path

    def _target(self, url: str) -> str:
        """Return the path of *url*, which an object is to get.

        Raises:
            IsADirectoryError: a slash stands at its end.
        """
        path = self._path(url)
        if str(url).endswith("/"):
            raise IsADirectoryError(f"{str(url)[:200]!r} means a folder by the slash at its end; name an object in it")
        return path

    def _pattern(self, url: str) -> str:
        """Return the path of *url* with the slash at its end, which says that a folder is meant."""
        path = self._path(url)
        return f"{path}/" if path and str(url).endswith("/") else path

    def _strip_all(self, urls: Sequence[str]) -> list[str]:
        return [self._path(url) for url in urls]

    def _patterns(self, urls: Paths) -> Paths:
        if isinstance(urls, Sequence) and not isinstance(urls, str):
            return [self._pattern(url) for url in urls]
        return self._pattern(urls)

    def _locals(self, paths: Paths) -> Paths:
        if isinstance(paths, Sequence) and not isinstance(paths, str):
            return [stringify_path(path) for path in paths]
        return stringify_path(paths)

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
