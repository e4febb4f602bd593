"""Where the objects are and who asks for them: the outcome of the settings, as plain data."""

from __future__ import annotations

from dataclasses import field
from typing import Final
from urllib.parse import unquote, urlsplit

from ...transport import Gate
from ...values import value
from ..settings.bearer import TokenSource

# "250 GB" — support.microsoft.com, restrictions and limitations in OneDrive and SharePoint (read 2026-08).
MAX_FILE_BYTES: Final = 250 * 1024**3
"""The largest file that SharePoint holds."""

DEFAULT_LIBRARY: Final = "Shared Documents"
"""The name in URLs of the library that each site begins with; Graph calls it ``Documents``."""


@value
class Target:
    """A folder of one document library."""

    graph_url: str
    """With the version and without a slash at the end: ``https://graph.microsoft.com/v1.0``."""
    tokens: TokenSource = field(repr=False)
    gate: Gate = field(repr=False)
    """Shared by all that use the same app in the same tenant."""
    site_url: str
    """``https://contoso.sharepoint.com/sites/projects``; the root site has no path."""
    library: str | None = None
    """Its name or its URL; None is the library that the site was created with."""
    root_folder: str = ""
    """The folder of the library that holds all keys, with slashes between names; empty for the library itself."""
    site_id: str | None = None
    drive_id: str | None = None
    """What the settings say the library is; None asks Graph."""
    known_site_id: str | None = None
    known_drive_id: str | None = None
    """What Graph said earlier."""
    residency: str | None = None
    """The geographies that the site must be in one of, which ``verify`` proves; see ``settings/residency.py``."""
    permanent_delete: bool = False
    """Whether deletes skip the recycle bin."""
    hold_label: str | None = None
    """The name of the retention label that holds files; None: they are not held."""
    keep_deleted_days: int | None = None
    """Days for which this library keeps what is deleted; None: it does not."""
    max_object_bytes: int = MAX_FILE_BYTES
    client_id: str = ""
    """Of the app, for advice."""
    ca_file: str | None = None
    """Whose certificates every request trusts; None: what the transport trusts."""
    user_agent: str | None = None
    """``ISV|Company|App/Version``, for Microsoft not to throttle it first."""

    @property
    def host(self) -> str:
        """The host of the site."""
        return urlsplit(self.site_url).hostname or ""

    @property
    def site_path(self) -> str:
        """The path of the site, not percent-encoded, without slashes at its ends; empty for the root site."""
        return unquote(urlsplit(self.site_url).path).strip("/")

    @property
    def library_path(self) -> str:
        """The path of the library's URL, not percent-encoded, for the limit on lengths; a name is taken as it is."""
        library = self.library or DEFAULT_LIBRARY
        if "://" in library:
            return unquote(urlsplit(library).path)
        return f"/{self.site_path}/{library}" if self.site_path else f"/{library}"

    @property
    def place(self) -> str:
        """What is the same for every spelling of the library and the folder, once the id of the library is known."""
        library = self.known_drive_id or f"{self.host}{self.library_path}".casefold()
        return f"sharepoint/{library}/{self.root_folder.casefold()}"

    @property
    def location(self) -> str:
        """Where the objects are, for people."""
        library = (self.library or "default library").rstrip("/").rpartition("/")[2]
        return "/".join(filter(None, (self.site_url.rstrip("/"), unquote(library), self.root_folder)))
