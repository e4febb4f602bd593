"""Opens the provider of each kind that speaks S3; ``exchanges.py`` has its verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from .exchanges import S3Provider as S3Provider
from .target import Credentials, CredentialSource, Target

if TYPE_CHECKING:
    from .settings import R2Settings, S3Settings, SupabaseSettings

# Of the form that the settings ask for; what is given is used in their place.
_KEY_ID: Final = "1" * 32
_SECRET: Final = "1" * 64


def open_r2(settings: R2Settings | Mapping[str, object], *, credentials: CredentialSource | None = None) -> S3Provider:
    """Make the provider for a bucket of Cloudflare R2.

    Args:
        settings: The settings; with *credentials* also their fields without keys: ``account_id``, ``bucket``.
        credentials: Returns ``Credentials`` that are valid now, in place of those of the settings. Asked on a thread of
            the transport, once a minute, and sooner when they expire sooner.

    Raises:
        ValidationError: fields are wrong or missing.
        SettingsError: the settings ask for encryption; ``Registry.open`` heeds that.
    """
    if isinstance(settings, Mapping):
        from .settings_r2 import R2Settings

        settings = R2Settings.model_validate({**_keys(credentials), **settings})
    return S3Provider(_with(settings.unencrypted().target(), credentials))


def open_s3(settings: S3Settings | Mapping[str, object], *, credentials: CredentialSource | None = None) -> S3Provider:
    """Make the provider for a bucket of Amazon S3, or of a service that speaks like it.

    Args:
        settings: The settings, or their fields.
        credentials: As in ``open_r2``.

    Raises:
        ValidationError: fields are wrong or missing.
        SettingsError: the settings ask for encryption; ``Registry.open`` heeds that.
    """
    if isinstance(settings, Mapping):
        from .settings_s3 import S3Settings

        settings = S3Settings.model_validate(dict(settings))
    return S3Provider(_with(settings.unencrypted().target(), credentials))


def open_supabase(
    settings: SupabaseSettings | Mapping[str, object], *, credentials: CredentialSource | None = None
) -> S3Provider:
    """Make the provider for a bucket of Supabase Storage.

    Args:
        settings: The settings; with *credentials* also their fields without keys of S3. The service key stays one of
            them: create-only writes go by it.
        credentials: As in ``open_r2``.

    Raises:
        ValidationError: fields are wrong or missing.
        SettingsError: the settings ask for encryption; ``Registry.open`` heeds that.
    """
    if isinstance(settings, Mapping):
        from .settings_supabase import SupabaseSettings

        settings = SupabaseSettings.model_validate({**_keys(credentials), **settings})
    return S3Provider(_with(settings.unencrypted().target(), credentials))


def _keys(credentials: CredentialSource | None) -> Mapping[str, object]:
    return {} if credentials is None else {"access_key_id": _KEY_ID, "secret_access_key": _SECRET}


def _with(target: Target, credentials: CredentialSource | None) -> Target:
    if credentials is None:
        return target
    from ..settings.given import returned  # most have keys in their settings

    return replace(target, credentials=partial(returned, credentials, Credentials))
