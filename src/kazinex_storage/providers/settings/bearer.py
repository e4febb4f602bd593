"""Requests that are authorised by access tokens of Microsoft Entra: SharePoint, and the keys of Azure Blob Storage."""

from __future__ import annotations

from typing import Protocol

from ...secrecy.masking import Masked
from ...secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ...transport import Authorisation, Call, Exchange

_SCHEME = "Bearer "


class TokenSource(Protocol):
    """Gives access tokens; thread-safe. ``entra.py`` has those of apps and people."""

    @property
    def at_hand(self) -> str | None:
        """A token that is still good for some minutes, without a request."""
        ...

    def __call__(self) -> str:
        """Return a token, asking for one if none is at hand; may block.

        Raises:
            ReconnectRequiredError: consent or refresh token are gone.
            AuthenticationError: the credentials are not accepted.
            UnavailableError: the token endpoint does not answer.
        """
        ...

    def invalidate(self, token: str) -> None:
        """Forget *token*, which the service did not accept."""
        ...


@not_pickled(SEND_A_FILE_SYSTEM)
class Bearer:
    """An ``Auth`` that sends an access token with each attempt, and another one after a 401."""

    __slots__ = ("_tokens",)

    def __init__(self, tokens: TokenSource) -> None:
        """Take them from *tokens*."""
        self._tokens = tokens

    @property
    def at_hand(self) -> Authorisation | None:
        """What is good now, without a request."""
        token = self._tokens.at_hand
        return _authorisation(token) if token is not None else None

    def fetch(self) -> Exchange[Authorisation]:
        """Return what is good now.

        Raises:
            StorageError: there is no token.
        """
        return _authorisation((yield Call(self._tokens)))

    def refuse(self, refused: Authorisation) -> Exchange[bool]:
        """Forget the token of *refused*; another one may be accepted."""
        yield Call(self._tokens.invalidate, refused.headers[0][1][len(_SCHEME) :])
        return True


def _authorisation(token: str) -> Authorisation:
    return Authorisation(headers=(("Authorization", Masked(f"{_SCHEME}{token}")),))
