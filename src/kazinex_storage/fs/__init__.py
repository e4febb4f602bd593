"""fsspec file systems over every provider of this package; ``fsspec`` finds them by their entry points.

``kazinex://organisation/project/...`` goes where the organisation keeps its documents; ``r2://``, ``kazinexs3://``,
``kazinexsupabase://``, ``kazinexlocal://`` and ``kazinexmemory://`` go to one provider. Begin reading with
``filesystem.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .buckets import AzureFileSystem as AzureFileSystem
    from .buckets import BucketFileSystem as BucketFileSystem
    from .buckets import R2FileSystem as R2FileSystem
    from .buckets import S3FileSystem as S3FileSystem
    from .buckets import SharePointFileSystem as SharePointFileSystem
    from .buckets import SupabaseFileSystem as SupabaseFileSystem
    from .filesystem import ObjectFileSystem as ObjectFileSystem
    from .kinds import LocalDiskFileSystem as LocalDiskFileSystem
    from .kinds import MemoryFileSystem as MemoryFileSystem
    from .kinds import ProviderFileSystem as ProviderFileSystem
    from .kinds import StorageFileSystem as StorageFileSystem
    from .organisations import OrganisationFileSystem as OrganisationFileSystem
    from .urls import Address as Address
    from .urls import format_url as format_url
    from .urls import parse_url as parse_url

__all__ = [
    "Address",
    "AzureFileSystem",
    "BucketFileSystem",
    "LocalDiskFileSystem",
    "MemoryFileSystem",
    "ObjectFileSystem",
    "OrganisationFileSystem",
    "ProviderFileSystem",
    "R2FileSystem",
    "S3FileSystem",
    "SharePointFileSystem",
    "StorageFileSystem",
    "SupabaseFileSystem",
    "format_url",
    "parse_url",
]

_HOMES = {
    "buckets": (
        "AzureFileSystem",
        "BucketFileSystem",
        "R2FileSystem",
        "S3FileSystem",
        "SharePointFileSystem",
        "SupabaseFileSystem",
    ),
    "filesystem": ("ObjectFileSystem",),
    "kinds": ("LocalDiskFileSystem", "MemoryFileSystem", "ProviderFileSystem", "StorageFileSystem"),
    "organisations": ("OrganisationFileSystem",),
    "urls": ("Address", "format_url", "parse_url"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    # A file system of buckets does without what organisations need: 13 modules, some 10 ms of a start.
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value
