"""Conditional and ranged requests (RFC 9110, 13 and 14): what of an object a request asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from ..lazy import regex
from ..types import WHOLE, ByteRange

_RANGE: Final = regex(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")
_TAGS: Final = regex(r'(?:W/)?"[^"]*"')


class UnsatisfiableError(ValueError):
    """The range lies beyond the end of the object."""


def precondition(headers: Mapping[str, str], etag: str | None, modified: datetime | None) -> int | None:
    """Return 304 or 412 when a condition of the request says so, None when the object is to be sent.

    ``If-Match`` and ``If-None-Match`` count before the dates, as the RFC asks.
    """
    if (tags := headers.get("if-match")) is not None:
        return None if _matches(tags, etag, weak=False) else 412
    if (tags := headers.get("if-none-match")) is not None:
        return 304 if _matches(tags, etag, weak=True) else None
    since = _date(headers.get("if-modified-since"))
    if since is not None and modified is not None and modified.replace(microsecond=0) <= since:
        return 304
    return None


def wanted(headers: Mapping[str, str], etag: str | None, modified: datetime | None, size: int) -> ByteRange:
    """Return the span that a request asks for, with both ends; ``WHOLE`` when it asks for all or for several spans.

    A range in another unit or form is ignored, and so is one whose ``If-Range`` names another version.

    Raises:
        UnsatisfiableError: it begins after the end.
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or not (found[1] or found[2]) or not _is_same(headers.get("if-range"), etag, modified):
        return WHOLE
    if not found[1]:
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < int(found[1]):
            return WHOLE  # malformed
    if start >= size or start >= end:
        raise UnsatisfiableError(f"the range begins after the end of {size} bytes")
    return ByteRange(start=start, end=end)


def http_date(moment: datetime) -> str:
    """Return *moment* as a header has it."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def _matches(tags: str, etag: str | None, *, weak: bool) -> bool:
    if tags.strip() == "*":
        return True
    if etag is None or (not weak and etag.startswith("W/")):
        return False
    given = _TAGS.findall(tags)
    return etag.removeprefix("W/") in (tag.removeprefix("W/") for tag in given) if weak else etag in given


def _is_same(if_range: str | None, etag: str | None, modified: datetime | None) -> bool:
    if if_range is None:
        return True
    text = if_range.strip()
    if text.startswith(('"', "W/")):
        return etag is not None and text == etag and not etag.startswith("W/")
    date = _date(text)
    return date is not None and modified is not None and modified.replace(microsecond=0) == date


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
