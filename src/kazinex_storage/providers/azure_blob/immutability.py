"""Retention and legal holds by version-level immutability, for containers that support it: as exchanges.

The service protects the version that is there and not the name: a delete makes an earlier version of it and a put a
newer one, and both succeed. ``storage/protecting.py`` therefore asks before either. COMPLIANCE is a policy that is
locked. Sources: learn.microsoft.com, rest/api/storageservices/set-blob-immutability-policy and set-blob-legal-hold,
azure/storage/blobs/immutable-version-level-worm-policies (read 2026-11).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from ...bodies.source import Source
from ...errors import AccessDeniedError, LockedError, RetentionError, StorageError
from ...keys import ObjectKey
from ...retention import Protection, Retention, RetentionMode
from ...transport import Exchange, Request
from ...types import Diagnosis, PutOptions
from ..objectstore.header_text import date_of
from ..settings.unmet import UnmetError
from . import causes
from .errors import AZURE, BLOB
from .objects import Objects
from .requests import VERSION

_MODE: Final = "x-ms-immutability-policy-mode"
_UNTIL: Final = "x-ms-immutability-policy-until-date"
_HOLD: Final = "x-ms-legal-hold"
_MODES: Final = {RetentionMode.GOVERNANCE: "Unlocked", RetentionMode.COMPLIANCE: "Locked"}
_PROBE: Final = ".kazinex-verify"
_DONE: Final = (200, 202)


class Immutability:
    """Immutability of the blobs of one container."""

    def __init__(self, objects: Objects) -> None:
        """Send the requests of *objects*."""
        self._objects = objects

    def protection(self, key: str) -> Exchange[Protection]:
        """Return what the service says of the version that is there; one request."""
        response = yield self._objects.requests.head(key)
        return _parse(BLOB.judge(response, key=key).headers)

    def retain(self, key: str, retention: Retention | None) -> Exchange[None]:
        """Set the policy of the version that is there, or delete it; one request.

        Raises:
            RetentionError: the one before is locked.
        """
        if retention is None:
            request = self._request("DELETE", key, "immutabilityPolicies")
        else:
            until = f"{retention.until:%a, %d %b %Y %H:%M:%S} GMT"
            headers = ((_UNTIL, until), (_MODE, _MODES[retention.mode]))
            request = self._request("PUT", key, "immutabilityPolicies", *headers)
        try:
            AZURE.judge((yield request), _DONE, key)
        except (AccessDeniedError, LockedError) as error:
            raise RetentionError(
                "the service does not let the retention go: its policy is locked, or the credentials may not change it",
                key=key,
                code=error.code,
                request_id=error.request_id,
            ) from error

    def hold(self, key: str, held: bool) -> Exchange[None]:
        """Begin or end a hold of the version that is there; one request."""
        request = self._request("PUT", key, "legalhold", (_HOLD, "true" if held else "false"))
        AZURE.judge((yield request), _DONE, key)

    def check(self) -> Exchange[Diagnosis | None]:
        """Prove that a blob can be held and that the hold can be read back; five requests.

        Raises:
            UnmetError: the container does not support it, or the credentials may not.
        """
        key = ObjectKey(f"{_PROBE}/{secrets.token_hex(8)}")
        yield from self._objects.write(key, Source.of(b"kazinex-storage probe: safe to delete\n"), PutOptions())
        held = False
        try:
            yield from self.hold(key, True)
            held = (yield from self.protection(key)).held
            yield from self.hold(key, False)
        except StorageError as error:
            raise UnmetError(causes.NOT_HELD, error) from error
        finally:
            yield from self._objects.delete(key)
        if not held:
            raise UnmetError(causes.HOLD_UNREAD)
        return None

    def _request(self, method: str, key: str, what: str, *headers: tuple[str, str]) -> Request:
        requests = self._objects.requests
        return Request(
            method=method,
            url=f"{requests.url(key)}?comp={what}",
            headers=(("x-ms-version", VERSION), *headers),
            body=b"" if method == "PUT" else None,
            auth=requests.auth,
            operation="hold" if what == "legalhold" else "retain",
        )


def _parse(headers: Mapping[str, str]) -> Protection:
    until, mode = date_of(headers.get(_UNTIL)), headers.get(_MODE, "").lower()
    modes = {name.lower(): known for known, name in _MODES.items()}
    retention = Retention(until=until, mode=modes[mode]) if until is not None and mode in modes else None
    return Protection(retention=retention, held=headers.get(_HOLD, "").lower() == "true")
