"""Opens the provider for Azure Blob Storage; ``exchanges.py`` has its verbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...errors import SettingsError
from .exchanges import AzureBlobProvider as AzureBlobProvider
from .target import Identity, SasToken

if TYPE_CHECKING:
    from ..settings.given import GivenTokens
    from .settings import AzureBlobSettings

# Of the form that the settings ask for; what is given is used in its place.
_ACCOUNT_KEY: Final = "Z2l2ZW4="


def open_azure_blob(
    settings: AzureBlobSettings | Mapping[str, object],
    *,
    credentials: GivenTokens | None = None,
    sas: Callable[[], str] | None = None,
) -> AzureBlobProvider:
    """Make the provider for a container of Azure Blob Storage.

    Args:
        settings: The settings; with *credentials* or *sas* also their fields without a credential.
        credentials: Returns an ``AccessToken`` of Entra for ``https://storage.azure.com``, in place of the credential
            of the settings; asked on a thread of the transport a minute before the last one expires, and after a 401.
        sas: Returns a shared access signature for the container instead, asked once a minute; it cannot sign URLs for
            others.

    Raises:
        ValidationError: fields are wrong or missing.
        SettingsError: both functions are given, or the settings ask for encryption; ``Registry.open`` heeds that.
    """
    if credentials is not None and sas is not None:
        raise SettingsError("give a function for tokens, or one for signatures", provider="azure_blob")
    if isinstance(settings, Mapping):
        from .settings import AzureBlobSettings

        placeholder = {} if credentials is None and sas is None else {"account_key": _ACCOUNT_KEY}
        settings = AzureBlobSettings.model_validate({**placeholder, **settings})
    target = settings.unencrypted().target()
    if credentials is not None:
        from ..settings.given import CalledTokens  # most have keys in their settings

        target = replace(target, credential=Identity(tokens=CalledTokens(credentials)))
    elif sas is not None:
        target = replace(target, credential=SasToken(token="", source=sas))
    return AzureBlobProvider(target)
