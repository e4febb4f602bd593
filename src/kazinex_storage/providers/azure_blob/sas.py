"""What authorises requests: a shared access signature, minted by azure-storage-blob or given to us.

One for the container is minted on this machine, is valid for an hour, and is replaced when half of that is over. It is
made from the account key, or from a user delegation key (``delegation.py``) where the settings give an identity of
Entra. It starts 15 minutes ago, because clocks differ (learn.microsoft.com/azure/storage/common/storage-sas-overview).
No signature is logged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ...errors import SettingsError
from ...secrecy.masking import Masked
from ...transport import Auth, Authorisation, Call, Exchange
from ...values import value
from .target import AccountKey, DelegatedKey, SasToken, SigningKey, Target

if TYPE_CHECKING:
    from azure.storage.blob import UserDelegationKey

GOOD_FOR: Final = timedelta(hours=1)
"""How long a minted signature is valid."""

SKEW: Final = timedelta(minutes=15)
"""How far back its validity begins."""

_RENEW_AFTER_S: Final = GOOD_FOR.total_seconds() / 2
_ASK_AGAIN_S: Final = 60.0
_PERMISSIONS: Final = "racwd{versions}lt"
# learn.microsoft.com/azure/storage/blobs/versioning-overview (read 2026-11): deletes versions; it comes after "d".
_VERSIONS: Final = "x"
# learn.microsoft.com/rest/api/storageservices/create-service-sas (read 2026-11): sets policies and holds; the last one.
_IMMUTABILITY: Final = "i"


class Signing:
    """An ``Auth`` that adds the signature to URLs. Thread-safe: two threads may both mint one, which does no harm."""

    __slots__ = ("_clock", "_delegate", "_delegated", "_minted", "_source", "_target")

    def __init__(
        self,
        target: Target,
        delegate: Callable[[], Exchange[DelegatedKey]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Authorise for *target*; *delegate* asks for a user delegation key where there is no other key."""
        self._target = target
        self._delegate = delegate
        self._delegated: DelegatedKey | None = None
        self._clock = clock
        self._minted: tuple[Authorisation | None, float] = (None, 0.0)
        given = target.credential if isinstance(target.credential, SasToken) else None
        self._source = None if given is None else given.source
        if given is not None and given.source is None:
            self._minted = (Authorisation(query=Masked(given.token)), float("inf"))

    @property
    def at_hand(self) -> Authorisation | None:
        """The signature, if it is still valid."""
        found, minted_at = self._minted
        return found if self._clock() - minted_at < _RENEW_AFTER_S else None

    def fetch(self) -> Exchange[Authorisation]:
        """Return the signature, minting it if necessary.

        Raises:
            SettingsError: azure-storage-blob is missing, or the key is not valid.
            StorageError: no user delegation key can be had.
        """
        found = self.at_hand
        if found is None and self._source is not None:
            from ..settings.given import returned  # most have keys in their settings

            text = yield Call(returned, self._source, str)
            found = Authorisation(query=Masked(text.lstrip("?")))
            self._minted = (found, self._clock() - _RENEW_AFTER_S + _ASK_AGAIN_S)
        elif found is None:
            key = yield from self.key(GOOD_FOR)
            minted_at = self._clock()
            found = Authorisation(query=Masked((yield Call(mint, self._target, key))))
            self._minted = (found, minted_at)
        return found

    def refuse(self, refused: Authorisation) -> Exchange[bool]:  # noqa: ARG002
        """Say whether there may be another signature: where the caller's function gives them."""
        if self._source is not None:
            self._minted = (None, 0.0)
            return True
        return False
        yield  # makes an exchange of it

    def key(self, good_for: timedelta) -> Exchange[SigningKey]:
        """Return a key that is valid for at least *good_for*.

        Raises:
            SettingsError: a signature was given, which cannot sign others.
            StorageError: no user delegation key can be had.
        """
        credential = self._target.credential
        if isinstance(credential, AccountKey):
            return credential
        if self._delegate is None:
            raise SettingsError(
                "a shared access signature cannot sign others; give the account key or an identity of Entra"
            )
        known = self._delegated
        if known is None or known.expires_at.timestamp() < self._clock() + good_for.total_seconds():
            known = self._delegated = yield from self._delegate()
        return known


@value(kw_only=False)
class WithSource:
    """An ``Auth`` for copies: the service reads the source with the same signature with which it writes the target."""

    signing: Auth
    url: str
    """Of the source, without a signature."""

    @property
    def at_hand(self) -> Authorisation | None:
        """The signature for both, if it is still valid."""
        found = self.signing.at_hand
        return self._for_both(found) if found is not None else None

    def fetch(self) -> Exchange[Authorisation]:
        """Return the signature for both, minting it if necessary.

        Raises:
            StorageError: there is nothing to sign with.
        """
        return self._for_both((yield from self.signing.fetch()))

    def refuse(self, refused: Authorisation) -> Exchange[bool]:
        """Say whether there is another signature."""
        return (yield from self.signing.refuse(refused))

    def _for_both(self, found: Authorisation) -> Authorisation:
        source = Masked(f"{self.url}{'&' if '?' in self.url else '?'}{found.query}")
        return Authorisation(query=found.query, headers=(("x-ms-copy-source", source),))


def mint(target: Target, key: SigningKey) -> str:
    """Return a signature for the container of *target*.

    Raises:
        SettingsError: azure-storage-blob is missing, or the key is not valid.
    """
    permissions = _PERMISSIONS.format(versions=_VERSIONS if target.versioned else "")
    permissions += _IMMUTABILITY if target.immutability else ""
    return _minted(target, key, None, permissions, datetime.now(UTC) + GOOD_FOR, None)


def mint_url(
    target: Target, key: SigningKey, name: str, permission: str, good_for: timedelta, disposition: str | None
) -> tuple[str, datetime]:
    """Return a signature for the blob *name*, and when it expires; a GET is answered with *disposition*.

    Raises:
        SettingsError: azure-storage-blob is missing, or the key is not valid.
    """
    expires_at = (datetime.now(UTC) + good_for).replace(microsecond=0)
    if isinstance(key, DelegatedKey):
        expires_at = min(expires_at, key.expires_at)
    return _minted(target, key, name, permission, expires_at, disposition), expires_at


def _minted(
    target: Target, key: SigningKey, name: str | None, permission: str, expires_at: datetime, disposition: str | None
) -> str:
    try:
        from azure.storage.blob import generate_blob_sas, generate_container_sas
    except ImportError:
        raise SettingsError(
            "signatures are minted by azure-storage-blob, which does not load; pip install 'kazinex-storage[azure]'"
        ) from None
    delegated, account_key = (_sdk_key(key), None) if isinstance(key, DelegatedKey) else (None, key.key)
    start = datetime.now(UTC) - SKEW
    try:
        if name is None:
            found = generate_container_sas(
                target.account,
                target.container,
                account_key=account_key,
                user_delegation_key=delegated,
                permission=permission,
                start=start,
                expiry=expires_at,
            )
        else:
            found = generate_blob_sas(
                target.account,
                target.container,
                name,
                account_key=account_key,
                user_delegation_key=delegated,
                permission=permission,
                start=start,
                expiry=expires_at,
                content_disposition=disposition,
            )
        return str(found)
    except Exception as error:  # its text may quote the key
        kept = type(error).__name__
    raise SettingsError(f"the account key cannot sign ({kept}); copy it again")


def _sdk_key(key: DelegatedKey) -> UserDelegationKey:
    from azure.storage.blob import UserDelegationKey

    found = UserDelegationKey()  # type: ignore[no-untyped-call]  # it has no annotations
    for name, text in key.fields.items():
        setattr(found, name, text)
    found.value = key.value
    return found
