"""Cloudflare R2, S3 and Supabase Storage: one protocol, three sets of settings.

``Storage(open_r2(R2Settings(...)))`` is a bucket. ``settings.py`` makes a ``Target``; ``protocol.py`` builds requests
for it; ``exchanges.py`` is the contract as exchanges and ``provider.py`` as methods. Settings load pydantic alone, and
the provider comes with its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .settings import R2Settings, S3Settings, SupabaseSettings

if TYPE_CHECKING:
    from .provider import S3Provider as S3Provider
    from .provider import open_r2 as open_r2
    from .provider import open_s3 as open_s3
    from .provider import open_supabase as open_supabase

__all__ = ["R2Settings", "S3Provider", "S3Settings", "SupabaseSettings", "open_r2", "open_s3", "open_supabase"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import provider

    return getattr(provider, name)
