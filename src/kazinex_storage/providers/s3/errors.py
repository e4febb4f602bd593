"""From the responses of an S3 service to our errors: the only place that translates them. Pure.

Codes are those of docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
developers.cloudflare.com/r2/api/error-codes (read 2026-08); the status decides where a code is missing, as after HEAD.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...errors import (
    AccessDeniedError,
    ArchivedError,
    AuthenticationError,
    IntegrityError,
    InvalidKeyError,
    LocationNotFoundError,
    LockedError,
    NotFoundError,
    NotSupportedError,
    QuotaExceededError,
    RetentionError,
    SettingsError,
    StorageError,
    UnavailableError,
)
from ...transport import Response
from ...values import value
from ..objectstore import error_table
from ..objectstore.error_table import (
    BUSY,
    CONTENDED,
    NOT_DONE,
    NOT_FOUND,
    OTHER_BYTES,
    OTHER_VERSION,
    STATUSES,
    TOO_LARGE,
    UNFIT_KEY,
    ErrorTable,
    Found,
    error_of,
)
from ..objectstore.sending import Service, is_page
from .xml import parse_xml, text_of

_FULL: Final = (QuotaExceededError, "the store is full; free some space or raise the quota")

_CODES: Final[Mapping[str, Found]] = {
    "NoSuchKey": NOT_FOUND,
    "NoSuchBucket": (
        LocationNotFoundError,
        "there is no such bucket there; check its name, letter case and jurisdiction",
    ),
    "NoSuchUpload": (NotFoundError, "the upload is gone: completed, aborted or expired; begin it again"),
    "InvalidAccessKeyId": (AuthenticationError, "the access key id is not known; enter the keys again"),
    "Unauthorized": (AuthenticationError, "the credentials are not accepted; enter the keys again"),
    "SignatureDoesNotMatch": (
        AuthenticationError,
        "the signature is not accepted; enter the secret access key again, without surrounding blanks",
    ),
    "AuthorizationHeaderMalformed": (SettingsError, "the region or the access key id is wrong; check both"),
    "InvalidRegionName": (SettingsError, "the region is wrong; for R2 it is 'auto'"),
    "ExpiredToken": (AuthenticationError, "the session token has expired; get a new one"),
    "TokenRefreshRequired": (AuthenticationError, "the session token has expired; get a new one"),
    "InvalidToken": (AuthenticationError, "the session token is not accepted; get a new one"),
    "ExpiredRequest": (AuthenticationError, "the signature has expired; check the clock of this machine"),
    "RequestTimeTooSkewed": (AuthenticationError, "the clock of this machine is wrong; set it"),
    "AccessDenied": (AccessDeniedError, "the credentials may not do this here; check what the token allows"),
    "AllAccessDisabled": (AccessDeniedError, "the bucket is closed; ask its owner"),
    "NotEntitled": (AccessDeniedError, "R2 is not enabled for this account; enable it in the Cloudflare dashboard"),
    # A 403 to GetObject and CopyObject — AmazonS3/latest/API/API_GetObject.html (same site).
    "InvalidObjectState": (
        ArchivedError,
        "the object is in an archive tier; restore it first (RestoreObject, `aws s3api restore-object`), then repeat",
    ),
    "ObjectLockedByBucketPolicy": (RetentionError, "a bucket lock protects the object; change the rule, or wait"),
    "PermanentRedirect": (SettingsError, "the bucket is in another region; correct region and endpoint"),
    "TemporaryRedirect": (SettingsError, "the bucket is in another region; correct region and endpoint"),
    "PreconditionFailed": OTHER_VERSION,
    "BadDigest": OTHER_BYTES,
    "XAmzContentSHA256Mismatch": OTHER_BYTES,
    "XAmzContentChecksumMismatch": OTHER_BYTES,
    "IncompleteBody": (IntegrityError, "the service received too few bytes; nothing was stored, repeat it"),
    "EntityTooLarge": TOO_LARGE,
    "InvalidObjectName": UNFIT_KEY,
    "KeyTooLongError": (InvalidKeyError, "the service cannot hold a key of that length"),
    "InvalidKey": UNFIT_KEY,
    "MetadataTooLarge": (NotSupportedError, "the metadata is larger than the service keeps; shorten it"),
    "NotImplemented": NOT_DONE,
    "TooManyRequests": BUSY,
    "SlowDown": BUSY,
    "QuotaExceeded": _FULL,
    "InsufficientCapacity": _FULL,
    "XMinioStorageFull": _FULL,
    "ConditionalRequestConflict": CONTENDED,
    "OperationAborted": CONTENDED,
}

_TABLE: Final = ErrorTable(
    codes=_CODES,
    statuses={
        **STATUSES,
        400: (SettingsError, "the service does not understand the request; check endpoint, region and keys"),
        401: _CODES["Unauthorized"],
        403: _CODES["AccessDenied"],
        423: (LockedError, "the object is locked"),
        507: _FULL,
    },
)

# The status by which to retry a failure inside a 200 — AmazonS3/latest/API/API_CompleteMultipartUpload.html (same
# site).
_PASSING: Final = {"InternalError": 500, "ServiceUnavailable": 503, "SlowDown": 503, "RequestTimeout": 408}


@value(kw_only=False)
class ErrorBody:
    """The contents of an error's body."""

    code: str | None = None
    message: str | None = None
    request_id: str | None = None


def map_error(response: Response, key: str | None = None) -> StorageError:
    """Return the error that *response* means, which is not what was asked for."""
    fault = fault_of(response.body)
    # A gateway without a route answers 404 too, with a body of its own.
    if fault is None and (response.body or response.status < 300):
        return unexpected_response(response, key)
    code = fault.code if fault is not None else None
    return _error(_TABLE.find(response.status, code, of_key=key is not None), response, key, code)


def failure_of(response: Response, key: str | None) -> StorageError | None:
    """Return the error of a long operation, None when it succeeded; a failure may come inside a 200."""
    if response.status != 200:
        return map_error(response, key)
    fault = fault_of(response.body)
    if fault is None:
        return None
    found = _CODES.get(fault.code or "", (UnavailableError, f"the service failed: {fault.code}"))
    return _error(found, response, key, fault.code)


def fault_of(body: bytes) -> ErrorBody | None:
    """Return the contents of an ``<Error>``; None when the body is something else."""
    if b"<Error" not in body[:1000]:
        return None
    try:
        root = parse_xml(body.lstrip())
    except UnavailableError:
        return None
    if root.tag != "Error":
        return None
    return ErrorBody(text_of(root, "Code"), text_of(root, "Message"), text_of(root, "RequestId"))


def status_inside(body: bytes) -> int:
    """Return the status that the body of a 200 means: S3 sends the 200 before it knows how a long operation ends."""
    fault = fault_of(body)
    return 200 if fault is None else _PASSING.get(fault.code or "", 200)


def request_id_of(response: Response) -> str | None:
    """Return the id by which the service's support finds the request."""
    headers = response.headers
    return headers.get("x-amz-request-id") or headers.get("cf-ray")


def unexpected_response(response: Response, key: str | None) -> StorageError:
    """Return the error for a response that no S3 service sends."""
    if response.status in (429, 500, 502, 503, 504):  # gateways in between answer in HTML
        return _error(_TABLE.find(response.status, None, of_key=False), response, key, None)
    return error_table.unexpected_response(response, "an S3 service", key, request_id_of(response))


S3: Final = Service(map_error, lambda _: True)
"""For responses that are judged by what parses them."""

S3_REMOVALS: Final = Service(map_error, lambda response: not is_page(response))
"""For responses that are empty on success."""

S3_OBJECTS: Final = Service(map_error, lambda response: "etag" in response.headers)
"""For responses about an object: every S3 service sends an ETag, a sign-in page with status 200 does not."""


def _error(found: Found, response: Response, key: str | None, code: str | None) -> StorageError:
    kind, message = found
    region = response.headers.get("x-amz-bucket-region")
    if kind is SettingsError and region:
        found = kind, f"{message} (the service names the region {region[:40]!r})"
    return error_of(found, response, key, code, request_id_of(response))
