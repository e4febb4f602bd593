"""Azure Blob Storage: a container as a provider.

``Storage(open_azure_blob(AzureBlobSettings(...)))`` is a container. ``settings.py`` makes a ``Target``; ``requests.py``
builds requests for it; ``exchanges.py`` has the verbs of the contract. Names are loaded on first use: a provider made
from a ``Target`` does not need pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .provider import AzureBlobProvider as AzureBlobProvider
    from .provider import open_azure_blob as open_azure_blob
    from .settings import AzureBlobSettings as AzureBlobSettings

__all__ = ["AzureBlobProvider", "AzureBlobSettings", "open_azure_blob"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name.endswith("Settings"):
        from . import settings

        return getattr(settings, name)
    from . import provider

    return getattr(provider, name)
