"""What files by the hundred cost: requests, and calls on the pool of threads. Counted, not timed; on SeaweedFS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import Storage
from kazinex_storage.fs.kinds import StorageFileSystem
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import Target
from kazinex_storage.transport import Call, Observation, Transport
from kazinex_storage.transport.pool import CallPool

FILES = 200
SIZE = 100 * 1024


class Counted:
    """A storage, and what was done for it."""

    def __init__(self, target: Target, transport: Transport) -> None:
        self.storage = Storage(S3Provider(target), transport=transport)
        self.system = StorageFileSystem(storage=self.storage)
        self.calls = 0
        self.requests: list[str] = []


@pytest.fixture
def counted(seaweedfs_target: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    def observe(seen: Observation) -> None:
        found.requests.append(seen.operation)

    submit = CallPool.submit

    def counting(pool: CallPool, call: Call) -> Any:
        found.calls += 1
        return submit(pool, call)

    monkeypatch.setattr(CallPool, "submit", counting)
    with closing(Transport(observe=observe)) as transport:
        found = Counted(seaweedfs_target, transport)
        with found.storage:
            yield found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:04d}.pdf").write_bytes(number.to_bytes(2, "big") * (SIZE // 2))
    return folder


def test_a_small_file_is_put_with_one_call_on_the_pool(counted: Counted, source: Path) -> None:
    counted.system.put(f"{source}/", "tree/", recursive=True)

    assert counted.calls <= FILES * 1.1
    assert counted.requests.count("put") == FILES
    assert counted.storage.get_bytes("tree/0007.pdf") == b"\0\7" * (SIZE // 2)


def test_paths_in_bulk_are_put_with_one_call_on_the_pool_each(counted: Counted, source: Path) -> None:
    paths = sorted(source.iterdir())

    infos = counted.storage.put_many((path.name, path) for path in paths)

    assert counted.calls <= FILES * 1.1
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == [info.sha256 for info in infos]
