"""Objects in the memory of this process: the reference implementation of the contract, and a fast double for tests.

``provider.py`` is everything that the contract asks for, in its shortest form; ``shelf.py`` is what it works on.
"""

from __future__ import annotations

from .provider import MemoryProvider
from .shelf import SHELVES, MemorySettings, Shelf, Shelves, StoredObject

__all__ = ["SHELVES", "MemoryProvider", "MemorySettings", "Shelf", "Shelves", "StoredObject"]
