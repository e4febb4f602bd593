"""The settings for a bucket of AWS S3 or of a service that speaks its protocol."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, ModelWrapValidatorHandler, model_validator

from ...lazy import regex
from ..settings.fields import Hint, Way
from ..settings.place import Place
from ..settings.settings_text import (
    CustomerKey,
    EncryptableModel,
    Folder,
    KeptDays,
    MaxSize,
    OptionalEndpoint,
    OptionalKeyId,
    OptionalOrigin,
    OptionalSecret,
    OptionalText,
    OptionalToken,
    Problem,
    Residency,
    Text,
    customer_key_problems,
    key_of_customer,
    largest,
    trim_and_warn,
    validate,
)
from .credentials import ChainCredentials
from .export import Exporter
from .target import S3, Credentials, CredentialSource, Target

# docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html (read 2026-08). Capital letters and underscores
# are in old buckets of us-east-1 and on other services.
_BUCKET = regex(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_VIRTUAL_BUCKET = regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = regex(r"[A-Za-z0-9_-]{1,64}")
_AWS_REGION = regex(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")
_AWS_HOST = regex(
    r"s3(?:-fips)?(?:\.dualstack)?[.-](?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d{1,2})\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu)"
)
# docs.aws.amazon.com/general/latest/gr/s3.html and botocore's partitions (read 2026-08). Partitions with a network of
# their own are reached by endpoint_url.
_AWS_DOMAINS = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}

# Accepted by services that have no regions (MinIO, SeaweedFS, Ceph).
_ANY_REGION = "us-east-1"

# These services have kinds of their own, which know what they refuse and ignore: through the kind s3, a revision on
# Supabase would be overwritten silently.
_OTHER_KINDS = (
    (regex(r"https?://[^/]*\.r2\.cloudflarestorage\.com(:\d+)?(/.*)?"), "r2"),
    (regex(r"https?://[^/]*\.supabase\.(co|red)(:\d+)?(/.*)?|.*/storage/v1/s3"), "supabase"),
)


def _as_addressing(value: object) -> object:
    trimmed = trim_and_warn(value, "addressing")
    return trimmed.lower() if isinstance(trimmed, str) else "auto" if trimmed is None else trimmed


class S3Settings(EncryptableModel):
    """Settings of the kind ``s3``.

    Credentials are a key pair, or a profile, or neither: then boto3's chain looks for those of this process, in the
    environment, the shared files, the container and the instance. Only offer the last two to the operator of the
    process: they reach what the process may reach, not what an organisation may.
    """

    bucket: Annotated[Text, Hint(where="AWS console > S3 > General purpose buckets", example="kazinex-documents")]
    """Its exact name; it must exist."""
    region: Annotated[
        OptionalText,
        Hint(
            usual=True,
            where="AWS console > S3 > General purpose buckets, the column AWS Region",
            example="eu-central-1",
        ),
    ] = None
    """Where the bucket is. Required for AWS; other services accept any, unless their administrator says otherwise."""
    access_key_id: Annotated[
        OptionalKeyId,
        Hint(
            where="AWS console > IAM > Users > the user > Security credentials > Access keys",
            example="AKIAIOSFODNN7EXAMPLE",
        ),
    ] = None
    """Goes with the secret access key."""
    secret_access_key: Annotated[
        OptionalSecret, Hint(where="the same page, once, right after the key was made", example="0123456789abcdef" * 2)
    ] = None
    """Goes with the access key id."""
    session_token: OptionalToken = None
    """Of temporary credentials; goes with a key pair."""
    profile: Annotated[OptionalText, Hint(where="~/.aws/config of this machine")] = None
    """A profile of the shared AWS configuration of this machine, instead of a key pair; renewed when it expires."""
    endpoint_url: Annotated[
        OptionalEndpoint, Hint(usual=True, where="the administration of the service, where it is not AWS")
    ] = None
    """Address of the service, without the bucket. Without it: AWS in the region."""
    addressing: Annotated[Literal["auto", "path", "virtual"], BeforeValidator(_as_addressing)] = "auto"
    """Where the bucket is written: in the path, in the host name, or (auto) in the host name on AWS where possible."""
    prefix: Folder = ""
    """A folder in the bucket that holds everything."""
    customer_key: CustomerKey = None
    """32 random bytes in base64 by which the service encrypts each object and which it does not keep (SSE-C). Without
    the key nothing can be read, so it cannot be changed for what is there; https only."""
    residency: Residency = None
    """The region that the bucket must be in, or several, such as ``eu-*``: ``verify`` fails where it is another."""
    object_lock: bool = False
    """Whether the bucket was made with Object Lock: then objects can be retained and held, deletes and replacing puts
    ask first what keeps the object (one request more), and ``verify`` checks that it works."""
    public_base_url: OptionalEndpoint = None
    """Under which anyone reads the objects, such as a domain of the bucket or a CDN, for ``public_url``; what follows
    is the name of the object, with its folder. None for documents, which nobody reads without a signature."""
    browser_origin: OptionalOrigin = None
    """Scheme and host of the web pages that upload directly to the bucket, so that ``verify`` checks its CORS
    configuration; None when no page does."""
    ca_file: OptionalText = None
    """File of the authorities that are trusted for every request, PEM, instead of the public ones: of a service with
    a private one, or of a proxy that inspects TLS."""
    max_file_size: MaxSize = None
    """Bytes; without it 5 TiB."""
    versioned: bool = False
    """Whether the bucket has versioning turned on, so that what is replaced or deleted can be brought back; ``verify``
    checks that it has."""
    keep_deleted_days: KeptDays = None
    """How many days what is deleted from a bucket without versioning stays below ``.trash``; None: it is gone."""

    ways: ClassVar[tuple[Way, ...]] = (
        Way(title="An access key", fields=("access_key_id", "secret_access_key")),
        Way(title="A profile of the AWS configuration of this machine", fields=("profile",)),
        Way(title="What this machine has: environment, container or instance", fields=()),
    )
    """How one proves who one is."""

    @model_validator(mode="wrap")
    @classmethod
    def _validate(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate(data, handler, _problems, cls.__name__)

    @property
    def place(self) -> Place:
        """Where the objects are; names of buckets are unique over all regions of AWS."""
        url = "https://amazonaws.com" if _is_aws(self) else self.endpoint_url or ""
        return Place.at("s3", url, self.bucket, self.prefix)

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs that are connected to."""
        return (self.endpoint_url or _aws_endpoint(self.region or ""),)

    @property
    def borrowed(self) -> tuple[str, ...]:
        """The fields that use credentials or files of the machine."""
        trust = ("ca_file",) if self.ca_file is not None else ()
        if self.profile is not None:
            return ("profile", *trust)
        return trust if self.access_key_id is not None else ("access_key_id", *trust)

    @property
    def export(self) -> Exporter:
        """Options for other tools: ``settings.export("rclone")``; see ``Exporter``."""
        return Exporter(self.target())

    def target(self) -> Target:
        """Return the bucket that these settings name; a chain of credentials is only asked when used."""
        return Target(
            kind="s3",
            preset=S3,
            endpoint_url=self.endpoint_url or _aws_endpoint(self.region or ""),
            bucket=self.bucket,
            region=_region(self) or _ANY_REGION,
            credentials=self._credentials(),
            prefix=self.prefix,
            residency=self.residency,
            keep_deleted_days=self.keep_deleted_days,
            versioned=self.versioned,
            customer_key=key_of_customer(self.customer_key),
            virtual_host=self.addressing == "virtual" or (self.addressing == "auto" and _is_virtual(self)),
            ca_file=self.ca_file,
            max_object_bytes=largest(self.max_file_size, S3.max_object_bytes),
            object_lock=self.object_lock,
            public_base_url=self.public_base_url,
            browser_origin=self.browser_origin,
        )

    def _credentials(self) -> Credentials | CredentialSource:
        if self.access_key_id is None or self.secret_access_key is None:
            return ChainCredentials(self.profile, self.ca_file)
        return Credentials.of(self.access_key_id, self.secret_access_key, self.session_token)


def _problems(settings: S3Settings) -> Iterator[Problem]:
    yield from _bucket_problems(settings)
    if settings.versioned and settings.keep_deleted_days is not None:
        yield Problem(field="keep_deleted_days", message="a versioned bucket keeps what is deleted; leave it out")
    yield from _credential_problems(settings)
    yield from customer_key_problems(settings.customer_key, settings.endpoint_url or "https://")
    if settings.region is not None and not _REGION.fullmatch(settings.region):
        yield Problem(field="region", message="a region is letters, digits and hyphens, such as eu-central-1")
    elif settings.endpoint_url is None and not _AWS_REGION.fullmatch(settings.region or ""):
        yield Problem(
            field="region",
            message="name the AWS region of the bucket, such as eu-central-1, or the endpoint_url of another service",
        )
    elif _region(settings) is None and _is_aws(settings):
        yield Problem(field="region", message="the endpoint does not show the region of the bucket; give it")
    yield from _endpoint_problems(settings)


def _bucket_problems(settings: S3Settings) -> Iterator[Problem]:
    name = settings.bucket
    if name.startswith("arn:"):
        yield Problem(field="bucket", message="this is an ARN; give the name of the bucket, or an access point's alias")
    elif "/" in name:
        yield Problem(field="bucket", message="give only the name of the bucket; a folder in it goes into prefix")
    elif not _BUCKET.fullmatch(name) or ".." in name:
        yield Problem(
            field="bucket",
            message="the name of a bucket is 3 to 63 of a-z, 0-9, hyphen and dot, a letter or digit at either end; "
            "copy the exact name",
        )
    elif settings.addressing == "virtual" and not _VIRTUAL_BUCKET.fullmatch(name):
        yield Problem(
            field="addressing",
            message="the name of this bucket cannot be in a host name that TLS certificates cover; use path",
        )


def _credential_problems(settings: S3Settings) -> Iterator[Problem]:
    given = [settings.access_key_id is not None, settings.secret_access_key is not None]
    if any(given) and not all(given):
        missing = "secret_access_key" if given[0] else "access_key_id"
        yield Problem(
            field=missing,
            message="only half of a key pair is given; give both, or neither to use a profile or what this process has",
        )
    elif any(given) and settings.profile is not None:
        yield Problem(field="profile", message="a key pair is given as well; choose one of them")
    elif settings.session_token is not None and not any(given):
        yield Problem(field="session_token", message="it goes with a key pair, and there is none; give it too")


def _endpoint_problems(settings: S3Settings) -> Iterator[Problem]:
    endpoint = settings.endpoint_url
    if endpoint is None:
        return
    for pattern, kind in _OTHER_KINDS:
        if pattern.fullmatch(endpoint):
            yield Problem(field="endpoint_url", message=f"this service has rules of its own; use the kind {kind!r}")
            return
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if host.startswith(f"{settings.bucket.lower()}.") or parts.path.endswith(f"/{settings.bucket}"):
        yield Problem(field="endpoint_url", message="it contains the bucket as well; leave that out of the address")
    elif settings.addressing == "virtual" and (_is_address(host) or parts.path):
        yield Problem(field="addressing", message="this endpoint cannot have the bucket in its host name; use path")


def _is_virtual(settings: S3Settings) -> bool:
    # AWS recommends it: docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html (read 2026-08). Certificates
    # of *.s3.<region>.amazonaws.com do not cover a name with a dot.
    return _is_aws(settings) and _VIRTUAL_BUCKET.fullmatch(settings.bucket) is not None


def _is_aws(settings: S3Settings) -> bool:
    if settings.endpoint_url is None:
        return True
    host = urlsplit(settings.endpoint_url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"))


def _region(settings: S3Settings) -> str | None:
    if settings.region is not None or settings.endpoint_url is None:
        return settings.region
    found = _AWS_HOST.fullmatch(urlsplit(settings.endpoint_url).hostname or "")
    return found["region"] if found else None


def _aws_endpoint(region: str) -> str:
    domain = _AWS_DOMAINS.get(region.partition("-")[0], "amazonaws.com")
    return f"https://s3.{region}.{domain}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
