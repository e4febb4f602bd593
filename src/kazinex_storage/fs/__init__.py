"""fsspec file systems over every provider of this package; ``fsspec`` finds them by their entry points.

``kazinex://organisation/project/...`` goes where the organisation keeps its documents; ``r2://``, ``kazinexs3://``,
``kazinexsupabase://``, ``kazinexlocal://`` and ``kazinexmemory://`` go to one provider. Begin reading with
``filesystem.py``.
"""

from __future__ import annotations

from .buckets import (
    AzureFileSystem,
    BucketFileSystem,
    R2FileSystem,
    S3FileSystem,
    SharePointFileSystem,
    SupabaseFileSystem,
)
from .filesystem import ObjectFileSystem
from .kinds import LocalDiskFileSystem, MemoryFileSystem, ProviderFileSystem, StorageFileSystem
from .organisations import OrganisationFileSystem
from .urls import Address, format_url, parse_url

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
