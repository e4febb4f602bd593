"""Sizes as people write them: ``250MB``, ``1.5 GB``, ``1000``."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, TypeAlias

import typer

from ..lazy import regex
from .exits import UsageError

MaxFileSize: TypeAlias = Annotated[
    str | None,
    typer.Option("--max-file-size", metavar="SIZE", help="Such as 250MB; 'default' is that of the kind."),
]

# As everywhere in Kazinex: MB is 1,048,576 bytes.
_UNITS = {"": 1, "B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_SIZE = regex(r"\s*(\d{1,18}(?:\.\d{1,6})?)\s*([KMGT]?I?B|[KMGT]|)\s*", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Return the number of bytes that *text* means.

    Raises:
        UsageError: it is no size.

    Example:
        >>> parse_size("250MB"), parse_size("1.5 GB"), parse_size("1000")
        (262144000, 1610612736, 1000)
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is not a size; write 250MB, 1.5GB or a number of bytes")
    unit = found[2].upper().replace("I", "")
    return int(Fraction(found[1]) * _UNITS[unit if unit in _UNITS else f"{unit}B"])


def own_limit(text: str | None) -> int | None:
    """Return the bytes that ``--max-file-size`` says; None for the default of the kind.

    Raises:
        UsageError: it is no size.
    """
    return None if text is None or text.strip().lower() == "default" else parse_size(text)
