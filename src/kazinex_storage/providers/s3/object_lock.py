"""Retention and legal holds by Object Lock, for buckets that have it: three requests of the S3 API, as exchanges.

The service protects the version that is there and not the key: a delete puts a marker before it and a put a newer
version, and both succeed. ``storage/protecting.py`` therefore asks before either. Sources: docs.aws.amazon.com,
AmazonS3/latest/userguide/object-lock.html, API/API_PutObjectRetention.html and API_PutObjectLegalHold.html (2026-11).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ...bodies.source import Source
from ...errors import AccessDeniedError, RetentionError, StorageError
from ...keys import ObjectKey
from ...retention import Protection, Retention, RetentionMode
from ...transport import Exchange, Request
from ...types import Diagnosis, PutOptions
from ..objectstore.sending import Service
from ..settings.unmet import UnmetError
from . import causes
from .errors import S3_OBJECTS, map_error
from .objects import Objects
from .requests import XML
from .xml import DECLARATION, NAMESPACE

if TYPE_CHECKING:
    from .bucket_locks import BucketLocks

_MODE: Final = "x-amz-object-lock-mode"
_UNTIL: Final = "x-amz-object-lock-retain-until-date"
_HOLD: Final = "x-amz-object-lock-legal-hold"
_BYPASS: Final = ("x-amz-bypass-governance-retention", "true")
# A success has no body, whatever type it claims (moto: HTML); a page of something in between has one.
_DONE: Final = Service(map_error, lambda response: not response.body)
_PROBE: Final = ".kazinex-verify"


class ObjectLock:
    """Object Lock on the objects of one bucket."""

    def __init__(self, objects: Objects) -> None:
        """Send the requests of *objects*."""
        self._objects = objects

    def protection(self, key: str) -> Exchange[Protection]:
        """Return what the service says of the version that is there; one request, two as for ``Objects.head``."""
        requests = self._objects.requests
        response = yield requests.head(key)
        if response.status != 200:
            yield from self._objects.head(key)  # which says what that means
        return _parse(S3_OBJECTS.judge(response, key=key).headers)

    def retain(self, key: str, retention: Retention | None, bypass: bool) -> Exchange[None]:
        """Set the retention of the version that is there; one request.

        Raises:
            RetentionError: the one before may not be ended by these credentials.
        """
        inner = ""
        if retention is not None:
            until = f"{retention.until:%Y-%m-%dT%H:%M:%S}Z"
            inner = f"<Mode>{retention.mode.value.upper()}</Mode><RetainUntilDate>{until}</RetainUntilDate>"
        body = f'{DECLARATION}<Retention xmlns="{NAMESPACE}">{inner}</Retention>'.encode()
        request = self._request(key, "retention", body, (_BYPASS,) if bypass else ())
        try:
            _DONE.judge((yield request), key=key)
        except AccessDeniedError as error:
            if not bypass:
                raise
            raise RetentionError(
                "the service does not let the retention go; it is COMPLIANCE, or the credentials lack "
                "s3:BypassGovernanceRetention or s3:PutObjectRetention",
                key=key,
                code=error.code,
                request_id=error.request_id,
            ) from error

    def hold(self, key: str, held: bool) -> Exchange[None]:
        """Begin or end a hold of the version that is there; one request."""
        status = "ON" if held else "OFF"
        body = f'{DECLARATION}<LegalHold xmlns="{NAMESPACE}"><Status>{status}</Status></LegalHold>'.encode()
        _DONE.judge((yield self._request(key, "legal-hold", body, ())), key=key)

    def check(self) -> Exchange[Diagnosis | None]:
        """Prove that an object can be held and that the hold can be read back; five requests.

        Raises:
            UnmetError: the bucket has no Object Lock, or what keeps an object cannot be read with these credentials.
        """
        key = ObjectKey(f"{_PROBE}/{secrets.token_hex(8)}")
        yield from self._objects.write(key, Source.of(b"kazinex-storage probe: safe to delete\n"), PutOptions())
        try:
            yield from self.hold(key, True)
            seen = yield from self.protection(key)
            yield from self.hold(key, False)
        except StorageError as error:
            raise UnmetError(causes.NOT_HELD, error) from error
        finally:
            yield from self._objects.delete(key)
        if not seen.held:
            raise UnmetError(causes.HOLD_UNREAD)
        return None

    def _request(self, key: str, query: str, body: bytes, more: tuple[tuple[str, str], ...]) -> Request:
        requests = self._objects.requests
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()  # which AWS demands here
        return Request(
            method="PUT",
            url=f"{requests.url(key)}?{query}=",
            headers=(requests.payload(body), ("Content-MD5", md5), XML, *more),
            body=body,
            auth=requests.auth,
            operation="retain" if query == "retention" else "hold",
        )


def lock_of(objects: Objects) -> ObjectLock | BucketLocks:
    """Return what keeps the objects of a bucket: its lock rules where the settings have a way to them."""
    locks = objects.requests.target.locks
    if locks is None:
        return ObjectLock(objects)
    from .bucket_locks import BucketLocks

    return BucketLocks(objects, locks)


def _parse(headers: Mapping[str, str]) -> Protection:
    mode, until = headers.get(_MODE, "").lower(), headers.get(_UNTIL)
    retention = None
    if until and mode in {known.value for known in RetentionMode}:
        retention = Retention(until=datetime.fromisoformat(until), mode=RetentionMode(mode))
    return Protection(retention=retention, held=headers.get(_HOLD, "").upper() == "ON")
