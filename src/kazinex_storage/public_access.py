"""Whether anybody may read what is stored: where that is asked, and the asking, which ``verify`` does.

A provider whose service can be opened to the public says by ``PubliclyReadable`` where an object would then be.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .errors import SettingsError
from .keys import ObjectKey
from .transport import Exchange, Request, Response
from .types import Diagnosis
from .values import value


@value
class PublicAccess:
    """Where anybody could read an object, if its bucket or container were public."""

    url: str
    """Complete, without any signature or token."""
    fix: str
    """How an administrator ends it."""


@runtime_checkable
class PubliclyReadable(Protocol):
    """What a provider adds when its service can be opened to the public, so that ``verify`` looks at it."""

    def public_access(self, key: ObjectKey) -> PublicAccess | None:
        """Return where *key* would be for everybody; None where that is not known. Nothing is asked here."""
        ...


class PublicError(SettingsError):
    """Anybody can read what is stored."""

    def __init__(self, access: PublicAccess) -> None:
        super().__init__("the probe was given to a request without credentials", code="public")
        self.diagnosis = Diagnosis(meaning="anybody can read what is stored here, without credentials", fix=access.fix)
        """What it means, and how an administrator ends it."""


def check_private(access: PublicAccess, body: bytes) -> Exchange[Diagnosis | None]:
    """Read an object that has *body* without credentials, which must not work; one request.

    Returns a warning when there is an answer, but with other bytes.

    Raises:
        PublicError: the object is public.
        UnavailableError: there is no answer.
    """
    response: Response = yield Request(method="GET", url=access.url, operation="verify")
    if response.status != 200:
        return None
    if response.body == body:
        raise PublicError(access)
    return Diagnosis(
        meaning="a request without credentials is answered with 200 and other bytes, so whether the documents are "
        "public is not proved",
        fix="look at what is in between: a proxy, a gateway, a page for people who are to sign in",
    )
