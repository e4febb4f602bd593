"""SharePoint Online: a document library behind Microsoft Graph.

``Storage(open_sharepoint(SharePointSettings(...)))`` is a folder of a library. ``settings.py`` makes a ``Target``;
``requests.py`` builds requests for it; ``exchanges.py`` has the verbs of the contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .provider import SharePointProvider as SharePointProvider
    from .provider import open_sharepoint as open_sharepoint
    from .settings import SharePointSettings as SharePointSettings

__all__ = ["SharePointProvider", "SharePointSettings", "open_sharepoint"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "SharePointSettings":
        from . import settings

        return settings.SharePointSettings
    from . import provider

    return getattr(provider, name)
