"""What a kind of provider is, as the registry knows it before anything of it is imported; the built-in kinds."""

from __future__ import annotations

from typing import Final

from .errors import SettingsError
from .lazy import regex
from .values import value

_KIND = regex(r"[a-z][a-z0-9_]{0,63}")
_SCHEME = regex(r"[a-z][a-z0-9+]{0,63}")
_DOTTED = regex(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@value
class ProviderKind:
    """One kind of provider, as the registry knows it before anything of it is imported."""

    kind: str
    """1 to 64 of ``a-z 0-9 _``, beginning with a letter; stored in catalogues, so it never changes."""
    title: str
    """What people call it."""
    settings: str
    """``package.module:ModelName`` of a pydantic model with ``extra="forbid"``; its secrets are ``SecretStr``."""
    factory: str
    """``package.module:name`` of what makes a ``StorageProvider`` of an instance of the model."""
    managed: bool = False
    """Whether Kazinex keeps the account, so that organisations have no credentials for it."""
    harmless: frozenset[str] = frozenset()
    """Fields of the settings that decide nothing of where secrets are sent. When any other one changes, the stored
    secrets are entered again: otherwise anyone who may change settings could send them elsewhere."""
    schemes: tuple[str, ...] = ()
    """What the URLs of ``Storage.from_url`` begin with, as those of the file systems do; the first is shown."""
    place: str | None = None
    """The field that the first part of such a URL fills: a bucket, or ``root``, which is all of a path."""
    extra: str | None = None
    """The extra of ``kazinex-storage`` that installs what the provider imports."""

    def __post_init__(self) -> None:
        """Refuse what cannot be registered.

        Raises:
            SettingsError: the kind, a scheme or a dotted name has another form.
        """
        if not _KIND.fullmatch(self.kind):
            raise SettingsError(f"{self.kind!r} is not a kind; use 1 to 64 of a-z 0-9 _, beginning with a letter")
        for scheme in self.schemes:
            if not is_scheme(scheme):
                raise SettingsError(f"{scheme!r} is not a scheme; use a-z 0-9 +, beginning with a letter")
        for name in (self.settings, self.factory):
            if not _DOTTED.fullmatch(name):
                raise SettingsError(f"{name!r} is not a dotted name; write 'package.module:name'", provider=self.kind)


def is_scheme(text: str) -> bool:
    """Say whether URLs of a kind may begin with *text*."""
    return _SCHEME.fullmatch(text) is not None


_HARMLESS = frozenset({"prefix", "browser_origin", "public_base_url", "max_file_size", "age_recipients"})
"""What is harmless in the settings of every kind that has it."""

BUILT_IN: Final = (
    ProviderKind(
        kind="azure_blob",
        title="Azure Blob Storage",
        settings="kazinex_storage.providers.azure_blob:AzureBlobSettings",
        factory="kazinex_storage.providers.azure_blob.provider:open_azure_blob",
        schemes=("kazinexazure", "kazinex+azure"),
        place="container",
        harmless=_HARMLESS | {"container", "client_id", "certificate", "body_checksum", "immutability", "versioned"},
        extra="azure",
    ),
    ProviderKind(
        kind="local",
        title="Local disk",
        settings="kazinex_storage.providers.local:LocalSettings",
        factory="kazinex_storage.providers.local:LocalProvider",
        schemes=("kazinexlocal", "kazinex+local"),
        place="root",
        harmless=_HARMLESS,
    ),
    ProviderKind(
        kind="memory",
        title="Memory of this process",
        settings="kazinex_storage.providers.memory:MemorySettings",
        factory="kazinex_storage.providers.memory:MemoryProvider",
        schemes=("kazinexmemory", "kazinex+memory"),
        place="name",
    ),
    ProviderKind(
        kind="r2",
        title="Cloudflare R2",
        settings="kazinex_storage.providers.s3:R2Settings",
        factory="kazinex_storage.providers.s3.provider:open_r2",
        schemes=("r2", "kazinexr2", "kazinex+r2"),
        place="bucket",
        harmless=_HARMLESS | {"bucket", "access_key_id"},
        extra="r2",
    ),
    ProviderKind(
        kind="s3",
        title="S3",
        settings="kazinex_storage.providers.s3:S3Settings",
        factory="kazinex_storage.providers.s3.provider:open_s3",
        schemes=("kazinexs3", "kazinex+s3"),
        place="bucket",
        harmless=_HARMLESS | {"bucket", "access_key_id", "object_lock"},
        extra="r2",
    ),
    ProviderKind(
        kind="sharepoint",
        title="SharePoint Online",
        settings="kazinex_storage.providers.sharepoint:SharePointSettings",
        factory="kazinex_storage.providers.sharepoint.provider:open_sharepoint",
        schemes=("sharepoint", "kazinexsharepoint", "kazinex+sharepoint"),
        place="library",
        harmless=_HARMLESS
        | {"client_id", "certificate", "library", "root_folder", "site_id", "drive_id"}
        | {"looked_up", "permanent_delete", "hold_label"},
        extra="sharepoint",
    ),
    ProviderKind(
        kind="supabase",
        title="Supabase Storage",
        settings="kazinex_storage.providers.s3:SupabaseSettings",
        factory="kazinex_storage.providers.s3.provider:open_supabase",
        schemes=("kazinexsupabase", "kazinex+supabase"),
        place="bucket",
        managed=True,
        harmless=_HARMLESS | {"bucket", "access_key_id", "region"},
        extra="r2",
    ),
)
"""In the order of their names."""
