"""Where the objects of a provider are, as a comparable value: a container of a service, and a folder in it.

Settings models have it as the property ``place``. Two spellings of one address that only DNS knows to be one are two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import module
from ...values import value

if TYPE_CHECKING:
    from urllib import parse
else:
    parse = module(__name__, "urllib.parse")


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
