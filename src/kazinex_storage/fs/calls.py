"""The calls that read, write, copy and remove; with an underscore, the same as coroutines. ``queries.py`` has the rest.

Work on many objects goes through the bulk driver of the transport. What neither module has (``walk``, ``read_block``,
``read_text`` ...) is fsspec's own code on top of these calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..storage.rules import Body
from ..transport import Exchange
from .bulk import OnError, Paths
from .entries import Slices, bounds_of
from .faces import awaited, blocking, hinted
from .queries import Queries
from .ranges import Joining
from .transfers import LocalPath, Writable, put_options
from .upstream import NO_CALLBACK, Callback


class Calls(Queries):
    """What can be done. Thread-safe. A path is a URL of the file system, or one without its scheme.

    Four coroutines are written out: fsspec has their parameters in another order than those of the blocking call.
    """

    @blocking
    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> Exchange[bytes]:
        """Return the bytes ``[start:end]``, counted as in a Python slice. One request, two when *end* is negative.

        Raises:
            NotFoundError: no such object.
            IsADirectoryError: the path has no key, such as a bucket alone.
        """
        return self._transfers.cat_file(self._path(path), start, end)

    @blocking
    def cat(
        self, path: Paths, recursive: bool = False, on_error: OnError = "raise", batch_size: int | None = None
    ) -> Exchange[bytes | dict[str, bytes | Exception]]:
        """Return the bytes of one object, or of several by path.

        Raises:
            NotFoundError: nothing is there.
            StorageError: one could not be read, and *on_error* is ``raise``.
        """
        return self._bulk.cat(self._patterns(path), self._reach(recursive, None, batch_size), on_error)

    @blocking
    def cat_ranges(
        self,
        paths: Sequence[str],
        starts: Slices,
        ends: Slices,
        max_gap: int | None = None,
        on_error: OnError = "return",
        *,
        batch_size: int | None = None,
    ) -> Exchange[list[bytes | Exception]]:
        """Return a slice of each path, in order; errors are items of the list unless *on_error* is ``raise``.

        Ranges of one object that lie close together are read by one request, and all are of one version; see
        ``FileSystemOptions``. One more request for an object of which a range has a negative end.

        Starts and ends are one for all or one for each. *max_gap* is the most bytes between two ranges that one request
        reads; None is the option of the file system.

        Raises:
            StorageError: one could not be read, and *on_error* is ``raise``.
            ValueError: there are not as many bounds as paths, or *max_gap* is negative.
        """
        joining = Joining(gap=self.max_gap_bytes if max_gap is None else max_gap, block=self.max_block_bytes)
        bounds = bounds_of(paths, starts, ends)
        return self._bulk.cat_ranges(self._strip_all(paths), bounds, joining, batch_size or self.batch_size, on_error)

    @hinted
    async def _cat_ranges(
        self,
        paths: Sequence[str],
        starts: Slices,
        ends: Slices,
        max_gap: int | None = None,
        batch_size: int | None = None,
        on_error: OnError = "return",
    ) -> list[bytes | Exception]:
        return await _CAT_RANGES(self, paths, starts, ends, max_gap, on_error, batch_size=batch_size)

    def head(self, path: str, size: int = 1024) -> bytes:
        """Return the first *size* bytes.

        Raises:
            NotFoundError: no such object.
        """
        return self.cat_file(path, 0, size)

    def tail(self, path: str, size: int = 1024) -> bytes:
        """Return the last *size* bytes.

        Raises:
            NotFoundError: no such object.
        """
        return self.cat_file(path, -size) if size else self.cat_file(path, 0, 0)

    @blocking
    def pipe_file(
        self,
        path: str,
        value: Body,
        mode: str = "overwrite",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Exchange[None]:
        """Write the whole of *value*, which may be anything that ``Storage.put`` takes.

        Raises:
            AlreadyExistsError: *mode* is ``create`` and the object exists.
            StorageError: as ``Storage.put``.
        """
        options = put_options(mode, content_type, metadata)
        yield from self._transfers.pipe_file(self._target(path), value, options)

    @blocking
    def pipe(
        self,
        path: str | Mapping[str, Body],
        value: Body | None = None,
        batch_size: int | None = None,
        *,
        mode: str = "overwrite",
    ) -> Exchange[None]:
        """Write one value, or the values of a mapping under its keys.

        Raises:
            StorageError: of the first path that failed; the others are tried anyway.
        """
        values = self._values(path, value)
        return self._bulk.pipe(values, put_options(mode, None, None), batch_size or self.batch_size)

    @blocking
    def put_file(
        self,
        lpath: LocalPath,
        rpath: str,
        callback: Callback = NO_CALLBACK,
        mode: str = "overwrite",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Exchange[None]:
        """Write the local file *lpath*. A local folder is passed over.

        Raises:
            FileNotFoundError: there is no such local file.
            AlreadyExistsError: *mode* is ``create`` and the object exists.
            StorageError: as ``Storage.put``.
        """
        options = put_options(mode, content_type, metadata)
        return self._transfers.put_file(lpath, self._target(rpath), callback, options)

    @blocking
    def put(
        self,
        lpath: Paths,
        rpath: Paths,
        recursive: bool = False,
        callback: Callback = NO_CALLBACK,
        maxdepth: int | None = None,
        *,
        mode: str = "overwrite",
        batch_size: int | None = None,
    ) -> Exchange[None]:
        """Write local files and folders to *rpath*.

        Raises:
            FileNotFoundError: a local file is missing.
            ValueError: two files would become one object; then nothing is written.
            StorageError: of the first file that failed; the others are tried anyway.
        """
        options, reach = put_options(mode, None, None), self._reach(recursive, maxdepth, batch_size)
        return self._bulk.put(self._locals(lpath), self._patterns(rpath), reach, callback, options)

    @hinted
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
        await _PUT(self, lpath, rpath, recursive, callback, maxdepth, mode=mode, batch_size=batch_size)

    @blocking
    def get_file(
        self,
        rpath: str,
        lpath: LocalPath | None = None,
        callback: Callback = NO_CALLBACK,
        outfile: Writable | None = None,
    ) -> Exchange[None]:
        """Write the object into the local file *lpath*, whole or not at all, or append it to *outfile*.

        Missing local folders are made. For a folder, the local folder is made.

        Raises:
            NotFoundError: neither an object nor a folder.
            IntegrityError: the bytes are not those that were stored; *lpath* is untouched.
        """
        return self._transfers.get_file(self._path(rpath), lpath, callback, outfile)

    @blocking
    def get(
        self,
        rpath: Paths,
        lpath: Paths,
        recursive: bool = False,
        callback: Callback = NO_CALLBACK,
        maxdepth: int | None = None,
        batch_size: int | None = None,
    ) -> Exchange[None]:
        """Write objects and folders to local files below *lpath*.

        Raises:
            NotFoundError: nothing is there.
            ValueError: a file would be outside *lpath*, or two objects would become one; then nothing is written.
            StorageError: of the first object that failed; the others are tried anyway.
        """
        reach = self._reach(recursive, maxdepth, batch_size)
        return self._bulk.get(self._patterns(rpath), self._locals(lpath), reach, callback)

    @blocking
    def cp_file(self, path1: str, path2: str) -> Exchange[None]:
        """Copy one object with its properties, on the server when one storage holds both keys and can do it.

        What the other storage cannot keep is logged as a warning.

        Raises:
            NotFoundError: there is no *path1*.
            ValueError: both are the same.
        """
        yield from self._transfers.cp_file(self._path(path1), self._target(path2))

    @blocking
    def copy(
        self,
        path1: Paths,
        path2: Paths,
        recursive: bool = False,
        maxdepth: int | None = None,
        on_error: str | None = None,
        *,
        batch_size: int | None = None,
    ) -> Exchange[None]:
        """Copy objects and folders inside the file system.

        Args:
            path1: Paths or patterns.
            path2: A path, or one for each source.
            recursive: Whether folders are copied.
            maxdepth: How many levels of folders; None is all of them.
            on_error: ``raise``, or ``ignore`` to skip objects that are gone, the default of a recursive copy.
            batch_size: How many requests at once; None leaves it to the provider, -1 means all.

        Raises:
            NotFoundError: nothing is there.
            ValueError: two sources share a target, a source is its own target, or the paths form a circle; then
                nothing is copied.
            StorageError: of the first object that failed; the others are tried anyway.
        """
        reach = self._reach(recursive, maxdepth, batch_size)
        yield from self._bulk.copy(self._patterns(path1), self._patterns(path2), reach, on_error)

    @hinted
    async def _copy(
        self,
        path1: Paths,
        path2: Paths,
        recursive: bool = False,
        on_error: str | None = None,
        maxdepth: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        await _COPY(self, path1, path2, recursive, maxdepth, on_error, batch_size=batch_size)

    @blocking
    def mv(self, path1: Paths, path2: Paths, recursive: bool = False, maxdepth: int | None = None) -> Exchange[None]:
        """Move objects and folders. Where the service cannot do it, all are copied and then the sources removed.

        Raises:
            NotFoundError: nothing is there.
            IsADirectoryError: a folder, and not *recursive*.
            ValueError: two sources share a target, a source has two, or the paths form a circle; then nothing is moved.
            PreconditionFailedError: an object was replaced while it was copied; then what was copied exists twice.
            StorageError: of the first object that could not be moved; then what was copied exists twice.
        """
        reach = self._reach(recursive, maxdepth, None)
        return self._bulk.move(self._patterns(path1), self._patterns(path2), reach)

    async def _mv_file(self, path1: str, path2: str) -> None:
        await self._run(self._transfers.mv_file(self._path(path1), self._path(path2)))

    @blocking
    def rm_file(self, path: str) -> Exchange[None]:
        """Remove one object from every storage that may hold it.

        Raises:
            NotFoundError: no such object.
        """
        return self._transfers.rm_file(self._path(path))

    @blocking
    def rm(
        self, path: Paths, recursive: bool = False, maxdepth: int | None = None, *, batch_size: int | None = None
    ) -> Exchange[None]:
        """Remove objects, and folders when *recursive*, from every storage that may hold them.

        With a folder everything below it is removed, including what no key names, such as markers made by consoles.

        Raises:
            NotFoundError: one of the paths names nothing; then nothing is removed.
            IsADirectoryError: a folder, and not *recursive*; then nothing is removed.
            BulkError: some could not be removed; it lists their errors.
        """
        return self._bulk.rm(self._patterns(path), self._reach(recursive, maxdepth, batch_size))

    @hinted
    async def _rm(
        self, path: Paths, recursive: bool = False, batch_size: int | None = None, maxdepth: int | None = None
    ) -> None:
        await _RM(self, path, recursive, maxdepth, batch_size=batch_size)

    @blocking
    def touch(self, path: str, truncate: bool = True) -> Exchange[None]:
        """Write an empty object.

        Raises:
            NotImplementedError: something is there and *truncate* is False: the time of an object cannot be set.
        """
        return self._transfers.touch(self._target(path), truncate=truncate)

    @blocking
    def mkdir(
        self,
        path: str,
        create_parents: bool = True,  # noqa: ARG002  # nothing is made
        *,
        mode: int | None = None,  # noqa: ARG002  # universal_pathlib gives permissions
    ) -> Exchange[None]:
        """Do nothing: folders need not be made.

        Raises:
            AlreadyExistsError: an object or a folder is there.
            LocationNotFoundError: it is a bucket that does not exist; none is made here.
        """
        return self._transfers.make_folder(self._path(path), exist_ok=False)

    @blocking
    def makedirs(self, path: str, exist_ok: bool = False) -> Exchange[None]:
        """Do nothing: folders need not be made.

        Raises:
            AlreadyExistsError: an object or a folder is there, unless *exist_ok*.
        """
        return self._transfers.make_folder(self._path(path), exist_ok=exist_ok)

    @blocking
    def rmdir(self, path: str) -> Exchange[None]:
        """Remove the marker of an empty folder, where another tool made one; without one it does not exist.

        Raises:
            OSError: something is in it.
        """
        return self._bulk.moves.remove_folder(self._path(path))

    # The coroutines; the other four are written out above.
    _cat_file = awaited(cat_file)
    _cat = awaited(cat)
    _pipe_file = awaited(pipe_file)
    _pipe = awaited(pipe)
    _put_file = awaited(put_file)
    _get_file = awaited(get_file)
    _get = awaited(get)
    _cp_file = awaited(cp_file)
    _mv = awaited(mv)
    _rm_file = awaited(rm_file)
    _touch = awaited(touch)
    _mkdir = awaited(mkdir)
    _makedirs = awaited(makedirs)
    _rmdir = awaited(rmdir)


_CAT_RANGES, _PUT = awaited(Calls.cat_ranges), awaited(Calls.put)
_COPY, _RM = awaited(Calls.copy), awaited(Calls.rm)
