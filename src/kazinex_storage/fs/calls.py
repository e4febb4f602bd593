"""The blocking calls of the file systems that move bytes: each runs one exchange on the caller's thread.

Work on many objects goes through the bulk driver of the transport. What is neither here nor in ``queries.py``
(``walk``, ``read_block``, ``read_text`` ...) is fsspec's own, in terms of what is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..storage.rules import Body
from .bulk import OnError, Paths, Reach
from .queries import Queries
from .shapes import Slices, slices
from .transfers import LocalPath, Writable, put_options
from .upstream import NO_CALLBACK, Callback


class Calls(Queries):
    """What blocking callers use. Thread-safe. A path is a URL of the file system, or one without its scheme."""

    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        """Return the bytes ``[start:end]``, as a Python slice counts. One request, two when an end is negative.

        Raises:
            NotFoundError: no such object.
        """
        return self._call(self._transfers.cat_file(self._path(path), start, end))

    def cat(
        self, path: Paths, recursive: bool = False, on_error: OnError = "raise", batch_size: int | None = None
    ) -> bytes | dict[str, bytes | Exception]:
        """Return the bytes of one object, or of several by path.

        Raises:
            NotFoundError: nothing is there.
            StorageError: one could not be read, and *on_error* is ``raise``.
        """
        reach = Reach(recursive=recursive, window=batch_size or self.batch_size)
        return self._call(self._bulk.cat(self._patterns(path), reach, on_error))

    def cat_ranges(
        self,
        paths: Sequence[str],
        starts: Slices,
        ends: Slices,
        max_gap: int | None = None,
        on_error: OnError = "return",
        *,
        batch_size: int | None = None,
    ) -> list[bytes | Exception]:
        """Return a slice of each path, in order; errors stand in the list unless *on_error* is ``raise``.

        Raises:
            StorageError: one could not be read, and *on_error* is ``raise``.
            ValueError: there are not as many bounds as paths.
        """
        asked = slices(self._strip_all(paths), starts, ends, max_gap)
        return self._call(self._bulk.cat_ranges(*asked, batch_size or self.batch_size, on_error))

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

    def pipe_file(
        self,
        path: str,
        value: Body,
        mode: str = "overwrite",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write the whole of *value*, which may be anything that ``Storage.put`` takes.

        Raises:
            AlreadyExistsError: *mode* is ``create`` and the object exists.
            StorageError: as ``Storage.put``.
        """
        self._call(self._transfers.pipe_file(self._target(path), value, put_options(mode, content_type, metadata)))

    def pipe(
        self,
        path: str | Mapping[str, Body],
        value: Body | None = None,
        *,
        mode: str = "overwrite",
        batch_size: int | None = None,
    ) -> None:
        """Write one value, or the values of a mapping under its keys.

        Raises:
            StorageError: one could not be written; the others are tried all the same.
        """
        values = self._values(path, value)
        self._call(self._bulk.pipe(values, put_options(mode, None, None), batch_size or self.batch_size))

    def put_file(
        self,
        lpath: LocalPath,
        rpath: str,
        callback: Callback = NO_CALLBACK,
        mode: str = "overwrite",
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write the local file *lpath*.

        Raises:
            FileNotFoundError: there is no such local file.
            StorageError: as ``Storage.put``.
        """
        options = put_options(mode, content_type, metadata)
        self._call(self._transfers.put_file(lpath, self._target(rpath), callback, options))

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
    ) -> None:
        """Write local files and folders.

        Raises:
            FileNotFoundError: a local file is missing.
            StorageError: one could not be written; the others are tried all the same.
        """
        reach = Reach(recursive=recursive, maxdepth=maxdepth, window=batch_size or self.batch_size)
        options = put_options(mode, None, None)
        self._call(self._bulk.put(self._locals(lpath), self._patterns(rpath), reach, callback, options))

    def get_file(
        self,
        rpath: str,
        lpath: LocalPath | None = None,
        callback: Callback = NO_CALLBACK,
        outfile: Writable | None = None,
    ) -> None:
        """Write the object into the local file *lpath*, whole or not at all, or append it to *outfile*.

        Raises:
            NotFoundError: nothing is there.
            IntegrityError: the bytes are not those that were stored; *lpath* is untouched.
        """
        self._call(self._transfers.get_file(self._path(rpath), lpath, callback, outfile))

    def get(
        self,
        rpath: Paths,
        lpath: Paths,
        recursive: bool = False,
        callback: Callback = NO_CALLBACK,
        maxdepth: int | None = None,
        *,
        batch_size: int | None = None,
    ) -> None:
        """Write objects and folders to local files.

        Raises:
            NotFoundError: nothing is there.
            StorageError: one could not be read; the others are tried all the same.
        """
        reach = Reach(recursive=recursive, maxdepth=maxdepth, window=batch_size or self.batch_size)
        self._call(self._bulk.get(self._patterns(rpath), self._locals(lpath), reach, callback))

    def cp_file(self, path1: str, path2: str) -> None:
        """Copy one object, on the server where it can.

        Raises:
            NotFoundError: there is no *path1*.
            ValueError: both are the same.
        """
        self._call(self._transfers.cp_file(self._path(path1), self._target(path2)))

    def copy(
        self,
        path1: Paths,
        path2: Paths,
        recursive: bool = False,
        maxdepth: int | None = None,
        on_error: str | None = None,
        *,
        batch_size: int | None = None,
    ) -> None:
        """Copy objects and folders; *on_error* is ``raise``, or ``ignore`` for objects that are gone.

        Raises:
            NotFoundError: nothing is there.
            StorageError: one could not be copied; the others are tried all the same.
        """
        reach = Reach(recursive=recursive, maxdepth=maxdepth, window=batch_size or self.batch_size)
        self._call(self._bulk.copy(self._patterns(path1), self._patterns(path2), reach, on_error))

    def mv(self, path1: Paths, path2: Paths, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Copy objects and folders, then remove exactly what was copied; nothing when a copy failed.

        Raises:
            NotFoundError: nothing is there.
            IsADirectoryError: a folder, and not *recursive*.
        """
        reach = Reach(recursive=recursive, maxdepth=maxdepth, window=self.batch_size)
        self._call(self._bulk.move(self._patterns(path1), self._patterns(path2), reach))

    def rm_file(self, path: str) -> None:
        """Remove one object.

        Raises:
            NotFoundError: no such object.
        """
        self._call(self._transfers.rm_file(self._path(path)))

    def rm(
        self, path: Paths, recursive: bool = False, maxdepth: int | None = None, *, batch_size: int | None = None
    ) -> None:
        """Remove objects, and folders when *recursive*.

        Raises:
            NotFoundError: one of the paths names nothing; then nothing is removed.
            IsADirectoryError: a folder, and not *recursive*; then nothing is removed.
            BulkError: some could not be removed; it lists their errors.
        """
        reach = Reach(recursive=recursive, maxdepth=maxdepth, window=batch_size or self.batch_size)
        self._call(self._bulk.rm(self._patterns(path), reach))

    def touch(self, path: str, truncate: bool = True) -> None:
        """Write an empty object.

        Raises:
            NotImplementedError: something is there and is not to be truncated: times cannot be set.
        """
        self._call(self._transfers.touch(self._target(path), truncate=truncate))

    def mkdir(
        self,
        path: str,
        create_parents: bool = True,  # noqa: ARG002  # nothing is made
        *,
        mode: int | None = None,  # noqa: ARG002  # universal_pathlib gives permissions
    ) -> None:
        """Do nothing: folders need not be made.

        Raises:
            AlreadyExistsError: an object or a folder is there.
        """
        self._call(self._transfers.make_folder(self._path(path), exist_ok=False))

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing: folders need not be made.

        Raises:
            AlreadyExistsError: an object or a folder is there, unless *exist_ok*.
        """
        self._call(self._transfers.make_folder(self._path(path), exist_ok=exist_ok))

    def rmdir(self, path: str) -> None:
        """Remove the marker of an empty folder, where another tool made one; without one it does not exist.

        Raises:
            OSError: something is in it.
        """
        self._call(self._bulk.moves.remove_folder(self._path(path)))
