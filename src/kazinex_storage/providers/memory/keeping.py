"""Retention and legal holds in memory: what ``contract_retention.py`` asks for. The lock of the shelf is held."""

from __future__ import annotations

from datetime import UTC, datetime

from ...errors import NotFoundError
from ...retention import UNPROTECTED, Protection
from .shelf import Shelf


def find(shelf: Shelf, key: str) -> Protection:
    """Return what keeps the object.

    Raises:
        NotFoundError: no such key.
    """
    if key not in shelf.objects:
        raise NotFoundError("no object has that key", key=key)
    return shelf.protections.get(key, UNPROTECTED)


def check_change(shelf: Shelf, *keys: str) -> None:
    """Refuse to replace or remove the objects *keys* while something keeps one, else forget what kept them.

    Raises:
        RetentionError: something does.
    """
    for key in keys:
        found = shelf.protections.get(key)
        if found is not None and found.keeps(datetime.now(UTC)):
            raise found.refusal(key)
    for key in keys:
        shelf.protections.pop(key, None)
