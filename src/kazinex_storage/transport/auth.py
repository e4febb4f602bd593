"""Who authorises a request: the transport asks for every attempt, so that a repeat carries a current key or token.

An ``Auth`` answers at once when it has what is needed (``at_hand``) and fetches it otherwise, as an exchange that may
make calls and send requests itself. ``retry.py`` asks; ``handle.py`` passes it to libcurl.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from ..secrecy.pickling import not_pickled
from ..values import value

if TYPE_CHECKING:
    import hashlib

Keyed: TypeAlias = "tuple[hashlib._Hash, hashlib._Hash]"
"""Both hashes of HMAC after the key; copies of them take the messages."""


class Day(NamedTuple):
    """What is derived from a key for one day."""

    date: str
    scope: str
    key: Keyed


@not_pickled("send no requests, but what they are made from")
class SigV4:
    """The key that attempts are signed with; see ``sigv4.py``."""

    __slots__ = ("access_key_id", "day", "region", "secret_access_key", "service")

    def __init__(self, *, access_key_id: str, secret_access_key: str, region: str, service: str = "s3") -> None:
        """Sign for *region* and *service*."""
        self.access_key_id = access_key_id
        self.secret_access_key = secret_access_key
        self.region = region
        self.service = service
        self.day: Day | None = None
        """What was derived from it last."""

    def __repr__(self) -> str:
        return f"SigV4(access_key_id={self.access_key_id!r}, region={self.region!r}, service={self.service!r})"


@not_pickled("send no requests, but what they are made from")
@value
class Authorisation:
    """What one attempt is authorised with."""

    signing: SigV4 | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Sent in addition to those of the request, and signed with them."""
    query: str = field(default="", repr=False)
    """Added to the URL."""


NONE: Final = Authorisation()
"""Of a request that needs none."""


class Auth(Protocol):
    """Authorises the attempts of requests. Thread-safe."""

    @property
    def at_hand(self) -> Authorisation | None:
        """What is valid now without asking anyone; None when it has to be fetched."""
        ...

    def fetch(self) -> Generator[Any, Any, Authorisation]:
        """Return what is valid now, as an exchange.

        Raises:
            StorageError: there is none.
        """
        ...

    def refuse(self, refused: Authorisation) -> Generator[Any, Any, bool]:
        """Forget what the service answered with 401, and say whether there may be another; asked once a request."""
        ...


@value(kw_only=False)
class Fixed:
    """An ``Auth`` that never changes."""

    at_hand: Authorisation

    def fetch(self) -> Generator[Any, Any, Authorisation]:
        """Return it."""
        return self.at_hand
        yield  # makes an exchange of it

    def refuse(self, refused: Authorisation) -> Generator[Any, Any, bool]:  # noqa: ARG002
        """Say that there is no other."""
        return False
        yield  # makes an exchange of it
