"""Places with example names that diagnoses are made for, and answers that they are given. Nothing is sent anywhere."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

from kazinex_storage.errors import StorageError
from kazinex_storage.providers.azure_blob import AzureBlobProvider, AzureBlobSettings, open_azure_blob
from kazinex_storage.providers.azure_blob.target import Target as AzureTarget
from kazinex_storage.providers.s3 import (
    R2Settings,
    S3Provider,
    S3Settings,
    SupabaseSettings,
    open_r2,
    open_s3,
    open_supabase,
)
from kazinex_storage.providers.s3.target import Target
from kazinex_storage.providers.sharepoint import SharePointProvider, SharePointSettings, open_sharepoint
from kazinex_storage.providers.sharepoint.target import Target as SiteTarget
from kazinex_storage.transport import Response
from kazinex_storage.types import Diagnosis

BUCKET: Final = "kazinex-documents"
ORIGIN: Final = "https://app.example"

_KEY: Final = {
    "access_key_id": "fedcba9876543210fedcba9876543210",
    "secret_access_key": "00112233445566778899aabbccddeeff" * 2,
    "bucket": BUCKET,
}
_ACCOUNT_KEY: Final = "ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZSBleGFtcGxlIQ=="
TENANT: Final = "11111111-2222-3333-4444-555555555555"
_APP: Final = {
    "tenant_id": TENANT,
    "client_id": "aaaaaaaa-0000-4000-8000-000000000000",
    "client_secret": "example-secret",
}


def r2(**more: object) -> S3Provider:
    """Return a bucket on R2."""
    fields = {**_KEY, "account_id": "0123456789abcdef0123456789abcdef", "jurisdiction": "eu", **more}
    return open_r2(R2Settings.model_validate(fields))


def s3(**more: object) -> S3Provider:
    """Return a bucket on S3."""
    fields = {**_KEY, "access_key_id": "AKIAEXAMPLEEXAMPLE00", "region": "eu-central-1", **more}
    return open_s3(S3Settings.model_validate(fields))


def supabase(**more: object) -> S3Provider:
    """Return a bucket on Supabase."""
    fields = {**_KEY, "project_ref": "abcdefghijklmnopqrst", "region": "eu-central-1", **more}
    return open_supabase(SupabaseSettings.model_validate(fields))


def azure(**more: object) -> AzureBlobProvider:
    """Return a container on Azure, for the key of the account."""
    return _azure(account_key=_ACCOUNT_KEY, **more)


def azure_by_identity(**more: object) -> AzureBlobProvider:
    """Return the same for an app of Microsoft Entra."""
    return _azure(**_APP, **more)


def azure_by_signature(**fields: str) -> AzureBlobProvider:
    """Return the same for a shared access signature with *fields*."""
    given = {"sv": "2024-11-04", "sr": "c", "sp": "rwdl", "se": "2030-01-01T00:00:00Z", "sig": "ZXhhbXBsZQ=="} | fields
    return _azure(sas_token="&".join(f"{name}={text}" for name, text in given.items()))


def sharepoint(**more: object) -> SharePointProvider:
    """Return a library on SharePoint."""
    fields = {**_APP, "site_url": "https://contoso.sharepoint.com/sites/projects", **more}
    return open_sharepoint(SharePointSettings.model_validate(fields))


def bucket_of(provider: S3Provider) -> Target:
    """Return what the provider of a bucket works on."""
    return provider.objects.requests.target


def buckets() -> dict[str, Target]:
    """Return a bucket of each kind."""
    return {"r2": bucket_of(r2()), "s3": bucket_of(s3()), "supabase": bucket_of(supabase())}


def container_of(provider: AzureBlobProvider) -> AzureTarget:
    """Return what the provider of a container works on."""
    return provider.target


def site_of(provider: SharePointProvider) -> SiteTarget:
    """Return what the provider of a library works on."""
    return provider.library.target


def page(status: int = 200, body: str = "", **headers: str) -> Response:
    """Return an answer."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status=status, headers=named, body=body.encode())


def answered(exchange: Generator[Any, Any, Any], *answers: Response) -> Diagnosis:
    """Return what an exchange finds when it is given *answers*, be it a warning or an error that explains itself."""
    given, answer = iter(answers), None
    try:
        while True:
            exchange.send(answer)
            answer = next(given)
    except StopIteration as stopped:
        found = stopped.value
    except StorageError as error:
        found = getattr(error, "diagnosis", None)
    if not isinstance(found, Diagnosis):
        raise LookupError(f"{exchange!r} explains nothing")
    return found


def _azure(**fields: object) -> AzureBlobProvider:
    return open_azure_blob(
        AzureBlobSettings.model_validate({"account": "kazinexexample", "container": "kazinex-container", **fields})
    )
