"""The one door for JSON: every text is parsed here, at a bounded cost, and every value of ours is written here. Pure.

``parse_json`` is for what services answer. What this package wrote itself and gets back (upload states, receipts,
sidecars, markers) goes through ``parse_own_json``, and a ``Schema`` where others may have had it in hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from .errors import InvalidJsonError
from .lazy import module
from .values import value

if TYPE_CHECKING:
    import json
else:
    json = module(__name__, "json")

# A page of Graph has at most 1,000 items of some 20 objects; receipts, states and settings have a handful.
MAX_CONTAINERS: Final = 200_000
"""Objects and arrays in one text, at most."""


def parse_json(text: str | bytes) -> object:
    """Return what *text*, UTF-8 where it is bytes, says.

    Raises:
        ValueError: it is no JSON, has numbers that JSON does not know, or is nested or filled beyond all reason.
    """
    return _parse(text, _any())


def parse_own_json(text: str | bytes) -> object:
    """Return what *text* says, which ``write_json`` wrote: it names no field of an object twice.

    Raises:
        ValueError: as ``parse_json``, or a field is there twice.
    """
    return _parse(text, _ours())


def write_json(value: object, *, indent: int | None = None, ascii_only: bool = True, sort_keys: bool = False) -> str:
    """Return *value* as JSON, on one line unless *indent* is given.

    Raises:
        ValueError: a number is none of JSON.
        TypeError: it holds something else than mappings, sequences, texts, numbers, booleans and None.
    """
    return json.dumps(value, indent=indent, ensure_ascii=ascii_only, sort_keys=sort_keys, allow_nan=False)


class Kind(NamedTuple):
    """What a field may hold."""

    words: str
    """For messages: what is due."""
    fits: Callable[[object], bool]
    """Whether a value is of this kind."""


def optional(kind: Kind) -> Kind:
    """Return the kind of what may be None as well."""
    return Kind(f"{kind.words}, or null", lambda value: value is None or kind.fits(value))


def whole_number(least: int, words: str) -> Kind:
    """Return the kind of integers of at least *least*."""
    return Kind(words, lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least)


def one_of(values: Collection[str], words: str) -> Kind:
    """Return the kind of a few texts."""
    return Kind(words, lambda value: isinstance(value, str) and value in values)


def matching(pattern: str, words: str) -> Kind:
    """Return the kind of texts that *pattern* matches as a whole."""
    return Kind(words, lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None)


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


TEXT = Kind("a text", lambda value: isinstance(value, str))
"""Any text."""

TEXTS = Kind("texts", lambda value: isinstance(value, list | tuple) and all(isinstance(text, str) for text in value))
"""Any number of texts."""

TEXT_BY_NAME = Kind(
    "texts by name", lambda value: isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
)
"""Any number of texts, each with a name."""

TIME = Kind("a time of ISO 8601", _is_time)
"""A date and a time as ``datetime.isoformat`` writes them."""


@value
class Schema:
    """The fields of an object that this package writes, and what an error says when it is not one."""

    what: str
    """The object, for messages, such as ``the receipt``."""
    fix: str
    """What to do when it is not legal."""
    fields: Mapping[str, Kind]
    optional: Mapping[str, object] = field(default_factory=dict)
    """What fields are that are not there, because earlier releases did not write them or they were empty."""

    def read(self, found: object) -> dict[str, Any]:
        """Return the fields of *found*, with those that were left out.

        Raises:
            InvalidJsonError: a field is missing, unknown or not legal; the message names each.
        """
        if not isinstance(found, Mapping):
            raise InvalidJsonError(f"{self.what} is no object of JSON; {self.fix}")
        fields = {**self.optional, **found}
        wrong = [
            f"{name!r} ({kind.words})"
            for name, kind in self.fields.items()
            if name not in fields or not kind.fits(fields[name])
        ]
        wrong += sorted(f"{name!r} (unknown here)" for name in fields if name not in self.fields)
        if wrong:
            raise InvalidJsonError(f"{self.what} has no legal {', '.join(wrong)}; {self.fix}")
        return fields

    def shortened(self, fields: Mapping[str, object]) -> dict[str, object]:
        """Return *fields* without those that may be left out because of what they are."""
        return {name: fields[name] for name in self.fields if fields[name] != self.optional.get(name, fields)}

    def kind(self) -> Kind:
        """Return the kind of fields that hold such an object."""
        return Kind(f"{self.what}: {', '.join(self.fields)}", self._fits)

    def _fits(self, value: object) -> bool:
        try:
            self.read(value)
        except InvalidJsonError:
            return False
        return True


def _parse(text: str | bytes, decoder: json.JSONDecoder) -> object:
    count = text.count("[") + text.count("{") if isinstance(text, str) else text.count(b"[") + text.count(b"{")
    if count > MAX_CONTAINERS:
        raise ValueError(f"the text has {count:,} objects and arrays; {MAX_CONTAINERS:,} are read at most")
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text), "surrogatepass")
        return decoder.decode(text)
    except RecursionError:
        why = "the text is nested too deeply"
    except json.JSONDecodeError as error:
        why = f"it is no JSON: {error.msg.lower()} at line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError:
        why = "it is no JSON: its bytes are no text"
    raise ValueError(why)  # without the cause, which holds the whole text, and that may be secret


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object names a field twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


# Made once: json.loads makes a decoder, 3 us, for every text that is not read by its defaults.
@cache
def _any() -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=_refuse)


@cache
def _ours() -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_each_once)
