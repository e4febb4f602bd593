"""Bulk deletes that go one by one, where the service takes them no other way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

from ...errors import StorageError
from ...transport import Exchange, Many, Outcome

SINGLES_AT_ONCE: Final = 16
"""Deletes of one bulk call that run at the same time."""


def delete_each(delete: Callable[[str], Exchange[None]], keys: Sequence[str]) -> Exchange[list[StorageError | None]]:
    """Remove each of *keys* with *delete*; return an error or None for each, in order."""
    outcomes = cast("list[Outcome[None]]", (yield Many(map(delete, keys), SINGLES_AT_ONCE)))
    errors: list[StorageError | None] = []
    for key, outcome in zip(keys, outcomes, strict=True):
        error = outcome.error
        if error is not None and not isinstance(error, StorageError):
            raise error
        if error is not None:
            error.key = key
        errors.append(error)
    return errors
