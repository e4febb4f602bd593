"""Signed URLs for clients without credentials, made by botocore's signer. No request; thousands a second.

A URL is bound to the method, the key and, by signed headers, the type, the length and the sha256 of what may be put, or
the condition under which an upload in parts is completed. Its user must send exactly those headers. The bare signer is
used instead of a client, which takes a tenth of a second to make and would add the checksum of an empty body (a bug in
AWS SDKs of 2025: petdex#465).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ...errors import NotSupportedError, SettingsError
from ...lazy import module
from ...types import PresignedUrl, PresignOptions, PutMode, UploadState
from .headers import METADATA, WRITE_TOKEN, base64_of, plain_header, quoted_etag
from .requests import Requests
from .target import Credentials

if TYPE_CHECKING:
    from urllib import parse

    from botocore.auth import S3SigV4QueryAuth
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
        SettingsError: botocore is missing, or the credentials have expired.
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
    signed = _sign(credentials, requests.target.region, options, url, headers, now)
    expires_at = now.replace(microsecond=0) + timedelta(seconds=int(options.expires_in.total_seconds()))
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


def _sign(
    credentials: Credentials, region: str, options: PresignOptions, url: str, headers: dict[str, str], now: datetime
) -> str:
    """Return *url* with its signature. ``add_auth`` would do, but it logs signature and token at DEBUG."""
    try:
        from botocore.awsrequest import AWSRequest
    except ImportError as error:
        raise SettingsError(
            f"URLs are signed by botocore, which does not load ({error}); pip install 'kazinex-storage[r2]'"
        ) from error
    seconds = int(options.expires_in.total_seconds())
    signer = _signer(credentials, region, seconds)
    request = AWSRequest(method=options.method, url=url, headers=headers)
    request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    pairs = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": signer.scope(request),
        "X-Amz-Date": request.context["timestamp"],
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": signer.signed_headers(signer.headers_to_sign(request)),
    }
    if credentials.session_token is not None:
        pairs["X-Amz-Security-Token"] = credentials.session_token
    query = parse.urlencode(pairs, safe="~", quote_via=parse.quote)
    request.url = unsigned = f"{url}{'&' if '?' in url else '?'}{query}"
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return f"{unsigned}&X-Amz-Signature={signature}"


def _signer(credentials: Credentials, region: str, seconds: int) -> S3SigV4QueryAuth:
    from botocore.auth import S3SigV4QueryAuth
    from botocore.credentials import Credentials as BotoCredentials

    key = BotoCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    return S3SigV4QueryAuth(key, "s3", region, expires=seconds)
