"""The monitor: what it verifies, when, what it tells, and how several processes share the work."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest
from pydantic import SecretStr

from kazinex_storage import (
    AuthenticationError,
    DocumentKey,
    DocumentStore,
    ObjectInfo,
    ObjectKey,
    Organisations,
    PutOptions,
    Registry,
    Resolver,
    SettingsError,
    Source,
    StatusChanged,
    UnavailableError,
)
from kazinex_storage.documents.events import Event
from kazinex_storage.monitoring import Monitor, MonitorRound, Pace
from kazinex_storage.organisations import KeyRing, MemoryCatalogue, ProviderStatus, Sealer, SqlCatalogue
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.registry import ProviderKind

HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 8, 1, 12, tzinfo=UTC)


class Moody(MemoryProvider):
    """A memory provider that answers as the test wants."""

    error: ClassVar[Exception | None] = None

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:
        if self.error is not None:
            raise self.error
        return super().put(key, source, options)


class MoodySettings(MemorySettings):
    token: SecretStr


def make(settings: MoodySettings) -> Moody:
    del settings
    return Moody()


# Registries import providers by name.
sys.modules["moody_of_tests"] = module = ModuleType("moody_of_tests")
module.make, module.MoodySettings = make, MoodySettings  # type: ignore[attr-defined]
MOODY = ProviderKind(
    kind="moody", title="Moody", settings="moody_of_tests:MoodySettings", factory="moody_of_tests:make"
)


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


class World:
    """One organisation, its clock, and what its hook was told."""

    def __init__(self, catalogue: MemoryCatalogue | SqlCatalogue) -> None:
        self.clock, self.events = Clock(), list[Event]()
        self.organisations = Organisations(
            catalogue, Registry(MOODY, entry_points=False), on_event=self.events.append, clock=self.clock
        )

    def add(self, label: str = "main", organisation: str = "org-1") -> str:
        record = self.organisations.add_provider(
            organisation, "moody", label, {"name": label, "token": "example-token-not-real"}
        )
        self.organisations.record_verification(record, ok=True)
        self.events.clear()
        return record.id

    def monitor(self, pace: Pace | None = None) -> Monitor:
        return Monitor(self.organisations, pace or Pace(interval=HOUR, jitter=0), clock=self.clock, seed=1)

    def status(self, label: str = "main") -> ProviderStatus:
        return self.organisations.find("org-1", label).status

    def told(self) -> list[tuple[str, str, str | None]]:
        return [(event.before, event.after, event.by) for event in self.events if isinstance(event, StatusChanged)]


@pytest.fixture
def world() -> World:
    return World(MemoryCatalogue())


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | None], None]:
    return partial(monkeypatch.setattr, Moody, "error")


def test_a_provider_is_verified_again_after_each_interval(world: World) -> None:
    world.add()
    monitor = world.monitor()

    assert MonitorRound() == monitor.run_once()
    world.clock.now += HOUR
    assert MonitorRound(verified=1) == monitor.run_once()
    assert MonitorRound() == monitor.run_once()
    world.clock.now += HOUR
    assert MonitorRound(verified=1) == monitor.run_once()

    assert [] == world.events


def test_direct_uploads_that_nobody_confirmed_are_ended(tmp_path: Path) -> None:
    catalogue = MemoryCatalogue()
    organisations = Organisations(catalogue)
    record = organisations.add_provider("org-1", "local", "disk", {"root": str(tmp_path / "files"), "create": True})
    organisations.record_verification(record, ok=True)
    organisations.set_default("org-1", record.id)
    resolver = Resolver(organisations)
    documents = DocumentStore(resolver, upload_route="https://host.example/direct")
    key = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")
    ticket = documents.begin_direct_upload(key, 4, expires_in=timedelta(seconds=1))
    documents.receive_direct_upload(str(ticket.parts[0].request.url).rpartition("/")[2], b"%PDF")
    monitor = Monitor(organisations, documents=documents)

    assert MonitorRound() == monitor.run_once()
    time.sleep(max(0.0, (ticket.expires_at - datetime.now(UTC)).total_seconds()))
    assert MonitorRound(expired=1) == monitor.run_once()

    assert [] == [path for path in (tmp_path / "files").rglob("plan.pdf*") if path.is_file()]
    resolver.close()


def test_refused_credentials_change_the_status_at_once_and_are_told_once(
    world: World, refusing: Callable[[Exception | None], None]
) -> None:
    world.add()
    monitor = world.monitor()
    monitor.run_once()
    refusing(AuthenticationError("the key is unknown"))

    for changed in (1, 0):
        world.clock.now += HOUR
        assert MonitorRound(verified=1, changed=changed) == monitor.run_once()
    assert [("VERIFIED", "FAILED", "monitor")] == world.told()
    assert "the key is unknown" in (world.organisations.find("org-1", "main").last_error or "")

    refusing(None)
    world.clock.now += HOUR
    monitor.run_once()
    assert [("VERIFIED", "FAILED", "monitor"), ("FAILED", "VERIFIED", "monitor")] == world.told()
    assert 2 == len(world.events)


def test_a_network_that_fails_once_is_not_told_as_a_failed_provider(
    world: World, refusing: Callable[[Exception | None], None]
) -> None:
    world.add()
    monitor = world.monitor()
    monitor.run_once()
    world.clock.now += HOUR
    refusing(UnavailableError("nobody answers"))

    for _ in range(2):
        assert MonitorRound(verified=1, unreachable=1) == monitor.run_once()
        assert ProviderStatus.VERIFIED is world.status()
        world.clock.now += timedelta(minutes=1)
    refusing(None)
    assert MonitorRound(verified=1) == monitor.run_once()

    refusing(UnavailableError("nobody answers"))
    world.clock.now += HOUR
    for _ in range(3):
        monitor.run_once()
        world.clock.now += timedelta(minutes=1)
    assert [("VERIFIED", "FAILED", "monitor")] == world.told()


def test_a_provider_that_waits_for_a_person_is_left_alone(world: World) -> None:
    world.organisations.add_provider("org-1", "moody", "new", {"name": "new", "token": "example-token-not-real"})
    gone = world.add("gone")
    changed = world.add("changed")
    monitor = world.monitor()
    monitor.run_once()
    world.organisations.remove_provider("org-1", gone)
    world.organisations.update_provider(
        "org-1", changed, settings={"name": "another", "token": "another-token-not-real"}
    )
    world.clock.now += HOUR

    assert MonitorRound() == monitor.run_once()
    assert ProviderStatus.PENDING is world.status("new")


def test_no_more_is_begun_in_a_minute_than_the_budget_allows(world: World) -> None:
    for number in range(5):
        world.add(f"p{number}")
    monitor = world.monitor(Pace(interval=HOUR, jitter=0, per_minute=3))
    monitor.run_once()
    world.clock.now += HOUR

    assert 3 == monitor.run_once().verified
    assert MonitorRound() == monitor.run_once()


def test_checks_that_are_due_together_are_spread(world: World) -> None:
    for number in range(20):
        world.add(f"p{number}")
    monitor = world.monitor(Pace(interval=HOUR, jitter=0.5))
    monitor.run_once()

    world.clock.now += HOUR + HOUR / 4
    first = monitor.run_once().verified
    world.clock.now += HOUR / 4

    assert 0 < first < 20
    assert first + monitor.run_once().verified == 20


@pytest.mark.parametrize("wrong", [{"interval": timedelta(0)}, {"jitter": 1.0}, {"per_minute": 0}, {"patience": 0}])
def test_a_pace_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        Pace(**wrong)  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.db"


@pytest.fixture
def opened(place: Path) -> Iterator[Callable[[], SqlCatalogue]]:
    sealer, every = Sealer(KeyRing.generate()), list[SqlCatalogue]()

    def open_one() -> SqlCatalogue:
        every.append(SqlCatalogue(place, sealer))
        return every[-1]

    yield open_one
    for catalogue in every:
        catalogue.close()


def test_several_processes_share_what_is_due(
    opened: Callable[[], SqlCatalogue], refusing: Callable[[Exception | None], None]
) -> None:
    """Each check is done once, and each change is told once, whichever of them did it."""
    worlds = [World(opened()) for _ in range(3)]
    for number in range(9):
        worlds[0].add(f"p{number}")
    monitors = [world.monitor() for world in worlds]
    monitors[0].run_once()
    refusing(AuthenticationError("no"))
    rounds = list[MonitorRound]()
    for world in worlds:
        world.clock.now += HOUR

    def work(monitor: Monitor) -> None:
        rounds.append(monitor.run_once())

    threads = [threading.Thread(target=work, args=(monitor,)) for monitor in monitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (9, 9, 0) == tuple(
        sum(getattr(each, name) for each in rounds) for name in ("verified", "changed", "skipped")
    )
    assert 9 == sum(len(world.told()) for world in worlds)


def test_a_check_that_a_killed_process_had_claimed_is_done_by_another(world: World) -> None:
    world.add()
    monitor, table = world.monitor(), world.organisations.catalogue.checks
    monitor.run_once()
    world.clock.now += HOUR

    killed = table.claim("killed", world.clock.now, world.clock.now + timedelta(minutes=2))
    assert killed is not None
    assert MonitorRound() == monitor.run_once()
    world.clock.now += timedelta(minutes=3)
    assert 1 == monitor.run_once().verified

    assert not table.finish(killed)


def test_who_has_not_the_key_says_nothing_of_a_provider(opened: Callable[[], SqlCatalogue], place: Path) -> None:
    World(opened()).add()
    stranger = World(SqlCatalogue(place, Sealer(KeyRing.generate())))
    monitor = stranger.monitor()
    monitor.run_once()
    stranger.clock.now += HOUR

    assert MonitorRound(skipped=1) == monitor.run_once()

    assert (ProviderStatus.VERIFIED, []) == (stranger.status(), stranger.events)
    stranger.organisations.close()


def test_it_runs_on_a_thread_beside_the_program(world: World) -> None:
    world.add()
    world.clock.now += 2 * HOUR
    monitor = world.monitor(Pace(interval=HOUR, jitter=0))

    with monitor.running():
        until = time.monotonic() + 5
        while time.monotonic() < until and not _was_verified(world):
            threading.Event().wait(0.02)

    assert _was_verified(world)


def test_it_runs_as_a_task_that_is_cancelled(world: World) -> None:
    world.add()
    world.clock.now += 2 * HOUR
    monitor = world.monitor()

    async def main() -> None:
        task = asyncio.create_task(monitor.run_async())
        for _ in range(200):
            if _was_verified(world):
                break
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert _was_verified(world)


def _was_verified(world: World) -> bool:
    """A verification records when it really began, and adding one what the clock of the test said."""
    found = world.organisations.find("org-1", "main").last_verified_at
    return found is not None and found != BEGIN


def test_importing_it_loads_no_database() -> None:
    code = "import sys, kazinex_storage.monitoring.monitor; print('sqlalchemy' in sys.modules)"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False\n" == run.stdout
