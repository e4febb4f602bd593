"""Opens the provider of each kind that speaks S3; ``exchanges.py`` has its verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exchanges import S3Provider as S3Provider

if TYPE_CHECKING:
    from .settings import R2Settings, S3Settings, SupabaseSettings


def open_r2(settings: R2Settings) -> S3Provider:
    """Make the provider for a bucket of Cloudflare R2.

    Raises:
        SettingsError: the settings ask for encryption; ``Registry.open`` heeds that.
    """
    return S3Provider(settings.unencrypted().target())


def open_s3(settings: S3Settings) -> S3Provider:
    """Make the provider for a bucket of Amazon S3, or of a service that speaks like it.

    Raises:
        SettingsError: the settings ask for encryption; ``Registry.open`` heeds that.
    """
    return S3Provider(settings.unencrypted().target())


def open_supabase(settings: SupabaseSettings) -> S3Provider:
    """Make the provider for a bucket of Supabase Storage.

    Raises:
        SettingsError: the settings ask for encryption; ``Registry.open`` heeds that.
    """
    return S3Provider(settings.unencrypted().target())
