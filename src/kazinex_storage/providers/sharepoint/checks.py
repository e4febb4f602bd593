"""What ``verify`` checks of a library in addition to what it checks of every storage: residency."""

from __future__ import annotations

from typing import cast

from ...transport import Exchange
from ...types import Diagnosis
from ..settings.residency import check_within, unproven
from .answers import parse_json
from .errors import GRAPH
from .library import Library


def residency(library: Library) -> Exchange[Diagnosis | None]:
    """Prove that the site is in a geography that the settings demand; one request, two if the site was not seen.

    ``dataLocationCode`` of a siteCollection is there in tenants with several geographies only (learn.microsoft.com/
    graph/api/resources/sitecollection, read 2026-11). The country of an organisation is where it is registered, not
    where its data is, and is no proof.

    Raises:
        OutsideError: it is in another one.
    """
    site_id = yield from library.site()
    found = parse_json((yield from GRAPH.send(library.requests.site_collection(site_id))))
    collection = cast("dict[str, object]", found.get("siteCollection") or {})
    code, demanded = collection.get("dataLocationCode"), library.target.residency or ""
    if not isinstance(code, str) or not code:
        return unproven(
            demanded,
            "Graph says where a site is only in tenants with several geographies",
            "look at Microsoft 365 admin center, Settings, Org settings, Organization profile, Data location; the "
            "geography of a tenant does not change by itself",
        )
    check_within(f"the site {library.target.site_url}", [code], demanded, "choose a site of that geography")
    return None
