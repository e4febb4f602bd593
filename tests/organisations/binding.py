"""What every provider has to do with the marker of an owner; the tests of the providers call it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kazinex_storage import Storage
from kazinex_storage.organisations import ProviderRecord
from kazinex_storage.organisations.ownership import MARKER, PlaceTakenError, check_owner


def bound_once(place: Storage) -> None:
    """The first organisation binds the place; the next is refused until an operator shares it (issue 18, C1)."""
    at = datetime(2026, 1, 2, tzinfo=UTC)
    ours, theirs = (
        ProviderRecord(id="p-1", organisation=name, kind="any", label="a", settings={}, created_at=at)
        for name in ("acme", "globex")
    )

    assert check_owner(place, ours, at, bind=True) is None
    assert check_owner(place, ours, at, bind=True) is None
    with pytest.raises(PlaceTakenError):
        check_owner(place, theirs, at, bind=True)
    assert b"acme" in place.get_bytes(MARKER)
    assert check_owner(place, theirs, at, bind=True, share=True) is None
    assert check_owner(place, theirs, at, bind=True) is None
