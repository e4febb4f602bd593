"""Key services: what wraps the data keys of organisations. Read ``source.py`` first; SDKs are loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .aws_kms import AwsKms as AwsKms
    from .azure_key_vault import AzureKeyVault as AzureKeyVault
    from .named import open_key_source as open_key_source
    from .ring import RingKeys as RingKeys
    from .source import KeySource as KeySource
    from .source import WrappedKey as WrappedKey
    from .vault import VaultTransit as VaultTransit

_HOMES = {
    "AwsKms": "aws_kms",
    "AzureKeyVault": "azure_key_vault",
    "KeySource": "source",
    "RingKeys": "ring",
    "VaultTransit": "vault",
    "WrappedKey": "source",
    "open_key_source": "named",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
