"""Cloudflare R2, S3 and Supabase Storage: one protocol, three sets of settings.

``settings.py`` makes a ``Target``; ``protocol.py`` builds requests for it; ``exchanges.py`` is the contract as
exchanges and ``provider.py`` as methods. Settings load pydantic alone; the provider comes with its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .settings import R2Settings, S3Settings, SupabaseSettings

if TYPE_CHECKING:
    from .provider import S3Provider as S3Provider

__all__ = ["R2Settings", "S3Provider", "S3Settings", "SupabaseSettings"]


def __getattr__(name: str) -> object:
    if name != "S3Provider":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .provider import S3Provider

    return S3Provider
