"""Opens the provider for a document library; ``exchanges.py`` has its verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchanges import SharePointProvider as SharePointProvider

if TYPE_CHECKING:
    from .settings import SharePointSettings


def open_sharepoint(settings: SharePointSettings) -> SharePointProvider:
    """Make the provider for a document library.

    Raises:
        SettingsError: the settings ask for encryption; ``Registry.open`` heeds that.
    """
    return SharePointProvider(settings.unencrypted().target())
