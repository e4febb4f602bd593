"""Harnesses whose providers have this library keep what is deleted, as ``keep_deleted_days`` of their settings does."""

from __future__ import annotations

from typing import Any, TypeVar

from kazinex_storage.providers.settings.place import keeping_deleted
from kazinex_storage.testing import Harness

H = TypeVar("H", bound=Harness)


def keeping(harness: H) -> H:
    """Return *harness*, which makes such providers from now on."""
    make, found = harness.make, (harness)

    def made() -> Any:
        provider: Any = make()
        provider.info = keeping_deleted(provider.info, 1, {})
        return provider

    vars(found)["make"] = made
    return found
