"""Objects as files below one root folder, written whole and durably.

``tree.py`` reaches files without following a symbolic link; ``sidecar.py`` keeps what a file cannot hold;
``write.py`` publishes; ``provider.py`` is the contract.
"""

from __future__ import annotations

from .provider import LocalProvider
from .settings import LocalSettings

__all__ = ["LocalProvider", "LocalSettings"]
