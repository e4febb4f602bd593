"""Where the objects of a provider are, as a comparable value, and what this library keeps there of what is deleted.

Settings models have it as the property ``place``: a container of a service, and a folder in it. Two spellings of one
address that only DNS knows to be one are two.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ...capabilities import KEEPS, Capability
from ...lazy import module
from ...types import ProviderInfo
from ...values import value

if TYPE_CHECKING:
    from pathlib import Path
    from urllib import parse
else:
    parse = module(__name__, "urllib.parse")


NO_UNDELETE: Final = "set keep_deleted_days in the settings: what is deleted then stays below .trash for so long"
"""Why what is deleted cannot be brought back, where this library would keep it."""

NO_VERSIONS: Final = "the place keeps no earlier versions; give each version a key of its own, as documents have"
"""Why there are no versions, where no settings help."""


@value
class Place:
    """One place: a disk, bucket, container or library, and the folder in it."""

    service: str
    """One namespace: the kind, the host and the container."""
    path: tuple[str, ...] = ()
    """The folder, by its segments."""

    @classmethod
    def at(cls, kind: str, url: str, container: str, folder: str) -> Place:
        """Return the *folder* of a *container* behind *url*."""
        parts = parse.urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
        service = f"{kind}://{host}{port}{parts.path.rstrip('/')}/{container}"
        return cls(service=service, path=tuple(filter(None, folder.split("/"))))

    def nests(self, other: Place) -> bool:
        """Say whether one of the two lies inside the other, without being the same."""
        if self.service != other.service or len(self.path) == len(other.path):
            return False
        shorter, longer = sorted((self.path, other.path), key=len)
        return longer[: len(shorter)] == shorter

    def __str__(self) -> str:
        return "/".join((self.service.rstrip("/"), *self.path))


def real_path(path: str | os.PathLike[str]) -> Path:
    r"""Return *path* with all links followed, whether it exists or not.

    Names are UTF-8 on the disk whatever the locale says, which alone could not name every folder.

    Example:
        >>> real_path("/srv/B\udcc3\udcbcro") == real_path("/srv/B\u00fcro")
        True
    """
    from pathlib import Path  # it loads urllib.parse, which services do without

    found = os.path.realpath(os.fspath(path).encode("utf-8", "surrogateescape"))
    return Path(found.decode("utf-8", "surrogateescape"))


def is_confidential(url: str) -> bool:
    """Say whether a token may be sent to *url*: over TLS, or to this machine.

    Example:
        >>> is_confidential("https://graph.example"), is_confidential("http://graph.example")
        (True, False)
    """
    scheme, _, rest = url.partition("://")
    host, _, port = rest.partition("/")[0].partition(":")
    if scheme == "https" or (scheme == "http" and host in ("localhost", "127.0.0.1") and (port.isdigit() or not port)):
        return True  # as the library would say, which takes 2 ms to load
    parts = parse.urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def keeping_deleted(info: ProviderInfo, days: int | None, missing: Mapping[Capability, str]) -> ProviderInfo:
    """Return *info* for a place of which this library keeps what is deleted for so many *days*, and what is *missing*.

    None: it does not, and says how to have it do so.
    """
    if days is None:
        lacking = {Capability.UNDELETE: NO_UNDELETE, **_no_versions(info), **missing}
        return replace(info, missing={**info.missing, **lacking})
    kept = frozenset({Capability.UNDELETE})
    return replace(
        info,
        capabilities=info.capabilities | kept,
        ours=info.ours | kept,
        keeps_deleted_for=timedelta(days=days),
        missing={**info.missing, **_no_versions(info), **missing},
    )


def _no_versions(info: ProviderInfo) -> dict[Capability, str]:
    return {} if Capability.VERSIONS in info.capabilities else {Capability.VERSIONS: NO_VERSIONS}


NO_RETENTION: Final = {
    "s3": "the settings do not say that the bucket has Object Lock: make one with it, and set object_lock; documents "
    "of organisations are kept by the register in any case",
    "azure_blob": "the settings do not say that the container supports version-level immutability: switch that on, and "
    "set immutability; documents of organisations are kept by the register in any case",
    "r2": "R2 keeps objects by lock rules of the bucket, which are set through the API of Cloudflare: set api_token; "
    "documents of organisations are kept by the register in any case",
    "supabase": "Supabase Storage has no retention; documents of organisations are kept by the register",
}
"""Why objects are neither retained nor held, by kind."""


def keeping_objects(info: ProviderInfo, switched_on: bool) -> ProviderInfo:
    """Return *info* for a place that can retain and hold objects, where that is *switched_on*."""
    if switched_on:
        return replace(info, capabilities=info.capabilities | KEEPS)
    return replace(info, missing={**info.missing, **dict.fromkeys(KEEPS, NO_RETENTION[info.kind])})


NO_CUSTOMER_KEYS: Final = "no key travels with its requests; encrypt on this side, see docs/encryption.md"
"""Why objects have no keys of the customer where the service takes none."""

_TURN_ON: Final = "set customer_key: 32 random bytes in base64, by which the service encrypts, and which it forgets"
_NO_URLS: Final = (
    "a signed URL would need the customer's key as well, with which everything can be read; let the bytes pass through "
    "your own routes"
)
_NO_KEY_THERE: Final = "the service does it without a request that could bring the customer's key"


def with_customer_key(info: ProviderInfo, given: bool, *, lost: Sequence[Capability] = ()) -> ProviderInfo:
    """Return *info* for a place whose service encrypts by a key of the customer, where one is *given*.

    What is *lost* besides is done by the service alone, which then has no key.
    """
    if not given:
        return replace(info, missing={**info.missing, Capability.CUSTOMER_KEYS: _TURN_ON})
    urls = (Capability.PRESIGN, Capability.POST_POLICY, Capability.PUBLIC_URL)
    known = dict(info.missing)
    known.pop(Capability.CUSTOMER_KEYS, None)
    return replace(
        info,
        capabilities=(info.capabilities | {Capability.CUSTOMER_KEYS}).difference(urls, lost),
        missing={**known, **dict.fromkeys(urls, _NO_URLS), **dict.fromkeys(lost, _NO_KEY_THERE)},
    )
