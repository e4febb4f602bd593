"""Every diagnosis that a verification can print, by what people see; made by the code that prints it, of examples.

A test sees to it that each place in the package that makes a ``Diagnosis`` is reached from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from kazinex_storage.errors import (
    LocationNotFoundError,
    LockedError,
    QuotaExceededError,
    RateLimitedError,
    StorageError,
)
from kazinex_storage.keys import ObjectKey
from kazinex_storage.organisations import ownership
from kazinex_storage.providers.azure_blob import AzureBlobProvider
from kazinex_storage.providers.azure_blob import causes as azure_causes
from kazinex_storage.providers.local.diagnose import diagnose as diagnose_disk
from kazinex_storage.providers.s3 import causes
from kazinex_storage.providers.settings import aadsts, network_causes, residency
from kazinex_storage.providers.sharepoint import causes as site_causes
from kazinex_storage.public_access import PublicAccess, PublicError, check_private
from kazinex_storage.types import Diagnosis
from kazinex_storage.values import value
from kazinex_storage.verification import advice, findings

from . import places

_NOW: Final = datetime(2026, 12, 1, tzinfo=UTC)
_R2: Final = places.bucket_of(places.r2())
_S3: Final = places.bucket_of(places.s3())


@value
class Symptom:
    """What people see, and what the verification then says, by kind of provider."""

    title: str
    said: Mapping[str, Diagnosis]
    """By kind; one kind that is empty stands for all."""
    checks: tuple[str, ...] = ()
    """In which checks it appears; none stands for any."""
    warning: bool = False
    """Documents can be stored all the same."""


@value
class Section:
    """Symptoms that are looked for together."""

    title: str
    text: str
    symptoms: tuple[Symptom, ...]


def sections() -> Iterator[Section]:
    """Yield everything."""
    yield _unreachable()
    yield _refused()
    yield _not_found()
    yield _forbidden()
    yield _kept()
    yield _settings()
    yield _warnings()
    yield _sign_in()
    yield _disk()
    yield _general()


def _of_token(**fields: str) -> Diagnosis:
    token = "&".join(f"{name}={text}" for name, text in {"sr": "c", "sp": "rwdl", **fields}.items())
    return _sure(azure_causes.of_token(token, _NOW))


def _of_code(code: str, provider: AzureBlobProvider | None = None) -> Diagnosis:
    return _sure(azure_causes.of_code(code, places.container_of(provider or places.azure())))


def _of_error(error: StorageError) -> Diagnosis:
    """Return what SharePoint's diagnosis makes of an error, without a request."""
    return places.answered(places.sharepoint().diagnose(error, "list"))


def _not_there(found: Diagnosis) -> Diagnosis:
    return _of_error(LocationNotFoundError(f"{found.meaning}; {found.fix}", code="site"))


def _sure(found: Diagnosis | None) -> Diagnosis:
    if found is None:
        raise LookupError("nothing is said")
    return found


def _unreachable() -> Section:
    url = _R2.endpoint_url
    page = places.page(content_type="text/html")

    def network(code: str, message: str = "", endpoint: str = url) -> Mapping[str, Diagnosis]:
        return {"": network_causes.unreachable(endpoint, code, message, mistyped="the endpoint")}

    plain = url.replace("https://", "http://")
    return Section(
        title="The service is not reached",
        text="Every check fails, beginning with `list`. Nothing is known of the credentials yet.",
        symptoms=(
            Symptom(title="The host name is not known", said=network("dns")),
            Symptom(title="No answer: refused, or it takes too long", said=network("connect")),
            Symptom(title="The connection breaks off", said=network("cut")),
            Symptom(title="The connection breaks off, and the endpoint says http", said=network("cut", "", plain)),
            Symptom(title="The certificate is not trusted", said=network("tls", "self-signed certificate")),
            Symptom(title="The certificate is out of date", said=network("tls", "certificate has expired")),
            Symptom(
                title="Cloudflare ends the TLS handshake",
                said={"r2": causes.unreachable(_R2, "tls", "sslv3 alert handshake failure")},
            ),
            Symptom(title="Something else answers", said={"": network_causes.unexpected_response(url, page)}),
            Symptom(title="The clock is wrong", said={"": network_causes.wrong_clock(17)}),
            Symptom(
                title="The service says that the clock is wrong, and not by how much",
                said={"": network_causes.wrong_clock(None)},
            ),
            Symptom(title="The verification does not end", said={"": findings.HANGS}),
        ),
    )


def _refused() -> Section:
    buckets = places.buckets()
    return Section(
        title="The credentials are not accepted",
        text="The service answers, and does not know who asks.",
        symptoms=(
            Symptom(
                title="The access key id is unknown",
                said={kind: causes.wrong_key_id(at) for kind, at in buckets.items()},
            ),
            Symptom(
                title="The signature does not match",
                said={kind: causes.wrong_secret(at) for kind, at in buckets.items()},
            ),
            Symptom(
                title="The session token has expired",
                said={kind: causes.expired_session(at) for kind, at in buckets.items()},
            ),
            Symptom(title="R2 is not enabled", said={"r2": causes.not_enabled()}),
            Symptom(
                title="The service key is not accepted",
                said={"supabase": causes.wrong_service_key()},
                checks=("create-only",),
            ),
            Symptom(title="The key of the account is wrong", said={"azure_blob": _of_code("AuthenticationFailed")}),
            Symptom(
                title="The shared access signature is wrong",
                said={"azure_blob": _of_code("AuthenticationFailed", places.azure_by_signature())},
            ),
            *(
                Symptom(title=title, said={"azure_blob": _of_token(**fields)})
                for title, fields in (
                    ("The shared access signature has expired", {"se": "2026-11-30T00:00:00Z"}),
                    ("The shared access signature is not valid yet", {"st": "2027-01-01T00:00:00Z"}),
                    ("The shared access signature is for one blob", {"sr": "b"}),
                    ("The shared access signature does not cover blobs", {"ss": "q", "srt": "s"}),
                    ("The shared access signature allows too little", {"sp": "rl"}),
                )
            ),
            *(
                Symptom(title=f"Azure says {code}", said={"azure_blob": _of_code(code)})
                for code in azure_causes.BY_CODE
                if code != "ContainerNotFound"
            ),
        ),
    )


def _not_found() -> Section:
    buckets = places.buckets()
    library = site_causes.no_library("Plans", ["Documents", "Drawings"])
    return Section(
        title="The bucket, container, site or library is not found",
        text="The credentials are good, and the place is not there, or is another one.",
        symptoms=(
            Symptom(title="There is no such bucket", said={kind: causes.no_bucket(at) for kind, at in buckets.items()}),
            Symptom(
                title="The name differs in capitals",
                said={"s3": causes.other_case(replace(_S3, bucket="Kazinex-Documents"), places.BUCKET)},
            ),
            Symptom(
                title="The bucket is in another jurisdiction", said={"r2": causes.other_jurisdiction(_R2, ["default"])}
            ),
            Symptom(
                title="The bucket has a jurisdiction, and the settings have none",
                said={"r2": causes.other_jurisdiction(replace(_R2, jurisdiction=None), ["eu"])},
            ),
            Symptom(title="The bucket is in another region", said={"s3": causes.other_region(_S3, "eu-west-1")}),
            Symptom(title="There is no such container", said={"azure_blob": _of_code("ContainerNotFound")}),
            Symptom(
                title="There is no such site",
                said={"sharepoint": _not_there(site_causes.no_site(places.site_of(places.sharepoint())))},
            ),
            Symptom(title="There is no site with that id", said={"sharepoint": site_causes.NO_SUCH_ID}),
            Symptom(title="The site has no such library", said={"sharepoint": library}),
            Symptom(title="The library is gone", said={"sharepoint": site_causes.LIBRARY_GONE}),
        ),
    )


def _forbidden() -> Section:
    buckets = places.buckets()
    return Section(
        title="The credentials may not do it",
        text="They are known, and lack a permission that documents need: list, read, write, delete.",
        symptoms=(
            Symptom(
                title="The key may only read",
                said={kind: causes.read_only(at) for kind, at in buckets.items()},
                checks=("write",),
            ),
            Symptom(
                title="The key may not read",
                said={kind: causes.not_allowed(at, "read") for kind, at in buckets.items()},
                checks=("read", "compare"),
            ),
            Symptom(
                title="The key may not delete",
                said={kind: causes.not_allowed(at, "delete") for kind, at in buckets.items()},
                checks=("delete",),
            ),
            Symptom(
                title="The key is for another bucket",
                said={kind: causes.other_bucket(at) for kind, at in buckets.items()},
            ),
            Symptom(
                title="The identity has no role",
                said={"azure_blob": _of_code("AuthorizationPermissionMismatch", places.azure_by_identity())},
            ),
            Symptom(
                title="The signature does not allow everything",
                said={"azure_blob": _of_code("AuthorizationPermissionMismatch", places.azure_by_signature())},
            ),
            Symptom(title="The app may read the site only", said={"sharepoint": site_causes.READ_ONLY}),
            Symptom(
                title="The app may not use the site",
                said={"sharepoint": site_causes.not_granted(places.site_of(places.sharepoint()))},
            ),
        ),
    )


def _kept() -> Section:
    label = "Engineering records"
    return Section(
        title="What keeps objects does not work",
        text="Versions, locks, holds and keys that the settings promise are tried with the probe.",
        symptoms=(
            Symptom(title="No versions are kept", said={"s3": causes.NO_VERSIONS}, checks=("versions",)),
            Symptom(
                title="The account keeps no versions",
                said={"azure_blob": azure_causes.NO_VERSIONS},
                checks=("versions",),
            ),
            Symptom(
                title="Versions cannot be removed",
                said={"azure_blob": azure_causes.VERSIONS_STAY},
                checks=("versions",),
            ),
            Symptom(title="Objects cannot be held", said={"s3": causes.NOT_HELD}, checks=("object lock",)),
            Symptom(title="A hold cannot be read back", said={"s3": causes.HOLD_UNREAD}, checks=("object lock",)),
            Symptom(title="Lock rules cannot be set", said={"r2": causes.NO_LOCK_RULES}, checks=("object lock",)),
            Symptom(title="Blobs cannot be held", said={"azure_blob": azure_causes.NOT_HELD}, checks=("immutability",)),
            Symptom(
                title="The hold of a blob cannot be read back",
                said={"azure_blob": azure_causes.HOLD_UNREAD},
                checks=("immutability",),
            ),
            Symptom(
                title="Files cannot be held by the label",
                said={"sharepoint": site_causes.not_held(label)},
                checks=("hold label",),
            ),
            Symptom(
                title="The label keeps nothing",
                said={"sharepoint": site_causes.keeps_nothing(label, label, "doNotRetain")},
                checks=("hold label",),
            ),
            Symptom(
                title="The customer key is ignored",
                said={"s3": causes.KEY_IGNORED, "azure_blob": azure_causes.KEY_IGNORED},
                checks=("customer key",),
            ),
        ),
    )


def _settings() -> Section:
    outside = residency.OutsideError(
        "the bucket 'kazinex-documents'", "us-east-1", "eu-*", "make a bucket in such a region"
    )
    return Section(
        title="The place must not be used",
        text="It works, and documents must not be put there.",
        symptoms=(
            Symptom(title="The objects are in another region", said={"": outside.diagnosis}, checks=("residency",)),
            Symptom(
                title="The bucket is outside the jurisdiction", said={"r2": causes.outside(_R2)}, checks=("residency",)
            ),
            Symptom(title="Anybody can read what is stored", said=_public(), checks=("private",)),
            Symptom(
                title="Writes cannot be create-only", said={"": findings.no_create_only(None)}, checks=("create-only",)
            ),
            Symptom(
                title="Another organisation has the place",
                said={"": ownership.PlaceTakenError().diagnosis},
                checks=("owner",),
            ),
            Symptom(title="The marker of the owner is none", said={"": ownership.NO_MARKER}, checks=("owner",)),
            Symptom(
                title="The service does not take CRC-64", said={"azure_blob": azure_causes.NO_CRC64}, checks=("write",)
            ),
        ),
    )


def _public() -> dict[str, Diagnosis]:
    key = ObjectKey("acme/bridge/DRG-0042/P01/plan.pdf")
    found = {
        "s3": places.s3().public_access(key),
        "supabase": places.supabase().public_access(key),
        "azure_blob": places.azure().public_access(key),
    }
    return {kind: PublicError(access).diagnosis for kind, access in found.items() if access is not None}


def _unproven() -> dict[str, Diagnosis]:
    listed = places.page(body="<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
    resource = (
        f"/subscriptions/{places.TENANT}/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/kazinexexample"
    )
    account = places.azure_by_identity(residency="westeurope", resource_id=resource)
    library = places.sharepoint(residency="EUR")
    return {
        "s3": places.answered(places.s3(residency="eu-*").checks()["residency"](), listed, places.page(403)),
        "azure_blob": places.answered(account.checks()["residency"](), places.page(403)),
        "sharepoint": places.answered(
            library.checks()["residency"](), places.page(body='{"id": "contoso"}'), places.page(body="{}")
        ),
    }


def _warnings() -> Section:
    asked = {
        kind: provider.checks()["cors"]()
        for kind, provider in (
            ("r2", places.r2(browser_origin=places.ORIGIN)),
            ("s3", places.s3(browser_origin=places.ORIGIN)),
            ("azure_blob", places.azure(browser_origin=places.ORIGIN)),
        )
    }
    private = check_private(PublicAccess(url="https://example.com/probe", fix=""), b"probe")
    found = (
        Symptom(
            title="Browsers cannot upload",
            said={kind: places.answered(each, places.page(403)) for kind, each in asked.items()},
            checks=("cors",),
        ),
        Symptom(title="The content type came back as another", said={"": findings.content_type_altered("text/html")}),
        Symptom(title="The metadata came back altered", said={"": findings.METADATA_ALTERED}, checks=("compare",)),
        Symptom(
            title="A lock keeps the probe",
            said={kind: causes.bucket_lock(at) for kind, at in places.buckets().items()},
            checks=("create-only", "delete"),
        ),
        Symptom(
            title="A policy keeps the probe",
            said={"azure_blob": azure_causes.protected(places.container_of(places.azure()))},
            checks=("create-only", "delete"),
        ),
        Symptom(
            title="Whether anybody can read it is not proved",
            said={"": places.answered(private, places.page(body="please sign in"))},
            checks=("private",),
        ),
        Symptom(title="The region is not proved", said=_unproven(), checks=("residency",)),
        Symptom(
            title="The jurisdiction is not proved at another address",
            said={"r2": causes.jurisdiction_elsewhere(_R2)},
            checks=("residency",),
        ),
        Symptom(
            title="The jurisdiction is not proved",
            said={"r2": causes.jurisdiction_unsaid(_R2, "the service answered 503")},
            checks=("residency",),
        ),
        Symptom(title="Nobody can own the place", said={"": ownership.UNOWNED}, checks=("owner",)),
        Symptom(
            title="Soft delete keeps what is purged",
            said={"azure_blob": azure_causes.SOFT_DELETED},
            checks=("versions",),
        ),
    )
    return Section(
        title="Warnings",
        text="Documents can be stored; something else is not as it should be.",
        symptoms=tuple(replace(each, warning=True) for each in found),
    )


def _sign_in() -> Section:
    general = (Symptom(title=f"Microsoft says {code}", said={"": found}) for code, found in aadsts.GENERAL.items())
    return Section(
        title="Microsoft Entra gives no token",
        text="SharePoint, and Azure by an identity. The code stands in the error, as `AADSTS` and a number.",
        symptoms=(
            *(Symptom(title=f"AADSTS{number}", said={"": found}) for number, found in aadsts.NUMBERS.items()),
            *general,
            Symptom(title="SharePoint is full", said={"sharepoint": _of_error(QuotaExceededError(""))}),
            Symptom(title="SharePoint locks the file", said={"sharepoint": _of_error(LockedError(""))}),
            Symptom(title="Microsoft throttles the app", said={"sharepoint": _of_error(RateLimitedError(""))}),
        ),
    )


def _disk() -> Section:
    words = {
        "EROFS": "The disk is read-only",
        "EACCES": "The folder may not be used",
        "EIO": "The disk or the share fails",
    }
    return Section(
        title="Local disk",
        text="The code of the system stands in the error.",
        symptoms=tuple(
            Symptom(title=title, said={"local": _sure(diagnose_disk(StorageError("", code=code)))})
            for code, title in words.items()
        ),
    )


def _general() -> Section:
    return Section(
        title="Nothing better is known",
        text="The class of the error decides. What the service said stands beside it.",
        symptoms=(
            *(Symptom(title=f"`{kind.__name__}`", said={"": advice.advise(kind(""))}) for kind in advice.KINDS),
            Symptom(title="Any other error", said={"": advice.advise(RuntimeError())}),
        ),
    )
