"""Connecting SharePoint as a person, without HTTP: begin, come back, choose a site and a library, make a provider.

Each step is bound to who began it, to the organisation, to one browser (by a secret in a cookie that only the callback
sees) and to one use. Blocking on purpose; the routes call it on threads.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final, cast

from ..errors import AccessDeniedError, NotSupportedError, ReconnectRequiredError, RecordNotFoundError, SettingsError
from ..json_text import parse_own_json, write_json
from ..lazy import regex
from ..organisations.connections import ConnectingCatalogue, ConnectionTable, PendingConnection
from ..organisations.service import Organisations
from ..transport import Transport
from ..values import value

if TYPE_CHECKING:
    from ..providers.settings.entra import AppIdentity
    from ..providers.sharepoint.library import Library

_KIND: Final = "sharepoint"
_STATE: Final = regex(r"([A-Za-z0-9._-]{1,128})~([0-9a-f]{32})~([A-Za-z0-9_-]{43})")

# Microsoft's codes live for ten minutes; a person who chooses a site takes longer than one who agrees.
BEGUN: Final = timedelta(minutes=10)
"""How long a person has until they are back."""
CONNECTED: Final = timedelta(minutes=30)
"""How long they have to choose a site."""

_FOREIGN: Final = "this does not belong to a connection that was begun here; start over"


@value
class SharePointConnect:
    """The app of the host with which people connect their SharePoint."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    """The URL of the callback of the API, exactly as it is registered for the app."""
    done_url: str
    """The page that people come back to; ``#/connect/<id>`` is added, ``done``, or ``failed`` and why."""
    tenant: str = "organizations"
    """Whose people may connect: a tenant, or ``organizations`` for all."""
    cloud: str = "global"
    further: Mapping[str, object] = field(default_factory=dict)
    """Settings that every provider gets, such as those for an emulator."""


@value
class Started:
    """A connection that was begun."""

    authorise_url: str
    """Where the browser goes."""
    cookie: str = field(repr=False)
    """What the browser keeps until it is back."""


class Connecting:
    """The steps of a connection."""

    def __init__(self, organisations: Organisations, transport: Transport, config: SharePointConnect | None) -> None:
        """Connect with the app of *config*; without one every step is refused."""
        self._organisations = organisations
        self._transport = transport
        self._config = config

    @property
    def config(self) -> SharePointConnect:
        """The app of the host.

        Raises:
            NotSupportedError: the host has none.
        """
        if self._config is None:
            raise NotSupportedError("people cannot connect here; enter the settings of an app registration instead")
        return self._config

    @property
    def table(self) -> ConnectionTable:
        """Where connections under way are kept.

        Raises:
            NotSupportedError: the catalogue keeps none.
        """
        catalogue = self._organisations.catalogue
        if not isinstance(catalogue, ConnectingCatalogue):
            raise NotSupportedError("the catalogue of this service keeps no connections")
        return catalogue.connections

    def begin(self, organisation: str, by: str, label: str, provider: str | None) -> Started:
        """Begin a connection; with *provider* it renews that one. One request, for the addresses of Microsoft.

        Raises:
            RecordNotFoundError: there is no such provider.
            SettingsError: it is of another kind.
            UnavailableError: Microsoft does not answer.
        """
        from ..providers.sharepoint.connect import begin_connect

        config, connection, binding = self.config, secrets.token_hex(16), secrets.token_urlsafe(32)
        kept = None
        if provider is not None:
            record = self._organisations.find(organisation, provider)
            if record.kind != _KIND:
                raise SettingsError(f"{record.label!r} is no provider that people connect to", provider=record.kind)
            kept = record.id
        state = f"{organisation}~{connection}~{secrets.token_urlsafe(32)}"
        request = begin_connect(self._identity(organisation, kept), config.redirect_uri, state=state)
        flow = {name: found for name, found in _parsed(request.state).items() if name != "auth_uri"}
        secret = {"flow": flow, "label": label, "provider": kept, "binding": _digest(binding)}
        self._keep(organisation, connection, by, secret, BEGUN)
        return Started(authorise_url=request.url, cookie=f"{organisation}~{connection}~{binding}")

    def carried(self, returned: Mapping[str, str]) -> str:
        """Return what Microsoft made a browser post, sealed to be brought back by it.

        Raises:
            AccessDeniedError: it names no connection.
        """
        organisation, connection, _ = _parts(returned.get("state", ""))
        return self.table.seal(organisation, connection, write_json(dict(returned)))

    def named(self, cookie: str) -> str:
        """Return the organisation that the cookie of a browser names; nothing is proved yet.

        Raises:
            AccessDeniedError: it names none.
        """
        return _parts(cookie)[0]

    def finish(self, cookie: str, carried: str, by: str | None) -> str:
        """Take the connection of a browser that is back, and return what its page is told: an id, or ``done``.

        Args:
            by: Who the browser says that it is, where the host knows that.

        Raises:
            AccessDeniedError: it is another browser, another person, too late, or the second time.
            ReconnectRequiredError: the person refused, or the code has expired.
            StorageError: Microsoft or the catalogue does not answer.
        """
        from ..providers.sharepoint.connect import finish_connect

        organisation, connection, binding = _parts(cookie)
        returned = _parsed(self.table.open(organisation, connection, carried))
        record = self.table.take(organisation, connection)
        if record is None:
            raise AccessDeniedError(_FOREIGN)
        secret = _parsed(record.secret)
        if not hmac.compare_digest(secret["binding"], _digest(binding)) or by not in (None, record.by):
            raise AccessDeniedError(_FOREIGN)
        if "error" in returned:
            raise ReconnectRequiredError("Microsoft did not grant access; agree there, or ask an administrator to")
        identity = self._identity(organisation, secret["provider"])
        found = finish_connect(identity, write_json(secret["flow"]), returned)
        if secret["provider"] is not None:
            self._organisations.acting(record.by).update_provider(
                organisation, secret["provider"], settings={"refresh_token": found.refresh_token}
            )
            return "done"
        granted = {
            "refresh_token": found.refresh_token,
            "tenant_id": found.tenant_id or self.config.tenant,
            "label": secret["label"],
        }
        following = secrets.token_hex(16)
        self._keep(organisation, following, record.by, granted, CONNECTED)
        return following

    def sites(self, organisation: str, connection: str, by: str, words: str) -> list[tuple[str, str, str]]:
        """Return (id, name, URL) of the sites that the person can reach; one or two requests.

        Raises:
            RecordNotFoundError: there is no such connection of theirs.
            StorageError: Microsoft does not answer, or refuses.
        """
        return self._transport.run(self._library(self._granted(organisation, connection, by)).sites(words))

    def libraries(self, organisation: str, connection: str, by: str, site: str) -> list[tuple[str, str, str]]:
        """Return (id, name, URL) of the libraries of a site; one or two requests.

        Raises:
            RecordNotFoundError: there is no such connection of theirs.
            LocationNotFoundError: there is no such site.
        """
        return self._transport.run(self._library(self._granted(organisation, connection, by)).libraries(site))

    def settings(self, record: PendingConnection, site: str, library: str, folder: str) -> dict[str, object]:
        """Return the settings of a provider in that place; one or two requests.

        Raises:
            SettingsError: the site has no such library.
            LocationNotFoundError: there is no such site.
        """
        found = self._library(record)
        _, _, address = self._transport.run(found.site_of(site))
        for identity, name, _ in self._transport.run(found.libraries(site)):
            if library in (identity, name):
                break
        else:
            raise SettingsError("the site has no such library; choose one of those that are listed", provider=_KIND)
        return {**self._settings(record), "site_url": address, "library": name, "root_folder": folder}

    def granted(self, organisation: str, connection: str, by: str) -> PendingConnection:
        """Return the connection of that id, when *by* began it.

        Raises:
            RecordNotFoundError: there is none.
        """
        return self._granted(organisation, connection, by)

    def label_of(self, record: PendingConnection) -> str:
        """Return the label that was given at the beginning."""
        return str(_parsed(record.secret)["label"])

    def _granted(self, organisation: str, connection: str, by: str) -> PendingConnection:
        record = self.table.find(organisation, connection)
        if record is None or record.by != by or "refresh_token" not in _parsed(record.secret):
            raise RecordNotFoundError("the connection has expired or is another person's; connect again")
        return record

    def _settings(self, record: PendingConnection) -> dict[str, object]:
        # What is kept now: asking Microsoft replaces the refresh token.
        newest = self.table.find(record.organisation, record.id) or record
        granted = _parsed(newest.secret)
        return {
            "tenant_id": granted["tenant_id"],
            "client_id": self.config.client_id,
            "client_secret": self.config.client_secret,
            "refresh_token": granted["refresh_token"],
            "cloud": self.config.cloud,
            **self.config.further,
        }

    def _library(self, record: PendingConnection) -> Library:
        """Return a library whose tokens come from *record*, where the ones that replace them are kept."""
        from dataclasses import replace

        from ..providers.settings.entra import GivenStore, Tokens
        from ..providers.sharepoint.clouds import CLOUDS
        from ..providers.sharepoint.library import Library
        from ..providers.sharepoint.settings import SharePointSettings

        anywhere = f"https://example{CLOUDS[self.config.cloud].site_suffix}"
        settings = SharePointSettings.model_validate({**self._settings(record), "site_url": anywhere})

        def load() -> str:
            return str(self._settings(record)["refresh_token"])

        def swap(old: str, new: str) -> bool:
            kept = self.table.find(record.organisation, record.id)
            granted = _parsed(kept.secret) if kept is not None else {}
            if kept is None or granted["refresh_token"] != old:
                return False
            return self.table.swap(kept, write_json({**granted, "refresh_token": new}))

        tokens = Tokens(settings.identity(), GivenStore(load, swap))
        return Library(replace(settings.target(), tokens=tokens))

    def _identity(self, organisation: str, provider: str | None) -> AppIdentity:
        from ..providers.sharepoint.clouds import CLOUDS
        from ..providers.sharepoint.settings import SharePointSettings

        if provider is not None:  # it goes on with the app that it was made with
            settings = self._organisations.settings(self._organisations.find(organisation, provider))
            return cast(SharePointSettings, settings).identity()
        config = self.config
        anywhere = f"https://example{CLOUDS[config.cloud].site_suffix}"
        fields = {
            "tenant_id": "organizations.example" if config.tenant == "organizations" else config.tenant,
            "client_id": config.client_id,
            "client_secret": config.client_secret,
            "cloud": config.cloud,
            "site_url": anywhere,
            **config.further,
        }
        from dataclasses import replace

        return replace(SharePointSettings.model_validate(fields).identity(), tenant_id=config.tenant)

    def _keep(
        self, organisation: str, connection: str, by: str, secret: Mapping[str, object], lasts: timedelta
    ) -> None:
        self.table.keep(
            PendingConnection(
                organisation=organisation,
                id=connection,
                by=by,
                secret=write_json(secret),
                expires_at=datetime.now(UTC) + lasts,
            )
        )


def _parts(text: str) -> tuple[str, str, str]:
    found = _STATE.fullmatch(text)
    if found is None:
        raise AccessDeniedError(_FOREIGN)
    return found[1], found[2], found[3]


def _digest(binding: str) -> str:
    return sha256(binding.encode()).hexdigest()


def _parsed(text: str) -> dict[str, str]:
    """Return what ``write_json`` wrote; its values are texts, but for the flow, which is only written again."""
    return cast("dict[str, str]", parse_own_json(text))
