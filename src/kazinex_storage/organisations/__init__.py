"""Organisations: which providers they have, which one is chosen, and storages that cannot leave their organisation.

``service.Organisations`` administers, ``resolver.Resolver`` opens, ``catalogue.Catalogue`` keeps. Importing this
package loads neither SQLAlchemy nor cryptography; using what needs them does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..transport.addresses import PublicAddresses as PublicAddresses
    from .admission import OPERATOR_CHOICES as OPERATOR_CHOICES
    from .admission import TENANT_CHOICES as TENANT_CHOICES
    from .admission import Admit as Admit
    from .admission import OperatorChoices as OperatorChoices
    from .admission import Proposal as Proposal
    from .admission import TenantChoices as TenantChoices
    from .assembly import open_organisations as open_organisations
    from .assembly import rotate_sealing_key as rotate_sealing_key
    from .audit.checking import AuditProblem as AuditProblem
    from .audit.checking import AuditReport as AuditReport
    from .audit.entries import AuditEntry as AuditEntry
    from .audit.entries import AuditQuery as AuditQuery
    from .audit.exports import verify_exported as verify_exported
    from .audit.log import AuditLog as AuditLog
    from .catalogue import Catalogue as Catalogue
    from .catalogue import MemoryCatalogue as MemoryCatalogue
    from .credential_versions import CredentialStatus as CredentialStatus
    from .credential_versions import CredentialVersion as CredentialVersion
    from .data_key_rows import DataKey as DataKey
    from .data_key_rows import DataKeyStatus as DataKeyStatus
    from .data_keys import KeyService as KeyService
    from .evidence.checking import ChainProblem as ChainProblem
    from .evidence.checking import ChainReport as ChainReport
    from .evidence.checking import Trust as Trust
    from .evidence.checking import check_receipts as check_receipts
    from .evidence.log import ReceiptEvidence as ReceiptEvidence
    from .journal_rows import SqlJournal as SqlJournal
    from .journal_rows import open_journal as open_journal
    from .keyed import ResealReport as ResealReport
    from .keyed import ResealStep as ResealStep
    from .keyfile import KeyFile as KeyFile
    from .managed import ManagedProvider as ManagedProvider
    from .records import KEEP as KEEP
    from .records import OrganisationRecord as OrganisationRecord
    from .records import ProjectOverride as ProjectOverride
    from .records import ProviderRecord as ProviderRecord
    from .records import ProviderStatus as ProviderStatus
    from .records import SecretValues as SecretValues
    from .resolver import Reason as Reason
    from .resolver import Resolver as Resolver
    from .sealing import KeyRing as KeyRing
    from .sealing import OrganisationKeys as OrganisationKeys
    from .sealing import Sealer as Sealer
    from .service import Organisations as Organisations
    from .sql import SqlCatalogue as SqlCatalogue

_HOMES = {
    "admission": (
        "OPERATOR_CHOICES",
        "TENANT_CHOICES",
        "Admit",
        "OperatorChoices",
        "Proposal",
        "PublicAddresses",
        "TenantChoices",
    ),
    "assembly": ("open_organisations", "rotate_sealing_key"),
    "audit.checking": ("AuditProblem", "AuditReport"),
    "audit.entries": ("AuditEntry", "AuditQuery"),
    "audit.exports": ("verify_exported",),
    "audit.log": ("AuditLog",),
    "catalogue": ("Catalogue", "MemoryCatalogue"),
    "credential_versions": ("CredentialStatus", "CredentialVersion"),
    "data_key_rows": ("DataKey", "DataKeyStatus"),
    "data_keys": ("KeyService",),
    "evidence.checking": ("ChainProblem", "ChainReport", "Trust", "check_receipts"),
    "evidence.log": ("ReceiptEvidence",),
    "journal_rows": ("SqlJournal", "open_journal"),
    "keyed": ("ResealReport", "ResealStep"),
    "keyfile": ("KeyFile",),
    "managed": ("ManagedProvider",),
    "records": ("KEEP", "OrganisationRecord", "ProjectOverride", "ProviderRecord", "ProviderStatus", "SecretValues"),
    "resolver": ("Reason", "Resolver"),
    "sealing": ("KeyRing", "OrganisationKeys", "Sealer"),
    "service": ("Organisations",),
    "sql": ("SqlCatalogue",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME_OF]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
