"""What all file systems share: how they are made, what they say of themselves, how they open files.

``queries.py`` and ``calls.py`` hold the operations; ``kinds.py``, ``buckets.py`` and ``organisations.py`` the file
systems that have a scheme. Nothing is cached: neither listings nor instances, which could cross credentials.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Unpack, cast

from fsspec.spec import AbstractFileSystem

from .bulk import Bulk
from .calls import Calls
from .hints import IGNORED_BY_FILE_SYSTEMS, OpenHints, check_open_hints, without
from .lookups import Lookups
from .options import FileSystemOptions
from .references import SecretOptions, Withheld
from .searches import Searches
from .spaces import Space
from .transfers import Transfers
from .upstream import get_loop, stringify_path, tokenize
from .urls import strip_scheme

if TYPE_CHECKING:
    from .async_files import AsyncReadFile, AsyncWriteFile
    from .transactions import ObjectTransaction

WITHHELD = "withheld"
"""The option by which a copy refers to the secrets of the original."""


class ObjectFileSystem(Calls):
    """A file system of fsspec over objects: blocking calls on the caller's thread, coroutines on the running loop.

    Thread-safe and fork-safe. Pickles and JSON hold no secret; a file system made from an object cannot be pickled.
    """

    protocol: ClassVar[str | tuple[str, ...]]
    """The scheme of its URLs."""
    cachable = False
    mirror_sync_methods = False  # fsspec would replace the blocking calls by hops to a thread of its own
    root_marker = ""
    _transaction: ObjectTransaction | None = None
    _token = ""
    _strip_tokenize_options: tuple[str, ...] = ()
    """Options left out of tokens and pickles: secrets, and objects that belong to this process."""

    def _begin(
        self,
        space: Space,
        options: FileSystemOptions,
        *,
        private: bool,
        portable: bool = True,
        held: SecretOptions | None = None,
    ) -> None:
        """Start on *space*.

        Args:
            space: Where paths lead; closed when this file system is collected.
            options: Those of fsspec.
            private: Whether it is different from others with the same public options.
            portable: Whether another process can make the same file system.
            held: The secrets among its options; they make it different, too.
        """
        # AsyncFileSystem.__init__ would start fsspec's thread; so only its base is called.
        AbstractFileSystem.__init__(self)
        self.asynchronous = options.asynchronous
        self.batch_size = options.batch_size or options.max_concurrency
        self._default_block_size = options.default_block_size or options.block_size or options.blocksize
        self._default_cache_type = options.default_cache_type
        self.max_gap_bytes, self.max_block_bytes = options.max_gap_bytes, options.max_block_bytes
        self._given_loop = options.loop
        self._held = held
        self._nonce = secrets.token_hex(16) if private else held.reference if held is not None else ""
        self._portable = portable
        if options.read_only:
            from .read_only import ReadOnlySpace

            space = ReadOnlySpace(space)
        self._lookups = Lookups(space)
        self._searches = Searches(self._lookups)
        self._transfers = Transfers(self._lookups)
        self._bulk = Bulk(self._transfers, self._searches)
        weakref.finalize(self, space.close)

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop for libraries that run coroutines from blocking code; reading it starts fsspec's thread.

        None with ``asynchronous=True``, where coroutines run on the loop that awaits them.
        """
        if self._given_loop is not None or self.asynchronous:
            return self._given_loop
        return get_loop()

    @classmethod
    def _schemes(cls) -> tuple[str, ...]:
        """Return what its URLs may begin with, the usual one first."""
        return (cls.protocol,) if isinstance(cls.protocol, str) else cls.protocol

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        url, schemes = stringify_path(path), cls._schemes()
        return strip_scheme(url, next((scheme for scheme in schemes if url.startswith(f"{scheme}://")), schemes[0]))

    @property
    def _fs_token(self) -> str:
        """The same for equal public options, in every thread and process; dask names its tasks by it.

        Secrets have no part in it. File systems that were given some differ, and so do those over an object: they may
        reach different things with the same public options.
        """
        if not self._token:
            options = without(self.storage_options, IGNORED_BY_FILE_SYSTEMS | {"loop"})
            shown = sorted((name, str(value)) for name, value in options.items())
            self._token = str(tokenize(f"{type(self).__module__}.{type(self).__qualname__}", shown, self._nonce))
        return self._token

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        self._check_portable()
        return _rebuild, (type(self), {**self.storage_options, **self._references()})

    def to_dict(self, *, include_password: bool = True) -> dict[str, Any]:
        """Return the public options, never the secrets, whatever *include_password* says.

        A reference takes their place, by which a copy in this process finds them.

        Raises:
            TypeError: it was made from an object of this process.
        """
        self._check_portable()
        found: dict[str, Any] = super().to_dict(include_password=include_password)
        return {**found, **self._references()}

    def _references(self) -> dict[str, Withheld]:
        return {} if self._held is None else {WITHHELD: self._held.names()}

    def __repr__(self) -> str:
        lookups = getattr(self, "_lookups", None)  # none yet where an option was refused
        return f"{type(self).__name__}({lookups.space!r})" if lookups is not None else f"{type(self).__name__}(...)"

    @property
    def transaction(self) -> ObjectTransaction:
        """What a ``with`` block is given: all that is written in it is published when it ends, or nothing is."""
        if self._transaction is None:
            from .transactions import ObjectTransaction

            self._transaction = ObjectTransaction(self)
        return self._transaction

    def start_transaction(self) -> ObjectTransaction:
        """Collect from now on what is written; ``end_transaction`` publishes it.

        Raises:
            ValueError: a transaction is under way.
        """
        transaction = self.transaction
        transaction.start()
        return transaction

    def open(
        self,
        path: str | os.PathLike[str],
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Mapping[str, object] | None = None,
        compression: str | None = None,
        *,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        cache_type: str | None = None,
        autocommit: bool | None = None,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **hints: Unpack[OpenHints],
    ) -> Any:
        """Open an object: ``r`` reads, ``w`` replaces, ``x`` creates; with ``b`` bytes, else text.

        Writing publishes on closing, but nothing while an exception is passing through, in wrappers too. Closing by
        hand inside an ``except`` clause looks the same, so it publishes nothing either. Readers fetch ranges of one
        version.

        Args:
            path: A path or a URL.
            mode: As above.
            block_size: Bytes that a reader fetches at a time when less is asked for; None is the option of the file
                system, by default 1 MiB.
            cache_options: What the cache is made with.
            compression: A codec of fsspec, or ``infer``.
            encoding: Of text.
            errors: Of text.
            newline: Of text.
            cache_type: The cache of fsspec that holds what a reader fetched; None is the option of the file system, by
                default a buffer of one block.
            autocommit: Whether closing publishes; else ``commit`` does, or ``discard`` drops it. None is True, but in a
                transaction.
            content_type: Of what is written; None takes it from the name.
            metadata: Of what is written.
            hints: See ``hints.py``.

        Raises:
            TypeError: an option is not known.
            NotFoundError: reading, and there is no such object.
            AlreadyExistsError: creating, and the object exists; raised on closing if it was created in between.
            NotSupportedError: appending or updating in place; it is a NotImplementedError.
        """
        from .file import Reading
        from .opening import Opening, open_file

        check_open_hints(cast("Mapping[str, object]", hints))
        how = Opening(
            mode=mode,
            compression=compression,
            encoding=encoding,
            errors=errors,
            newline=newline,
            content_type=content_type,
            metadata=metadata,
            held=self._intrans if autocommit is None else not autocommit,
        )
        reading = Reading(
            block_size=block_size or hints.get("blocksize") or self._default_block_size,
            cache_type=cache_type or self._default_cache_type,
            cache_options=cache_options,
        )
        url = os.fspath(path)
        return open_file(self, self._path(url) if how.kind == "r" else self._target(url), how, reading)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool | None = None,
        cache_options: Mapping[str, object] | None = None,
        cache_type: str | None = None,
        **hints: Unpack[OpenHints],
    ) -> BinaryIO:
        opened = self.open(path, mode, block_size, cache_options, cache_type=cache_type, autocommit=autocommit, **hints)
        return cast(BinaryIO, opened)

    async def open_async(
        self, path: str | os.PathLike[str], mode: str = "rb", **hints: Unpack[OpenHints]
    ) -> AsyncReadFile | AsyncWriteFile:
        """Open an object in bytes on the running loop: ``rb`` reads, ``wb`` replaces, ``xb`` creates.

        Its ``read``, ``write`` and ``close`` are coroutines. Writing publishes on closing; leaving the ``async with``
        block by an exception publishes nothing.

        Raises:
            TypeError: an option is not known.
            NotFoundError: reading, and there is no such object.
            NotSupportedError: another mode; it is a NotImplementedError.
        """
        from .async_files import open_async

        check_open_hints(cast("Mapping[str, object]", hints))
        url = os.fspath(path)
        return await open_async(self, self._path(url) if mode == "rb" else self._target(url), mode)

    def _check_portable(self) -> None:
        if not self._portable:
            raise TypeError(
                f"{type(self).__name__} was made from an object of this process and cannot be pickled; "
                "make it from options instead"
            )


def _rebuild(cls: Callable[..., ObjectFileSystem], options: Mapping[str, object]) -> ObjectFileSystem:
    return cls(**options)
