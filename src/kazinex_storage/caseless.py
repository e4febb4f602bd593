"""Names that a service or a disk takes for each other because it ignores case. Pure."""

from __future__ import annotations

import unicodedata

from .keys import MAX_KEY_CHARACTERS


def fold(name: str) -> str:
    """Return what all names have in common that a place without case may take for *name*.

    The canonical caseless match of Unicode (section 3.13, D145); it takes ``ss`` for ``ß`` as SQL Server does.
    """
    if len(name) > MAX_KEY_CHARACTERS:  # no name of ours, and normalising takes the square of its length
        return name
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
