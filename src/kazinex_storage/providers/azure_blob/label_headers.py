"""The headers by which a write gives a blob its access tier and its tags. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from ...errors import NotSupportedError
from ...types import PutOptions

# "Cold" came with the version of the API that is used — learn.microsoft.com/azure/storage/blobs/access-tiers-overview.
TIERS: Final = ("Hot", "Cool", "Cold", "Archive")
"""The access tiers, that of an ordinary write in most accounts first."""

TIER: Final = "x-ms-access-tier"


def option_headers(options: PutOptions) -> tuple[tuple[str, str], ...]:
    """Return the headers that give a new blob the tier and the tags of *options*.

    Raises:
        NotSupportedError: there is no such tier.
    """
    headers: tuple[tuple[str, str], ...] = ()
    if options.storage_class is not None:
        headers = ((TIER, checked_tier(options.storage_class)),)
    return (*headers, ("x-ms-tags", tags_query(options.tags))) if options.tags else headers


def tags_query(tags: Mapping[str, str]) -> str:
    """Return *tags* as a header has them."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in tags.items())


def checked_tier(tier: str) -> str:
    """Return *tier*, if there is such a one.

    Raises:
        NotSupportedError: there is not.
    """
    if tier not in TIERS:
        raise NotSupportedError(f"Azure has no access tier {tier[:64]!r}; there are {', '.join(TIERS)}")
    return tier
