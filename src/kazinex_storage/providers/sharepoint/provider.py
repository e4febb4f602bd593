"""Opens the provider for a document library; ``exchanges.py`` has its verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .exchanges import SharePointProvider as SharePointProvider

if TYPE_CHECKING:
    from ..settings.given import GivenTokens
    from .settings import SharePointSettings


def open_sharepoint(
    settings: SharePointSettings | Mapping[str, object], *, credentials: GivenTokens | None = None
) -> SharePointProvider:
    """Make the provider for a document library.

    Args:
        settings: The settings; with *credentials* also their fields without a secret.
        credentials: Returns an ``AccessToken`` of Entra for Microsoft Graph, in place of those that the settings would
            get; asked on a thread of the transport a minute before the last one expires, and after a 401.

    Raises:
        ValidationError: fields are wrong or missing.
        SettingsError: the settings ask for encryption; ``Registry.open`` heeds that.
    """
    if isinstance(settings, Mapping):
        from .settings import SharePointSettings

        placeholder = {} if credentials is None else {"client_secret": "given"}
        settings = SharePointSettings.model_validate({**placeholder, **settings})
    target = settings.unencrypted().target()
    if credentials is None:
        return SharePointProvider(target)
    from ..settings.given import CalledTokens  # most have a secret in their settings

    return SharePointProvider(replace(target, tokens=CalledTokens(credentials)))
