"""How any provider becomes one whose objects are encrypted; ``provider.py`` is what it becomes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from ...capabilities import Capability
from ...encryption.age import Age
from ...verbs import AnyProvider
from .provider import EncryptedProvider
from .records import EncryptedRecords
from .uploads import EncryptedUploads

if TYPE_CHECKING:
    from ...providers.settings.settings_text import EncryptableModel

_OWN: Final = (
    "state_secret",
    "rotating_secret",
    "keep_secret",
    "discovered",
    "refresh",
    "check_key",
    "use_settings",
    "public_access",
    "remove_unkeyed",
)
"""Members of optional protocols that are asked of the provider itself: what wraps it has them where that has them."""
_VERBS: Final = (
    "diagnose",
    "sweep",
    "checks",
    "remove_folders",
    "delete_marker",
    "get_unkeyed",
    "unkeyed_prefix",
    "delete_unkeyed",
)
"""Those that are asked of its exchanges."""


def encrypted(provider: AnyProvider, keys: Age) -> AnyProvider:
    """Return *provider* with its objects encrypted by *keys*; what else it is, it stays."""
    names = tuple(name for name in (*_OWN, *_VERBS) if hasattr(provider, name))
    return _class_with(names, provider.info.can(Capability.PARTS))(provider, keys)


def open_encrypted(factory: Callable[..., AnyProvider], settings: object) -> AnyProvider:
    """Return what *factory* makes of *settings*, which ask for encryption, with its objects encrypted.

    Raises:
        StorageError: what *factory* raises.
    """
    asked = cast("EncryptableModel", settings)
    keys = asked.age_keys
    provider = factory(asked.without_encryption())
    return provider if keys is None else encrypted(provider, keys)


def beneath(provider: AnyProvider) -> AnyProvider:
    """Return what holds the objects of *provider*: itself, unless it encrypts."""
    return provider.beneath if isinstance(provider, EncryptedProvider) else provider


@cache
def _class_with(names: tuple[str, ...], parts: bool) -> Callable[[AnyProvider, Age], AnyProvider]:
    """Return the class that has the members *names* besides; protocols are recognised by what a class has."""
    members = {name: _passed("_inner" if name in _VERBS else "_provider", name) for name in names}
    base = EncryptedUploads if parts else EncryptedRecords
    return cast("Callable[[AnyProvider, Age], AnyProvider]", type("EncryptedProvider", (base,), members))


def _passed(owner: str, name: str) -> property:
    return property(lambda self: getattr(getattr(self, owner), name))
