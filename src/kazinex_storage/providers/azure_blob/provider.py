"""Opens the provider for Azure Blob Storage; ``exchanges.py`` has its verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchanges import AzureBlobProvider as AzureBlobProvider

if TYPE_CHECKING:
    from .settings import AzureBlobSettings


def open_azure_blob(settings: AzureBlobSettings) -> AzureBlobProvider:
    """Make the provider for a container of Azure Blob Storage.

    Raises:
        SettingsError: the settings ask for encryption; ``Registry.open`` heeds that.
    """
    return AzureBlobProvider(settings.unencrypted().target())
