"""From the responses of Azure to our errors: the only place that translates them. Pure.

Codes are those of learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and common-rest-api-error-codes
(read 2026-11), sent in ``x-ms-error-code``. A response without the headers of the service is unexpected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...errors import (
    AccessDeniedError,
    ArchivedError,
    AuthenticationError,
    FileTooLargeError,
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
from ..objectstore.error_table import (
    BUSY,
    EXISTS,
    NOT_FOUND,
    OTHER_BYTES,
    OTHER_VERSION,
    STATUSES,
    TOO_LARGE,
    UNFIT_KEY,
    ErrorTable,
    Found,
    error_of,
    unexpected_response,
)
from ..objectstore.sending import Service

_LOST: Final = (UnavailableError, "the service no longer holds the blocks of this write; repeat it")
_LEASED: Final = (LockedError, "the blob is leased; wait, or break the lease")
_OTHER_TYPE: Final = (
    NotSupportedError,
    "the key has an append or page blob, which blocks cannot replace and this library does not write; delete it first",
)
_PROTECTED: Final = (RetentionError, "a retention policy or a legal hold protects the blob; wait, or change it")

_CODES: Final[Mapping[str, Found]] = {
    "BlobNotFound": NOT_FOUND,
    "ContainerNotFound": (
        LocationNotFoundError,
        "there is no such container; check its name and the name of the account",
    ),
    "ContainerBeingDeleted": (LocationNotFoundError, "the container is being deleted; choose another one"),
    "ResourceNotFound": NOT_FOUND,
    "AuthenticationFailed": (
        AuthenticationError,
        "the signature is not accepted; enter the key or token again, and check the clock of this machine",
    ),
    "InvalidAuthenticationInfo": (AuthenticationError, "the credentials are not accepted; enter them again"),
    "NoAuthenticationInformation": (AuthenticationError, "no credentials arrived; look for a proxy that removes them"),
    "KeyBasedAuthenticationNotPermitted": (
        AccessDeniedError,
        "the account does not allow its keys; allow shared key access, or use another credential",
    ),
    "AuthorizationFailure": (AccessDeniedError, "the account's firewall or the credentials forbid this; check both"),
    "AuthorizationPermissionMismatch": (AccessDeniedError, "the credentials may not do this; grant read, write, list"),
    "AuthorizationProtocolMismatch": (AccessDeniedError, "the signature only allows https; use https"),
    "AuthorizationSourceIPMismatch": (AccessDeniedError, "the signature does not allow this address; get another"),
    "AccountIsDisabled": (AccessDeniedError, "the account is disabled; check its subscription"),
    "InsufficientAccountPermissions": (AccessDeniedError, "the credentials may not do this; check what they allow"),
    "ConditionNotMet": OTHER_VERSION,
    "TargetConditionNotMet": OTHER_VERSION,
    "BlobAlreadyExists": EXISTS,
    "UnauthorizedBlobOverwrite": (AccessDeniedError, "the credentials may create but not replace; grant write"),
    "BlobOperationNotSupported": (
        NotSupportedError,
        "the blob was made through the Data Lake interface, and blocks cannot replace it; delete it first",
    ),
    "CannotVerifyCopySource": (UnavailableError, "the service could not read what it was to copy; repeat it"),
    "Md5Mismatch": OTHER_BYTES,
    "Crc64Mismatch": OTHER_BYTES,
    "InvalidBlockList": _LOST,
    "InvalidBlockId": (UnavailableError, "others write blocks to the same key; repeat it when they are done"),
    "InvalidBlobOrBlock": (UnavailableError, "others write blocks to the same key; repeat it when they are done"),
    "RequestBodyTooLarge": TOO_LARGE,
    "BlockCountExceedsLimit": (FileTooLargeError, "the service does not take that many blocks; use larger ones"),
    "InvalidResourceName": UNFIT_KEY,
    "MetadataTooLarge": (NotSupportedError, "the metadata is larger than the 8 KiB that the service keeps; shorten it"),
    "InvalidMetadata": (NotSupportedError, "the service cannot keep that metadata"),
    "FeatureNotSupported": (
        NotSupportedError,
        "the service, an emulator or an account of another kind, does not do this",
    ),
    "DirectoryIsNotEmpty": (NotFoundError, "no object has that key, but a directory does"),
    "ResourceTypeMismatch": (LockedError, "a directory has that key; choose another"),
    "LeaseIdMissing": _LEASED,
    "LeaseIdMismatchWithBlobOperation": _LEASED,
    "BlobImmutableDueToPolicy": _PROTECTED,
    "BlobImmutableDueToLegalHold": _PROTECTED,
    "BlobArchived": (ArchivedError, "the blob is in the archive tier; rehydrate it first (Set Blob Tier), then repeat"),
    "BlobBeingRehydrated": (
        ArchivedError,
        "the blob is being rehydrated from the archive tier; repeat it in a few hours",
    ),
    "InvalidBlobType": _OTHER_TYPE,
    "PublicAccessNotPermitted": (AccessDeniedError, "the account does not permit public access; use credentials"),
    "PendingCopyOperation": (LockedError, "a copy to this key is in progress; wait for its end, or abort it"),
    "SnapshotsPresent": (LockedError, "the blob has snapshots; delete them as well"),
    "AccountBeingCreated": (UnavailableError, "the account is being created; repeat it later"),
    "AccountLimitExceeded": (QuotaExceededError, "the account is full; free some space or raise its limit"),
    "MemoryExtentStoreAtSizeLimit": (
        QuotaExceededError,
        "Azurite has run out of memory; restart it, or give it more with --extentMemoryLimit",
    ),
    "ServerBusy": BUSY,
    "OperationTimedOut": BUSY,
}

_TABLE: Final = ErrorTable(
    codes=_CODES,
    statuses={
        **STATUSES,
        400: (SettingsError, "the service does not understand the request; check endpoint, account and credentials"),
        401: _CODES["InvalidAuthenticationInfo"],
        403: _CODES["InsufficientAccountPermissions"],
        503: BUSY,
        507: _CODES["AccountLimitExceeded"],
    },
)


def map_error(response: Response, key: str | None = None) -> StorageError:
    """Return the error that *response* means, which is not a success."""
    if response.status < 300 or not is_azure(response.headers):
        return unexpected_response(response, "Azure", key)
    code = code_of(response)
    found = _TABLE.find(response.status, code, of_key=key is not None)
    return error_of(found, response, key, code, request_id_of(response))


def is_azure(headers: Mapping[str, str]) -> bool:
    """Say whether *headers* are of a response by the service, and not of a sign-in page or a gateway."""
    return "x-ms-request-id" in headers


def code_of(response: Response) -> str | None:
    """Return the code of an error, if it is one word."""
    code = response.headers.get("x-ms-error-code", "")
    return code if code.isalnum() and len(code) <= 100 else None


def request_id_of(response: Response) -> str | None:
    """Return the id by which the service's support finds the request."""
    return response.headers.get("x-ms-request-id")


AZURE: Final = Service(map_error, lambda response: is_azure(response.headers))
"""Judges the responses of Azure."""

BLOB: Final = Service(map_error, lambda response: "etag" in response.headers and is_azure(response.headers))
"""Judges responses about one version of a blob: they have an ETag."""
