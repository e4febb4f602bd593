"""Runs beside everything else: in the lane of the transport, within their limits, and at services that throttle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from kazinex_storage import Organisations, Resolver, Storage
from kazinex_storage.migration.endpoints import endpoint_at, endpoint_of
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.migration.migrations import Migration, migrate
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.migration.rates import Pace, RateLimits
from kazinex_storage.migration.reading import ObjectBody
from kazinex_storage.migration.runs import RunReport
from kazinex_storage.migration.scanning import heads_of
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing.emulators.http import Answer, Received, http_server
from kazinex_storage.transport import one
from kazinex_storage.transport.shares import Behind

from ..services import tenant

ACME = "acme"
COUNT = 40


class Throttled:
    """An S3 service that refuses the request after each so many, and asks for a second of rest."""

    def __init__(self, admitted: int) -> None:
        self._most = self._left = admitted
        self.statuses: Counter[int] = Counter()
        self.stored: dict[str, bytes] = {}
        self.port = 0

    def serve(self, received: Received) -> Answer:
        if self._left == 0:
            self._left = self._most
            self.statuses[429] += 1
            return Answer(status=429, headers={"retry-after": "1"})
        self._left -= 1
        self.statuses[200] += 1
        if received.method == "PUT":
            self.stored[received.path.removeprefix(f"/docs/{ACME}/")] = received.body
        return Answer(status=200, headers={"etag": '"0123"'})


@pytest.fixture
def throttled() -> Iterator[Throttled]:
    service = Throttled(25)
    with http_server(service.serve) as service.port:
        yield service


@pytest.fixture
def resolver(tmp_path: Path) -> Iterator[Resolver]:
    """Acme, with a folder that holds some plans."""
    organisations = Organisations(MemoryCatalogue())
    made = Resolver(organisations)
    folder = organisations.add_provider(ACME, "local", "Folder", {"root": str(tmp_path), "durable": False})
    made.by_id(ACME, folder.id).storage.put_many(plans().items())
    yield made
    made.close()
    organisations.close()


def plans() -> dict[str, bytes]:
    return {f"bridge/{number}.txt": f"plan {number}".encode() for number in range(COUNT)}


def states(report: RunReport) -> dict[EntryState, int]:
    return {state: count.objects for state, count in report.counts.items() if count.objects}


def test_both_ends_of_a_run_are_in_its_lane(resolver: Resolver) -> None:
    end, plain = endpoint_of(resolver, ACME, "Folder"), endpoint_at(Storage(MemoryProvider()))

    assert Behind(ACME) == end.storage.transport.wire.owner
    assert end.storage.transport is end.storage.operations.context.carrier
    assert Behind(None) == plain.storage.transport.wire.owner
    assert not resolver.by_id(ACME, end.provider).storage.transport.wire.behind


def test_a_service_that_refuses_requests_slows_a_run_down_and_fails_nothing(
    resolver: Resolver, throttled: Throttled
) -> None:
    settings = {
        "bucket": "docs",
        "region": "eu-central-1",
        "endpoint_url": f"http://127.0.0.1:{throttled.port}",
        "access_key_id": "AK",
        "secret_access_key": "example",
    }
    resolver.organisations.add_provider(ACME, "s3", "Bucket", settings)
    options = CopyOptions(verify="size", concurrency=8)

    report = Migration(resolver, ACME, "Folder", "Bucket", options=options).copy()

    assert {EntryState.COPIED: COUNT} == states(report)
    assert plans() == throttled.stored
    assert {200: COUNT, 429: 1} == throttled.statuses


def test_a_run_spends_what_sharepoint_has_left_and_waits_for_more(resolver: Resolver) -> None:
    with tenant() as found:
        resolver.organisations.add_provider(ACME, "sharepoint", "Site", dict(found.options))
        migration = Migration(resolver, ACME, "Folder", "Site", options=CopyOptions(verify="size"))
        migration.plan()
        knobs, log = found.emulator.knobs, found.emulator.log
        knobs.units, knobs.unit_limit, knobs.retry_after_s = 60, 400, 1
        log.clear()

        report = migration.copy()

    assert {EntryState.COPIED: COUNT} == states(report)
    refused = [status for _, _, status in log if status == 429]
    # Of 16 objects under way at once, each may be refused once for each time that the units are used up.
    assert len(refused) <= 2 * 16


def test_large_objects_keep_to_the_bandwidth_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a small bandwidth no piece is more than about a second."""
    waits: list[float] = []
    monkeypatch.setattr(one, "time", SimpleNamespace(sleep=waits.append))
    storage, size = Storage(MemoryProvider()), 1_000_000
    storage.put("large.bin", bytes(size))
    pace = Pace(RateLimits(bandwidth=200_000), lambda: 1000.0 + sum(waits))
    reader = ObjectBody(storage, "large.bin", storage.head("large.bin"), pace).open(0)
    buffer, read = memoryview(bytearray(size)), 0

    while count := reader.readinto(buffer[read:]):
        read += count

    assert size == read
    assert pytest.approx([0.75, 1.0, 1.0, 1.0]) == waits


def test_every_object_of_a_run_takes_its_part_of_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[int, int, int]] = []

    def take(self: Pace, size: int = 0, *, source: int = 0, target: int = 0) -> float:
        taken.append((size, source, target))
        return 0.0

    monkeypatch.setattr(Pace, "take", take)
    source, target = Storage(MemoryProvider()), Storage(MemoryProvider())
    source.put_many(plans().items())
    options = CopyOptions(limits=RateLimits(bandwidth=1), verify="size")

    report = migrate(source, target, options=options)

    assert {EntryState.COPIED: COUNT} == states(report)
    assert sorted((len(body), 1, 1) for body in plans().values()) == sorted(taken)


def test_a_plan_that_looks_at_every_object_keeps_to_the_requests_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def take(self: Pace, size: int = 0, *, source: int = 0, target: int = 0) -> float:
        taken.append(source)
        return 0.0

    monkeypatch.setattr(Pace, "take", take)
    source = Storage(MemoryProvider())
    source.put_many(plans().items())
    end = endpoint_at(source)

    found = heads_of(end, [*plans(), "gone"], Pace(RateLimits(source_requests=1)))

    assert [len(body) for body in plans().values()] == [info.size for info in found if info is not None]
    assert ([1] * (COUNT + 1), None) == (taken, found[-1])
