"""Tokens for the identity of the machine that this runs on, through azure-identity."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Literal

from ...errors import AuthenticationError, SettingsError
from ...secrecy.masking import Masked
from ...secrecy.pickling import not_pickled
from ...transport.fork_lock import ForkLock
from .delegation import SCOPE

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

MachineIdentity = Literal["managed", "workload"]
"""``managed``: of a virtual machine, an app service and the like; ``workload``: of a service account of Kubernetes."""

_RENEW_SECONDS: Final = 300.0


@not_pickled("make it there")
class ManagedTokens:
    """Tokens for an identity that needs no secret. Thread-safe; azure-identity caches them too."""

    def __init__(
        self, kind: MachineIdentity, client_id: str | None = None, scope: str = SCOPE, ca_file: str | None = None
    ) -> None:
        """Ask for the identity *client_id*, where the machine has several; tokens are for *scope*.

        *ca_file* is trusted where the identity is proven to Microsoft Entra.
        """
        self._ca_file = ca_file
        self._scope = scope
        self._kind = kind
        self._client_id = client_id
        self._lock = ForkLock()
        self._credential: TokenCredential | None = None
        self._token: AccessToken | None = None

    @property
    def at_hand(self) -> str | None:
        """A token that is valid for at least five more minutes."""
        found = self._token
        return Masked(found.token) if found is not None and time.time() < found.expires_on - _RENEW_SECONDS else None

    def __call__(self) -> str:
        """Return a token.

        Raises:
            SettingsError: azure-identity is missing, or the machine has no such identity.
            AuthenticationError: the identity gets no token.
        """
        with self._lock:
            token = self.at_hand
            if token is None:
                self._token = self._ask()
                token = Masked(self._token.token)
            return token

    def invalidate(self, token: str) -> None:
        """Forget *token*."""
        with self._lock:
            if self._token is not None and self._token.token == token:
                self._token = None

    def _ask(self) -> AccessToken:
        try:
            from azure.core.exceptions import ClientAuthenticationError
            from azure.identity import CredentialUnavailableError, ManagedIdentityCredential, WorkloadIdentityCredential
        except ImportError:
            raise SettingsError(
                "the identity of the machine needs azure-identity; pip install azure-identity"
            ) from None
        try:
            if self._credential is None:
                from ...transport.trust import named_trust  # only users of such an identity pay

                make = ManagedIdentityCredential if self._kind == "managed" else WorkloadIdentityCredential
                verify = named_trust(self._ca_file) or True
                self._credential = (
                    make(client_id=self._client_id, connection_verify=verify)
                    if self._client_id
                    else make(connection_verify=verify)
                )
            return self._credential.get_token(self._scope)
        except (CredentialUnavailableError, ValueError):
            raise SettingsError(
                f"this machine has no {self._kind} identity; assign one to it, or give another credential"
            ) from None
        except ClientAuthenticationError as error:
            kept = type(error).__name__
        raise AuthenticationError(f"the {self._kind} identity of this machine gets no token ({kept}); check it")
