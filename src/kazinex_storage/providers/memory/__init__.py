"""Objects in the memory of this process: the reference implementation of the contract, and a fast double for tests.

``provider.py`` is everything that the contract asks for, in its shortest form; ``shelf.py`` is what it works on, and
``past.py`` what a versioned store adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .provider import MemoryProvider as MemoryProvider
    from .shelf import SHELVES as SHELVES
    from .shelf import MemorySettings as MemorySettings
    from .shelf import Shelf as Shelf
    from .shelf import Shelves as Shelves
    from .shelf import StoredObject as StoredObject

__all__ = ["SHELVES", "MemoryProvider", "MemorySettings", "Shelf", "Shelves", "StoredObject"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "MemoryProvider":
        from .provider import MemoryProvider

        return MemoryProvider
    from . import shelf

    return getattr(shelf, name)
