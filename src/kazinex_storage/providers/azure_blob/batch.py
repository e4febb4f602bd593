"""Bulk deletes: one request for 256 blobs, answered by the parts of one body. What is not proved is not deleted."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, cast

from ...errors import NotFoundError, StorageError, UnavailableError, for_each_key
from ...lazy import regex
from ...transport import Exchange, Many, Outcome, Response
from ..objectstore.deleting import delete_each
from .errors import AZURE
from .objects import Objects
from .requests import BATCH_BLOBS

BATCHES_AT_ONCE: Final = 4
"""Batches of one call that run at the same time: enough for all of its 1,000 keys."""

# Accounts with a hierarchical namespace had no batches at first (azure.microsoft.com/updates/batchapiforblob), and
# emulators and gateways may have none. If such a response means something else, the single deletes will show it.
_NO_BATCHES: Final = (400, 405, 409, 501)

# RFC 2046, 5.1.1, without blanks
_BOUNDARY: Final = regex(r'multipart/mixed\s*;\s*boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?', re.IGNORECASE)
_STATUS: Final = regex(r"HTTP/1\.1 ([0-9]{3})\b")


def delete_many(objects: Objects, keys: Sequence[str]) -> Exchange[list[StorageError | None]]:
    """Remove up to 1,000 *keys*, 256 in one request; return an error or None for each, in order.

    A batch that is refused as a whole, or whose response does not say which blobs are left, fails for each of its keys.
    """
    for key in keys:
        objects.requests.codec.name_of(key)  # a key that the service cannot hold refuses the whole call
    batches = [keys[start : start + BATCH_BLOBS] for start in range(0, len(keys), BATCH_BLOBS)]
    deletes = map(partial(_delete, objects), batches)
    outcomes = cast("list[Outcome[list[StorageError | None]]]", (yield Many(deletes, BATCHES_AT_ONCE)))
    errors: list[StorageError | None] = []
    for batch, outcome in zip(batches, outcomes, strict=True):
        if isinstance(outcome.error, StorageError):
            errors += for_each_key(outcome.error, batch)
        else:
            errors += outcome.result()
    return errors


def _delete(objects: Objects, keys: Sequence[str]) -> Exchange[list[StorageError | None]]:
    auth = objects.requests.auth
    authorisation = auth.at_hand or (yield from auth.fetch())
    request = objects.requests.delete_many(keys, f"batch_{secrets.token_hex(16)}", authorisation.query)
    response = yield from AZURE.send(request, ok=(202, *_NO_BATCHES))
    if response.status in _NO_BATCHES:
        return (yield from delete_each(objects.delete, keys))
    answers = parse_batch(response)
    if answers.keys() != set(range(len(keys))):
        # A batch that the service cannot read has one response, which is not about any blob.
        refusals = (_error(answer, None) for answer in answers.values())
        raise next((error for error in refusals if error is not None), _unclear())
    return [_error(answers[number], key) for number, key in enumerate(keys)]


def parse_batch(response: Response) -> dict[int, Response]:
    """Return the response to each request of a batch by its number, -1 for one without.

    Raises:
        UnavailableError: it is not such a body, or answers one request twice.
    """
    boundary = _BOUNDARY.match(response.headers.get("content-type", ""))
    if boundary is None:
        raise _unclear()
    text = response.body.decode("utf-8", "replace").replace("\r\n", "\n")
    parts = f"\n{text}".split(f"\n--{boundary[1]}")
    if len(parts) < 2 or not parts[-1].startswith("--"):
        raise _unclear()
    found: dict[int, Response] = {}
    for part in parts[1:-1]:
        head, _, answer = part.lstrip("\n").partition("\n\n")
        status = _STATUS.match(answer)
        number = _fields(head).get("content-id", "-1")
        if status is None or not re.fullmatch(r"-1|[0-9]{1,4}", number) or int(number) in found:
            raise _unclear()
        headers = answer.partition("\n\n")[0].partition("\n")[2]
        found[int(number)] = Response(status=int(status[1]), headers=_fields(headers))
    return found


def _fields(text: str) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in text.split("\n"))
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}


def _error(answer: Response, key: str | None) -> StorageError | None:
    try:
        AZURE.judge(answer, (202,), key)
    except NotFoundError:
        return None
    except StorageError as error:
        return error
    return None


def _unclear() -> UnavailableError:
    return UnavailableError("the service does not say which objects it deleted; see which are left, and repeat it")
