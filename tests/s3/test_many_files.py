"""What files by the hundred cost: requests, and calls on the pool of threads. Counted, not timed; on SeaweedFS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey, DocumentStore, IntegrityError, Storage
from kazinex_storage.bodies.resident import FOLDERS, read_resident
from kazinex_storage.bodies.small_download import Destination
from kazinex_storage.fs.kinds import StorageFileSystem
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import Target
from kazinex_storage.testing.bench import is_proved
from kazinex_storage.transport import Call, Observation, Transport
from kazinex_storage.transport.pool import CallPool, Running

from ..journeys.only_provider import OnlyProvider

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

    def counting(pool: CallPool, call: Call, on_end: Callable[[Running], object]) -> Running:
        found.calls += 1
        return submit(pool, call, on_end)

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


def test_small_files_that_the_kernel_has_at_hand_need_no_call_on_the_pool(counted: Counted, source: Path) -> None:
    first = min(source.iterdir())
    with first.open("rb") as file:
        FOLDERS.learn(str(first), file.fileno())
    if read_resident(str(first), SIZE) is None:
        pytest.skip("the temporary folder is not on a disk whose reads can be asked not to wait")
    system = StorageFileSystem(storage=counted.storage.with_digest("service"))

    system.put(f"{source}/", "tree/", recursive=True)

    assert counted.calls <= FILES * 0.1
    assert counted.requests.count("put") == FILES
    assert counted.storage.get_bytes("tree/0007.pdf") == b"\0\7" * (SIZE // 2)


def test_paths_in_bulk_are_put_with_one_call_on_the_pool_each(counted: Counted, source: Path) -> None:
    paths = sorted(source.iterdir())

    infos = counted.storage.put_many((path.name, path) for path in paths)

    assert counted.calls <= FILES * 1.1
    assert all(is_proved(info, path.read_bytes()) for path, info in zip(paths, infos, strict=True))


def test_a_small_object_is_got_with_one_request_and_one_call_on_the_pool(
    counted: Counted, source: Path, tmp_path: Path
) -> None:
    counted.system.put(f"{source}/", "tree/", recursive=True)
    counted.calls, counted.requests = 0, []

    counted.system.get("tree/", f"{tmp_path}/target/below/", recursive=True)

    assert counted.calls <= FILES * 1.1
    assert (FILES, FILES + 1) == (counted.requests.count("get"), len(counted.requests))
    for path in source.iterdir():
        assert path.read_bytes() == (tmp_path / "target" / "below" / path.name).read_bytes()


def test_an_object_that_has_grown_since_it_was_listed_is_got_whole(counted: Counted, tmp_path: Path) -> None:
    storage, data = counted.storage, bytes(range(251)) * 10_000
    storage.put("a", data)

    info = storage.transport.run(storage.operations.download("a", Destination(path=tmp_path / "a", size=100)))

    assert data == (tmp_path / "a").read_bytes()
    assert is_proved(info, data)


@pytest.mark.parametrize("size", [None, 100])
def test_a_demanded_sha256_is_compared_whatever_a_listing_said(
    counted: Counted, tmp_path: Path, size: int | None
) -> None:
    storage = counted.storage
    storage.put("a", bytes(100))
    into = Destination(path=tmp_path / "a", size=size)

    with pytest.raises(IntegrityError):
        storage.transport.run(storage.operations.download("a", into, sha256="0" * 64))

    assert not list(tmp_path.iterdir())


def test_progress_of_small_objects_is_reported(counted: Counted, tmp_path: Path) -> None:
    storage, seen = counted.storage, list[tuple[int, int | None]]()
    storage.put("a", bytes(SIZE))

    def report(done: int, total: int | None) -> None:
        seen.append((done, total))

    storage.transport.run(storage.operations.download("a", Destination(path=tmp_path / "a", size=SIZE), report))

    assert (SIZE, SIZE) == seen[-1]


def test_progress_needs_no_look_where_the_size_is_known(counted: Counted, tmp_path: Path) -> None:
    storage, seen = counted.storage, list[tuple[int, int | None]]()
    storage.put("a", bytes(SIZE))
    counted.requests = []

    def report(done: int, total: int | None) -> None:
        seen.append((done, total))

    storage.transport.run(storage.operations.download("a", Destination(path=tmp_path / "a", size=SIZE), report))

    assert (["get"], (SIZE, SIZE)) == (counted.requests, seen[-1])


@pytest.mark.parametrize("size", [SIZE, 3 * 1024 * 1024])
def test_a_receipt_says_the_size(counted: Counted, tmp_path: Path, size: int) -> None:
    resolver, seen = OnlyProvider(counted.storage), list[tuple[int, int | None]]()
    resolver.transport = counted.storage.transport
    documents = DocumentStore(resolver)
    receipt = documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf"), bytes(size))
    counted.requests = []

    documents.download(receipt, tmp_path / "a", on_progress=lambda done, total: seen.append((done, total)))

    assert (["get"], (size, size)) == (counted.requests, seen[-1])
    assert bytes(size) == (tmp_path / "a").read_bytes()
