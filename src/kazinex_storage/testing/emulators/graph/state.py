"""What an emulated tenant holds besides files: sites, apps, tokens, and URLs that are credentials for a while."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field

from .drive import Drive, Node
from .labels import Labels


@dataclass(slots=True)
class Site:
    """A site and its libraries; the first one is its default."""

    path: str
    """Below the host, without slashes at its ends; empty for the root site."""
    name: str
    id: str
    url: str
    drives: list[Drive] = field(default_factory=list)
    geography: str | None = None
    """Where it is; a tenant with several geographies says it of every site."""


@dataclass(slots=True)
class App:
    """An application that is registered in the tenant."""

    client_id: str
    secret: str | None = None
    certificate: bytes | None = field(default=None, repr=False)
    """PEM; its key signs assertions."""
    consented: bool = True
    """False answers 403 to everything, as before an administrator agrees."""
    granted_sites: set[str] | None = None
    """Ids of the sites that Sites.Selected was granted on; None is all of them."""
    full_control: bool = False
    """Whether it acts for a person with Sites.FullControl.All, who may take the labels of records off."""
    failure: tuple[str, int] | None = None
    """What the token endpoint answers instead of a token: the OAuth error and the AADSTS number."""


@dataclass(slots=True)
class UploadSession:
    """An upload that was begun."""

    drive: Drive
    parent: Node
    name: str
    behaviour: str
    if_match: str | None
    expires_at: float
    size: int | None = None
    author: str | None = None
    """The app that began it."""
    data: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Link:
    """A URL to read one version of a file."""

    node: Node
    expires_at: float
    version: int


@dataclass(slots=True)
class Monitor:
    """A copy under way."""

    polls: int
    """Answers that say that it is under way yet."""
    result: dict[str, object]


@dataclass(slots=True)
class Knobs:
    """How the service behaves where the documents leave it open, and what it is short of."""

    page_items: int = 200
    """Entries in one page, at most; ``$top`` asks for fewer."""
    makes_parents: bool = True
    """Whether a write by path makes the folders that are missing; the documents do not promise it."""
    delta_repeats: bool = False
    """Whether the last item of each page of a delta comes once more on the next one, which the documents allow."""
    encodes_paths: bool = False
    """Whether ``parentReference.path`` comes percent-encoded."""
    ranges_with_end: bool = False
    """Whether ``nextExpectedRanges`` comes as ``N-M``."""
    url_seconds: float = 3600.0
    """How long a download URL is good."""
    session_seconds: float = 900.0
    """How long an upload session waits for its next fragment."""
    token_seconds: float = 3600.0
    copy_polls: int = 1
    """How often a copy is asked for before it is done."""
    units: int | None = None
    """Resource units that are left; below zero everything is 429. None counts nothing."""
    unit_limit: int = 1250
    retry_after_s: int = 1
    """What a 429 asks for, and after which the units are there again."""


class State:
    """The tenant. Thread-safe where it is written to by requests."""

    def __init__(self) -> None:
        self.tenant = "11111111-2222-3333-4444-555555555555"
        self.lock = threading.RLock()
        self.knobs = Knobs()
        self.labels = Labels()
        """The retention labels of the tenant."""
        self.sites: dict[str, Site] = {}
        self.drives: dict[str, tuple[Site, Drive]] = {}
        self.apps: dict[str, App] = {}
        self.tokens: dict[str, tuple[str, float]] = {}
        self.refresh_tokens: dict[str, str] = {}
        """Of which app."""
        self.sessions: dict[str, UploadSession] = {}
        self.links: dict[str, Link] = {}
        self.monitors: dict[str, Monitor] = {}
        self.refilled_at = 0.0

    def issue(self, client_id: str) -> str:
        """Return a new access token."""
        token = f"example-access-token-{secrets.token_hex(24)}"
        self.tokens[token] = (client_id, time.monotonic() + self.knobs.token_seconds)
        return token

    def issue_refresh(self, client_id: str) -> str:
        """Return a new refresh token; those before it stay good, as in the real service, until ``revoke``."""
        token = f"example-refresh-token-{secrets.token_hex(24)}"
        self.refresh_tokens[token] = client_id
        return token

    def app_of(self, token: str) -> App | None:
        """Return the app that a good access token was issued to."""
        found = self.tokens.get(token)
        if found is None or found[1] < time.monotonic():
            return None
        return self.apps.get(found[0])

    def expire_tokens(self) -> None:
        """Make every access token so far worthless."""
        self.tokens.clear()

    def expire_links(self) -> None:
        """Make every download URL so far worthless."""
        self.links.clear()

    def spend(self, units: int) -> bool:
        """Take resource units and say whether there were any; refused requests count as well."""
        with self.lock:
            if self.knobs.units is None:
                return True
            now = time.monotonic()
            if self.knobs.units <= 0 and now >= self.refilled_at > 0:
                self.knobs.units, self.refilled_at = self.knobs.unit_limit, 0.0
            if self.knobs.units <= 0:
                self.refilled_at = self.refilled_at or now + self.knobs.retry_after_s
                return False
            self.knobs.units -= units
            return True
