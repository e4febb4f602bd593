"""SSE-C: the service encrypts with a key that comes with each request, and keeps none.

Requests for the bytes of an object, or what it is made of, carry the key; listings and removals do not. Copies carry it
twice, for what is read and what is written. docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomer
Keys.html and developers.cloudflare.com/r2/examples/ssec (read 2026-11).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Final

from ...transport import Auth, Authorisation, Exchange

_NAME: Final = "server-side-encryption-customer"
ECHO: Final = f"x-amz-{_NAME}-key-md5"
"""The header by which the service says that it used the key."""


class KeyedAuth:
    """An ``Auth`` that adds a key to what another one authorises with."""

    __slots__ = ("_auth", "_headers", "_last", "_made")

    def __init__(self, auth: Auth, key: bytes, *, copies: bool) -> None:
        """Add *key* to what *auth* gives; with *copies*, also as that of the object that is read."""
        self._auth = auth
        fields = {
            "algorithm": "AES256",
            "key": base64.b64encode(key).decode(),
            "key-MD5": base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode(),
        }
        prefixes = ("x-amz-", "x-amz-copy-source-") if copies else ("x-amz-",)
        self._headers = tuple(
            (f"{prefix}{_NAME}-{name}", value) for prefix in prefixes for name, value in fields.items()
        )
        self._last: Authorisation | None = None
        self._made: Authorisation | None = None

    @property
    def at_hand(self) -> Authorisation | None:
        """What is valid now, and the key."""
        found = self._auth.at_hand
        return None if found is None else self._with_key(found)

    def fetch(self) -> Exchange[Authorisation]:
        """Ask, and add the key."""
        return self._with_key((yield from self._auth.fetch()))

    def refuse(self, refused: Authorisation) -> Exchange[bool]:
        """Say what the other one says of what was refused."""
        last = self._last
        return self._auth.refuse(last if last is not None and refused is self._made else refused)

    def _with_key(self, found: Authorisation) -> Authorisation:
        made = self._made
        if made is None or found is not self._last:
            made = replace(found, headers=(*found.headers, *self._headers))
            self._last, self._made = found, made
        return made
