"""What ``fs.open`` does: find the object or the place for it, and put codecs and text around the file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from ..errors import AccessDeniedError, AlreadyExistsError, NotSupportedError
from ..storage.files import ObjectWriter
from ..storage.sync import Storage
from ..types import PutMode
from ..values import value
from .faces import Faces
from .file import CachedReader, ReadFile, Reading, TextWriter, WriteFile, close_with_codecs, compressed
from .transfers import put_options


@value
class Opening:
    """How an object is opened."""

    mode: str
    """As ``open`` takes it."""
    compression: str | None = None
    """A codec of fsspec, or ``infer``."""
    encoding: str | None = None
    """Of text."""
    errors: str | None = None
    """Of text."""
    newline: str | None = None
    """Of text."""
    content_type: str | None = None
    """Of what is written; None takes it from the name."""
    metadata: Mapping[str, str] | None = None
    """Of what is written."""
    held: bool = False
    """Whether what is written is kept when the file is closed, until it is committed."""

    @property
    def kind(self) -> str:
        """``r``, ``w`` or ``x``.

        Raises:
            NotSupportedError: the mode is none of them.
        """
        kind = self.mode.replace("b", "").replace("t", "")
        if kind not in ("r", "w", "x"):
            raise NotSupportedError(f"mode {self.mode!r}: objects are written whole; read it, and replace it with 'wb'")
        return kind


def open_file(fs: Faces, path: str, how: Opening, reading: Reading) -> Any:
    """Open *path*, which has no scheme; see ``ObjectFileSystem.open``.

    Raises:
        NotFoundError: reading, and there is no such object.
        AlreadyExistsError: creating, and the object exists.
    """
    file: ReadFile | WriteFile = _reader(fs, path, reading) if how.kind == "r" else _writer(fs, path, how)
    opened: BinaryIO = cast(BinaryIO, file)
    try:
        if how.compression is not None:
            opened = compressed(file, path, how.compression, how.kind)
        if "b" in how.mode:
            return opened
        if isinstance(file, ObjectWriter):
            return TextWriter(opened, file, how.encoding, how.errors, how.newline)
        return io.TextIOWrapper(opened, encoding=how.encoding, errors=how.errors, newline=how.newline)
    except BaseException:
        if isinstance(file, ObjectWriter):
            file.discard()
        else:
            file.close()
        raise


def _reader(fs: Faces, path: str, reading: Reading) -> ReadFile:
    storage, place, info = fs._call(fs._transfers.locate(path))
    return ReadFile(fs, place.name, CachedReader(storage, place.key, info=info), reading)


def _writer(fs: Faces, path: str, how: Opening) -> WriteFile:
    close_with_codecs()  # fsspec may open one over the file
    options = put_options("create" if how.kind == "x" else "overwrite", how.content_type, how.metadata)
    storage, place, options = fs._call(fs._transfers.writing(path, options))
    if options.mode is PutMode.CREATE and _is_there(storage, place.key):
        raise AlreadyExistsError("an object has that key already; nothing was changed", operation="open", key=path)
    if not how.held:
        return WriteFile(fs, place.name, storage, place.key, options)
    from .transactions import HeldFile, HeldTransfers

    if isinstance(fs._transfers, HeldTransfers):
        return fs._transfers.add(place, storage, options)
    return HeldFile(fs, place, storage, options)


def _is_there(storage: Storage, key: str) -> bool:
    """Say whether the object exists; for credentials that may write but not look, the service decides on closing."""
    try:
        return storage.exists(key)
    except AccessDeniedError:
        return False
