"""Opens the provider of each kind that speaks S3; ``exchanges.py`` has its verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchanges import S3Provider as S3Provider

if TYPE_CHECKING:
    from .settings import R2Settings, S3Settings, SupabaseSettings


def open_r2(settings: R2Settings) -> S3Provider:
    """Make the provider for a bucket of Cloudflare R2."""
    return S3Provider(settings.target())


def open_s3(settings: S3Settings) -> S3Provider:
    """Make the provider for a bucket of Amazon S3, or of a service that speaks like it."""
    return S3Provider(settings.target())


def open_supabase(settings: SupabaseSettings) -> S3Provider:
    """Make the provider for a bucket of Supabase Storage."""
    return S3Provider(settings.target())
