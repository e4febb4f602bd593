"""Signed URLs for clients without credentials. No request; tens of thousands a second.

A URL is bound to the method, the key and, by signed headers, the type, the length and the sha256 of what may be put, or
the condition under which an upload in parts is completed. Its user must send exactly those headers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ...errors import NotSupportedError, SettingsError
from ...lazy import module
from ...transport.sigv4 import Signer
from ...types import PresignedUrl, PresignOptions, PutMode, UploadState
from .headers import METADATA, WRITE_TOKEN, base64_of, plain_header, quoted_etag
from .requests import Requests
from .signing import key_of
from .target import Credentials

if TYPE_CHECKING:
    from urllib import parse
else:
    parse = module(__name__, "urllib.parse")

# docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html and developers.cloudflare.com/r2/api/s3/
# presigned-urls (read 2026-08): 1 second to 7 days.
LONGEST: Final = timedelta(days=7)
"""How long a URL is valid at most."""

_BINDS: Final = {
    "Content-Length": "size",
    "Content-Type": "type",
    "x-amz-checksum-sha256": "sha256",
    "If-None-Match": "create",
}
"""What a header binds a request to; all of them are signed."""


def presign(
    requests: Requests, credentials: Credentials, key: str, options: PresignOptions, query: str = ""
) -> PresignedUrl:
    """Sign a request for *key*; *query* goes before the signature.

    Temporary credentials end the URL when they end: ``expires_at`` is the earlier moment.

    Raises:
        SettingsError: the credentials have expired.
        NotSupportedError: the service cannot bind a PUT to an absent key or the end of an upload to its condition, or
            a header cannot carry a value.
        ValueError: the expiry is outside of 1 second to 7 days.
    """
    if not timedelta(seconds=1) <= options.expires_in <= LONGEST:
        raise ValueError(f"a URL is valid for 1 second to 7 days, not {options.expires_in}")
    headers = _headers(requests, options)
    pairs = [part for part in (query, _disposition(options)) if part]
    url = requests.url(key) + (f"?{'&'.join(pairs)}" if pairs else "")
    now = datetime.now(UTC)
    seconds = int(options.expires_in.total_seconds())
    token = credentials.session_token
    signed = _signer(requests, credentials).signed_url(
        options.method, url, headers, seconds, int(now.timestamp()), token
    )
    expires_at = now.replace(microsecond=0) + timedelta(seconds=seconds)
    if credentials.expires_at is not None:
        if credentials.expires_at <= now:
            raise SettingsError("the credentials have expired and cannot sign; get new ones")
        expires_at = min(expires_at, credentials.expires_at)
    return PresignedUrl(
        method=options.method,
        url=signed,
        headers=headers,
        expires_at=expires_at,
        bound=frozenset(what for header, what in _BINDS.items() if header in headers),
        write_token=options.write_token,
    )


def _headers(requests: Requests, options: PresignOptions) -> dict[str, str]:
    """Return the signed headers, which the client has to send."""
    if options.method == "POST" and options.upload is not None:
        return _upload_condition(requests, options.upload)
    if options.method != "PUT":
        return {}
    headers: dict[str, str] = {}
    if options.content_type is not None:
        headers["Content-Type"] = plain_header("content type", options.content_type)
    preset = requests.target.preset
    if options.size is not None and preset.checksums:
        headers["Content-Length"] = str(options.size)
    if options.sha256 is not None and preset.checksums:
        headers["x-amz-checksum-sha256"] = base64_of(options.sha256)
    if options.mode is PutMode.CREATE:
        if not preset.conditional_puts:
            raise NotSupportedError(
                f"{preset.title} cannot bind a URL to an absent key; upload through this process, or let it replace"
            )
        headers["If-None-Match"] = "*"
    if options.write_token is not None:
        headers[METADATA + WRITE_TOKEN] = options.write_token
    return headers


def _upload_condition(requests: Requests, upload: UploadState) -> dict[str, str]:
    """Return the condition under which *upload* was begun; it is checked when the upload is completed."""
    if upload.mode is not PutMode.CREATE and upload.if_match is None:
        return {}
    if not requests.target.preset.conditional_puts:
        raise NotSupportedError(
            f"{requests.target.preset.title} cannot complete an upload under a condition; let the upload replace"
        )
    if upload.if_match is not None and upload.mode is not PutMode.CREATE:
        return {"If-Match": plain_header("etag", quoted_etag(upload.if_match))}
    return {"If-None-Match": "*"}


def _disposition(options: PresignOptions) -> str:
    if options.content_disposition is None or options.method != "GET":
        return ""
    value = plain_header("content disposition", options.content_disposition)
    return f"response-content-disposition={parse.quote(value, safe='~')}"


def _signer(requests: Requests, credentials: Credentials) -> Signer:
    """Return what signs with *credentials*: what signed the last URL, if they are the same."""
    signer, key = requests.url_signer, key_of(credentials, requests.target.region)
    pair = (key.access_key_id, key.secret_access_key)
    if signer is None or (signer.signing.access_key_id, signer.signing.secret_access_key) != pair:
        requests.url_signer = signer = Signer(key)
    return signer
