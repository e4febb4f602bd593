"""The settings of an organisation that keeps its documents in a bucket of Cloudflare R2.

The fields are those of the form in Kazinex, in its order, and a few more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal, Self, cast

from pydantic import BeforeValidator, ModelWrapValidatorHandler, model_validator

from ...lazy import regex
from ...values import value
from ..settings.fields import Hint
from ..settings.place import Place
from ..settings.settings_text import (
    CustomerKey,
    EncryptableModel,
    Folder,
    KeptDays,
    KeyId,
    MaxSize,
    OptionalEndpoint,
    OptionalOrigin,
    OptionalSecret,
    OptionalText,
    OptionalToken,
    Problem,
    Secret,
    Text,
    customer_key_problems,
    key_of_customer,
    largest,
    trim,
    trim_and_warn,
    validate,
)
from .export import Exporter
from .target import DEFAULT_JURISDICTION, R2, Credentials, LockApi, Target

HOST = "r2.cloudflarestorage.com"
"""Hosts of the service are below it."""

# developers.cloudflare.com/api (read 2026-11).
_API = "https://api.cloudflare.com/client/v4"

# developers.cloudflare.com/r2/reference/data-location (read 2026-08).
_PLACES = {DEFAULT_JURISDICTION: "", "eu": ".eu", "fedramp": ".fedramp", "us": ".us"}

# developers.cloudflare.com/r2/api/s3/api and /r2/reference/data-location (read 2026-08): the endpoint is
# <account>.<jurisdiction>.r2.cloudflarestorage.com, with the bucket in front of it or as the first part of the path.
_ADDRESS = regex(
    r"(?:https?://)?(?:(?P<host_bucket>[a-z0-9][a-z0-9-]*)\.)?(?P<account>[0-9a-f]{32})"
    r"(?:\.(?P<jurisdiction>[a-z-]+))?(?P<service>\.r2\.cloudflarestorage\.com(?::443)?)?"
    r"(?:/(?P<path_bucket>[^/?#]+))?/?"
)
# developers.cloudflare.com/r2/buckets/create-buckets (read 2026-08).
_BUCKET = regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
# developers.cloudflare.com/r2/api/tokens (read 2026-08): the access key id is the id of a token, the secret is the
# SHA-256 of its value. What the value looks like: /fundamentals/api/get-started/token-formats; older ones have 40
# characters without a prefix.
_KEY_ID = regex(r"[0-9a-f]{32}")
_SECRET = regex(r"[0-9a-f]{64}")
_TOKEN_VALUE = regex(r"cf[a-z]{1,2}t?_\S+|[A-Za-z0-9_-]{40}")


def _as_jurisdiction(value: object) -> object:
    trimmed = trim_and_warn(value, "jurisdiction")
    if not isinstance(trimmed, str):
        return trimmed
    return None if trimmed.lower() == DEFAULT_JURISDICTION else trimmed.lower()


class R2Settings(EncryptableModel):
    """Settings of the kind ``r2``."""

    account_id: Annotated[
        Text, Hint(where="Cloudflare dashboard > R2 > Overview > Account Details", example="0123456789abcdef" * 2)
    ]
    """The id of the Cloudflare account, 32 hexadecimal digits: dashboard, R2, Overview, Account Details. The S3
    endpoint shown there is understood as well."""
    access_key_id: Annotated[
        KeyId,
        Hint(where="Cloudflare dashboard > R2 > Manage API tokens > Create API token", example="fedcba9876543210" * 2),
    ]
    """Of an R2 API token with Object Read & Write on the bucket."""
    secret_access_key: Annotated[
        Secret,
        Hint(
            where="the same page, once, right after the token was made", example="00112233445566778899aabbccddeeff" * 2
        ),
    ]
    """Shown once, when the token is made; not the value of the token."""
    bucket: Annotated[
        Text, Hint(where="Cloudflare dashboard > R2 > Overview, the list of buckets", example="kazinex-documents")
    ]
    """Its exact name; it must exist."""
    jurisdiction: Annotated[
        Literal["eu", "fedramp", "us"] | None,
        BeforeValidator(_as_jurisdiction),
        Hint(usual=True, where="Cloudflare dashboard > R2 > the bucket > Settings > General"),
    ] = None
    """The jurisdiction that the bucket was made in; None for the default, global one. It cannot be changed afterwards.
    When it is given, ``verify`` proves that the bucket is there."""
    prefix: Folder = ""
    """A folder in the bucket that holds everything."""
    customer_key: CustomerKey = None
    """32 random bytes in base64 by which the service encrypts each object and which it does not keep (SSE-C). Without
    the key nothing can be read, so it cannot be changed for what is there; https only."""
    endpoint_url: OptionalEndpoint = None
    """An address other than the one of account and jurisdiction, such as a test server."""
    session_token: OptionalToken = None
    """Of temporary credentials."""
    public_base_url: Annotated[
        OptionalEndpoint, Hint(where="Cloudflare dashboard > R2 > the bucket > Settings > Custom Domains")
    ] = None
    """Under which anyone reads the objects, such as a domain of the bucket or a CDN, for ``public_url``; what follows
    is the name of the object, with its folder. None for documents, which nobody reads without a signature."""
    api_token: Annotated[OptionalSecret, Hint(where="Cloudflare dashboard > My Profile > API Tokens")] = None
    """A Cloudflare API token with Workers R2 Storage: Edit: objects are then retained and held by lock rules of the
    bucket, of which it has at most 1,000, and ``verify`` checks that it works."""
    api_url: OptionalEndpoint = None
    """The API of Cloudflare at another address, such as a test server."""
    browser_origin: OptionalOrigin = None
    """Scheme and host of the web pages that upload directly to the bucket, so that ``verify`` checks its CORS policy;
    None when no page does."""
    ca_file: OptionalText = None
    """File of the authorities that are trusted for every request, PEM, instead of the public ones: of a service with
    a private one, or of a proxy that inspects TLS."""
    max_file_size: MaxSize = None
    """Bytes; the service's limit is 5 TiB less 5 GiB."""
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
        return Place.at("r2", self.urls[0], self.bucket, self.prefix)

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs that are connected to."""
        usual = f"https://{self.account_id}{_PLACES[self.jurisdiction or DEFAULT_JURISDICTION]}.{HOST}"
        return (self.endpoint_url or usual, *([self.api_url or _API] if self.api_token is not None else []))

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
        endpoints = {name: f"https://{self.account_id}{place}.{HOST}" for name, place in _PLACES.items()}
        usual = endpoints.pop(self.jurisdiction or DEFAULT_JURISDICTION)
        return Target(
            kind="r2",
            preset=R2,
            endpoint_url=self.endpoint_url or usual,
            bucket=self.bucket,
            region="auto",
            credentials=Credentials.of(self.access_key_id, self.secret_access_key, self.session_token),
            prefix=self.prefix,
            keep_deleted_days=self.keep_deleted_days,
            customer_key=key_of_customer(self.customer_key),
            ca_file=self.ca_file,
            max_object_bytes=largest(self.max_file_size, R2.max_object_bytes),
            jurisdiction=self.jurisdiction,
            other_endpoints={} if self.endpoint_url else endpoints,
            public_base_url=self.public_base_url,
            locks=self._locks(),
            browser_origin=self.browser_origin,
        )

    def _locks(self) -> LockApi | None:
        if self.api_token is None:
            return None
        url = f"{self.api_url or _API}/accounts/{self.account_id}/r2/buckets/{self.bucket}/lock"
        return LockApi(url=url, token=self.api_token.get_secret_value())


@value
class _Address:
    account: str
    jurisdiction: str | None
    bucket: str | None
    whole: bool
    """Whether it names the service."""

    @classmethod
    def parse(cls, text: object) -> _Address | None:
        if not isinstance(text, str):
            return None
        # Host names ignore case; a bucket in the path does not, so it is only recognised in its own.
        scheme, separator, rest = trim(text).rpartition("://")
        host, slash, path = rest.partition("/")
        found = _ADDRESS.fullmatch(f"{scheme.lower()}{separator}{host.lower()}{slash}{path}")
        if found is None or (found["host_bucket"] and (found["path_bucket"] or not found["service"])):
            return None
        return cls(
            account=found["account"],
            jurisdiction=None if found["jurisdiction"] == DEFAULT_JURISDICTION else found["jurisdiction"],
            bucket=found["host_bucket"] or found["path_bucket"],
            whole=found["service"] is not None,
        )

    def contradicts(self, given: Callable[[str], object]) -> str | None:
        """Return the field that contradicts the address, if one does."""
        for name, own in (("account_id", self.account), ("jurisdiction", self.jurisdiction), ("bucket", self.bucket)):
            said = given(name)
            said = trim(said) if isinstance(said, str) else None
            if name != "bucket" and said:
                said = said.lower()
            if said and own and said != own and not (name == "account_id" and _Address.parse(said) == self):
                return name
        return None


def _taken_apart(data: object) -> object:
    """Return *data* with addresses replaced by the fields that they contain, where that is unambiguous."""
    if not isinstance(data, Mapping):
        return data
    fields: dict[str, object] = {**data}
    for name in ("endpoint_url", "account_id"):
        address = _Address.parse(fields.get(name))
        if address is None or (name == "endpoint_url" and not address.whole) or address.contradicts(fields.get):
            continue
        trim_and_warn(fields[name], name)
        if name == "endpoint_url":
            del fields[name]
        parts = {"account_id": address.account, "jurisdiction": address.jurisdiction, "bucket": address.bucket}
        fields |= {part: value for part, value in parts.items() if value}
    return fields


def _problems(settings: R2Settings) -> Iterator[Problem]:
    if not _BUCKET.fullmatch(settings.bucket):
        yield Problem(field="bucket", message=_explain_bucket(settings.bucket))
    yield from customer_key_problems(settings.customer_key, settings.urls[0])
    if settings.endpoint_url is not None:
        if _Address.parse(settings.endpoint_url) is not None:
            yield Problem(
                field="endpoint_url",
                message="the address names another account, jurisdiction or bucket than the other settings; it is made "
                "from them, so leave it out",
            )
        return
    if not _KEY_ID.fullmatch(settings.account_id):
        yield Problem(field="account_id", message=_explain_account(settings))
    if settings.session_token is None:  # the form of temporary credentials is not documented
        yield from _key_problems(settings)


def _explain_bucket(name: str) -> str:
    if "/" in name:
        return "give only the name of the bucket; a folder in it goes into prefix"
    if name.lower() != name:
        return "R2 has no bucket with a capital letter in its name, and names are case-sensitive; copy the exact name"
    return "the name of an R2 bucket is 3 to 63 of a-z, 0-9 and hyphens, no hyphen at either end; copy the exact name"


def _explain_account(settings: R2Settings) -> str:
    address = _Address.parse(settings.account_id)
    if address is not None:
        other = address.contradicts({"jurisdiction": settings.jurisdiction, "bucket": settings.bucket}.get)
        return f"the address names another {other or 'place'} than the field of that name; correct one of them"
    where = "32 hexadecimal digits, in the dashboard below R2, Overview, Account Details"
    if "dash.cloudflare.com" in settings.account_id:
        return f"this is the address of a page of the dashboard; give the account id alone: {where}"
    if ".r2.dev" in settings.account_id:
        return f"this is the public address of a bucket, which takes no uploads; give the account id: {where}"
    return f"the account id is {where}"


def _key_problems(settings: R2Settings) -> Iterator[Problem]:
    key_id, secret = settings.access_key_id, settings.secret_access_key.get_secret_value()
    if _KEY_ID.fullmatch(secret) and _SECRET.fullmatch(key_id):
        yield Problem(
            field="access_key_id", message="this is the secret access key, and the other field has the id; swap them"
        )
        return
    if key_id == settings.account_id:
        yield Problem(field="access_key_id", message="this is the account id; copy the Access Key ID of the API token")
    elif not _KEY_ID.fullmatch(key_id):
        yield Problem(
            field="access_key_id",
            message="an R2 access key id is 32 hexadecimal digits in lower case, this one has "
            f"{len(key_id)} characters{_explain_token(key_id, 'Access Key ID')}; copy it again",
        )
    if not _SECRET.fullmatch(secret):
        yield Problem(
            field="secret_access_key",
            message="an R2 secret access key is 64 hexadecimal digits in lower case, this one has "
            f"{len(secret)} characters{_explain_token(secret, 'Secret Access Key')}; copy it again",
        )


def _explain_token(text: str, wanted: str) -> str:
    if not _TOKEN_VALUE.fullmatch(text):
        return ""
    return f" and looks like the value of a Cloudflare API token, instead of the {wanted} for S3 clients"
