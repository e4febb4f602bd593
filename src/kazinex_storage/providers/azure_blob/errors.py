"""From what Azure answers to our errors: the only translator. Pure.

Codes are those of learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and common-rest-api-error-codes
(read 2026-11); they stand in ``x-ms-error-code``. An answer without the headers of the service is unexpected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...errors import (
    AccessDeniedError,
    AlreadyExistsError,
    ArchivedError,
    AuthenticationError,
    FileTooLargeError,
    IntegrityError,
    InvalidKeyError,
    LocationNotFoundError,
    LockedError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    QuotaExceededError,
    RateLimitedError,
    SettingsError,
    StorageError,
    UnavailableError,
)
from ...transport import Response
from ..objectstore.error_table import ErrorTable, Found, retry_after_of, unexpected_response
from ..objectstore.sending import Service

_OTHER_BYTES: Final = (
    IntegrityError,
    "the service received other bytes than were sent; nothing was stored, repeat it",
)
_LOST: Final = (UnavailableError, "the service no longer holds the blocks of this write; repeat it")
_BUSY: Final = (RateLimitedError, "the service asks to slow down; repeat it later")
_LEASED: Final = (LockedError, "somebody holds a lease of the blob; wait, or break the lease")
_OTHER_TYPE: Final = (
    NotSupportedError,
    "an append or page blob has that key, which blocks cannot replace and this library does not write; delete it first",
)
# What a 409 with a code of its own means; without one it is a condition that another writer met.
_REFUSED: Final = (
    NotSupportedError,
    "the service refuses this in the state that the blob or the container is in; look at the code, a repeat is no use",
)
_PROTECTED: Final = (LockedError, "a retention policy or a legal hold protects the blob; wait, or change it")

_CODES: Final[Mapping[str, Found]] = {
    "BlobNotFound": (NotFoundError, "no object has that key"),
    "ContainerNotFound": (
        LocationNotFoundError,
        "there is no such container; check its name and that of the account",
    ),
    "ContainerBeingDeleted": (LocationNotFoundError, "the container is being deleted; choose another one"),
    "ResourceNotFound": (NotFoundError, "no object has that key"),
    "AuthenticationFailed": (
        AuthenticationError,
        "the signature is not accepted; enter the key or token again, and check the clock of this machine",
    ),
    "InvalidAuthenticationInfo": (AuthenticationError, "the credentials are not accepted; enter them again"),
    "NoAuthenticationInformation": (AuthenticationError, "no credentials arrived; look at proxies on the way"),
    "KeyBasedAuthenticationNotPermitted": (
        AccessDeniedError,
        "the account forbids its keys; allow shared key access, or use another credential",
    ),
    "AuthorizationFailure": (AccessDeniedError, "the account's firewall or the credentials forbid this; check both"),
    "AuthorizationPermissionMismatch": (AccessDeniedError, "the credentials may not do this; grant read, write, list"),
    "AuthorizationProtocolMismatch": (AccessDeniedError, "the signature is good for https only; use https"),
    "AuthorizationSourceIPMismatch": (AccessDeniedError, "the signature is not good from this address; get another"),
    "AccountIsDisabled": (AccessDeniedError, "the account is disabled; look at its subscription"),
    "InsufficientAccountPermissions": (AccessDeniedError, "the credentials may not do this; check what they allow"),
    "ConditionNotMet": (PreconditionFailedError, "the object is another version; read it again"),
    "TargetConditionNotMet": (PreconditionFailedError, "the object is another version; read it again"),
    "BlobAlreadyExists": (AlreadyExistsError, "an object has that key already; nothing was changed"),
    "UnauthorizedBlobOverwrite": (AccessDeniedError, "the credentials may create and not replace; grant write"),
    "BlobOperationNotSupported": (
        NotSupportedError,
        "the blob was made through the Data Lake interface, and blocks cannot replace it; delete it first",
    ),
    "CannotVerifyCopySource": (UnavailableError, "the service could not read what it was to copy; repeat it"),
    "Md5Mismatch": _OTHER_BYTES,
    "Crc64Mismatch": _OTHER_BYTES,
    "InvalidBlockList": _LOST,
    "InvalidBlockId": (UnavailableError, "others write blocks to the same key; repeat it when they are done"),
    "InvalidBlobOrBlock": (UnavailableError, "others write blocks to the same key; repeat it when they are done"),
    "RequestBodyTooLarge": (FileTooLargeError, "the service does not take a body of that size; split it"),
    "BlockCountExceedsLimit": (FileTooLargeError, "the service does not take that many blocks; use larger ones"),
    "InvalidResourceName": (InvalidKeyError, "the service cannot hold that key"),
    "MetadataTooLarge": (NotSupportedError, "the metadata is larger than the 8 KiB that the service keeps; shorten it"),
    "InvalidMetadata": (NotSupportedError, "the service cannot keep that metadata"),
    "FeatureNotSupported": (
        NotSupportedError,
        "the service, an emulator or an account of another kind, does not do this",
    ),
    "DirectoryIsNotEmpty": (NotFoundError, "no object has that key, a directory has"),
    "ResourceTypeMismatch": (LockedError, "a directory has that key; choose another one"),
    "LeaseIdMissing": _LEASED,
    "LeaseIdMismatchWithBlobOperation": _LEASED,
    "BlobImmutableDueToPolicy": _PROTECTED,
    "BlobImmutableDueToLegalHold": _PROTECTED,
    "BlobArchived": (ArchivedError, "the blob is in the archive tier; rehydrate it first (Set Blob Tier), then repeat"),
    "BlobBeingRehydrated": (ArchivedError, "the blob is on its way out of the archive tier; repeat it in some hours"),
    "InvalidBlobType": _OTHER_TYPE,
    "PublicAccessNotPermitted": (AccessDeniedError, "the account permits no public access; use credentials"),
    "PendingCopyOperation": (LockedError, "a copy to this key is under way; wait for its end, or abort it"),
    "SnapshotsPresent": (LockedError, "the blob has snapshots; delete them with it"),
    "AccountBeingCreated": (UnavailableError, "the account is being created; repeat it later"),
    "AccountLimitExceeded": (QuotaExceededError, "the account is full; free some space or raise its limit"),
    "MemoryExtentStoreAtSizeLimit": (
        QuotaExceededError,
        "Azurite has no memory left; restart it, or give it more by --extentMemoryLimit",
    ),
    "ServerBusy": _BUSY,
    "OperationTimedOut": _BUSY,
}

_STATUSES: Final[Mapping[int, Found]] = {
    400: (SettingsError, "the service does not understand the request; check endpoint, account and credentials"),
    401: _CODES["InvalidAuthenticationInfo"],
    403: _CODES["InsufficientAccountPermissions"],
    404: _CODES["BlobNotFound"],
    409: (UnavailableError, "others write to the same key at the moment; repeat it"),
    411: (UnavailableError, "a proxy took the length of the body away; look at what is on the way"),
    412: _CODES["ConditionNotMet"],
    413: _CODES["RequestBodyTooLarge"],
    429: _BUSY,
    501: (NotSupportedError, "the service does not do this"),
    503: _BUSY,
    507: _CODES["AccountLimitExceeded"],
}


_TABLE: Final = ErrorTable(codes=_CODES, statuses=_STATUSES, refused=_REFUSED)


def map_error(response: Response, key: str | None = None) -> StorageError:
    """Return the error that *response*, which is not a success, means."""
    if response.status < 300 or not is_azure(response.headers):
        return unexpected_response(response, "Azure", key)
    code = code_of(response)
    kind, message = _TABLE.find(response.status, code, of_key=key is not None)
    return kind(message, key=key, code=code, request_id=request_id_of(response), retry_after_s=retry_after_of(response))


def is_azure(headers: Mapping[str, str]) -> bool:
    """Say whether an answer carries the headers of the service, which a sign-in page or a gateway does not know."""
    return "x-ms-request-id" in headers


def code_of(response: Response) -> str | None:
    """Return the code of an error, when it is one word."""
    code = response.headers.get("x-ms-error-code", "")
    return code if code.isalnum() and len(code) <= 100 else None


def request_id_of(response: Response) -> str | None:
    """Return how the service's support finds the request."""
    return response.headers.get("x-ms-request-id")


AZURE: Final = Service(map_error, lambda response: is_azure(response.headers))
"""Judges the answers of Azure."""

BLOB: Final = Service(map_error, lambda response: "etag" in response.headers and is_azure(response.headers))
"""Judges those that say which version of a blob they are about."""
