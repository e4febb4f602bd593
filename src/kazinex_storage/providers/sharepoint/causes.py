"""Why a library cannot be used, in the terms of its administrator. Pure; ``diagnose.py`` finds out which it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...types import Diagnosis
from .target import Target

QUOTA: Final = Diagnosis(
    meaning="the site, or the whole tenant, has no space left",
    fix="empty the site's recycle bin, or let a SharePoint administrator raise its storage limit",
)
"""A full site."""

LOCKED: Final = Diagnosis(
    meaning="the library requires files to be checked out, or columns to be filled in, before they can be seen",
    fix="library settings: Versioning settings, Require Check Out: No; and no required column without a default",
)
"""A file that is checked out as soon as it is made."""

THROTTLED: Final = Diagnosis(
    meaning="Microsoft throttles this app in this tenant at the moment",
    fix="wait a few minutes and verify again; if it stays like that, other programs use the same app registration",
)
"""Too many requests."""

READ_ONLY: Final = Diagnosis(
    meaning="the app may read the site but not write to this library",
    fix="give it Sites.ReadWrite.All with admin consent, or the role write on the site, and check whether the site or "
    "the library is read-only",
)
"""A site that can be read."""

NO_SUCH_ID: Final = Diagnosis(meaning="there is no site with that id", fix="leave site_id out, so that it is looked up")
"""An id that was given, or that was looked up once."""

LIBRARY_GONE: Final = Diagnosis(
    meaning="the document library is no longer there, or the app does not see it",
    fix="look at the site, and verify the provider again",
)
"""A library that was there."""


def no_site(target: Target) -> Diagnosis:
    """Explain an address at which there is no site."""
    return Diagnosis(
        meaning=f"there is no site at {target.site_url}", fix="copy its address from the browser, up to its name"
    )


def no_library(wanted: str, names: Sequence[str]) -> Diagnosis:
    """Explain a name that no library of the site has."""
    there = ", ".join(repr(name) for name in names) or "none"
    return Diagnosis(meaning=f"the site has no library {wanted!r}", fix=f"name one that it has: {there}")


def not_granted(target: Target) -> Diagnosis:
    """Explain a token that the site does not accept."""
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


def not_held(label: str) -> Diagnosis:
    """Explain a retention label that cannot be put on or taken off."""
    return Diagnosis(
        meaning=f"files cannot be held and released by the retention label {label!r}",
        fix="publish the label to the site, let the app change files there, and choose one that does not declare "
        "records, which only people unlock",
    )


def keeps_nothing(label: str, found: str | None, behaviour: str | None) -> Diagnosis:
    """Explain a label that does not retain, or did not arrive."""
    return Diagnosis(
        meaning=f"the retention label {label!r} keeps nothing: it came back as {found!r}, which says {behaviour!r}",
        fix="name one that retains items",
    )
