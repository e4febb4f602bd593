"""The text of an upload state: one line of JSON with these fields. Pure; ``types.UploadState`` is the value.

Whether a state is ours is not looked at here: ``storage/states.py`` does that when it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import UnionType

from .json_text import parse_json

VERSION = 2
"""The form of a serialised upload state; the first one was not sealed."""

FIELDS: Mapping[str, type | UnionType] = {
    "key": str,
    "upload_id": str,
    "size": int,
    "part_bytes": int,
    "mode": str,
    "if_match": str | None,
    "mark": str,
    "sha256": str | None,
    "kept": str,
    "scope": str,
    "provider": str,
    "location": str,
    "mac": str,
}
"""The names, in the order in which they are written, and the types."""

ATTRIBUTES: Mapping[str, str] = {"mark": "write_token", "kept": "provider_state"}
"""Fields of ``UploadState`` that are written under an older name, which the states of all releases have."""

_MODES = ("create", "replace")


def written_state(fields: Mapping[str, object]) -> str:
    """Return the text; what is written today is read by later releases of the same version."""
    return json.dumps({"version": VERSION, **{name: fields[name] for name in FIELDS if name != "kept" or fields[name]}})


def read_state(text: str) -> dict[str, object]:
    """Return the fields of a state that ``written_state`` wrote.

    Raises:
        ValueError: it is none, or comes from another release.
    """
    try:
        found = parse_json(text)
    except (ValueError, TypeError, AttributeError):
        found = None
    if not isinstance(found, dict) or found.pop("version", None) != VERSION:
        raise ValueError(f"this is no upload state of version {VERSION}; keep what to_json returned unchanged")
    found = {"kept": "", **found}  # which is left out when it is empty
    wrong = sorted(name for name in {*found, *FIELDS} if name not in found or not _fits(name, found[name]))
    if wrong:
        raise ValueError(f"the upload state has no legal {', '.join(map(repr, wrong))}; begin the upload again")
    return found


def _fits(name: str, value: object) -> bool:
    """Say whether a field may have *value*."""
    kind = FIELDS.get(name)
    if kind is None or not isinstance(value, kind) or isinstance(value, bool):
        return False
    if name == "mode":
        return value in _MODES
    if name in ("key", "upload_id"):
        return bool(value)
    if name == "mac":
        return re.fullmatch(r"([0-9a-f]{16}\.[0-9a-f]{64})?", str(value)) is not None
    if name == "sha256":
        return value is None or re.fullmatch(r"[0-9a-f]{64}", str(value)) is not None
    return not isinstance(value, int) or value >= (name == "part_bytes")
