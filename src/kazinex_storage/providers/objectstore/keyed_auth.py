"""A key of the customer in the headers of requests, added where they are authorised: no request holds it."""

from __future__ import annotations

from dataclasses import replace

from ...transport import Auth, Authorisation, Exchange


class KeyedAuth:
    """An ``Auth`` that adds headers to what another one authorises with."""

    __slots__ = ("_auth", "_headers", "_last", "_made")

    def __init__(self, auth: Auth, headers: tuple[tuple[str, str], ...]) -> None:
        """Add *headers* to what *auth* gives."""
        self._auth = auth
        self._headers = headers
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
