"""Headers: those that every response has, the versions of records, and values that cannot break out of their header."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from ..lazy import regex

API_HEADERS: Final[dict[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What every response of the API has, unless its route says otherwise."""

_TAG: Final = regex(r'(?:W/)?"[!#-~]*"')
_VERSION: Final = regex(r'"(\d{1,18})"')
_DIGEST: Final = regex(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):\s*(?:,|$)")
_HEX: Final = regex(r"[0-9a-fA-F]{64}")
# RFC 9110, 8.3: type, subtype and parameters of tokens; what a service kept may be anything.
_MEDIA_TYPE: Final = regex(
    r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\s*;\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+=[!#-~]+)*"
)


def version_tag(version: int) -> str:
    """Return the ETag of a record of that version."""
    return f'"{version}"'


def version_of(if_match: str | None) -> int | None:
    """Return the version that ``If-Match`` names; None when there is no such header, -1 when it names none of ours."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _VERSION.fullmatch(if_match.strip())
    return int(found[1]) if found else -1


def entity_tag(etag: str | None) -> str | None:
    """Return the *etag* of a service as an HTTP entity tag; hashed where it could not stand in a header."""
    if etag is None:
        return None
    if _TAG.fullmatch(etag):
        return etag
    quoted = f'"{etag}"'
    return quoted if _TAG.fullmatch(quoted) else f'"{hashlib.sha256(etag.encode("utf-8", "replace")).hexdigest()}"'


def media_type(text: str | None) -> str:
    """Return *text* when it is a media type, else that of bytes of any kind."""
    return text if text is not None and len(text) <= 200 and _MEDIA_TYPE.fullmatch(text) else "application/octet-stream"


def declared_sha256(repr_digest: str | None, sha256: str | None) -> str | None:
    """Return the sha256 that ``Repr-Digest`` (RFC 9530) or ``X-Content-SHA256`` declares, in hexadecimal.

    Raises:
        ValueError: one of them is malformed, or they differ.
    """
    found = set[str]()
    if sha256 is not None:
        if not _HEX.fullmatch(sha256.strip()):
            raise ValueError("X-Content-SHA256 is 64 hexadecimal digits")
        found.add(sha256.strip().lower())
    if repr_digest is not None and (digest := _DIGEST.search(repr_digest)) is not None:
        try:
            raw = base64.b64decode(digest[1], validate=True)
        except binascii.Error:
            raw = b""
        if len(raw) != 32:
            raise ValueError("sha-256 of Repr-Digest is the base64 of 32 bytes between colons")
        found.add(raw.hex())
    if len(found) > 1:
        raise ValueError("Repr-Digest and X-Content-SHA256 differ")
    return next(iter(found), None)
