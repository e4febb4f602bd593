"""The headers by which a write gives an object its storage class and its tags. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from ...errors import NotSupportedError
from ...lazy import regex
from ...types import PutOptions
from .target import Preset

STORAGE_CLASS: Final = "x-amz-storage-class"

_CLASS: Final = regex(r"[A-Z0-9_]{1,64}")


def option_headers(preset: Preset, options: PutOptions) -> tuple[tuple[str, str], ...]:
    """Return the headers that give a new object the storage class and the tags of *options*.

    Raises:
        NotSupportedError: the service has no such class.
    """
    headers: tuple[tuple[str, str], ...] = ()
    if options.storage_class is not None:
        headers = ((STORAGE_CLASS, checked_class(preset, options.storage_class)),)
    if options.tags:
        pairs = (f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in options.tags.items())
        headers = (*headers, ("x-amz-tagging", "&".join(pairs)))
    return headers


def checked_class(preset: Preset, storage_class: str) -> str:
    """Return *storage_class*, if the service has it as far as is known.

    Raises:
        NotSupportedError: it has not.
    """
    named = preset.storage_classes if preset.fixed_classes else ()
    if not _CLASS.fullmatch(storage_class) or (named and storage_class not in named):
        raise NotSupportedError(
            f"{preset.title} has no storage class {storage_class[:64]!r}; there are {', '.join(preset.storage_classes)}"
        )
    return storage_class
