"""How keys become names in one store: below the prefix of the settings, encoded where the service cannot hold them.

The only place that adds that prefix to names and removes it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import Final

from ...keys import MAX_KEY_BYTES
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

    all_plain: re.Pattern[str] | None = None
    """Matches lines that ``plain`` matches one by one, but for their length: a whole page takes half the time."""

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

    def keys_of(self, names: Sequence[str]) -> Sequence[str | None]:
        """Return what ``key_of`` does for each of *names*: a page of a listing has thousands."""
        below, decode = self.prefix, self.decode
        if self.plain is None:
            return [self.key_of(name) for name in names]
        cut = len(below)
        if cut and not all(map(methodcaller("startswith", below), names)):
            return [self.key_of(name) for name in names]
        keys = [name[cut:] for name in names] if cut else names
        if self._are_plain(keys):
            return keys
        is_key = self.plain.fullmatch
        return [key if is_key(key) else decode(key) for key in keys]

    def _are_plain(self, keys: Sequence[str]) -> bool:
        if self.all_plain is None or not keys or max(map(len, keys)) > MAX_KEY_BYTES:
            return False
        text = "\n".join(keys)
        return text.count("\n") == len(keys) - 1 and self.all_plain.fullmatch(text) is not None


AS_IT_IS: Final = KeyCodec(prefix="", encode=str, encode_prefix=str, decode=str)
"""For names of the service in place of keys."""
