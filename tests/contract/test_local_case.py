"""Disks that ignore the case of names: found out, and no key reaches the file of another.

What a name is compared with is how its folder spells it, so the rules hold on any disk that is taken for such a one.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kazinex_storage import InvalidKeyError, NotFoundError, PutMode, PutOptions, Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings, tree
from kazinex_storage.providers.local.case import ignores_case
from kazinex_storage.testing.contract import OnBench
from kazinex_storage.testing.contract_names import NameContract
from kazinex_storage.testing.contract_put import PutContract

from .test_local import LocalHarness

CREATE = PutOptions(mode=PutMode.CREATE)


@pytest.fixture
def _without_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "ignores_case", lambda _: True)


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
@pytest.mark.usefixtures("_without_case")
class TestWithoutCase(NameContract, PutContract, OnBench):
    """What a disk without case may hold."""

    harness = LocalHarness


@pytest.fixture
def storage(tmp_path: Path, _without_case: None) -> Storage:
    return Storage(LocalProvider(LocalSettings(root=tmp_path, durable=False)))


@pytest.mark.parametrize("other", ["ACME/p/a.pdf", "acme/P/a.pdf", "acme/p/A.PDF"])
def test_a_key_in_another_case_is_no_object_and_may_not_be_written(storage: Storage, other: str) -> None:
    """The case of a folder may be all that parts two organisations."""
    storage.put("acme/p/a.pdf", b"1")

    assert not storage.exists(other)
    for options in (PutOptions(), CREATE):
        with pytest.raises(InvalidKeyError, match="ignores case"):
            storage.put(other, b"2", options)
    with pytest.raises(InvalidKeyError, match="ignores case"):
        storage.copy("acme/p/a.pdf", other)
    with pytest.raises(NotFoundError):
        storage.copy(other, "b")
    storage.delete(other)

    assert ["acme/p/a.pdf"] == [info.key for info in storage.list()]
    assert [] == [*storage.list(other.rpartition("/")[0].upper() + "/")]
    assert b"1" == storage.get_bytes("acme/p/a.pdf")


@pytest.mark.parametrize("other", ["STRASSE", "strasse"])
def test_what_counts_is_caseless_matching_not_lower_case(storage: Storage, other: str) -> None:
    storage.put("straße", b"1")

    with pytest.raises(InvalidKeyError, match="ignores case"):
        storage.put(other, b"2")


@pytest.mark.parametrize("names", [[], ["a"], ["123", "b"], ["aB", "Ab"]], ids=str)
def test_an_ordinary_disk_is_not_taken_for_one_without_case(tmp_path: Path, names: list[str]) -> None:
    """Not by two hard links either, which differ in case and are one file."""
    for name in names:
        if name == "Ab":
            os.link(tmp_path / "aB", tmp_path / "Ab")
        else:
            (tmp_path / name).touch()

    assert not LocalProvider(LocalSettings(root=tmp_path)).info.ignores_case
    assert sorted(names) == sorted(os.listdir(tmp_path))


def test_a_folder_that_cannot_be_looked_at_decides_nothing(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    tmp_path.rmdir()
    try:
        assert not ignores_case(descriptor)
    finally:
        os.close(descriptor)
