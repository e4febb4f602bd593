"""pyarrow: our storages as file systems of Arrow, for datasets, Parquet and CSV, by pyarrow's own adapter of fsspec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..fs import StorageFileSystem
from ..storage.sync import Storage

if TYPE_CHECKING:
    from pyarrow.fs import PyFileSystem


def arrow_filesystem(storage: Storage) -> PyFileSystem:
    """Return the objects of *storage*, which stays the caller's to close, as a file system of Arrow.

    Paths are keys. Reads are of one version, ranges of one file go out together; writing publishes on closing.

    Raises:
        ImportError: pyarrow is not installed.
    """
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    return PyFileSystem(FSSpecHandler(StorageFileSystem(storage=storage)))
