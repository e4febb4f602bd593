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
    from .transport.addresses import PublicAddresses

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


def bounds_of(provider: AnyProvider) -> tuple[PublicAddresses | None, str | None]:
    """Return where the requests of *provider* may go, None for everywhere, and the file of authorities that it trusts.

    The file is the attribute ``ca_file``, which a provider has when its settings name one.
    """
    addresses = provider.addresses if offers_exchanges(provider) else None
    return addresses, getattr(provider, "ca_file", None)


def transport_for(provider: AnyProvider, given: Transport | None) -> Transport:
    """Return *given*, or a new one where there is none.

    It is a new one as well where *provider* may not go everywhere that *given* may, or trusts other authorities.
    """
    addresses, ca_file = bounds_of(provider)
    if given is None:
        found = Transport(settings=TransportSettings(addresses=addresses, ca_file=ca_file))
    else:
        known = given.settings
        same = addresses in (None, known.addresses) and ca_file in (None, known.ca_file)
        found = given if same else given.restricted(addresses, ca_file)
    if hasattr(provider, "use_settings"):
        cast("SettingsUser", provider).use_settings(found.settings)
    return found
