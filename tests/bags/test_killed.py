"""``kill -9`` in the middle of an export and of an import; then the same call goes on, and the bags are as ever."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from kazinex_storage import Storage
from kazinex_storage.migration.bags.exporting import export_bags
from kazinex_storage.migration.bags.importing import import_bags
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.providers.local import LocalProvider, LocalSettings

from .conftest import Home, payload_of, validate
from .worker import open_catalogue

COUNT = 300
CONTENTS = {f"acme/bridge/D-{number:03}/P01/plan.pdf": f"plan {number}".encode() for number in range(COUNT)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path


def at(folder: Path) -> Home:
    return Home(folder / "home", open_catalogue(folder / "catalogue.db"))


def kill(python: Sequence[str], folder: Path, *arguments: str) -> None:
    """Run the worker until it kills itself."""
    command = [*python, "-m", "tests.bags.worker", *arguments]
    root = Path(__file__).parents[2]
    code = subprocess.run(command, cwd=root, capture_output=True, timeout=300).returncode
    assert code in (-signal.SIGKILL, 128 + signal.SIGKILL)


def test_a_killed_export_goes_on_and_its_bags_are_valid(folder: Path, warm_python: Sequence[str]) -> None:
    home = at(folder)
    home.add_disk("acme")
    for key, data in CONTENTS.items():
        home.upload(key, data)

    # While it is planned and its bag is claimed, in the first partition, in the second one.
    for count in ("1", "150", "140"):
        kill(warm_python, folder, "export", str(folder), "put", count)
        assert not (folder / "out/bridge/bagit.txt").exists()
    assert 1 == home.runs("acme")
    place = Storage(LocalProvider(LocalSettings(root=folder / "out")))
    report = export_bags(home.resolver, "acme", place)

    assert report.whole
    assert COUNT == report.counts[EntryState.PACKED].objects
    assert CONTENTS == payload_of(folder / "out")
    validate(folder / "out/bridge")
    home.close()


def test_a_killed_import_goes_on_while_it_checks_and_while_it_stores(
    folder: Path, tmp_path: Path, warm_python: Sequence[str]
) -> None:
    source = Home(tmp_path / "source")
    source.add_disk("acme")
    for key, data in CONTENTS.items():
        source.upload(key, data)
    export_bags(source.resolver, "acme", folder / "out")
    home = at(folder)
    disk = home.add_disk("acme")

    # While it checks; again, having checked one batch; while it stores what it read once more; again.
    for count, least in (("290", 0), ("100", 1), ("60", 20), ("60", 40)):
        kill(warm_python, folder, "import", str(folder), "get", count)
        assert least <= len(list((disk / "acme").rglob("plan.pdf"))) < COUNT
    assert 1 == home.runs("acme")
    report = import_bags(home.resolver, "acme", Storage(LocalProvider(LocalSettings(root=folder / "out"))))

    assert report.whole
    assert COUNT == sum(count.objects for count in report.counts.values())
    stored = {path.relative_to(disk).as_posix(): path.read_bytes() for path in (disk / "acme").rglob("plan.pdf")}
    assert CONTENTS == stored
    home.close()
