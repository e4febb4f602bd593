"""Store documents for organisations, wherever they want them.

The names below are the public interface; they are imported when they are first used, so importing the package costs
next to nothing and loads no SDK. Read ``contract.py``, ``providers/memory/provider.py``, ``storage/sync.py`` and
``documents/store.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .bodies.source import Source as Source
    from .capabilities import Capability as Capability
    from .contract import StorageProvider as StorageProvider
    from .contract_reading import Page as Page
    from .documents.aio import AsyncDocumentStore as AsyncDocumentStore
    from .documents.direct_ends import DirectSweep as DirectSweep
    from .documents.events import AllowlistChanged as AllowlistChanged
    from .documents.events import AuditDropped as AuditDropped
    from .documents.events import AuditEnded as AuditEnded
    from .documents.events import CutOver as CutOver
    from .documents.events import DefaultChanged as DefaultChanged
    from .documents.events import DocumentAborted as DocumentAborted
    from .documents.events import DocumentConfirmed as DocumentConfirmed
    from .documents.events import DocumentExpired as DocumentExpired
    from .documents.events import DocumentOpened as DocumentOpened
    from .documents.events import DocumentPresigned as DocumentPresigned
    from .documents.events import DocumentPurged as DocumentPurged
    from .documents.events import DocumentRefused as DocumentRefused
    from .documents.events import DocumentRemoved as DocumentRemoved
    from .documents.events import DocumentsMoved as DocumentsMoved
    from .documents.events import DocumentUndeleted as DocumentUndeleted
    from .documents.events import DocumentUploaded as DocumentUploaded
    from .documents.events import Event as Event
    from .documents.events import EventHook as EventHook
    from .documents.events import FileRulesChanged as FileRulesChanged
    from .documents.events import KeyRotated as KeyRotated
    from .documents.events import LimitChanged as LimitChanged
    from .documents.events import OverrideChanged as OverrideChanged
    from .documents.events import ProviderAdded as ProviderAdded
    from .documents.events import ProviderFailed as ProviderFailed
    from .documents.events import ProviderPassedOver as ProviderPassedOver
    from .documents.events import ProviderRecovered as ProviderRecovered
    from .documents.events import ProviderRemoved as ProviderRemoved
    from .documents.events import ProviderResolved as ProviderResolved
    from .documents.events import ProviderUpdated as ProviderUpdated
    from .documents.events import ProviderVerified as ProviderVerified
    from .documents.events import QuotaChanged as QuotaChanged
    from .documents.events import RolledBack as RolledBack
    from .documents.events import RunBegun as RunBegun
    from .documents.events import RunEnded as RunEnded
    from .documents.events import SourcePruned as SourcePruned
    from .documents.events import StatusChanged as StatusChanged
    from .documents.integrity import IntegrityState as IntegrityState
    from .documents.proofs import ReceiptProof as ReceiptProof
    from .documents.quotas import Quota as Quota
    from .documents.quotas import Usage as Usage
    from .documents.quotas import UsageReport as UsageReport
    from .documents.receipts import DocumentRevision as DocumentRevision
    from .documents.receipts import Revisions as Revisions
    from .documents.receipts import StoredDocument as StoredDocument
    from .documents.register import Removal as Removal
    from .documents.register import RevisionRecord as RevisionRecord
    from .documents.store import DocumentStore as DocumentStore
    from .documents.tickets import DirectUpload as DirectUpload
    from .documents.tickets import UploadTicket as UploadTicket
    from .encryption.age import Age as Age
    from .encryption.age import generate_identity as generate_identity
    from .encryption.age import recipient_of as recipient_of
    from .errors import AccessDeniedError as AccessDeniedError
    from .errors import AlreadyExistsError as AlreadyExistsError
    from .errors import ArchivedError as ArchivedError
    from .errors import AuthenticationError as AuthenticationError
    from .errors import BulkError as BulkError
    from .errors import ClosedError as ClosedError
    from .errors import FileTooLargeError as FileTooLargeError
    from .errors import FileTypeRefusedError as FileTypeRefusedError
    from .errors import IntegrityError as IntegrityError
    from .errors import InvalidJsonError as InvalidJsonError
    from .errors import InvalidKeyError as InvalidKeyError
    from .errors import InvalidTokenError as InvalidTokenError
    from .errors import InvalidUrlError as InvalidUrlError
    from .errors import LocationNotFoundError as LocationNotFoundError
    from .errors import LockedError as LockedError
    from .errors import NotFoundError as NotFoundError
    from .errors import NotModifiedError as NotModifiedError
    from .errors import NotSupportedError as NotSupportedError
    from .errors import PolicyError as PolicyError
    from .errors import PreconditionFailedError as PreconditionFailedError
    from .errors import QuotaExceededError as QuotaExceededError
    from .errors import RateLimitedError as RateLimitedError
    from .errors import ReadOnlyError as ReadOnlyError
    from .errors import ReconnectRequiredError as ReconnectRequiredError
    from .errors import RecordConflictError as RecordConflictError
    from .errors import RecordNotFoundError as RecordNotFoundError
    from .errors import RetentionError as RetentionError
    from .errors import SealError as SealError
    from .errors import SettingsError as SettingsError
    from .errors import StorageError as StorageError
    from .errors import UnavailableError as UnavailableError
    from .errors import UnknownProviderError as UnknownProviderError
    from .errors import UnresolvedOrganisationError as UnresolvedOrganisationError
    from .file_rules import NEVER_ALLOWED as NEVER_ALLOWED
    from .file_rules import NO_FILE_RULES as NO_FILE_RULES
    from .file_rules import FileRules as FileRules
    from .filenames import plain_name as plain_name
    from .keys import DocumentKey as DocumentKey
    from .keys import ObjectKey as ObjectKey
    from .keys import Prefix as Prefix
    from .keys import is_revision as is_revision
    from .named import NamedDocumentStore as NamedDocumentStore
    from .named import NamedStorage as NamedStorage
    from .named import open_named as open_named
    from .organisations import OPERATOR_CHOICES as OPERATOR_CHOICES
    from .organisations import TENANT_CHOICES as TENANT_CHOICES
    from .organisations import AuditEntry as AuditEntry
    from .organisations import AuditLog as AuditLog
    from .organisations import AuditQuery as AuditQuery
    from .organisations import AuditReport as AuditReport
    from .organisations import ManagedProvider as ManagedProvider
    from .organisations import Organisations as Organisations
    from .organisations import Resolver as Resolver
    from .organisations import open_organisations as open_organisations
    from .policy import ENTERPRISE as ENTERPRISE
    from .policy import STANDARD as STANDARD
    from .policy import Plan as Plan
    from .policy import UploadPolicy as UploadPolicy
    from .policy import Verdict as Verdict
    from .registry import ProviderKind as ProviderKind
    from .registry import Registry as Registry
    from .registry import default_registry as default_registry
    from .retention import Protection as Protection
    from .retention import Retention as Retention
    from .retention import RetentionMode as RetentionMode
    from .storage.aio import AsyncStorage as AsyncStorage
    from .storage.disk_cache import DiskCache as DiskCache
    from .storage.disposition import attachment as attachment
    from .storage.disposition import inline as inline
    from .storage.reading import ByteStream as ByteStream
    from .storage.remnants import Unkeyed as Unkeyed
    from .storage.remnants import adopt_unkeyed as adopt_unkeyed
    from .storage.remnants import find_unkeyed as find_unkeyed
    from .storage.remnants import read_unkeyed as read_unkeyed
    from .storage.states import StateKeys as StateKeys
    from .storage.sweeping import SweepReport as SweepReport
    from .storage.sweeping import sweep as sweep
    from .storage.sync import Storage as Storage
    from .storage.tickets import PartsTicket as PartsTicket
    from .storage.tickets import TicketPart as TicketPart
    from .syncing.guarding import DeletesRefusedError as DeletesRefusedError
    from .syncing.guarding import MostDeletes as MostDeletes
    from .syncing.organisations import OrganisationFolder as OrganisationFolder
    from .syncing.reports import SyncItem as SyncItem
    from .syncing.reports import SyncReport as SyncReport
    from .syncing.syncs import SyncOptions as SyncOptions
    from .syncing.syncs import sync as sync
    from .transport import Outcome as Outcome
    from .transport import Transport as Transport
    from .types import ByteRange as ByteRange
    from .types import Checksum as Checksum
    from .types import Diagnosis as Diagnosis
    from .types import Folder as Folder
    from .types import ObjectInfo as ObjectInfo
    from .types import PartRule as PartRule
    from .types import PendingUpload as PendingUpload
    from .types import PresignedUrl as PresignedUrl
    from .types import PresignOptions as PresignOptions
    from .types import ProviderInfo as ProviderInfo
    from .types import PutMode as PutMode
    from .types import PutOptions as PutOptions
    from .types import UploadState as UploadState
    from .verification.credentials import verify_credentials as verify_credentials
    from .verification.verify import Check as Check
    from .verification.verify import CheckStatus as CheckStatus
    from .verification.verify import VerificationReport as VerificationReport
    from .verification.verify import verify as verify
    from .verification.verify import verify_async as verify_async
    from .verification.verify import verify_managed as verify_managed
    from .verification.verify import verify_provider as verify_provider

_HOMES = {
    "storage.disk_cache": ("DiskCache",),
    "storage.disposition": ("attachment", "inline"),
    "storage.aio": ("AsyncStorage",),
    "documents.aio": ("AsyncDocumentStore",),
    "documents.store": ("DocumentStore",),
    "encryption.age": ("Age", "generate_identity", "recipient_of"),
    "errors": (
        "AccessDeniedError",
        "AlreadyExistsError",
        "ArchivedError",
        "AuthenticationError",
        "BulkError",
        "ClosedError",
        "FileTooLargeError",
        "FileTypeRefusedError",
        "IntegrityError",
        "InvalidJsonError",
        "InvalidKeyError",
        "InvalidTokenError",
        "InvalidUrlError",
        "LocationNotFoundError",
        "LockedError",
        "NotFoundError",
        "NotModifiedError",
        "NotSupportedError",
        "PolicyError",
        "PreconditionFailedError",
        "QuotaExceededError",
        "RateLimitedError",
        "ReadOnlyError",
        "ReconnectRequiredError",
        "RecordConflictError",
        "RecordNotFoundError",
        "RetentionError",
        "SealError",
        "SettingsError",
        "StorageError",
        "UnavailableError",
        "UnknownProviderError",
        "UnresolvedOrganisationError",
    ),
    "documents.integrity": ("IntegrityState",),
    "keys": ("DocumentKey", "ObjectKey", "Prefix", "is_revision"),
    "organisations": (
        "OPERATOR_CHOICES",
        "TENANT_CHOICES",
        "AuditEntry",
        "AuditLog",
        "AuditQuery",
        "AuditReport",
        "ManagedProvider",
        "Organisations",
        "Resolver",
        "open_organisations",
    ),
    "file_rules": ("NEVER_ALLOWED", "NO_FILE_RULES", "FileRules"),
    "filenames": ("plain_name",),
    "policy": ("ENTERPRISE", "STANDARD", "Plan", "UploadPolicy", "Verdict"),
    "contract": ("StorageProvider",),
    "contract_reading": ("Page",),
    "storage.reading": ("ByteStream",),
    "documents.direct_ends": ("DirectSweep",),
    "documents.tickets": ("DirectUpload", "UploadTicket"),
    "documents.events": (
        "AllowlistChanged",
        "FileRulesChanged",
        "AuditDropped",
        "AuditEnded",
        "CutOver",
        "DefaultChanged",
        "DocumentAborted",
        "DocumentConfirmed",
        "DocumentExpired",
        "DocumentOpened",
        "DocumentPresigned",
        "DocumentRefused",
        "DocumentPurged",
        "DocumentRemoved",
        "DocumentUndeleted",
        "DocumentUploaded",
        "DocumentsMoved",
        "Event",
        "EventHook",
        "KeyRotated",
        "LimitChanged",
        "OverrideChanged",
        "ProviderAdded",
        "ProviderFailed",
        "ProviderPassedOver",
        "ProviderRecovered",
        "ProviderRemoved",
        "ProviderResolved",
        "ProviderUpdated",
        "ProviderVerified",
        "QuotaChanged",
        "RolledBack",
        "RunBegun",
        "RunEnded",
        "SourcePruned",
        "StatusChanged",
    ),
    "named": ("NamedDocumentStore", "NamedStorage", "open_named"),
    "documents.proofs": ("ReceiptProof",),
    "documents.quotas": ("Quota", "Usage", "UsageReport"),
    "documents.receipts": ("DocumentRevision", "Revisions", "StoredDocument"),
    "documents.register": ("Removal", "RevisionRecord"),
    "registry": ("ProviderKind", "Registry", "default_registry"),
    "bodies.source": ("Source",),
    "retention": ("Protection", "Retention", "RetentionMode"),
    "storage.states": ("StateKeys",),
    "storage.sync": ("Storage",),
    "storage.remnants": ("Unkeyed", "adopt_unkeyed", "find_unkeyed", "read_unkeyed"),
    "storage.sweeping": ("SweepReport", "sweep"),
    "storage.tickets": ("PartsTicket", "TicketPart"),
    "syncing.guarding": ("DeletesRefusedError", "MostDeletes"),
    "syncing.organisations": ("OrganisationFolder",),
    "syncing.reports": ("SyncItem", "SyncReport"),
    "syncing.syncs": ("SyncOptions", "sync"),
    "transport": ("Outcome", "Transport"),
    "capabilities": ("Capability",),
    "types": (
        "ByteRange",
        "Checksum",
        "Diagnosis",
        "Folder",
        "ObjectInfo",
        "PartRule",
        "PendingUpload",
        "PresignedUrl",
        "PresignOptions",
        "ProviderInfo",
        "PutMode",
        "PutOptions",
        "UploadState",
    ),
    "verification.credentials": ("verify_credentials",),
    "verification.verify": (
        "Check",
        "CheckStatus",
        "VerificationReport",
        "verify",
        "verify_async",
        "verify_managed",
        "verify_provider",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
