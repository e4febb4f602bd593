"""Organisations: which providers they have, which one is chosen, and storages that cannot leave their organisation.

``service.Organisations`` administers, ``resolver.Resolver`` opens, ``catalogue.Catalogue`` keeps. Importing this
package loads neither SQLAlchemy nor cryptography; using what needs them does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..transport.addresses import PublicAddresses
    from .admission import OPERATOR_CHOICES, TENANT_CHOICES, Admit, OperatorChoices, Proposal, TenantChoices
    from .assembly import open_organisations, rotate_sealing_key
    from .catalogue import Catalogue, MemoryCatalogue
    from .keyfile import KeyFile
    from .records import OrganisationRecord, ProjectOverride, ProviderRecord, ProviderStatus, SecretValues
    from .resolver import Reason, Resolver
    from .sealing import KeyRing, Sealer
    from .service import KEEP, Organisations
    from .sql import SqlCatalogue

__all__ = [
    "KEEP",
    "OPERATOR_CHOICES",
    "TENANT_CHOICES",
    "Admit",
    "Catalogue",
    "KeyFile",
    "KeyRing",
    "MemoryCatalogue",
    "OperatorChoices",
    "OrganisationRecord",
    "Organisations",
    "ProjectOverride",
    "Proposal",
    "ProviderRecord",
    "ProviderStatus",
    "PublicAddresses",
    "Reason",
    "Resolver",
    "Sealer",
    "SecretValues",
    "SqlCatalogue",
    "TenantChoices",
    "open_organisations",
    "rotate_sealing_key",
]

_HOMES = {
    "KEEP": "service",
    "OPERATOR_CHOICES": "admission",
    "TENANT_CHOICES": "admission",
    "Admit": "admission",
    "OperatorChoices": "admission",
    "Proposal": "admission",
    "PublicAddresses": "admission",
    "TenantChoices": "admission",
    "Catalogue": "catalogue",
    "KeyFile": "keyfile",
    "KeyRing": "sealing",
    "MemoryCatalogue": "catalogue",
    "OrganisationRecord": "records",
    "Organisations": "service",
    "ProjectOverride": "records",
    "ProviderRecord": "records",
    "ProviderStatus": "records",
    "Reason": "resolver",
    "Resolver": "resolver",
    "Sealer": "sealing",
    "SecretValues": "records",
    "SqlCatalogue": "sql",
    "open_organisations": "assembly",
    "rotate_sealing_key": "assembly",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
