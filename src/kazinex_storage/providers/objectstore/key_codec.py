"""How keys become names in one store: below the prefix of the settings, encoded where the service cannot hold them.

The only place that adds that prefix to names and removes it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from ...values import value


@value
class KeyCodec:
    """Keys to names of the service, and back."""

    prefix: str
    """The prefix of the settings, encoded."""
    encode: Callable[[str], str]
    """Returns the name of a key after the prefix; raises InvalidKeyError when the service cannot hold it."""
    encode_prefix: Callable[[str], str]
    """Returns what the names of all keys with that beginning begin with, after the prefix."""
    decode: Callable[[str], str | None]
    """Returns the key of a name after the prefix; None when the name stands for no key."""

    plain: re.Pattern[str] | None = None
    """Matches most of the names after the prefix that are keys as they are; ``decode`` judges the others."""

    def name_of(self, key: str) -> str:
        """Return the name of *key* in the service.

        Raises:
            InvalidKeyError: the service cannot hold it.
        """
        return self.prefix + self.encode(key)

    def name_prefix(self, prefix: str) -> str:
        """Return what the names of the keys below *prefix* begin with."""
        return self.prefix + self.encode_prefix(prefix)

    def key_of(self, name: str) -> str | None:
        """Return the key of *name*; None when it stands for no key, such as the marker of a folder."""
        return self.decode(name[len(self.prefix) :]) if name.startswith(self.prefix) else None

    def keys_of(self, names: Iterable[str]) -> list[str | None]:
        """Return what ``key_of`` does for each of *names*: a page of a listing has thousands."""
        below, decode = self.prefix, self.decode
        if self.plain is None:
            return [self.key_of(name) for name in names]
        is_key = self.plain.fullmatch
        if not below:
            return [name if is_key(name) else decode(name) for name in names]
        cut = len(below)
        return [
            (key if is_key(key := name[cut:]) else decode(key)) if name.startswith(below) else None for name in names
        ]


AS_IT_IS: Final = KeyCodec(prefix="", encode=str, encode_prefix=str, decode=str)
"""For names of the service in place of keys."""
