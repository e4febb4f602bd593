"""The blocking questions of the file systems: what is there, how large, since when.

No event loop and no thread of fsspec is involved: each runs one exchange on the caller's thread. Nothing is cached.
``calls.py`` adds what moves bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from ..transport import Exchange
from .bulk import Paths
from .coroutines import Coroutines
from .entries import InfoDict
from .shapes import modified_at, names_or_dicts, sum_or_sizes

T = TypeVar("T")


class Queries(Coroutines):
    """What blocking callers ask. Thread-safe. A path is a URL of the file system, or one without its scheme."""

    def _call(self, exchange: Exchange[T]) -> T:
        return self._lookups.space.transport.run(exchange)

    def info(self, path: str, *, refresh: bool = False) -> InfoDict:  # noqa: ARG002  # no cache
        """Return ``name``, ``size`` in bytes, ``type``, and of objects what is known of them.

        One request for an object, two for a folder. Nothing is cached, so *refresh* changes nothing.

        Raises:
            NotFoundError: neither an object nor a folder.
        """
        return self._call(self._lookups.info(self._path(path))).as_dict()

    def exists(self, path: str) -> bool:
        """Say whether an object or a folder is there.

        Raises:
            StorageError: the service did not say, or the path is not legal.
        """
        return self._call(self._lookups.exists(self._path(path)))

    def isfile(self, path: str) -> bool:
        """Say whether an object is there.

        Raises:
            StorageError: the service did not say, or the path is not legal.
        """
        return self._call(self._lookups.is_file(self._path(path)))

    def isdir(self, path: str) -> bool:
        """Say whether a folder is there: something is below the path.

        Raises:
            StorageError: the service did not say, or the path is not legal.
        """
        return self._call(self._lookups.is_folder(self._path(path)))

    def ls(
        self,
        path: str,
        detail: bool = True,
        *,
        refresh: bool = False,  # noqa: ARG002  # no cache
    ) -> list[InfoDict] | list[str]:
        """Return what a folder holds, in the order of the names; of an object, the object itself.

        Raises:
            NotFoundError: neither an object nor a folder.
            NotSupportedError: the root, when it cannot be listed.
        """
        entries = self._call(self._lookups.ls(self._path(path)))
        return [entry.as_dict() for entry in entries] if detail else [entry.name for entry in entries]

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, *, detail: bool = False
    ) -> list[str] | dict[str, InfoDict]:
        """Return every object below *path*, in the order of the names. One listing, unless *maxdepth* is given.

        Raises:
            NotSupportedError: the root, when it cannot be listed.
            ValueError: *maxdepth* is less than 1.
        """
        found = self._call(self._lookups.find(self._path(path), maxdepth, folders=withdirs))
        return names_or_dicts(found, detail=detail)

    def glob(
        self, path: str, maxdepth: int | None = None, *, detail: bool = False, withdirs: bool = True
    ) -> list[str] | dict[str, InfoDict]:
        """Return what matches a pattern of ``*``, ``?``, ``[...]`` and ``**``, in the order of the names.

        Raises:
            NotSupportedError: the listing would begin at the root, and the root cannot be listed.
            ValueError: *maxdepth* is less than 1.
        """
        found = self._call(self._lookups.glob(self._pattern(path), maxdepth, folders=withdirs))
        return names_or_dicts(found, detail=detail)

    def du(
        self, path: str, total: bool = True, maxdepth: int | None = None, withdirs: bool = False
    ) -> int | dict[str, int]:
        """Return the bytes below *path* in total, or those of each object. One listing.

        Raises:
            NotSupportedError: the root, when it cannot be listed.
            ValueError: *maxdepth* is less than 1.
        """
        found = self._call(self._lookups.find(self._path(path), maxdepth, folders=withdirs))
        return sum_or_sizes(found, total=total)

    def size(self, path: str) -> int:
        """Return the bytes of an object.

        Raises:
            NotFoundError: nothing is there.
        """
        return self._call(self._lookups.info(self._path(path))).size

    def sizes(self, paths: Sequence[str]) -> list[int]:
        """Return the bytes of each object, asked beside each other.

        Raises:
            NotFoundError: at one of the paths nothing is.
        """
        return [entry.size for entry in self._call(self._lookups.infos(self._strip_all(paths), self.batch_size))]

    def expand_path(
        self,
        path: Paths,
        recursive: bool = False,
        maxdepth: int | None = None,
        assume_literal: bool = False,
    ) -> list[str]:
        """Return what paths and patterns stand for. A path that names an object is no pattern.

        Raises:
            NotFoundError: nothing.
            ValueError: *maxdepth* is less than 1.
        """
        given = self._patterns(path)
        expand = self._lookups.expand(
            [given] if isinstance(given, str) else given,
            recursive=recursive,
            maxdepth=maxdepth,
            literal=assume_literal,
        )
        return list(self._call(expand))

    def checksum(self, path: str) -> int:
        """Return a number that changes whenever the bytes do; of equal bytes the same where the sha256 is known.

        Raises:
            NotFoundError: nothing is there.
        """
        return int(self._call(self._lookups.info(self._path(path))).mark(), 16)

    def ukey(self, path: str) -> str:
        """Return the same as ``checksum``, as text.

        Raises:
            NotFoundError: nothing is there.
        """
        return self._call(self._lookups.info(self._path(path))).mark()

    def modified(self, path: str) -> datetime:
        """Return when the object was written; aware UTC.

        Raises:
            NotFoundError: nothing is there.
            IsADirectoryError: a folder has no time.
            NotSupportedError: the provider does not say.
        """
        return modified_at(self._call(self._lookups.object(self._path(path))))

    def created(self, path: str) -> datetime:
        """Return the same as ``modified``: objects are written whole, so each version is created when it is written.

        Raises:
            NotFoundError: nothing is there.
            IsADirectoryError: a folder has no time.
        """
        return self.modified(path)

    def sign(self, path: str, expiration: float = 100, *, method: str = "GET", content_type: str | None = None) -> str:
        """Return a URL that may be used without credentials for *expiration* seconds.

        Raises:
            NotImplementedError: the provider does not sign.
        """
        expires_in = timedelta(seconds=expiration)
        return self._call(self._transfers.sign(self._path(path), method, expires_in, content_type))
