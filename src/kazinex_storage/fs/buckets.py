"""File systems whose URLs begin with a bucket: ``r2://bucket/key``, ``kazinexs3://``, ``kazinexsupabase://``.

Everything but the bucket comes from options, or else from environment variables. The credentials decide which buckets
can be reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Unpack

from ..errors import SettingsError
from ..secrecy.masking import masked
from ..storage.sync import Storage
from ..transport import Transport
from ..types import DigestChoice
from .kinds import ProviderFileSystem
from .options import AzureOptions, R2Options, S3Options, SharePointOptions, SupabaseOptions
from .references import SecretOptions
from .spaces import BucketSpace, Space


class BucketFileSystem(ProviderFileSystem):
    """The buckets that one set of credentials reaches; ``bucket`` is not an option, because URLs name it."""

    place_field = "bucket"
    """The field of the settings that the first part of a URL fills."""

    def __init__(self, **options: object) -> None:
        """Reach buckets with the settings in *options*; see ``FileSystemOptions`` for the rest.

        Raises:
            TypeError: an option is not known.
            SettingsError: settings are wrong or missing; the message says where they are looked for. Of a copy, its
                first use raises it.
            NotImplementedError: *use_listings_cache*.
        """
        options = masked(options)
        if "storage" in options:
            raise TypeError(f"{type(self).__name__} has no option 'storage': its URLs begin with a {self.place_field}")
        super().__init__(storage=None, **options)

    @classmethod
    def _space(cls, given: Mapping[str, object], held: SecretOptions, digest: DigestChoice, *, copied: bool) -> Space:
        # On the class: the space keeps the function below, and must not keep its file system alive.
        if cls.place_field in given:
            raise TypeError(f"{cls.__name__} has no option {cls.place_field!r}: its URLs begin with it")
        model = cls.registry.settings_model(cls.kind)
        if not copied:
            # Incomplete settings are reported when the file system is made, not at its first request.
            try:
                cls._settings(model, {**given, cls.place_field: "example-bucket"}, held)
            except SettingsError as error:
                raise SettingsError(error.message, provider=cls.kind) from error.__cause__

        def open_bucket(bucket: str, transport: Transport) -> Storage:
            settings = cls._settings(model, {**given, cls.place_field: bucket}, held)
            storage = Storage(cls.registry.open(cls.kind, settings), transport=transport, digest=digest)
            if storage.transport is not transport:  # it trusts other authorities: only its own carries its requests
                storage.operations.context.carrier = storage.transport
            return storage

        return BucketSpace(cls._schemes()[0], cls.place_field, open_bucket)


class AzureFileSystem(BucketFileSystem):
    """``kazinexazure://container/key``: blobs of the containers of one storage account.

    Options are the fields of ``AzureBlobSettings``; else ``KAZINEX_STORAGE_AZURE_BLOB_ACCOUNT`` and so on are read.
    """

    protocol = ("kazinexazure", "kazinex+azure")
    kind = "azure_blob"
    place_field = "container"
    _strip_tokenize_options = (
        "account_key",
        "connection_string",
        "sas_token",
        "client_secret",
        "private_key",
        "customer_key",
    )

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[AzureOptions]) -> None: ...


class SharePointFileSystem(BucketFileSystem):
    """``sharepoint://library/key`` and ``kazinexsharepoint://library/key``: files of the libraries of one site.

    Options are the fields of ``SharePointSettings``; else ``KAZINEX_STORAGE_SHAREPOINT_SITE_URL`` and so on are read.
    """

    protocol = ("sharepoint", "kazinexsharepoint", "kazinex+sharepoint")
    kind = "sharepoint"
    place_field = "library"
    _strip_tokenize_options = ("client_secret", "private_key", "refresh_token")

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[SharePointOptions]) -> None: ...


class R2FileSystem(BucketFileSystem):
    """``r2://bucket/key`` and ``kazinexr2://bucket/key``: objects on Cloudflare R2.

    Options are the fields of ``R2Settings``; else ``KAZINEX_STORAGE_R2_ACCOUNT_ID`` and so on are read.
    """

    protocol = ("r2", "kazinexr2", "kazinex+r2")
    kind = "r2"
    _strip_tokenize_options = ("secret_access_key", "session_token", "customer_key", "api_token")

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[R2Options]) -> None: ...


class S3FileSystem(BucketFileSystem):
    """``kazinexs3://bucket/key``: objects on S3, or on a service with the same API.

    Options are the fields of ``S3Settings``; else ``KAZINEX_STORAGE_S3_REGION`` and so on are read.
    """

    protocol = ("kazinexs3", "kazinex+s3")
    kind = "s3"
    _strip_tokenize_options = ("secret_access_key", "session_token", "customer_key")

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[S3Options]) -> None: ...


class SupabaseFileSystem(BucketFileSystem):
    """``kazinexsupabase://bucket/key``: objects on Supabase Storage.

    Options are the fields of ``SupabaseSettings``; else ``KAZINEX_STORAGE_SUPABASE_PROJECT_REF`` and so on are read.
    """

    protocol = ("kazinexsupabase", "kazinex+supabase")
    kind = "supabase"
    _strip_tokenize_options = ("secret_access_key", "session_token", "service_key")

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[SupabaseOptions]) -> None: ...
