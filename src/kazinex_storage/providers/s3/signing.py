"""What authorises requests: a fixed key, or one from a profile or an instance that is renewed in time."""

from __future__ import annotations

import time
from typing import Final

from ...transport import Auth, Authorisation, Call, Exchange, Fixed, SigV4
from .target import Credentials, CredentialSource, Target

# boto3 tries to renew 15 minutes before the end, and insists 10 minutes before (botocore.credentials.
# RefreshableCredentials), so asking costs nothing until then; a minute is soon enough for an edited profile.
_ASK_AGAIN_S: Final = 60.0


def auth_of(target: Target) -> Auth:
    """Return what signs the requests for *target*."""
    given = target.credentials
    return Fixed(_signed(given, target.region)) if isinstance(given, Credentials) else Renewed(given, target.region)


def credentials_of(target: Target) -> Exchange[Credentials]:
    """Return the credentials themselves, for signatures of URLs.

    Raises:
        SettingsError: there are none.
    """
    given = target.credentials
    if isinstance(given, Credentials):
        return given
    found: Credentials = yield Call(given)
    return found


class Renewed:
    """An ``Auth`` that asks once a minute, and before what it has expires. Two threads may both ask, without harm."""

    __slots__ = ("_found", "_good_until", "_region", "_source")

    def __init__(self, source: CredentialSource, region: str) -> None:
        """Ask *source* for the credentials that sign for *region*."""
        self._source = source
        self._region = region
        self._found: Authorisation | None = None
        self._good_until = 0.0

    @property
    def at_hand(self) -> Authorisation | None:
        """The result of less than a minute ago, unless it has expired since."""
        return self._found if time.monotonic() < self._good_until else None

    def fetch(self) -> Exchange[Authorisation]:
        """Ask.

        Raises:
            SettingsError: there are no credentials.
        """
        asked_at = time.monotonic()
        credentials: Credentials = yield Call(self._source)
        found = self._found = _signed(credentials, self._region)
        left = credentials.expires_at.timestamp() - time.time() if credentials.expires_at is not None else _ASK_AGAIN_S
        self._good_until = asked_at + min(_ASK_AGAIN_S, left)
        return found

    def refuse(self, refused: Authorisation) -> Exchange[bool]:  # noqa: ARG002
        """Say that there is no other: boto3 renews in time by itself."""
        return False
        yield  # makes an exchange of it


def key_of(credentials: Credentials, region: str) -> SigV4:
    """Return what signs with *credentials* for *region*."""
    return SigV4(
        access_key_id=credentials.access_key_id, secret_access_key=credentials.secret_access_key, region=region
    )


def _signed(credentials: Credentials, region: str) -> Authorisation:
    token = credentials.session_token
    return Authorisation(
        signing=key_of(credentials, region),
        headers=() if token is None else (("x-amz-security-token", token),),
    )
