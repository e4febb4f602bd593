"""The key that requests are signed with: fixed, or asked of a profile or an instance and renewed in time."""

from __future__ import annotations

import time
from typing import Final

from ...errors import SettingsError
from ...transport import Call, Exchange, SigV4
from .target import Credentials, Target

# boto3 renews 15 minutes before the end and must before 10 (botocore.credentials.RefreshableCredentials), so asking
# costs nothing until then; a minute is soon enough for a profile that somebody edits.
_ASK_AGAIN_S: Final = 60.0


class Signing:
    """Gives the signing key of a target. Thread-safe: who comes second asks as well, which does no harm."""

    __slots__ = ("_asked_at", "_key", "_source", "_target")

    def __init__(self, target: Target) -> None:
        """Sign for *target*."""
        self._target = target
        source = target.credentials
        self._source = None if isinstance(source, Credentials) else source
        self._key = self._made(source) if isinstance(source, Credentials) else None
        self._asked_at = 0.0

    @property
    def at_hand(self) -> SigV4 | None:
        """The key when it is good without asking anybody."""
        if self._source is None or time.monotonic() - self._asked_at < _ASK_AGAIN_S:
            return self._key
        return None

    def key(self) -> Exchange[SigV4]:
        """Return the key, asking for it where it has to be asked for.

        Raises:
            SettingsError: there are no credentials.
        """
        key, source = self.at_hand, self._source
        if key is None and source is not None:
            asked_at = time.monotonic()
            key = self._key = self._made((yield Call(source)))
            self._asked_at = asked_at
        if key is None:
            raise SettingsError("there are no credentials to sign with; give keys, or a profile")
        return key

    def credentials(self) -> Exchange[Credentials]:
        """Return the credentials themselves, for signatures that are not libcurl's.

        Raises:
            SettingsError: there are none.
        """
        source = self._target.credentials
        if isinstance(source, Credentials):
            return source
        found: Credentials = yield Call(source)
        return found

    def _made(self, credentials: Credentials) -> SigV4:
        return SigV4(
            access_key_id=credentials.access_key_id,
            secret_access_key=credentials.secret_access_key,
            session_token=credentials.session_token,
            region=self._target.region,
        )
