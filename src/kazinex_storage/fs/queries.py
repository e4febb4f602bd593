"""The calls that ask: what is there, how large, since when. Each is blocking, and as a coroutine has an underscore.

Nothing is cached. ``calls.py`` has the calls that move bytes; ``lookups.py`` and ``searches.py`` have the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ..transport import Exchange
from .bulk import Paths
from .entries import InfoDict, names_or_dicts
from .faces import Faces, awaited, blocking


class Queries(Faces):
    """What can be asked. Thread-safe. A path is a URL of the file system, or one without its scheme."""

    @blocking
    def info(self, path: str, *, refresh: bool = False) -> Exchange[InfoDict]:  # noqa: ARG002  # no cache
        """Return ``name``, ``size`` in bytes, ``type``, and of objects what is known of them.

        One request for an object, two for a folder. Nothing is cached, so *refresh* changes nothing.

        Raises:
            NotFoundError: neither an object nor a folder.
        """
        return (yield from self._lookups.info(self._path(path))).as_dict()

    @blocking
    def exists(self, path: str) -> Exchange[bool]:
        """Say whether an object or a folder is there.

        Raises:
            StorageError: the service did not say, or the path is not legal.
        """
        return self._lookups.exists(self._path(path))

    @blocking
    def isfile(self, path: str) -> Exchange[bool]:
        """Say whether an object is there.

        Raises:
            StorageError: the service did not say, or the path is not legal.
        """
        entry = yield from self._lookups.find_info(self._path(path))
        return entry is not None and not entry.is_folder

    @blocking
    def isdir(self, path: str) -> Exchange[bool]:
        """Say whether a folder is there: something is below the path.

        Raises:
            StorageError: the service did not say, or the path is not legal.
        """
        return self._lookups.is_folder(self._path(path))

    @blocking
    def ls(
        self,
        path: str,
        detail: bool = True,
        *,
        refresh: bool = False,  # noqa: ARG002  # no cache
    ) -> Exchange[list[InfoDict] | list[str]]:
        """Return what a folder holds, in the order of the names; of an object, the object itself.

        Raises:
            NotFoundError: neither an object nor a folder.
            NotSupportedError: the root, where it cannot be listed: of buckets, containers and libraries.
        """
        entries = yield from self._searches.ls(self._path(path))
        return [entry.as_dict() for entry in entries] if detail else [entry.name for entry in entries]

    @blocking
    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        *,
        prefix: str | None = None,
    ) -> Exchange[list[str] | dict[str, InfoDict]]:
        """Return every object below *path*, in the order of the names. One listing, unless *maxdepth* is given.

        If *path* is an object it is that object; if nothing is there, nothing. With *prefix*, only what is named so
        below the folder *path* is listed: ``find("b/d", prefix="20")`` finds ``b/d/2026/a``.

        Raises:
            NotSupportedError: the root, when it cannot be listed.
            ValueError: *maxdepth* is less than 1.
        """
        found = yield from self._searches.find(self._path(path), maxdepth, folders=withdirs, prefix=prefix or "")
        return names_or_dicts(found, detail=detail)

    @blocking
    def glob(
        self, path: str, maxdepth: int | None = None, *, detail: bool = False, withdirs: bool = True
    ) -> Exchange[list[str] | dict[str, InfoDict]]:
        """Return what matches a pattern, in the order of the names.

        ``*``, ``?`` and ``[...]`` match inside a segment, ``**`` across segments.

        Raises:
            NotSupportedError: the listing would begin at the root, and the root cannot be listed.
            ValueError: *maxdepth* is less than 1.
        """
        found = yield from self._searches.glob(self._pattern(path), maxdepth, folders=withdirs)
        return names_or_dicts(found, detail=detail)

    @blocking
    def du(
        self, path: str, total: bool = True, maxdepth: int | None = None, withdirs: bool = False
    ) -> Exchange[int | dict[str, int]]:
        """Return the bytes below *path* in total, or those of each object. One listing.

        Raises:
            NotSupportedError: the root, when it cannot be listed.
            ValueError: *maxdepth* is less than 1.
        """
        found = yield from self._searches.find(self._path(path), maxdepth, folders=withdirs)
        sizes = {name: entry.size for name, entry in found.items()}
        return sum(sizes.values()) if total else sizes

    @blocking
    def size(self, path: str) -> Exchange[int]:
        """Return the bytes of an object.

        Raises:
            NotFoundError: nothing is there.
        """
        return (yield from self._lookups.info(self._path(path))).size

    @blocking
    def sizes(self, paths: Sequence[str], batch_size: int | None = None) -> Exchange[list[int]]:
        """Return the bytes of each object; several requests are under way at once.

        Raises:
            NotFoundError: at one of the paths nothing is.
        """
        stripped = self._strip_all(paths)
        window = yield from self._lookups.window(stripped, batch_size or self.batch_size)
        entries = yield from self._lookups.gather([self._lookups.info(path) for path in stripped], window)
        return [entry.size for entry in entries]

    @blocking
    def expand_path(
        self,
        path: Paths,
        recursive: bool = False,
        maxdepth: int | None = None,
        assume_literal: bool = False,
    ) -> Exchange[list[str]]:
        """Return the paths that match: a path that names an object is no pattern.

        Raises:
            NotFoundError: nothing.
            ValueError: *maxdepth* is less than 1.
        """
        given = self._patterns(path)
        paths = [given] if isinstance(given, str) else given
        found = yield from self._searches.expand(paths, recursive=recursive, maxdepth=maxdepth, literal=assume_literal)
        return list(found)

    @blocking
    def checksum(self, path: str) -> Exchange[int]:
        """Return a number that changes whenever the bytes do; of equal bytes the same where the sha256 is known.

        Raises:
            NotFoundError: nothing is there.
        """
        return int((yield from self._lookups.info(self._path(path))).version_digest(), 16)

    @blocking
    def ukey(self, path: str) -> Exchange[str]:
        """Return the same as ``checksum``, as text.

        Raises:
            NotFoundError: nothing is there.
        """
        return (yield from self._lookups.info(self._path(path))).version_digest()

    @blocking
    def modified(self, path: str) -> Exchange[datetime]:
        """Return when the object was written; aware UTC.

        Raises:
            NotFoundError: nothing is there.
            IsADirectoryError: a folder has no time.
            NotSupportedError: the provider does not say.
        """
        return (yield from self._lookups.info(self._path(path))).modified_at()

    @blocking
    def created(self, path: str) -> Exchange[datetime]:
        """Return the same as ``modified``: objects are written whole, so each version is created when it is written.

        Raises:
            NotFoundError: nothing is there.
            IsADirectoryError: a folder has no time.
            NotSupportedError: the provider does not say.
        """
        return (yield from self._lookups.info(self._path(path))).modified_at()

    @blocking
    def sign(
        self, path: str, expiration: float = 100, *, method: str = "GET", content_type: str | None = None
    ) -> Exchange[str]:
        """Return a URL that may be used without credentials for *expiration* seconds.

        Raises:
            NotSupportedError: the provider does not sign, or the request needs headers, which no URL holds; it is a
                NotImplementedError.
            PolicyError: a PUT under a limit, which is signed together with its size.
            NotFoundError: several storages are asked, and none holds the object.
        """
        expires_in = timedelta(seconds=expiration)
        return self._transfers.sign(self._path(path), method, expires_in, content_type)

    @blocking
    def url(self, path: str, expires: float = 3600) -> Exchange[str]:
        """Return what ``sign`` does, good for *expires* seconds: by the name that s3fs, gcsfs and adlfs have.

        Raises:
            NotSupportedError: as ``sign``.
        """
        return self._transfers.sign(self._path(path), "GET", timedelta(seconds=expires), None)

    @blocking
    def get_tags(self, path: str) -> Exchange[dict[str, str]]:
        """Return the tags of an object.

        Raises:
            NotSupportedError: the provider has none.
            NotFoundError: there is no such object.
        """
        return self._transfers.tags(self._path(path))

    @blocking
    def put_tags(self, path: str, tags: Mapping[str, str]) -> Exchange[None]:
        """Replace all tags of an object.

        Raises:
            NotSupportedError: the provider has none.
            NotFoundError: there is no such object.
            ValueError: a tag has characters that not every service takes.
        """
        return self._transfers.set_tags(self._path(path), tags)

    # The coroutines.
    _info = awaited(info)
    _exists = awaited(exists)
    _isfile = awaited(isfile)
    _isdir = awaited(isdir)
    _ls = awaited(ls)
    _find = awaited(find)
    _glob = awaited(glob)
    _du = awaited(du)
    _size = awaited(size)
    _sizes = awaited(sizes)
    _expand_path = awaited(expand_path)
    _checksum = awaited(checksum)
    _ukey = awaited(ukey)
    _modified = awaited(modified)
    _created = awaited(created)
    _sign = awaited(sign)
    _url = awaited(url)
    _get_tags = awaited(get_tags)
    _put_tags = awaited(put_tags)
