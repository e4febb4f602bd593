"""How one store spells keys: what its modules need of it, as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spelling:
    """How keys become names of the service, and back."""

    name_of: Callable[[str], str]
    name_prefix: Callable[[str], str]
    key_of: Callable[[str], str | None]
    """None for what no key names."""
