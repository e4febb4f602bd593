"""What requests are authorised by: a shared access signature, minted by azure-storage-blob or given to us.

One for the container is minted on this machine, is good for an hour, and is replaced when half of that is over. It
begins 15 minutes back, because clocks differ (learn.microsoft.com/azure/storage/common/storage-sas-overview, read
2026-08). No request is sent, and no signature is logged.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

from ...errors import SettingsError
from ...transport import Call, Exchange
from .target import AccountKey, SasToken, Target

GOOD_FOR: Final = timedelta(hours=1)
"""How long a minted signature is good for."""

SKEW: Final = timedelta(minutes=15)
"""How far back it begins."""

_RENEW_AFTER_S: Final = GOOD_FOR.total_seconds() / 2
_PERMISSIONS: Final = "racwdl"


class Signing:
    """Gives the query that authorises a request. Thread-safe: who comes second mints as well, which does no harm."""

    __slots__ = ("_minted", "_target")

    def __init__(self, target: Target) -> None:
        """Authorise for *target*."""
        self._target = target
        self._minted: tuple[str, float] = ("", -_RENEW_AFTER_S)
        if isinstance(target.credential, SasToken):
            self._minted = (target.credential.token, float("inf"))

    @property
    def at_hand(self) -> str | None:
        """The query when it is good without minting."""
        query, minted_at = self._minted
        return query if query and time.time() - minted_at < _RENEW_AFTER_S else None

    def query(self) -> Exchange[str]:
        """Return the query, minting it where it has to be.

        Raises:
            SettingsError: azure-storage-blob is missing, or the key is none.
        """
        found = self.at_hand
        if found is None:
            minted_at = time.time()
            found = str((yield Call(mint, self._target)))
            self._minted = (found, minted_at)
        return found


def mint(target: Target) -> str:
    """Return a signature for the container of *target*, minted from the key of its account.

    Raises:
        SettingsError: azure-storage-blob is missing, the key is none, or there is no key.
    """
    try:
        from azure.storage.blob import generate_container_sas
    except ImportError:
        raise SettingsError(
            "signatures are minted by azure-storage-blob, which does not load; pip install 'kazinex-storage[azure]'"
        ) from None
    if not isinstance(target.credential, AccountKey):
        raise SettingsError("a signature that was given cannot sign others; give the key of the account")
    now = datetime.now(UTC)
    try:
        return str(
            generate_container_sas(
                target.account,
                target.container,
                account_key=target.credential.key,
                permission=_PERMISSIONS,
                start=now - SKEW,
                expiry=now + GOOD_FOR,
            )
        )
    except Exception as error:  # its text may quote the key
        kept = type(error).__name__
    raise SettingsError(f"the key of the account cannot sign ({kept}); copy it again")
