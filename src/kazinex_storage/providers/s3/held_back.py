"""A botocore that another package holds back: aiobotocore, on which s3fs stands, names the releases that it takes."""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

from ...lazy import regex

# The floor of the extras: 1.36 is the first release that knows the checksums of S3 by default, and
# `request_checksum_calculation`, with which exported options turn them off.
LEAST: Final = (1, 36)
_NUMBER: Final = regex(r"[0-9]+")


def warn_of_old_botocore() -> None:
    """Warn once in each place when the botocore that is installed is too old, and say what holds it back."""
    try:
        found = version("botocore")
    except PackageNotFoundError:
        return
    if numbers_of(found) >= LEAST:
        return
    least = ".".join(map(str, LEAST))
    warnings.warn(
        f"botocore {found} is older than {least}, which kazinex-storage needs{_holder()}",
        RuntimeWarning,
        stacklevel=3,
    )


def numbers_of(text: str) -> tuple[int, ...]:
    """Return the first two numbers of a version."""
    return tuple(int(number) for number in _NUMBER.findall(text)[:2])


def _holder() -> str:
    try:
        bounds = [text for text in requires("aiobotocore") or () if text.partition(" ")[0].startswith("botocore")]
        holder = version("aiobotocore")
    except PackageNotFoundError:
        return "; pip install --upgrade boto3"
    told = f" ({bounds[0].partition(';')[0].strip()})" if bounds else ""
    return (
        f": aiobotocore {holder}, on which s3fs stands, holds it there{told}; pip install --upgrade s3fs aiobotocore "
        "boto3, or install s3fs in an environment of its own"
    )
