"""How one store spells keys: after the prefix of the settings, and encoded where the service cannot hold them.

The one place that puts that prefix before names, and takes it off again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCodec:
    """Keys to names of the service, and back."""

    prefix: str
    """Of the settings, as the service spells it."""
    encode: Callable[[str], str]
    """Returns what stands for a key after the prefix; raises InvalidKeyError when the service holds no such name."""
    encode_prefix: Callable[[str], str]
    """Returns what stands after the prefix for all keys that begin so."""
    decode: Callable[[str], str | None]
    """Returns the key of what stands after the prefix; None for what no key names."""

    def name_of(self, key: str) -> str:
        """Return how the service spells *key*.

        Raises:
            InvalidKeyError: it holds no such name.
        """
        return self.prefix + self.encode(key)

    def name_prefix(self, prefix: str) -> str:
        """Return how the service spells the keys below *prefix*."""
        return self.prefix + self.encode_prefix(prefix)

    def key_of(self, name: str) -> str | None:
        """Return the key that the service spells *name*; None for what no key names, such as markers of folders."""
        return self.decode(name[len(self.prefix) :]) if name.startswith(self.prefix) else None


AS_IT_IS: Final = KeyCodec(prefix="", encode=str, encode_prefix=str, decode=str)
"""For who gives the names of the service in place of keys."""
