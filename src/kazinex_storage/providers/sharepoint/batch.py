"""Removes many items with few requests: looks at 20 in one, and removes those that may go in another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ...errors import StorageError, for_each_key
from ...json_text import parse_json as parse_text
from ...transport import Exchange
from ...values import value
from .answers import Item, item_of, parse_json
from .errors import GRAPH
from .library import REMOVED, Library
from .requests import BATCH_REQUESTS


@value
class Doomed:
    """An item to remove."""

    text: str
    """Its name in errors."""
    url: Callable[[str], str]
    """Returns where to look at it, below the API, in a drive."""
    may_go: Callable[[Item], bool]
    """Whether what is found there is that item."""
    alone: Callable[[], Exchange[None]]
    """Removes it as carefully as a single delete does: for what was throttled or refused in a batch."""


def delete_all(library: Library, doomed: Sequence[Doomed]) -> Exchange[list[StorageError | None]]:
    """Remove many items: two requests for 20 of them, and two more for each that is refused there.

    After a batch that is refused as a whole, no other is tried. Returns an error or None for each.
    """
    errors: list[StorageError | None] = []
    for start in range(0, len(doomed), BATCH_REQUESTS):
        try:
            errors += yield from _delete_batch(library, doomed[start : start + BATCH_REQUESTS])
        except StorageError as error:
            return errors + for_each_key(error, [one.text for one in doomed[start:]])
    return errors


def _delete_batch(library: Library, doomed: Sequence[Doomed]) -> Exchange[list[StorageError | None]]:
    drive = yield from library.drive()
    looks = yield from _send(library, [("GET", one.url(drive), None) for one in doomed])
    found: list[tuple[int, Item]] = []
    doubtful: set[int] = set()
    for index, one in enumerate(doomed):
        status, body = looks.get(index, (0, {}))
        if status == 200 and body:
            item = item_of(body)
            library.saw()
            if one.may_go(item):
                found.append((index, item))
        elif status != 404:
            doubtful.add(index)
    if not found and not doubtful:
        yield from library.check_alive()
    if found:
        answers = yield from _send(library, [library.requests.deletion(drive, item) for _, item in found])
        for number, (index, _) in enumerate(found):
            if answers.get(number, (0, {}))[0] not in REMOVED:
                doubtful.add(index)
    errors: list[StorageError | None] = [None] * len(doomed)
    for index in sorted(doubtful):
        try:
            yield from doomed[index].alone()
        except StorageError as error:
            error.key = doomed[index].text
            errors[index] = error
    return errors


def _send(
    library: Library, requests: Sequence[tuple[str, str, str | None]]
) -> Exchange[dict[int, tuple[int, Mapping[str, object]]]]:
    response = yield from GRAPH.send(library.requests.batch(requests))
    answers = parse_json(response).get("responses")
    found: dict[int, tuple[int, Mapping[str, object]]] = {}
    for answer in answers if isinstance(answers, list) else ():
        if not isinstance(answer, dict):
            continue
        body, number, status = answer.get("body"), str(answer.get("id")), answer.get("status")
        if isinstance(body, str):
            with suppress(ValueError):
                body = parse_text(body or "{}")
        if number.isascii() and number.isdigit() and isinstance(status, int):
            found[int(number)] = (status, body if isinstance(body, dict) else {})
    return found
