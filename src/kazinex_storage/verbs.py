"""How a storage finds the verbs of its provider, and what carries them.

A provider that writes its verbs as exchanges is used as it is; only one of blocking methods loads ``lifting.py``, which
has the table that lifts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeGuard, cast

from .transport import Transport, TransportSettings

if TYPE_CHECKING:
    from .contract import SettingsUser, StorageProvider
    from .lifting import ExchangeProvider, Exchanges

AnyProvider: TypeAlias = "StorageProvider | ExchangeProvider"
"""What a ``Storage`` can be made of."""


def exchanges_of(provider: AnyProvider) -> Exchanges:
    """Return the verbs of *provider* as exchanges: its own, else its methods lifted."""
    if offers_exchanges(provider):
        return cast("Exchanges", provider)  # it has the optional verbs whose capabilities it declares
    from .lifting import Exchanges

    return Exchanges(cast("StorageProvider", provider))  # type: ignore[abstract]  # the decorators give the bodies


def offers_exchanges(provider: object) -> TypeGuard[ExchangeProvider]:
    """Say whether *provider* writes its verbs as exchanges."""
    return getattr(provider, "offers_exchanges", False) is True


def transport_for(provider: AnyProvider, given: Transport | None) -> Transport:
    """Return *given*, or a new one where there is none or where *provider* may not go everywhere that *given* may."""
    found = given if given is not None else Transport()
    if offers_exchanges(provider) and provider.addresses not in (None, found.settings.addresses):
        if given is None:
            return transport_for(provider, Transport(settings=TransportSettings(addresses=provider.addresses)))
        found = given.restricted(provider.addresses)
    if hasattr(provider, "use_settings"):
        cast("SettingsUser", provider).use_settings(found.settings)
    return found
