"""What is in memory is read on the spot, and says what the long way says; all else goes the long way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kazinex_storage import PreconditionFailedError, PutOptions, Storage
from kazinex_storage.errors import ClosedError, InvalidKeyError, NotFoundError
from kazinex_storage.keys import ObjectKey
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.local.resident import ResidentFiles
from kazinex_storage.transport.pool import CallPool, Running
from kazinex_storage.types import WHOLE, ByteRange

KEYS = ["a", "a b/c.pdf", 'quo"te/back.txt', "ä/ö/ü.pdf", "x" * 60 + "/long.pdf"]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[LocalProvider]:
    provider = LocalProvider(LocalSettings(root=tmp_path, durable=False))
    if provider.resident is None:
        pytest.skip("reads of this disk cannot be asked not to wait")
    yield provider
    provider.close()


@pytest.fixture
def storage(provider: LocalProvider) -> Storage:
    return Storage(provider)


def resident_of(provider: LocalProvider) -> ResidentFiles:
    assert provider.resident is not None
    return provider.resident


def both(provider: LocalProvider, key: str, span: ByteRange = WHOLE) -> tuple[object, object]:
    """Return what the short way gives, and what the long way gives."""
    short, long = list[bytes](), list[bytes]()
    first = resident_of(provider).get(key, span, lambda piece: short.append(bytes(piece)), None)
    second = provider.get(ObjectKey(key), span, lambda piece: long.append(bytes(piece)), None)
    return (first, b"".join(short)), (second, b"".join(long))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "options",
    [
        PutOptions(),
        PutOptions(metadata={"a": "b"}),
        PutOptions(content_type='text/plain; charset="x"', content_disposition="attachment", cache_control="no-store"),
    ],
    ids=["plain", "metadata", "more"],
)
@pytest.mark.parametrize("size", [0, 1, 4096, 256 * 1024])
def test_both_ways_say_the_same(
    provider: LocalProvider, storage: Storage, key: str, options: PutOptions, size: int
) -> None:
    storage.put(key, os.urandom(size), options)

    for span in (
        WHOLE,
        ByteRange(start=0, end=1),
        ByteRange(start=1),
        ByteRange(start=size),
        ByteRange(start=9, end=9),
    ):
        short, long = both(provider, key, span)
        assert short == long
    assert resident_of(provider).head(key) == provider.head(ObjectKey(key))


def foreign(root: Path) -> None:
    (root / "a").write_bytes(b"of another program")


def linked(root: Path) -> None:
    (root / "b").write_bytes(b"b")
    (root / "a").symlink_to(root / "b")


def linked_folder(root: Path) -> None:
    (root / "real").mkdir()
    (root / "real" / "a").write_bytes(b"b")
    (root / "folder").symlink_to(root / "real")


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (foreign, "a"),
        (linked, "a"),
        (linked_folder, "folder/a"),
        (lambda root: (root / "a").mkdir(), "a"),
        (lambda root: os.mkfifo(root / "a"), "a"),
        (lambda root: None, "missing"),
        (lambda root: None, ".~kazinex/locks/00"),
    ],
    ids=["foreign", "link", "folder link", "folder", "pipe", "missing", "reserved"],
)
def test_what_is_unusual_goes_the_long_way(
    provider: LocalProvider, tmp_path: Path, make: Callable[[Path], object], key: str
) -> None:
    make(tmp_path)
    got = list[object]()

    assert resident_of(provider).head(key) is None
    assert resident_of(provider).get(key, WHOLE, got.append, None) is None
    assert [] == got


def test_an_object_that_another_program_wrote_over_is_not_taken_for_the_old_one(
    storage: Storage, provider: LocalProvider, tmp_path: Path
) -> None:
    storage.put("a", b"ours", PutOptions(content_type="text/x"))
    (tmp_path / "a").write_bytes(b"theirs, longer")

    assert resident_of(provider).head("a") is None
    assert (None, b"theirs, longer") == (storage.head("a").sha256, storage.get_bytes("a"))


def test_a_sidecar_of_another_key_or_a_damaged_one_is_not_believed(
    storage: Storage, provider: LocalProvider, tmp_path: Path
) -> None:
    storage.put("a", b"ours", PutOptions(content_type="text/x"))
    (sidecar,) = (path for path in (tmp_path / ".~kazinex" / "objects").glob("*/*"))
    text = sidecar.read_bytes()

    for wrong in (text.replace(b'"a"', b'"b"'), text[:-1], b"", text.replace(b"text/x", b"text\\x")):
        sidecar.write_bytes(wrong)
        assert resident_of(provider).head("a") is None
    sidecar.write_bytes(text)
    assert resident_of(provider).head("a") == provider.head(ObjectKey("a"))


def test_errors_are_those_of_the_long_way(storage: Storage) -> None:
    storage.put("a", b"a")
    with pytest.raises(PreconditionFailedError):
        storage.get_bytes("a", if_match="0-0")
    with pytest.raises(NotFoundError):
        storage.head("missing")
    with pytest.raises(InvalidKeyError):
        storage.head("x" * 300)


def test_what_is_not_in_memory_is_read_by_the_provider(
    storage: Storage, provider: LocalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put("a", b"a" * 100)
    resident = resident_of(provider)
    calls = resident._calls
    for cold in (
        calls._replace(read=lambda *_: None),
        calls._replace(open=lambda *_: -1),
        calls._replace(read=lambda file, at, size, flags: (calls.read(file, at, size, flags) or b"")[:-1]),
    ):
        monkeypatch.setattr(resident, "_calls", cold)
        assert (b"a" * 100, 100) == (storage.get_bytes("a"), storage.head("a").size)


def test_a_file_that_is_written_while_it_is_read_is_read_again(
    storage: Storage, provider: LocalProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put("a", b"before")
    resident = resident_of(provider)
    calls, times = resident._calls, list[int]()

    def read(file: int, at: int, size: int, flags: int) -> bytes | None:
        data = calls.read(file, at, size, flags)
        times.append(size)
        if len(times) == 2:  # after the sidecar
            (tmp_path / "a").write_bytes(b"after!")
        return data

    monkeypatch.setattr(resident, "_calls", calls._replace(read=read))
    got = list[bytes]()

    assert resident.get("a", WHOLE, lambda piece: got.append(bytes(piece)), None) is None
    assert [] == got


def test_no_descriptor_is_left_open(storage: Storage, provider: LocalProvider, tmp_path: Path) -> None:
    storage.put("a", b"a")
    storage.put("large", bytes(300_000))
    (tmp_path / "foreign").write_bytes(b"f")
    before = len(os.listdir("/proc/self/fd"))

    for key in ("a", "large", "foreign", "missing"):
        resident_of(provider).head(key)
        resident_of(provider).get(key, WHOLE, lambda _: None, None)
        resident_of(provider).get(key, WHOLE, lambda _: None, "other")
    with pytest.raises(ZeroDivisionError):
        resident_of(provider).get("a", WHOLE, lambda _: 1 / 0, None)

    assert before == len(os.listdir("/proc/self/fd"))


def test_a_closed_provider_stays_closed(storage: Storage, provider: LocalProvider) -> None:
    storage.put("a", b"a")
    provider.close()

    with pytest.raises(ClosedError):
        resident_of(provider).head("a")


def test_reads_in_bulk_need_no_thread(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"a/{number}" for number in range(50)]
    storage.put_many((key, key.encode()) for key in keys)

    def refused(*_: object) -> Running:
        raise AssertionError("a call was handed over")

    monkeypatch.setattr(CallPool, "submit", refused)

    assert {key: key.encode() for key in keys} == {key: outcome.result() for key, outcome in storage.get_many(keys)}
