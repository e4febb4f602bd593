"""What shells complete from the catalogue: kinds, organisations, labels. ``completing_keys.py`` completes keys.

A completion is quick and harmless: it says nothing of what goes wrong, changes nothing, and makes no catalogue where
there is none. Only names are printed, never settings, so no secret can be among them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..organisations import Organisations

MOST: Final = 200
"""Names that are offered at once."""


def kinds(incomplete: str) -> list[str]:
    """Return the kinds of providers."""
    return offered(_kinds, incomplete)


def organisations(incomplete: str) -> list[str]:
    """Return the ids of the organisations of the catalogue."""
    return offered(lambda: from_catalogue(_organisations), incomplete)


def labels(organisation: object, incomplete: str) -> list[str]:
    """Return the labels of the providers of *organisation*."""
    if not isinstance(organisation, str):
        return []
    return offered(
        lambda: from_catalogue(lambda found: [record.label for record in found.providers(organisation)]), incomplete
    )


def offered(find: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    """Return what *find* returns and begins with *incomplete*; nothing when that fails."""
    logging.disable()
    try:
        folded = incomplete.lower()
        return sorted({name for name in find() if name.lower().startswith(folded)})[:MOST]
    except Exception:  # a shell has no place for errors, and the command itself will tell them
        return []
    finally:
        logging.disable(logging.NOTSET)


def from_catalogue(read: Callable[[Organisations], Iterable[str]]) -> list[str]:
    """Return what *read* finds in the catalogue of the environment; nothing where there is none yet.

    Raises:
        StorageError: the catalogue cannot be read.
    """
    if not has_catalogue():
        return []
    from ..organisations import open_organisations

    found = open_organisations()
    try:
        return list(read(found))
    finally:
        found.close()


def has_catalogue() -> bool:
    """Say whether there is a catalogue to read; one that is a database elsewhere counts as there.

    Raises:
        SettingsError: the environment names none that there could be.
    """
    from ..providers.settings.environment import catalogue_location

    place = catalogue_location()
    return "://" in place or os.path.exists(place)


def _kinds() -> list[str]:
    from ..registry import default_registry

    return [kind.kind for kind in default_registry().kinds()]


def _organisations(found: Organisations) -> list[str]:
    return [record.organisation for kind in _kinds() for record in found.catalogue.of_kind(kind)]
