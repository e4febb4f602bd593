"""What an organisation gives to keep its documents in a library of SharePoint Online.

The fields are those of the form in Kazinex, in its order: app registration, site, library, root folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Final, Literal, Self, cast
from urllib.parse import unquote, urlsplit
from weakref import WeakValueDictionary

from pydantic import BaseModel, BeforeValidator, ModelWrapValidatorHandler, model_validator

from ...lazy import regex
from ...transport import Gate
from ..settings.entra import AppIdentity, MemoryTokenStore, Tokens
from ..settings.fields import Hint, Way
from ..settings.place import Place, is_confidential
from ..settings.settings_text import (
    CONFIG,
    EncryptableModel,
    Folder,
    KeptDays,
    MaxSize,
    OptionalEndpoint,
    OptionalSecret,
    OptionalText,
    Problem,
    Residency,
    Text,
    largest,
    trim,
    trim_and_warn,
    validate,
)
from .clouds import API_VERSION, CLOUDS
from .names import encode_segment
from .target import MAX_FILE_BYTES, Target

USER_AGENT: Final = "ISV|Kazinex|kazinex-storage/1.0"
"""Microsoft asks for this form, and throttles traffic without it first."""

_ID: Final = regex(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DOMAIN: Final = regex(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SITE: Final = regex(r"/(?:sites|teams)/[^/?#]+")
# Pages of a library in a browser: /sites/a/Shared Documents/Forms/AllItems.aspx, and the short links of sharing.
_PAGE: Final = regex(r"(?i)/(?:Forms/[^/]+\.aspx|_layouts/.*|SitePages/.*|:[a-z]:/.*)$")

_GATES: WeakValueDictionary[tuple[str, str, str], Gate] = WeakValueDictionary()
"""One gate for each app in each tenant, over all providers of the process."""


def _as_site(value: object) -> object:
    trimmed = trim_and_warn(value, "site_url")
    return site_of(trimmed) if isinstance(trimmed, str) else trimmed


class LookedUp(BaseModel):
    """The ids that Graph gave for the site and the library of an address; they count for that address only."""

    model_config = CONFIG

    graph_url: str
    site_url: str
    library: str | None = None
    site_id: str
    drive_id: str


class SharePointSettings(EncryptableModel):
    """Settings of the kind ``sharepoint``."""

    tenant_id: Annotated[
        Text,
        Hint(
            where="Entra admin centre > App registrations > the app > Overview",
            example="11111111-2222-3333-4444-555555555555",
        ),
    ]
    """Directory (tenant) ID of the app registration, or a domain of the tenant."""
    client_id: Annotated[
        Text,
        Hint(
            where="Entra admin centre > App registrations > the app > Overview",
            example="aaaaaaaa-0000-4000-8000-000000000000",
        ),
    ]
    """Application (client) ID of the app registration."""
    client_secret: Annotated[
        OptionalSecret,
        Hint(
            where="Entra admin centre > App registrations > the app > Certificates & secrets > Value",
            example="example-secret",
        ),
    ] = None
    """The value of a client secret, not its id."""
    private_key: Annotated[OptionalSecret, Hint(in_file=True)] = None
    """PEM of the key of a certificate, instead of a client secret."""
    certificate: Annotated[
        OptionalText,
        Hint(
            where="Entra admin centre > App registrations > the app > Certificates & secrets > Certificates",
            in_file=True,
        ),
    ] = None
    """PEM of the public certificate that was uploaded to the app registration."""
    refresh_token: Annotated[OptionalSecret, Hint(asked=False)] = None
    """Of a person who has connected; without it the app acts on its own. It is replaced at each use."""
    site_url: Annotated[
        str,
        BeforeValidator(_as_site),
        Hint(
            where="the address bar of the browser, on the site", example="https://contoso.sharepoint.com/sites/projects"
        ),
    ]
    """Address of the site, up to its name; from that of a page or a library in it, the site is taken."""
    library: Annotated[OptionalText, Hint(usual=True, where="the menu on the left of the site")] = None
    """Name or address of the document library; none for the one that the site was created with."""
    root_folder: Annotated[Folder, Hint(usual=True)] = ""
    """A folder of the library that everything goes into; it is created when it is missing."""
    cloud: Literal["global", "us_gov", "us_dod", "china"] = "global"
    """Which cloud the tenant is in; GCC is in the global one."""
    site_id: OptionalText = None
    """Id of the site; none to look it up by its address."""
    drive_id: OptionalText = None
    """Id of the library; none to look it up by its name."""
    looked_up: Annotated[LookedUp | None, Hint(asked=False)] = None
    """Both ids as the last verification found them. Written by ``verify_provider``; it need not be given."""
    login_url: OptionalEndpoint = None
    """An authority other than that of the cloud, such as an emulator."""
    graph_url: OptionalEndpoint = None
    """A Graph other than that of the cloud, with its version, such as an emulator."""
    ca_file: OptionalText = None
    """File of the authorities that are trusted for every request, PEM, instead of the public ones: of a service with
    a private one, or of a proxy that inspects TLS."""
    residency: Residency = None
    """The geography that the site must be in, or several, by their codes, such as ``EUR`` or ``DEU``: ``verify`` fails
    where it is another. Graph says it for tenants with several geographies only."""
    permanent_delete: bool = False
    """Whether deletes skip the recycle bin of the site, so that what is deleted cannot be restored."""
    hold_label: Annotated[OptionalText, Hint(where="Microsoft Purview > Data lifecycle management > Labels")] = None
    """The name of a retention label of the tenant, by which files are held; None: the register alone holds documents.
    The label of a record is taken off again by a person who has connected, not by an app alone."""
    max_file_size: MaxSize = None
    """Bytes; the service's limit is 250 GiB."""
    keep_deleted_days: KeptDays = None
    """How many days what is deleted stays below ``.trash``, from where it can be brought back; None: it is gone."""

    ways: ClassVar[tuple[Way, ...]] = (
        Way(title="A client secret of the app", fields=("client_secret",)),
        Way(title="A certificate of the app", fields=("certificate", "private_key")),
        Way(title="As a person: sign in on another device", fields=(), signs_in=True),
    )
    """How one proves who one is."""

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
        """Where the objects are; the service ignores case."""
        library = self.drive_id or (self.library or "").rpartition("/")[2]
        return Place.at("sharepoint", self.site_url.lower(), library.casefold(), self.root_folder.casefold())

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses that are connected to."""
        cloud = CLOUDS[self.cloud]
        return (self.graph_url or cloud.graph_url, self.login_url or cloud.login_url)

    @property
    def borrowed(self) -> tuple[str, ...]:
        """The fields that name files of this machine."""
        return ("ca_file",) if self.ca_file is not None else ()

    def identity(self) -> AppIdentity:
        """Return who asks for tokens."""
        cloud = CLOUDS[self.cloud]
        return AppIdentity(
            login_url=self.login_url or cloud.login_url,
            tenant_id=self.tenant_id,
            client_id=self.client_id,
            scope=cloud.scope,
            secret=self.client_secret.get_secret_value() if self.client_secret else None,
            private_key=self.private_key.get_secret_value() if self.private_key else None,
            certificate=self.certificate,
            ca_file=self.ca_file,
        )

    def target(self) -> Target:
        """Return the folder of the library that these settings name."""
        identity = self.identity()
        token, known = self.refresh_token, self.looked_up
        graph_url = self.graph_url or f"{CLOUDS[self.cloud].graph_url}/{API_VERSION}"
        address = (graph_url, self.site_url, self.library)
        if known is not None and (known.graph_url, known.site_url, known.library) != address:
            known = None
        return Target(
            graph_url=graph_url,
            tokens=Tokens(identity, MemoryTokenStore(token.get_secret_value()) if token else None),
            gate=gate_of(identity),
            site_url=self.site_url,
            library=self.library,
            root_folder=self.root_folder.rstrip("/"),
            site_id=self.site_id,
            drive_id=self.drive_id,
            known_site_id=known.site_id if known is not None else None,
            known_drive_id=known.drive_id if known is not None else None,
            residency=self.residency,
            ca_file=self.ca_file,
            permanent_delete=self.permanent_delete,
            hold_label=self.hold_label,
            keep_deleted_days=self.keep_deleted_days,
            max_object_bytes=largest(self.max_file_size, MAX_FILE_BYTES),
            client_id=self.client_id,
            user_agent=USER_AGENT,
        )


def gate_of(identity: AppIdentity) -> Gate:
    """Return the gate that all requests of an app in a tenant go through, in this process."""
    key = (identity.login_url, identity.tenant_id.lower(), identity.client_id.lower())
    gate = _GATES.get(key)
    return gate if gate is not None else _GATES.setdefault(key, Gate())


def site_of(text: str) -> str:
    """Return the address of the site that contains *text*, the address of something in it.

    Raises:
        ValueError: it is not an address of SharePoint.

    Example:
        >>> site_of("https://contoso.sharepoint.com/sites/projects/Shared%20Documents/Forms/AllItems.aspx")
        'https://contoso.sharepoint.com/sites/projects'
    """
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if parts.scheme not in ("https", "http") or not parts.hostname or "." not in parts.hostname:
        raise ValueError("give the address of the site: https://<tenant>.sharepoint.com/sites/<site>")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address holds a user or a password; credentials have fields of their own")
    path = re.sub(r"^/:[a-z]:/[rsg](?=/)", "", parts.path)
    found = _SITE.match(path)
    return f"{parts.scheme}://{parts.netloc.lower()}{found[0] if found is not None else ''}"


def _taken_apart(data: object) -> object:
    """Take the library out of its address, when that was given as the site."""
    if not isinstance(data, Mapping):
        return data
    fields: dict[str, object] = {**data}
    address = fields.get("site_url")
    if not isinstance(address, str) or fields.get("library"):
        return fields
    path = _PAGE.sub("", urlsplit(trim(address)).path.split(":", 1)[0] if "/:" not in address else "")
    site = _SITE.match(path)
    rest = unquote(path[site.end() :]).strip("/") if site is not None else ""
    if rest:
        trim_and_warn(f" {address}", "site_url")
        fields["library"] = rest.split("/")[0]
    return fields


def _problems(settings: SharePointSettings) -> Iterator[Problem]:
    if not _ID.fullmatch(settings.tenant_id) and not _DOMAIN.fullmatch(settings.tenant_id):
        yield Problem(field="tenant_id", message=f"the tenant is {_FORM}, or a domain; copy the Directory (tenant) ID")
    if not _ID.fullmatch(settings.client_id):
        yield Problem(field="client_id", message=f"the client is {_FORM}; copy the Application (client) ID")
    elif settings.client_id == settings.tenant_id:
        yield Problem(field="client_id", message="this is the tenant; copy the Application (client) ID next to it")
    secret = settings.client_secret.get_secret_value() if settings.client_secret else None
    if secret is not None and _ID.fullmatch(secret):
        yield Problem(
            field="client_secret",
            message="this looks like the id of a secret; copy its value, which is shown once, when it is made",
        )
    if secret is not None and settings.private_key is not None:
        yield Problem(field="private_key", message="give a client secret or a certificate, not both")
    if (settings.private_key is None) != (settings.certificate is None):
        yield Problem(field="certificate", message="a certificate and its private key go together; give both")
    if secret is None and settings.private_key is None and settings.refresh_token is None:
        yield Problem(field="client_secret", message="give a client secret, a certificate, or connect as a person")
    host = urlsplit(settings.site_url).hostname or ""
    if settings.graph_url is None and not host.endswith(CLOUDS[settings.cloud].site_suffix):
        yield Problem(
            field="site_url",
            message=f"sites of the cloud {settings.cloud!r} are at *{CLOUDS[settings.cloud].site_suffix}; check the "
            "address, or choose the cloud of the tenant",
        )
    for field in ("login_url", "graph_url"):
        url = getattr(settings, field)
        if url is not None and not is_confidential(url):
            yield Problem(field=field, message="secrets and tokens are sent there; write https://")
    for name in filter(None, settings.root_folder.split("/")):
        if encode_segment(name) != name:
            yield Problem(field="root_folder", message="SharePoint cannot hold a folder of that name; choose another")


_FORM: Final = "32 hexadecimal digits with four hyphens"
