"""The settings for a container of Azure Blob Storage."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import ModelWrapValidatorHandler, model_validator

from ...lazy import regex
from ..settings.entra import AppIdentity, Tokens
from ..settings.fields import Hint, Way
from ..settings.place import Place, is_confidential
from ..settings.settings_text import (
    CustomerKey,
    EncryptableModel,
    Folder,
    KeptDays,
    MaxSize,
    OptionalEndpoint,
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
    split_endpoint,
    validate,
)
from .checksums import BodyChecksum
from .delegation import SCOPE
from .export import Exporter
from .managed import ManagedTokens
from .target import MAX_OBJECT_BYTES, AccountKey, Credential, Identity, Residence, SasToken, Target

# learn.microsoft.com/rest/api/storageservices/Naming-and-Referencing-Containers--Blobs--and-Metadata and
# learn.microsoft.com/azure/storage/common/storage-account-overview
_CONTAINER: Final = regex(r"(?=.{3,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*|\$root")
_ACCOUNT: Final = regex(r"[a-z0-9]{3,24}")
_CREDENTIALS: Final = ("account_key", "connection_string", "sas_token", "client_secret", "private_key", "identity")
_MANAGEMENT: Final = "https://management.azure.com"
# learn.microsoft.com/rest/api/storagerp/storage-accounts/get-properties (read 2026-11)
_RESOURCE: Final = regex(
    r"(?i)/subscriptions/[0-9a-f-]{36}/resourceGroups/[^/?#]+/providers/Microsoft\.Storage/storageAccounts/"
    r"(?P<account>[a-z0-9]{3,24})"
)
_RESOURCE_VERSION: Final = "2023-05-01"
_LOGIN: Final = "https://login.microsoftonline.com"


class AzureBlobSettings(EncryptableModel):
    """Settings of the kind ``azure_blob``: a container, and one credential.

    The credential is an account key, a connection string, a shared access signature, an app registration (tenant,
    client, and secret or certificate), or the identity of the machine. The last is for the owner of the machine: a host
    that lets organisations choose it lets them use the host's own rights.
    """

    account: Annotated[OptionalText, Hint(where="Azure portal > Storage accounts", example="kazinexexample")] = None
    """Name of the storage account; a connection string includes it."""
    container: Annotated[
        Text, Hint(where="Azure portal > the storage account > Data storage > Containers", example="kazinex-container")
    ]
    """Its exact name; it must exist."""
    account_key: Annotated[
        OptionalSecret,
        Hint(where="Azure portal > the storage account > Security + networking > Access keys", example="ZXhhbXBsZQ=="),
    ] = None
    """Access key of the account, from Security + networking, Access keys."""
    connection_string: Annotated[
        OptionalSecret, Hint(where="Azure portal > the storage account > Security + networking > Access keys")
    ] = None
    """The whole line from the same page, instead of account and key."""
    sas_token: Annotated[
        OptionalToken,
        Hint(
            where="Azure portal > the container > Settings > Shared access tokens", example="sv=2024-11-04&sig=example"
        ),
    ] = None
    """A shared access signature for the container, with read, add, create, write, delete and list."""
    tenant_id: Annotated[
        OptionalText,
        Hint(
            where="Entra admin centre > App registrations > the app > Overview",
            example="11111111-2222-3333-4444-555555555555",
        ),
    ] = None
    """Directory (tenant) ID of an app registration."""
    client_id: Annotated[
        OptionalText,
        Hint(
            where="Entra admin centre > App registrations > the app > Overview",
            example="aaaaaaaa-0000-4000-8000-000000000000",
        ),
    ] = None
    """Its application (client) ID; or the identity of the machine to use, where there are several."""
    client_secret: Annotated[
        OptionalSecret,
        Hint(
            where="Entra admin centre > App registrations > the app > Certificates & secrets > Value",
            example="example-secret",
        ),
    ] = None
    """The value of a client secret, not its id."""
    private_key: Annotated[OptionalSecret, Hint(in_file=True)] = None
    """PEM of the private key of a certificate, instead of a client secret."""
    certificate: Annotated[
        OptionalText,
        Hint(where="Entra admin centre > App registrations > the app > Certificates & secrets", in_file=True),
    ] = None
    """PEM of the public certificate that was uploaded to the app registration."""
    identity: Annotated[Literal["managed", "workload"] | None, Hint(example="managed")] = None
    """The identity of the machine, or of a service account of Kubernetes; it needs azure-identity."""
    login_url: OptionalEndpoint = None
    """An authority other than that of the public cloud."""
    ca_file: OptionalText = None
    """File of the authorities that are trusted for every request, PEM, instead of the public ones: of a service with
    a private one, or of a proxy that inspects TLS."""
    endpoint_url: OptionalEndpoint = None
    """Blob endpoint of a sovereign cloud or of Azurite, without the container. Without it: the public cloud."""
    prefix: Folder = ""
    """A folder in the container that holds everything."""
    residency: Residency = None
    """The region that the account must be in, or several, such as ``westeurope, northeurope``, with the region that it
    is copied to: ``verify`` fails where it is another. It needs ``resource_id``, and an app or identity that may read
    the account there (role Reader)."""
    resource_id: Annotated[OptionalText, Hint(where="Azure portal > the storage account > Settings > Endpoints")] = None
    """The resource id of the account, from Settings, Endpoints: /subscriptions/.../storageAccounts/<account>."""
    management_url: OptionalEndpoint = None
    """Azure Resource Manager of another cloud than the public one."""
    customer_key: CustomerKey = None
    """32 random bytes in base64 by which the service encrypts each blob and which it does not keep. Without the key
    nothing can be read, so it cannot be changed for what is there; https only."""
    immutability: bool = False
    """Whether the container supports version-level immutability: then blobs can be retained and held, deletes and
    replacing puts ask first what keeps the blob (one request more), and ``verify`` checks that it works."""
    versioned: bool = False
    """Whether the account has blob versioning turned on, so that what is replaced or deleted can be brought back;
    ``verify`` proves it. Versions are removed with a right of their own: Storage Blob Data Owner, or ``x`` in a shared
    access signature."""
    public_base_url: OptionalEndpoint = None
    """Under which anyone reads the blobs, such as a CDN, for ``public_url``; what follows is the name of the blob, with
    its folder. None for documents, which nobody reads without a signature."""
    browser_origin: OptionalOrigin = None
    """Scheme and host of the web pages that upload directly to the container, so that ``verify`` checks CORS; None
    when no page does."""
    body_checksum: BodyChecksum = "md5"
    """The checksum by which the service verifies bodies and blocks: ``crc64`` costs a tenth of ``md5``, for which one
    core reaches 0.6 GiB/s. It needs awscrt, and Azurite does not support it."""
    max_file_size: MaxSize = None
    """Bytes; without it 190.7 TiB."""
    keep_deleted_days: KeptDays = None
    """How many days what is deleted stays below ``.trash``, from where it can be brought back; None: it is gone."""

    ways: ClassVar[tuple[Way, ...]] = (
        Way(title="An access key of the account", fields=("account", "account_key")),
        Way(title="A connection string", fields=("connection_string",)),
        Way(title="A shared access signature (SAS)", fields=("account", "sas_token")),
        Way(title="An app registration, with a secret", fields=("account", "tenant_id", "client_id", "client_secret")),
        Way(
            title="An app registration, with a certificate",
            fields=("account", "tenant_id", "client_id", "certificate", "private_key"),
        ),
        Way(title="The identity of this machine", fields=("account", "identity")),
    )
    """How one proves who one is."""

    @model_validator(mode="wrap")
    @classmethod
    def _validate(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate(data, handler, _problems, cls.__name__)

    @property
    def place(self) -> Place:
        """Where the objects are."""
        return Place.at("azure_blob", self.urls[0], self.container, self.prefix)

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs that are connected to."""
        parts = _connection(self)
        blobs = self.endpoint_url or _endpoint(parts, self.account or parts.get("accountname", ""))
        app = self.client_secret is not None or self.private_key is not None
        management = [self.management_url or _MANAGEMENT] if self.residency is not None else []
        return (blobs.rstrip("/"), *([self.login_url or _LOGIN] if app else []), *management)

    @property
    def borrowed(self) -> tuple[str, ...]:
        """The fields that use credentials or files of the machine."""
        return tuple(name for name in ("identity", "ca_file") if getattr(self, name) is not None)

    @property
    def export(self) -> Exporter:
        """Options for other tools: ``settings.export("rclone")``; see ``Exporter``."""
        return Exporter(self.target())

    def target(self) -> Target:
        """Return the container that these settings name."""
        parts = _connection(self)
        account = self.account or parts.get("accountname", "")
        return Target(
            account=account,
            container=self.container,
            endpoint_url=(self.endpoint_url or _endpoint(parts, account)).rstrip("/"),
            credential=_credential(self, parts),
            prefix=self.prefix,
            ca_file=self.ca_file,
            keep_deleted_days=self.keep_deleted_days,
            max_object_bytes=largest(self.max_file_size, MAX_OBJECT_BYTES),
            residency=_residence(self),
            versioned=self.versioned,
            immutability=self.immutability,
            customer_key=key_of_customer(self.customer_key),
            public_base_url=self.public_base_url,
            browser_origin=self.browser_origin,
            body_checksum=self.body_checksum,
        )


def _problems(settings: AzureBlobSettings) -> Iterator[Problem]:
    if settings.container == "$web":
        message = "this is the website of the account, which is public; choose a container for documents"
        yield Problem(field="container", message=message)
    elif not _CONTAINER.fullmatch(settings.container):
        message = "the name of a container is 3 to 63 of a-z, 0-9 and single hyphens; copy the exact name"
        yield Problem(field="container", message=message)
    yield from _version_problems(settings)
    yield from customer_key_problems(settings.customer_key, settings.endpoint_url or "https://")
    given = [name for name in _CREDENTIALS if getattr(settings, name) is not None]
    if len(given) != 1:
        field = given[1] if given else "account_key"
        yield Problem(field=field, message=f"give exactly one of {', '.join(_CREDENTIALS)}")
        return
    parts = _connection(settings)
    if settings.connection_string is not None and not ({"accountkey", "sharedaccesssignature"} & parts.keys()):
        message = "it has neither AccountKey nor SharedAccessSignature; copy the whole line again"
        yield Problem(field="connection_string", message=message)
        return
    account = settings.account or parts.get("accountname", "")
    if not _ACCOUNT.fullmatch(account):
        yield Problem(field="account", message="name the storage account: 3 to 24 of a-z and 0-9")
    elif settings.account and parts.get("accountname", account) != account:
        yield Problem(field="account", message="the connection string is for another account; leave this out")
    elif settings.endpoint_url is None and (name := _bad_address(parts, account)) is not None:
        yield Problem(field="connection_string", message=f"its {name} is not an address; copy the whole line again")
    yield from _app_problems(settings)
    yield from _residency_problems(settings, account)
    credential = _given(settings, parts)
    if isinstance(credential, AccountKey) and not _is_key(credential.key):
        yield Problem(field=given[0], message="the account key is not base64; copy it again in one piece")
    elif isinstance(credential, SasToken) and not re.search(r"(?:^|&)sig=[^&]", credential.token):
        yield Problem(field=given[0], message="the shared access signature has no sig=; copy the whole token")


def _version_problems(settings: AzureBlobSettings) -> Iterator[Problem]:
    if settings.versioned and settings.keep_deleted_days is not None:
        message = "an account with versioning keeps what is deleted; leave this out"
        yield Problem(field="keep_deleted_days", message=message)
    if settings.versioned and settings.customer_key is not None:
        message = "the service copies nothing with such a key, so no version comes back; leave one of the two out"
        yield Problem(field="versioned", message=message)


def _residency_problems(settings: AzureBlobSettings, account: str) -> Iterator[Problem]:
    if settings.residency is None:
        return
    found = _RESOURCE.fullmatch(settings.resource_id or "")
    if not isinstance(_credential(settings, _connection(settings)), Identity):
        message = "only an app registration or an identity may ask where an account is; give one that may read it"
        yield Problem(field="residency", message=message)
    elif found is None:
        message = "copy the whole resource id: Azure portal, the storage account, Settings, Endpoints"
        yield Problem(field="resource_id", message=message)
    elif found["account"].lower() != account:
        yield Problem(field="resource_id", message=f"this is another account than {account!r}")
    if settings.management_url is not None and not is_confidential(settings.management_url):
        yield Problem(field="management_url", message="tokens are sent there; use https://")


def _connection(settings: AzureBlobSettings) -> Mapping[str, str]:
    if settings.connection_string is None:
        return {}
    pairs = (part.partition("=") for part in settings.connection_string.get_secret_value().split(";"))
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}


def _app_problems(settings: AzureBlobSettings) -> Iterator[Problem]:
    app = settings.client_secret is not None or settings.private_key is not None
    for field in ("tenant_id", "client_id"):
        if app and getattr(settings, field) is None:
            yield Problem(field=field, message="an app registration has this; copy it from the overview of the app")
    if not app and settings.tenant_id is not None:
        yield Problem(field="client_secret", message="a tenant goes with a client secret or a certificate; give one")
    if settings.login_url is not None and not is_confidential(settings.login_url):
        yield Problem(field="login_url", message="secrets are sent there; use https://")
    if (settings.private_key is None) != (settings.certificate is None):
        yield Problem(field="certificate", message="a certificate and its private key go together; give both")


def _given(settings: AzureBlobSettings, parts: Mapping[str, str]) -> AccountKey | SasToken | None:
    if settings.account_key is not None:
        return AccountKey(key=settings.account_key.get_secret_value())
    if "accountkey" in parts:
        return AccountKey(key=parts["accountkey"])
    token = settings.sas_token.get_secret_value() if settings.sas_token else parts.get("sharedaccesssignature")
    return SasToken(token=token.lstrip("?")) if token is not None else None


def _credential(settings: AzureBlobSettings, parts: Mapping[str, str]) -> Credential:
    given = _given(settings, parts)
    if given is not None:
        return given
    if settings.identity is not None:
        tokens = ManagedTokens(settings.identity, settings.client_id, ca_file=settings.ca_file)
        return Identity(tokens=tokens, client_id=settings.client_id)
    app = _app(settings, SCOPE)
    return Identity(tokens=Tokens(app), app=app)


def _residence(settings: AzureBlobSettings) -> Residence | None:
    if settings.residency is None:
        return None
    base = (settings.management_url or _MANAGEMENT).rstrip("/")
    scope = f"{base}/.default"
    return Residence(
        demanded=settings.residency,
        url=f"{base}{settings.resource_id}?api-version={_RESOURCE_VERSION}",
        tokens=ManagedTokens(settings.identity, settings.client_id, scope, settings.ca_file)
        if settings.identity is not None
        else Tokens(_app(settings, scope)),
    )


def _app(settings: AzureBlobSettings, scope: str) -> AppIdentity:
    return AppIdentity(
        login_url=settings.login_url or _LOGIN,
        tenant_id=settings.tenant_id or "",
        client_id=settings.client_id or "",
        scope=scope,
        secret=settings.client_secret.get_secret_value() if settings.client_secret else None,
        private_key=settings.private_key.get_secret_value() if settings.private_key else None,
        certificate=settings.certificate,
        ca_file=settings.ca_file,
    )


def _endpoint(parts: Mapping[str, str], account: str) -> str:
    found = parts.get("blobendpoint")
    if found:
        return found
    scheme = parts.get("defaultendpointsprotocol", "https")
    return f"{scheme}://{account}.blob.{parts.get('endpointsuffix', 'core.windows.net')}"


def _bad_address(parts: Mapping[str, str], account: str) -> str | None:
    """Return the part of a connection string that is not an address, or another address than it seems."""
    try:
        found = split_endpoint(_endpoint(parts, account))
    except ValueError:
        return "BlobEndpoint" if parts.get("blobendpoint") else "EndpointSuffix"
    seems = parts.get("blobendpoint") or (not found.path and found.netloc.startswith(f"{account}.blob."))
    return None if seems else "EndpointSuffix"


def _is_key(text: str) -> bool:
    try:
        return bool(b64decode(text, validate=True))
    except (BadBase64, ValueError):
        return False
