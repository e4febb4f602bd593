"""What an error that ``verify`` met means to the person who has to fix it."""

from __future__ import annotations

from typing import Final

from ...errors import AccessDeniedError, LockedError, QuotaExceededError, RateLimitedError, SettingsError, StorageError
from ...transport import Exchange
from ...types import Diagnosis
from ..settings.aadsts import diagnosis_of
from .errors import GRAPH
from .library import Library

_QUOTA: Final = Diagnosis(
    meaning="the site, or the whole tenant, has no space left",
    fix="empty the site's recycle bin, or let a SharePoint administrator raise its storage limit",
)
_LOCKED: Final = Diagnosis(
    meaning="the library requires files to be checked out, or columns to be filled in, before they can be seen",
    fix="library settings: Versioning settings, Require Check Out: No; and no required column without a default",
)
_THROTTLED: Final = Diagnosis(
    meaning="Microsoft throttles this app in this tenant at the moment",
    fix="wait a few minutes and verify again; if it stays like that, other programs use the same app registration",
)
_READ_ONLY: Final = Diagnosis(
    meaning="the app may read the site but not write to this library",
    fix="give it Sites.ReadWrite.All with admin consent, or the role write on the site, and check whether the site or "
    "the library is read-only",
)


class Diagnostics:
    """Explains errors of one library."""

    def __init__(self, library: Library) -> None:
        """Explain errors of *library*."""
        self._library = library

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Return what *error*, met by *check*, means; None leaves it to the general advice. Two requests at most."""
        del check
        known = diagnosis_of(error.code)
        if known is not None:
            return known
        if isinstance(error, AccessDeniedError):
            return (yield from self._denied())
        if isinstance(error, QuotaExceededError):
            return _QUOTA
        if isinstance(error, LockedError):
            return _LOCKED
        if isinstance(error, RateLimitedError):
            return _THROTTLED
        if isinstance(error, SettingsError) and error.code in ("site", "library"):
            meaning, _, fix = error.message.partition("; ")
            return Diagnosis(meaning=meaning, fix=fix)
        return None

    def _denied(self) -> Exchange[Diagnosis | None]:
        library = self._library
        try:
            response = yield from GRAPH.send(library.requests.site(), ok=(200, 400, 401, 403, 404))
        except StorageError:
            return None
        if response.status == 200:
            return _READ_ONLY
        target = library.target
        site = f"{target.host}:/{target.site_path}" if target.site_path else target.host
        grant = (
            '{"roles": ["write"], "grantedToIdentities": [{"application": {"id": "'
            + target.client_id
            + '", "displayName": "Kazinex"}}]}'
        )
        return Diagnosis(
            meaning="the app has a token, but may not use this site: no administrator has consented to its "
            "permissions, or they are Sites.Selected and this site has not been granted to it",
            fix="API permissions of the app, Grant admin consent; with Sites.Selected, an administrator with "
            f"Sites.FullControl.All reads the id from GET {target.graph_url}/sites/{site} and sends "
            f"POST {target.graph_url}/sites/<id>/permissions with {grant}",
        )
