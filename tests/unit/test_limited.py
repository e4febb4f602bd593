"""Views that are held to a rate: what is done through them takes as long as it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.s3.conftest import target_of

from kazinex_storage import ByteRange, SettingsError, Storage, Transport
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.testing.bench import pattern
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import one

DATA = pattern(4_000_000)


class Clock:
    """Moves by waits alone."""

    def __init__(self) -> None:
        self.waited = 0.0

    def monotonic(self) -> float:
        return self.waited

    def sleep(self, seconds: float) -> None:
        self.waited += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    from kazinex_storage.storage.limited import Limit

    clock = Clock()
    monkeypatch.setattr(one, "time", clock)
    monkeypatch.setattr(Limit.__init__, "__defaults__", (clock.monotonic,))
    return clock


def test_one_large_read_keeps_to_the_bandwidth(clock: Clock, tmp_path: Path) -> None:
    storage = Storage(MemoryProvider())
    storage.put("a", DATA)
    reads: dict[str, Callable[[Storage], object]] = {
        "get": lambda view: view.get_bytes("a"),
        "span": lambda view: view.get_bytes("a", ByteRange(start=0, end=4_000_000)),
        "tail": lambda view: view.get_bytes("a", ByteRange(start=-4_000_000)),
        "download": lambda view: view.download("a", tmp_path / "a"),
        "stream": lambda view: b"".join(view.stream("a")),
    }
    for read in reads.values():
        begun = clock.waited
        found = read(storage.limited(bandwidth="1MB/s"))

        assert 2.0 < clock.waited - begun < 4.1  # the first second's worth goes at once
        assert found == DATA or (tmp_path / "a").read_bytes() == DATA


def test_all_that_is_done_through_a_view_and_its_own_views_counts_together(clock: Clock) -> None:
    storage = Storage(MemoryProvider()).limited(requests=10)
    folder = storage.scoped("p")

    for number in range(20):
        folder.put(str(number), b"1")
        storage.head(f"p/{number}")
    assert 20 == len(list(storage.list()))

    assert pytest.approx(4.0, abs=0.4) == clock.waited


def test_what_is_sent_keeps_to_the_bandwidth(clock: Clock) -> None:
    storage = Storage(MemoryProvider()).limited(bandwidth=1_000_000)

    for number in range(4):
        storage.put(str(number), DATA[:1_000_000])

    assert pytest.approx(3.0, abs=0.3) == clock.waited


@pytest.mark.parametrize("kind", ["memory", "local"])
def test_what_has_no_length_keeps_to_the_bandwidth_also_by_blocking_calls(
    clock: Clock, tmp_path: Path, kind: str
) -> None:
    provider = MemoryProvider() if kind == "memory" else LocalProvider(LocalSettings(root=tmp_path, durable=False))
    with Storage(provider) as storage:
        view = storage.limited(bandwidth=1_000_000)
        info = view.put("a", iter([DATA, DATA, DATA]))  # above 8 MiB it is streamed
        whole = clock.waited
        with pytest.raises(ZeroDivisionError):
            view.put("b", (DATA[: 4_000_000 // left] for left in (1, 1, 1, 0)))

        assert (12_000_000, ["a"]) == (info.size, [found.key for found in storage.list()])
    assert pytest.approx(12.0, abs=0.5) == whole
    assert pytest.approx(12.0, abs=0.5) == clock.waited - whole  # what was read of it counts as well


def test_parts_of_an_upload_and_of_a_download_wait_for_each_other(ministack_server: S3Server, tmp_path: Path) -> None:
    bucket = "limited-views"
    ministack_server.client().create_bucket(Bucket=bucket)
    data = pattern(17_000_000)
    with Storage(S3Provider(target_of(ministack_server, bucket)), transport=Transport()) as storage:
        view = storage.limited(bandwidth="40MB/s")
        begun = time.monotonic()
        view.put("a", data)
        sent = time.monotonic() - begun
        info = view.download("a", tmp_path / "a")
        both = time.monotonic() - begun

    assert sent > 0.15  # three parts; the last one waits for those before
    assert both > 17 / 40
    assert data == (tmp_path / "a").read_bytes()
    assert len(data) == info.size


def test_limits_that_mean_nothing_are_refused() -> None:
    storage = Storage(MemoryProvider())

    with pytest.raises(SettingsError):
        storage.limited(bandwidth="fast")
    with pytest.raises(ValueError, match="requests"):
        storage.limited(requests=0)
