"""Tickets: what a browser, or another client without credentials, needs to send one file by itself, on any provider.

``DocumentStore.begin_direct_upload`` makes one and ``confirm_direct_upload`` ends it. Plain values, and the tokens that
prove a ticket: a MAC under the keys of its organisation over all that it may be used for.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import asdict, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from ..errors import AccessDeniedError
from ..json_text import write_json
from ..keys import DocumentKey
from ..lazy import regex
from ..secrecy.pickling import not_pickled
from ..storage.states import StateKeys
from ..storage.tickets import TicketPart
from ..values import value
from .ticket_register import PlanName, TicketRecord, TicketStatus

Purpose: TypeAlias = Literal["end", "send"]
"""What a token is for: to confirm or abort, or to send the file to a route of the host."""

# All of it goes into URLs as it is: RFC 3986, 2.3. "~" is in no identifier.
_TOKEN: Final = regex(r"1~([A-Za-z0-9._-]{1,128})~([0-9a-f]{32})~([0-9a-f]{16})~([0-9a-f]{64})")
_LABEL: Final = b"kazinex-storage ticket 1\x00"


@not_pickled("it is as good as a password: hand to_json() to the client that uploads")
@value
class UploadTicket:
    """One direct upload: every request that sends the file, and the token that ends it. A secret until it expires."""

    id: str
    document: DocumentKey
    size: int
    """Bytes; nothing else is accepted."""
    content_type: str
    """To be sent exactly so, where it is among the headers of a request."""
    sha256: str | None
    """Declared, in lower-case hexadecimal; ``confirm_direct_upload`` reads the file to compare it."""
    expires_at: datetime
    """Aware UTC. What is not confirmed by then is swept."""
    plan: PlanName
    """``put``: one request to the service. ``parts``: requests to the service that may be sent in any order and at
    once. ``session``: requests to one URL of the service, in order. ``route``: one request to the host."""
    in_order: bool
    """Whether each part is sent after the answer to the one before it."""
    parts: tuple[TicketPart, ...]
    """At least one. Together they are the file; a part that failed is sent again."""
    bound: frozenset[str] = frozenset()
    """What the service itself refuses: another ``size``, ``type`` or ``sha256``; with ``create``, a key that is taken.
    ``confirm_direct_upload`` checks all of it in any case."""
    token: str = field(repr=False)
    """All that ``confirm_direct_upload`` and ``abort_direct_upload`` need."""

    def to_dict(self) -> dict[str, object]:
        """Return what the client needs, as values that JSON can hold; to be kept like a password until it expires."""
        return {
            "id": self.id,
            "document": asdict(self.document),
            "size": self.size,
            "content_type": self.content_type,
            "sha256": self.sha256,
            "expires_at": self.expires_at.isoformat(),
            "plan": self.plan,
            "in_order": self.in_order,
            "bound": sorted(self.bound),
            "parts": [
                {
                    "number": part.number,
                    "offset": part.offset,
                    "size": part.size,
                    "method": part.request.method,
                    "url": str(part.request.url),
                    "headers": dict(part.request.headers),
                }
                for part in self.parts
            ],
            "token": self.token,
        }

    def to_json(self) -> str:
        """Return what the client needs as JSON; to be kept like a password until it expires."""
        return write_json(self.to_dict())


@value
class DirectUpload:
    """What a ticket is for and how far it has come, as its token tells the host; no secret."""

    id: str
    document: DocumentKey
    provider: str
    """The id of the record of the provider that it goes to."""
    size: int
    content_type: str | None
    sha256: str | None
    plan: PlanName
    begun_at: datetime
    """Aware UTC."""
    begun_by: str | None
    expires_at: datetime
    """Aware UTC."""
    status: TicketStatus

    @classmethod
    def of(cls, record: TicketRecord) -> DirectUpload:
        """Return what may be shown of *record*."""
        return cls(**{name: getattr(record, name) for name in cls.__annotations__})

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        times = {"begun_at": self.begun_at.isoformat(), "expires_at": self.expires_at.isoformat()}
        return {**asdict(self), **times}


def token_of(ticket: UploadTicket | str) -> str:
    """Return the token of *ticket*."""
    return ticket if isinstance(ticket, str) else ticket.token


def make_token(keys: StateKeys, purpose: Purpose, record: TicketRecord) -> str:
    """Return the token for *purpose*; it may read a file.

    Raises:
        StorageError: the keys cannot be read.
    """
    key_id, key = keys.sealing()
    return f"1~{record.document.organisation}~{record.id}~{key_id}~{_mac(key, purpose, record)}"


def read_token(token: str) -> tuple[str, str]:
    """Return the organisation and the id that *token* names; nothing is proved yet.

    Raises:
        AccessDeniedError: it is no token.
    """
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise not_valid()
    return found[1], found[2]


def check_token(keys: StateKeys, purpose: Purpose, record: TicketRecord | None, token: str) -> TicketRecord:
    """Return *record* if *token* is the one made for it and *purpose*; compared in constant time.

    Raises:
        AccessDeniedError: it is not.
        StorageError: the keys cannot be read.
    """
    found = _TOKEN.fullmatch(token)
    if record is None or found is None or not _matches(keys, purpose, record, found[3], found[4]):
        raise not_valid()
    return record


def not_valid() -> AccessDeniedError:
    """Return the error for a token that proves nothing here."""
    return AccessDeniedError(
        "the ticket is not valid here: it was altered, is for something else, or expired long ago; begin another upload"
    )


def _matches(keys: StateKeys, purpose: Purpose, record: TicketRecord, key_id: str, mac: str) -> bool:
    key = keys.checking(key_id)  # no error shows a frame with a key
    return key is not None and hmac.compare_digest(_mac(key, purpose, record), mac)


def _mac(key: bytes, purpose: Purpose, record: TicketRecord) -> str:
    # JSON keeps the fields apart, whatever they hold.
    bound: Mapping[str, object] = {
        "purpose": purpose,
        "id": record.id,
        "key": record.document.build(),
        "provider": record.provider,
        "size": record.size,
        "content_type": record.content_type,
        "sha256": record.sha256,
        "plan": record.plan,
        "expires_at": record.expires_at.isoformat(),
    }
    own = hmac.digest(key, _LABEL, "sha256")
    return hmac.digest(own, write_json(bound, sort_keys=True).encode(), "sha256").hex()
