"""Real servers for tests, started on loopback ports and ended with the test run, however that ends.

``postgres()`` runs PostgreSQL; ``seaweedfs()``, ``ministack()`` and ``moto()`` speak S3; ``azurite()`` is Azure Blob
Storage. There is no way to go without: a machine that lacks one fails the tests that need it.
"""

from __future__ import annotations

from .azurite import AzuriteHome, AzuriteServer, azurite
from .postgres import PostgresServer, postgres
from .s3 import S3Server, ministack, moto, seaweedfs

__all__ = [
    "AzuriteHome",
    "AzuriteServer",
    "PostgresServer",
    "S3Server",
    "azurite",
    "ministack",
    "moto",
    "postgres",
    "seaweedfs",
]
