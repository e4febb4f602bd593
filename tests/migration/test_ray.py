"""A run on Ray, where that is installed: it is in no extra, and no test of others waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage.migration.executors import Workers
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.ray import RayExecutor

from .opening import FOLDER, OPENER, fill, is_copied
from .worlds import ACME, World, world_on_disk

pytestmark = [pytest.mark.soak, pytest.mark.filterwarnings("default")]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.syspath_prepend(root)
    with world_on_disk(tmp_path, "old", "new") as made:
        yield made


def test_a_run_ends_on_a_cluster_of_ray(world: World) -> None:
    pytest.importorskip("ray", exc_type=ImportError)
    fill(world, 600)

    with RayExecutor() as executor:
        report = Migration(world.resolver, ACME, "old", "new").copy(workers=Workers(executor=executor, opener=OPENER))

    assert report.complete
    assert is_copied(world, 600)
