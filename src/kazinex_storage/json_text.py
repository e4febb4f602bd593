"""JSON that came from elsewhere: one door, at a bounded cost; nothing but ``ValueError`` leaves it. Pure.

Python's parser raises ``RecursionError`` for deep nesting, and makes a hundred bytes of each "[]".
"""

from __future__ import annotations

import json
from typing import Final, NoReturn

# A page of Graph has at most 1,000 items of some 20 objects; receipts, states and settings have a handful.
MAX_CONTAINERS: Final = 200_000
"""Objects and arrays in one text, at most."""


def parse_json(text: str | bytes) -> object:
    """Return what *text*, UTF-8 where it is bytes, says.

    Raises:
        ValueError: it is no JSON, has numbers that JSON does not know, or is nested or filled beyond all reason.
    """
    count = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    if count > MAX_CONTAINERS:
        raise ValueError(f"the text has {count:,} objects and arrays; {MAX_CONTAINERS:,} are read at most")
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        deep = True
    except json.JSONDecodeError as error:
        deep = False
        where = f"line {error.lineno}, column {error.colno}"
        what = error.msg.lower()
    # Without the cause, which holds the whole text, and that may be secret.
    raise ValueError("the text is nested too deeply" if deep else f"it is no JSON: {what} at {where}")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
