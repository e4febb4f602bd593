"""Secrets that were given as options, kept for copies of a file system in the same process.

Pickles and JSON hold a reference in place of a secret. It leads back to the secret as long as the file system that was
given it is alive in this process, and only for a copy with the same other options: with another address, the secret
would be sent somewhere else.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from weakref import WeakValueDictionary

from ..errors import SettingsError

Withheld: TypeAlias = Mapping[str, str]
"""The names of the options that a copy was not given, and the reference that leads to each."""


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class SecretOptions:
    """The secret options of a file system. They live as long as something refers to this value."""

    reference: str
    """A random name; empty when there are no secrets."""
    public: Mapping[str, str]
    """The other options, as text."""
    secrets: Mapping[str, object] = field(repr=False)
    withheld: tuple[str, ...] = ()
    """The options of the original that are not available here."""

    def names(self) -> Withheld:
        """Return what pickles and JSON hold in place of the secrets."""
        given = (name for name, value in self.secrets.items() if value is not None)
        return dict.fromkeys((*given, *self.withheld), self.reference)

    def complete(self, found: Mapping[str, object], prefix: str, kind: str) -> dict[str, object]:
        """Return the settings *found* with the secrets; those that are not available must be among *found*.

        Raises:
            SettingsError: one is not; the message names its variable, which begins with *prefix*.
        """
        lost = [name for name in self.withheld if name not in found]
        if lost:
            variables = " and ".join(f"{prefix}{name.upper()}" for name in lost)
            raise SettingsError(
                f"this is a copy of a file system that was given {', '.join(lost)} as an option, and secrets do not "
                f"travel to other processes; set {variables} in this one",
                provider=kind,
            )
        return {**found, **self.secrets}


class References:
    """The secrets of the file systems in this process, by reference. Thread-safe."""

    def __init__(self) -> None:
        self._held: WeakValueDictionary[str, SecretOptions] = WeakValueDictionary()

    def hold(
        self, public: Mapping[str, object], secret: Mapping[str, object], withheld: Withheld | None
    ) -> SecretOptions:
        """Return the secrets of a file system: those that it was given, or those of the one that it is a copy of.

        Args:
            public: Its other options.
            secret: The secret options that it was given.
            withheld: What ``names`` returned, if it is a copy.
        """
        shown = {name: str(value) for name, value in public.items()}
        if not withheld:
            reference = secrets.token_hex(16) if secret else ""
            held = SecretOptions(reference=reference, public=shown, secrets=dict(secret))
            if reference:
                self._held[reference] = held
            return held
        reference = next(iter(withheld.values()))
        original = self._held.get(reference)
        if original is not None and original.public == shown:
            return original
        lost = tuple(name for name in withheld if name not in secret)
        return SecretOptions(reference=reference, public=shown, secrets=dict(secret), withheld=lost)


REFERENCES = References()
"""Those of this process."""
