"""What all file systems share: how they are made, what they say of themselves, how they open files.

``queries.py`` and ``calls.py`` hold the operations; ``kinds.py``, ``buckets.py`` and ``organisations.py`` the file
systems that have a scheme. Nothing is cached: neither listings nor instances, which could cross credentials.
"""

from __future__ import annotations

import asyncio
import io
import os
import secrets
import weakref
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, ClassVar, NoReturn, cast

from fsspec.spec import AbstractFileSystem

from ..errors import AccessDeniedError, AlreadyExistsError, NotSupportedError
from ..storage.files import ObjectReader, ObjectWriter
from ..storage.sync import Storage
from ..types import PutMode
from .bulk import Bulk
from .calls import Calls
from .file import ReadFile, TextWriter, WriteFile, close_with_codecs, compressed
from .lookups import Lookups
from .options import FileSystemOptions
from .references import SecretOptions, Withheld
from .searches import Searches
from .spaces import Space
from .transfers import Transfers, put_options
from .upstream import get_loop, stringify_path, tokenize
from .urls import strip_scheme

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
        self.batch_size = options.batch_size
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
        # Two file systems may differ only in options that are left out of the token.
        return tokenize(self._fs_token_, self._nonce) if self._nonce else str(self._fs_token_)

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
    def transaction(self) -> NoReturn:
        """Refuse: no service publishes several objects at once.

        Raises:
            NotImplementedError: always.
        """
        raise _no_transactions()

    def start_transaction(self) -> NoReturn:
        """Refuse: no service publishes several objects at once.

        Raises:
            NotImplementedError: always.
        """
        raise _no_transactions()

    def open(
        self,
        path: str | os.PathLike[str],
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: Mapping[str, object] | None = None,  # noqa: ARG002  # nothing is cached
        compression: str | None = None,
        *,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        cache_type: str | None = None,  # noqa: ARG002  # nothing is cached
        default_cache: str | None = None,  # noqa: ARG002  # dask gives it to every file system
        autocommit: bool = True,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Any:
        """Open an object: ``r`` reads, ``w`` replaces, ``x`` creates; with ``b`` bytes, else text.

        Writing publishes on closing, but nothing while an exception is passing through, in wrappers too. Closing by
        hand inside an ``except`` clause looks the same, so it publishes nothing either. Readers fetch ranges of one
        version and cache nothing: *cache_type*, *default_cache* and *cache_options* change nothing.

        Args:
            path: A path or a URL.
            mode: As above.
            block_size: Bytes that a reader fetches at a time when less is asked for; None is 1 MiB.
            cache_options: Ignored.
            compression: A codec of fsspec, or ``infer``.
            encoding: Of text.
            errors: Of text.
            newline: Of text.
            cache_type: Ignored.
            default_cache: Ignored.
            autocommit: Must be True: there are no transactions.
            content_type: Of what is written; None takes it from the name.
            metadata: Of what is written.

        Raises:
            NotFoundError: reading, and there is no such object.
            AlreadyExistsError: creating, and the object exists; raised on closing if it was created in between.
            NotSupportedError: appending, updating in place, or without *autocommit*; it is a NotImplementedError.
        """
        kind = mode.replace("b", "").replace("t", "")
        if kind not in ("r", "w", "x"):
            raise NotSupportedError(f"mode {mode!r}: objects are written whole; read it, and replace it with 'wb'")
        if not autocommit:
            raise _no_transactions()
        stripped = self._path(os.fspath(path)) if kind == "r" else self._target(os.fspath(path))
        file: ReadFile | WriteFile
        if kind == "r":
            file = self._open_reader(stripped, block_size)
        else:
            file = self._open_writer(stripped, kind, content_type, metadata)
        opened: BinaryIO = cast(BinaryIO, file)
        try:
            if compression is not None:
                opened = compressed(file, stripped, compression, kind)
            if "b" in mode:
                return opened
            if isinstance(file, ObjectWriter):
                return TextWriter(opened, file, encoding, errors, newline)
            return io.TextIOWrapper(opened, encoding=encoding, errors=errors, newline=newline)
        except BaseException:
            _give_up(file)
            raise

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: Mapping[str, object] | None = None,
    ) -> BinaryIO:
        return cast(BinaryIO, self.open(path, mode, block_size, cache_options, autocommit=autocommit))

    def _open_reader(self, path: str, block_size: int | None) -> ReadFile:
        storage, place, info = self._call(self._transfers.locate(path))
        return ReadFile(self, place.name, ObjectReader(storage, place.key, info=info), block_size)

    def _open_writer(
        self, path: str, kind: str, content_type: str | None, metadata: Mapping[str, str] | None
    ) -> WriteFile:
        close_with_codecs()  # fsspec may open one over the file
        options = put_options("create" if kind == "x" else "overwrite", content_type, metadata)
        storage, place, options = self._call(self._transfers.writing(path, options))
        if options.mode is PutMode.CREATE and _is_there(storage, place.key):
            raise AlreadyExistsError("an object has that key already; nothing was changed", operation="open", key=path)
        return WriteFile(self, place.name, storage, place.key, options)

    def _check_portable(self) -> None:
        if not self._portable:
            raise TypeError(
                f"{type(self).__name__} was made from an object of this process and cannot be pickled; "
                "make it from options instead"
            )


def _is_there(storage: Storage, key: str) -> bool:
    """Say whether the object exists; for credentials that may write but not look, the service decides on closing."""
    try:
        return storage.exists(key)
    except AccessDeniedError:
        return False


def _no_transactions() -> NotSupportedError:
    return NotSupportedError(
        "there are no transactions: objects are published one by one, each of them whole; write a marker object last"
    )


def _give_up(file: ReadFile | WriteFile) -> None:
    if isinstance(file, ObjectWriter):
        file.discard()
    else:
        file.close()


def _rebuild(cls: Callable[..., ObjectFileSystem], options: Mapping[str, object]) -> ObjectFileSystem:
    return cls(**options)
