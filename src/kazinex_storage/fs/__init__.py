"""File systems of fsspec over everything this package stores to; ``fsspec`` finds them by their entry points.

``kazinex://organisation/project/...`` goes where the organisation keeps its documents; ``kazinex+local://`` and
``kazinex+memory://`` go to one provider. Begin reading with ``filesystem.py``.
"""

from __future__ import annotations

from .filesystem import ObjectFileSystem
from .kinds import LocalFileSystem, MemoryFileSystem, ProviderFileSystem, StorageFileSystem
from .organisations import OrganisationFileSystem
from .urls import Address, format_url, parse_url

__all__ = [
    "Address",
    "LocalFileSystem",
    "MemoryFileSystem",
    "ObjectFileSystem",
    "OrganisationFileSystem",
    "ProviderFileSystem",
    "StorageFileSystem",
    "format_url",
    "parse_url",
]
