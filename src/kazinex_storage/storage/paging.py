"""Listings that any process can continue: a page, and a sealed token that asks for the next one.

The token says where its listing is: place, scope, prefix and whether it is recursive. It is proven by a MAC under the
key that upload states are sealed with, so one that a client brings back lists nothing that it was not made for.
``operations.py`` runs this where it is asked for.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Final, NamedTuple

from ..capabilities import Capability
from ..contract_reading import Page
from ..errors import InvalidTokenError
from ..json_text import parse_own_json, write_json
from ..transport import Call, Exchange
from .operation import Context
from .states import StateSeal

_LABEL: Final = b"kazinex-storage listing 1\x00"
_VERSION: Final = 1
# The most that S3, R2 and Supabase give in one request.
_MOST_ENTRIES: Final = 1000
# The longest key, percent-encoded twice, in base64, with room for the link of a service.
_MOST_CHARACTERS: Final = 16 * 1024


class _Place(NamedTuple):
    """Where a listing is; equal for two of the same."""

    version: int
    kind: str
    location: str
    scope: str
    prefix: str
    recursive: bool


def list_page(context: Context, prefix: str, token: str | None, limit: int, *, recursive: bool) -> Exchange[Page]:
    """Return the page of *prefix* after *token*; see ``Storage.list_page``.

    Raises:
        InvalidTokenError: the token is not of this listing.
        NotSupportedError: the provider cannot continue a listing.
        ValueError: the limit is none.
    """
    context.rules.need(Capability.RESUMED_LISTING, "list_page")
    if not 1 <= limit <= _MOST_ENTRIES:
        raise ValueError(f"limit {limit}: a page has 1 to {_MOST_ENTRIES} entries")
    scope, full = context.scope, context.scope.full_prefix(prefix)
    place = _Place(_VERSION, context.info.kind, context.info.location, scope.prefix, full, recursive)
    begin: str | None = None
    if token is not None:
        begin = yield Call(_open, context.seal, place, token)
    page: Page = yield from context.exchanges.list_page(full, begin, limit, not recursive)
    entries = scope.shown(page.entries, is_relative=False)
    while not entries and page.token is not None:  # all of it is hidden
        page = yield from context.exchanges.list_page(full, page.token, limit, not recursive)
        entries = scope.shown(page.entries, is_relative=False)
    sealed: str | None = None
    if page.token is not None:
        sealed = yield Call(_seal, context.seal, place, page.token)
    return replace(
        page, entries=[scope.relative(entry) for entry in scope.shown(page.entries, is_relative=False)], token=sealed
    )


def _seal(seal: StateSeal, place: _Place, token: str) -> str:
    text = write_json([*place, token]).encode()
    return f"{base64.urlsafe_b64encode(text).decode().rstrip('=')}.{seal.prove(_LABEL + text)}"


def _open(seal: StateSeal, place: _Place, token: str) -> str:
    """Return the token of the provider that is in *token*.

    Raises:
        InvalidTokenError: it is not of the listing *place*, or not ours.
    """
    body, _, proof = token.partition(".")
    try:
        if len(token) > _MOST_CHARACTERS:
            raise ValueError("too long")
        text = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        if not seal.is_proof(_LABEL + text, proof):
            raise ValueError("altered")
        found = parse_own_json(text)
    except (ValueError, binascii.Error, TypeError) as error:
        raise InvalidTokenError(
            "the token of the listing was altered, or sealed under a key that is not at hand; list from the beginning, "
            "and give all processes the same state key"
        ) from error
    if not isinstance(found, list) or found[:-1] != [*place] or not isinstance(found[-1], str):
        raise InvalidTokenError("the token belongs to another listing; use it with the prefix that it was made for")
    return found[-1]
