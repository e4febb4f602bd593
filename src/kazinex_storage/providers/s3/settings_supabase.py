"""The settings of a host that keeps documents in a bucket of Supabase Storage.

Kazinex keeps this account itself: organisations enter nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Annotated, Self, cast

from pydantic import ModelWrapValidatorHandler, SecretStr, model_validator

from ...json_text import parse_json
from ...lazy import regex
from ..settings.fields import Hint
from ..settings.place import Place
from ..settings.settings_text import (
    EncryptableModel,
    Folder,
    KeptDays,
    KeyId,
    MaxSize,
    OptionalEndpoint,
    OptionalText,
    OptionalToken,
    Problem,
    Residency,
    Secret,
    Text,
    largest,
    trim,
    trim_and_warn,
    validate,
)
from .export import Exporter
from .target import SUPABASE, Credentials, RestEndpoint, Target

# supabase.com/docs/guides/storage/s3/authentication (read 2026-08).
_PATH = "/storage/v1/s3"

_PROJECT = regex(r"[a-z0-9]{20}")
_ADDRESS = regex(
    r"(?:https?://)?(?P<host>[a-z0-9]{20})(?:\.storage)?\.supabase\.co(?:/(?:storage|rest|auth)/.*|/)?"
    r"|(?:https?://)?(?:app\.)?supabase\.com/(?:dashboard/)?project/(?P<page>[a-z0-9]{20})(?:[/?#].*)?"
)
_REGION = regex(r"[A-Za-z0-9_-]{1,64}")

# The service accepts more characters (supabase/storage, src/storage/limits.ts, read 2026-08); these need no escaping in
# a URL, so that what is signed cannot differ from what is sent.
_BUCKET = regex(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")

_API_KEY = regex(r"sb_(?:secret|publishable)_\S+|[\w-]+\.[\w-]+\.[\w-]+")


class SupabaseSettings(EncryptableModel):
    """Settings of the kind ``supabase``."""

    project_ref: Annotated[
        Text, Hint(where="Supabase dashboard > Project Settings > General > Project ID", example="abcdefghijklmnopqrst")
    ]
    """The id of the project, 20 letters; the address of the project or of its page is understood as well."""
    region: Annotated[Text, Hint(where="Supabase dashboard > Storage > S3 > Region", example="eu-central-1")]
    """The region of the project, such as eu-central-1: project settings, Storage, S3 Connection."""
    access_key_id: Annotated[
        KeyId,
        Hint(where="Supabase dashboard > Storage > S3 > Access keys > New access key", example="fedcba9876543210" * 2),
    ]
    """Of an S3 access key of the project: it reaches every bucket and bypasses row level security."""
    secret_access_key: Annotated[
        Secret, Hint(where="the same page, once, right after the key was made", example="0123456789abcdef" * 4)
    ]
    """Shown once, when the access key is made; not an API key."""
    bucket: Annotated[Text, Hint(where="Supabase dashboard > Storage > Files", example="kazinex-documents")]
    """Its exact name; it must exist, and be private."""
    service_key: Annotated[
        OptionalToken, Hint(usual=True, where="Supabase dashboard > Project Settings > API Keys > Secret keys")
    ] = None
    """The secret API key of the project (``sb_secret_...``, or the ``service_role`` key). Without it writes cannot be
    create-only, because the S3 endpoint of the service always replaces."""
    prefix: Folder = ""
    """A folder in the bucket that holds everything."""
    residency: Residency = None
    """The region that the project must be in, or several, such as ``eu-*``: ``verify`` fails where it is another."""
    endpoint_url: OptionalEndpoint = None
    """An S3 endpoint other than that of the project, such as a test server; ends with ``/storage/v1/s3`` if it is
    Supabase's own."""
    public_base_url: OptionalEndpoint = None
    """Under which anyone reads the objects, such as a CDN, for ``public_url``; what follows is the name of the object,
    with its folder. None for documents, which nobody reads without a signature."""
    session_token: OptionalToken = None
    """The token of a signed-in user; then the id is the project's and the secret its publishable key."""
    ca_file: OptionalText = None
    """File of the authorities that are trusted for every request, PEM, instead of the public ones: of a service with
    a private one, or of a proxy that inspects TLS."""
    max_file_size: MaxSize = None
    """Bytes; the service takes 500 GB, and 50 MB on its free plan."""
    keep_deleted_days: KeptDays = None
    """How many days what is deleted stays below ``.trash``, from where it can be brought back; None: it is gone."""

    @model_validator(mode="wrap")
    @classmethod
    def _validate(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate(_taken_apart(data), handler, _problems, cls.__name__)

    @classmethod
    def taken_apart(cls, fields: Mapping[str, object]) -> Mapping[str, object]:
        """Return *fields* with an address that says several of them at once taken apart."""
        return cast("Mapping[str, object]", _taken_apart(fields))

    @property
    def place(self) -> Place:
        """Where the objects are."""
        return Place.at(
            "supabase", self._endpoint.replace(".storage.supabase.", ".supabase."), self.bucket, self.prefix
        )

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs that are connected to."""
        return (self._endpoint,)

    @property
    def borrowed(self) -> tuple[str, ...]:
        """The fields that name files of this machine."""
        return ("ca_file",) if self.ca_file is not None else ()

    @property
    def export(self) -> Exporter:
        """Options for other tools: ``settings.export("rclone")``; see ``Exporter``."""
        return Exporter(self.target())

    def target(self) -> Target:
        """Return the bucket that these settings name."""
        return Target(
            kind="supabase",
            preset=SUPABASE,
            endpoint_url=self._endpoint,
            bucket=self.bucket,
            region=self.region,
            credentials=Credentials.of(self.access_key_id, self.secret_access_key, self.session_token),
            prefix=self.prefix,
            residency=self.residency,
            keep_deleted_days=self.keep_deleted_days,
            public_base_url=self.public_base_url,
            ca_file=self.ca_file,
            max_object_bytes=largest(self.max_file_size, SUPABASE.max_object_bytes),
            rest=RestEndpoint(url=self.rest_url, service_key=self.service_key.get_secret_value())
            if self.service_key
            else None,
        )

    @property
    def rest_url(self) -> str:
        """The address of the REST interface, which knows create-only writes; no slash at its end."""
        return self._endpoint.removesuffix("/s3")

    @property
    def _endpoint(self) -> str:
        return self.endpoint_url or f"https://{self.project_ref}.storage.supabase.co{_PATH}"


def _project_in(text: object) -> str | None:
    found = _ADDRESS.fullmatch(trim(text)) if isinstance(text, str) else None
    return found["host"] or found["page"] if found else None


def _taken_apart(data: object) -> object:
    """Return *data* with addresses of the project replaced by its id."""
    if not isinstance(data, Mapping):
        return data
    fields: dict[str, object] = {**data}
    if (project := _project_in(fields.get("project_ref"))) is not None:
        trim_and_warn(fields["project_ref"], "project_ref")
        fields["project_ref"] = project
    endpoint = fields.get("endpoint_url")
    if (project := _project_in(endpoint)) is not None and fields.get("project_ref") in (None, "", project):
        trim_and_warn(endpoint, "endpoint_url")
        fields["project_ref"] = project
        del fields["endpoint_url"]
    return fields


def _problems(settings: SupabaseSettings) -> Iterator[Problem]:
    if not _BUCKET.fullmatch(settings.bucket):
        yield Problem(field="bucket", message=_explain_bucket(settings.bucket))
    if not _REGION.fullmatch(settings.region):
        yield Problem(field="region", message="a region is letters, digits and hyphens, such as eu-central-1")
    if settings.service_key is not None and _is_public(settings.service_key):
        yield Problem(
            field="service_key",
            message="this is the publishable (anon) key, which may not write; give the secret (service_role) key",
        )
    if settings.endpoint_url is None:
        yield from _hosted_problems(settings)
    elif _project_in(settings.endpoint_url) is not None:
        yield Problem(field="endpoint_url", message="it belongs to another project than project_ref; leave it out")


def _hosted_problems(settings: SupabaseSettings) -> Iterator[Problem]:
    if not _PROJECT.fullmatch(settings.project_ref):
        yield Problem(
            field="project_ref",
            message="a project id is 20 letters or digits; it is in the address of the project",
        )
    if settings.session_token is not None:
        return
    for field, text in (
        ("access_key_id", settings.access_key_id),
        ("secret_access_key", settings.secret_access_key.get_secret_value()),
    ):
        if _API_KEY.fullmatch(text):
            yield Problem(
                field=field,
                message="this is an API key of the project, not one half of an S3 access key; make that in the project "
                "settings below Storage, S3 Connection",
            )


def _explain_bucket(name: str) -> str:
    if "/" in name:
        return "give only the name of the bucket; a folder in it goes into prefix"
    return "the name of a usable bucket is 1 to 100 of A-Z a-z 0-9 . _ -; copy the exact name, or make such a bucket"


def _is_public(key: SecretStr) -> bool:
    text = key.get_secret_value()
    return text.startswith("sb_publishable_") or _role(text) == "anon"


def _role(token: str) -> object:
    """Return the role that a JSON web token names, without verifying the token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = parse_json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return claims.get("role") if isinstance(claims, dict) else None
