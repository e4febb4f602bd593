"""Cloudflare R2, S3 and Supabase Storage: one protocol, three sets of settings.

``Storage(open_r2(R2Settings(...)))`` is a bucket. ``settings.py`` makes a ``Target``; ``requests.py`` builds requests
for it; ``exchanges.py`` has the verbs of the contract. Names are loaded on first use:
a provider made from a ``Target`` does not need pydantic, which takes a tenth of a second to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .provider import S3Provider as S3Provider
    from .provider import open_r2 as open_r2
    from .provider import open_s3 as open_s3
    from .provider import open_supabase as open_supabase
    from .settings import R2Settings as R2Settings
    from .settings import S3Settings as S3Settings
    from .settings import SupabaseSettings as SupabaseSettings
    from .target import Credentials as Credentials

__all__ = [
    "Credentials",
    "R2Settings",
    "S3Provider",
    "S3Settings",
    "SupabaseSettings",
    "open_r2",
    "open_s3",
    "open_supabase",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "S3Settings":  # each from its own module: a model takes some 5 ms to build
        from .settings_s3 import S3Settings

        return S3Settings
    if name == "R2Settings":
        from .settings_r2 import R2Settings

        return R2Settings
    if name == "SupabaseSettings":
        from .settings_supabase import SupabaseSettings

        return SupabaseSettings
    if name == "Credentials":
        from .target import Credentials

        return Credentials
    from . import provider

    return getattr(provider, name)
