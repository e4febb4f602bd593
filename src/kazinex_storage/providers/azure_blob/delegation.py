"""User delegation keys: what an identity of Microsoft Entra is given to make signatures with.

learn.microsoft.com/rest/api/storageservices/get-user-delegation-key documents the request. A key is valid for seven
days at most; the identity needs the role Storage Blob Data Contributor, or Storage Blob Delegator in addition to
others.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from ...errors import UnavailableError
from ...transport import Auth, Exchange, Request, Response
from ..objectstore.header_text import moment_of
from ..objectstore.xml_text import parse_xml, text_of
from .errors import map_error
from .requests import VERSION
from .target import DelegatedKey

SCOPE: Final = "https://storage.azure.com/.default"
"""The scope of tokens for Azure Storage, in every cloud (learn.microsoft.com/azure/storage/blobs/
authorize-access-azure-active-directory)."""

LONGEST: Final = timedelta(days=7)
"""How long a key is valid at most."""

_FIELDS: Final = {
    "signed_oid": "SignedOid",
    "signed_tid": "SignedTid",
    "signed_start": "SignedStart",
    "signed_expiry": "SignedExpiry",
    "signed_service": "SignedService",
    "signed_version": "SignedVersion",
}


def delegate(endpoint_url: str, auth: Auth) -> Exchange[DelegatedKey]:
    """Ask for a key, authorised by *auth*; one request, two when a token is not accepted, and those for tokens.

    Raises:
        AuthenticationError: the token is not accepted.
        AccessDeniedError: the identity may not have a key.
        StorageError: no token can be had, or the service refuses.
    """
    response: Response = yield key_request(endpoint_url, auth, datetime.now(UTC))
    if response.status != 200:
        raise map_error(response)
    return parse_key(
        response.body
    )  # Azurite sends no request id here, but a sign-in page does not parse as a key either


def key_request(endpoint_url: str, auth: Auth, now: datetime) -> Request:
    """Ask for a key that is valid for seven days from *now*, less 15 minutes for clocks that differ."""
    times = (f"<{name}>{moment:%Y-%m-%dT%H:%M:%SZ}</{name}>" for name, moment in _life(now).items())
    return Request(
        method="POST",
        url=f"{endpoint_url}/?restype=service&comp=userdelegationkey",
        headers=(("x-ms-version", VERSION), ("Content-Type", "application/xml")),
        body=f'<?xml version="1.0" encoding="utf-8"?><KeyInfo>{"".join(times)}</KeyInfo>'.encode(),
        auth=auth,
        operation="sign",
    )


def parse_key(body: bytes) -> DelegatedKey:
    """Return the key that the service gave.

    Raises:
        UnavailableError: it is not a key.
    """
    root = parse_xml(body, "Azure")
    found = {ours: text_of(root, theirs) or "" for ours, theirs in _FIELDS.items()}
    value = text_of(root, "Value")
    expires_at = moment_of(found["signed_expiry"])
    if not value or not all(found.values()) or expires_at is None:
        raise UnavailableError("the service gave no user delegation key; check the endpoint and any proxies")
    return DelegatedKey(fields=found, value=value, expires_at=expires_at)


def _life(now: datetime) -> dict[str, datetime]:
    # The service refuses an end more than seven days ahead by its own clock.
    return {"Start": now - timedelta(minutes=15), "Expiry": now + LONGEST - timedelta(minutes=15)}
