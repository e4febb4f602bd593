"""Store documents for organisations, wherever they want them.

The names below are the public interface; they are imported when they are first used, so importing the package costs
next to nothing and loads no SDK. Read ``provider.py``, ``providers/memory.py``, ``storage.py``, ``documents.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._internal.version import __version__

if TYPE_CHECKING:
    from .aio import AsyncDocumentStore, AsyncStorage
    from .documents import DocumentStore
    from .errors import (
        AccessDeniedError,
        AlreadyExistsError,
        AuthenticationError,
        BulkError,
        ClosedError,
        FileTooLargeError,
        FileTypeRefusedError,
        IntegrityError,
        InvalidKeyError,
        InvalidUrlError,
        LockedError,
        NotFoundError,
        NotSupportedError,
        PolicyError,
        PreconditionFailedError,
        QuotaExceededError,
        RateLimitedError,
        ReconnectRequiredError,
        RecordConflictError,
        RecordNotFoundError,
        SealError,
        SettingsError,
        StorageError,
        UnavailableError,
        UnknownProviderError,
        UnresolvedOrganisationError,
    )
    from .keys import DocumentKey, ObjectKey, Prefix
    from .organisations import Organisations, Resolver, open_organisations
    from .policy import UploadPolicy, Verdict
    from .provider import StorageProvider
    from .receipts import DocumentRevision, StoredDocument
    from .registry import ProviderKind, Registry, default_registry
    from .source import Source
    from .storage import ByteStream, Storage
    from .transport import Outcome, Transport
    from .types import (
        ByteRange,
        Capability,
        Checksum,
        Diagnosis,
        Folder,
        ObjectInfo,
        PartRule,
        PresignedUrl,
        ProviderInfo,
        PutMode,
        PutOptions,
    )
    from .verify import Check, CheckStatus, VerificationReport, verify

_HOMES = {
    "aio": ("AsyncDocumentStore", "AsyncStorage"),
    "documents": ("DocumentStore",),
    "errors": (
        "AccessDeniedError",
        "AlreadyExistsError",
        "AuthenticationError",
        "BulkError",
        "ClosedError",
        "FileTooLargeError",
        "FileTypeRefusedError",
        "IntegrityError",
        "InvalidKeyError",
        "InvalidUrlError",
        "LockedError",
        "NotFoundError",
        "NotSupportedError",
        "PolicyError",
        "PreconditionFailedError",
        "QuotaExceededError",
        "RateLimitedError",
        "ReconnectRequiredError",
        "RecordConflictError",
        "RecordNotFoundError",
        "SealError",
        "SettingsError",
        "StorageError",
        "UnavailableError",
        "UnknownProviderError",
        "UnresolvedOrganisationError",
    ),
    "keys": ("DocumentKey", "ObjectKey", "Prefix"),
    "organisations": ("Organisations", "Resolver", "open_organisations"),
    "policy": ("UploadPolicy", "Verdict"),
    "provider": ("StorageProvider",),
    "receipts": ("DocumentRevision", "StoredDocument"),
    "registry": ("ProviderKind", "Registry", "default_registry"),
    "source": ("Source",),
    "storage": ("ByteStream", "Storage"),
    "transport": ("Outcome", "Transport"),
    "types": (
        "ByteRange",
        "Capability",
        "Checksum",
        "Diagnosis",
        "Folder",
        "ObjectInfo",
        "PartRule",
        "PresignedUrl",
        "ProviderInfo",
        "PutMode",
        "PutOptions",
    ),
    "verify": ("Check", "CheckStatus", "VerificationReport", "verify"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]  # noqa: PLE0604  # the snapshot test pins every name


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
