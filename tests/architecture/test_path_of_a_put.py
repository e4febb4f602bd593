"""How far a put of 4 KiB walks through the house; the bounds are lowered as it gets plainer, never raised."""

from __future__ import annotations

import pytest

from .path_of_a_put import PLACES, walk_of_a_put

BOUNDS = {"memory": (7, 12), "s3": (7, 19)}
"""The frames at the deepest, and the files; the goal is 8 in 13."""


@pytest.mark.parametrize("place", PLACES)
def test_a_put_walks_no_deeper_and_through_no_more_files_than_it_did(place: str) -> None:
    depth, files = BOUNDS[place]
    with PLACES[place]() as storage:
        walk = walk_of_a_put(storage)

    assert walk.depth <= depth, "\n".join(walk.deepest)
    assert len(walk.files) <= files, "\n".join(walk.files)
