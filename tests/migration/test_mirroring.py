"""Mirrors: what changes on the source reaches the target, whatever is down or killed meanwhile, removals included."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kazinex_storage import IntegrityState
from kazinex_storage.errors import SettingsError
from kazinex_storage.migration.cutting_over import cut_over
from kazinex_storage.migration.journal import EntryState, Run, RunState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.mirroring import MirrorOptions, MirrorReport, end_mirror, mirror, mirror_run
from kazinex_storage.migration.pruning import prune
from kazinex_storage.organisations import KeyRing, Sealer, SqlCatalogue
from kazinex_storage.testing.servers import S3Server

from ..services import keys_of
from .worlds import ACME, World, content, document, key_of, world_on_disk

QUICK = MirrorOptions(interval=timedelta(seconds=0.05), rescan=timedelta(hours=1), longest_pause=timedelta(seconds=0.2))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
    world = World(tmp_path, catalogue, "one", "two")
    yield world
    world.close()


def migration_of(world: World, project: str | None = None) -> Migration:
    return Migration(world.resolver, ACME, "one", "two", project=project)


def there(world: World, label: str = "two") -> set[str]:
    return {path.relative_to(world.folder / label / ACME).as_posix() for path in files(world.folder / label / ACME)}


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.pdf") if path.is_file()) if folder.exists() else iter(())


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        threading.Event().wait(0.02)


@contextmanager
def watching(migration: Migration) -> Iterator[list[MirrorReport]]:
    """Run a mirror on a thread of its own until the block ends."""
    ended, reports = threading.Event(), list[MirrorReport]()

    def run() -> None:
        reports.append(mirror(migration, watch=True, options=QUICK, stop=ended.is_set))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield reports
    finally:
        ended.set()
        thread.join()
    assert reports, "it ended by an error"


def test_a_mirror_brings_what_is_there_and_the_register_goes_on_naming_the_source(world: World) -> None:
    world.upload(1)

    report = mirror(migration_of(world))

    assert report.complete
    assert {key_of(1)} == there(world) == there(world, "one")
    assert RunState.DONE is report.run.state
    record = world.resolver.revisions.revision(document(1))
    assert record is not None
    assert world.ids["one"] == record.provider


def test_what_was_uploaded_between_two_calls_is_brought_by_the_queue(world: World) -> None:
    mirror(migration_of(world))
    world.upload(1)
    run = mirror_run(migration_of(world))
    assert run is not None
    assert 1 == migration_of(world).journal.count_pending(run)

    report = mirror(migration_of(world))

    assert (True, 1, 0) == (report.complete, report.brought, report.pending)
    assert {key_of(1)} == there(world)


def test_uploads_and_removals_go_to_both_while_it_watches(world: World) -> None:
    world.upload(0)
    with watching(migration_of(world)) as reports:
        until(lambda: there(world) == {key_of(0)})
        receipt = world.upload(1)
        world.upload(2)
        until(lambda: len(there(world)) == 3)
        world.documents.remove(receipt, reason="a test")
        until(lambda: there(world) == {key_of(0), key_of(2)})
        run = mirror_run(migration_of(world))
        assert run is not None
        until(lambda: migration_of(world).journal.count_pending(run) == 0)

    assert reports[0].complete
    counts = migration_of(world).journal.counts(run)
    assert (2, 1) == (counts[EntryState.COPIED].objects, counts[EntryState.VANISHED].objects)
    assert content(2) == world.path("two", key_of(2)).read_bytes()


def test_a_removal_that_the_target_did_not_hear_of_reaches_it_later(world: World) -> None:
    receipt = world.upload(1)
    mirror(migration_of(world))
    body = world.path("two", key_of(1)).read_bytes()
    world.documents.remove(receipt)
    kept = world.path("two", key_of(1))
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(body)  # as if the target had been down when it was removed
    migration = migration_of(world)
    run = mirror_run(migration)
    assert run is not None
    entry = migration.journal.known(run, [key_of(1)])[key_of(1)]
    etag = migration.target.storage.head(key_of(1)).etag
    migration.journal.record(run, [replace(entry, state=EntryState.COPIED, target_etag=etag)])

    report = mirror(migration)

    assert set() == there(world)
    assert report.complete


def test_another_object_on_the_target_outlives_the_removal_of_a_document(world: World) -> None:
    world.upload(1)
    mirror(migration_of(world))
    world.path("two", key_of(1)).unlink()
    world.path("two", key_of(1)).write_bytes(b"somebody else's")
    migration = migration_of(world)
    record = world.resolver.revisions.revision(document(1))
    assert record is not None
    assert world.resolver.revisions.swap_revision(record, None)  # an upload that was taken back

    mirror(migration)

    assert b"somebody else's" == world.path("two", key_of(1)).read_bytes()


def test_only_the_project_that_was_asked_for_is_mirrored(world: World) -> None:
    mirror(migration_of(world, "tunnel"))
    world.upload(1)
    world.upload(2, project="tunnel")

    report = mirror(migration_of(world, "tunnel"))

    assert {key_of(2, "tunnel")} == there(world)
    assert report.complete


def test_objects_that_the_register_knows_nothing_of_come_with_the_next_listing(world: World) -> None:
    mirror(migration_of(world))
    world.storage("one").put("notes/a.pdf", b"no document")

    mirror(migration_of(world))

    assert {"notes/a.pdf"} == there(world)


MIRROR = """
import sys
from datetime import timedelta
from pathlib import Path
from worlds import ACME, world_on_disk
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.mirroring import MirrorOptions, mirror

options = MirrorOptions(interval=timedelta(seconds=0.05), longest_pause=timedelta(seconds=0.2))
with world_on_disk(Path(sys.argv[1]), "one") as world:
    print("ready", flush=True)
    mirror(Migration(world.resolver, ACME, "one", "two"), watch=True, options=options)
"""


@contextmanager
def mirroring_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    path = os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parent.parent)))
    with subprocess.Popen(
        [sys.executable, "-c", MIRROR, str(folder)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        yield process
        process.send_signal(signal.SIGKILL)


class Relay:
    """Passes connections on to a server, unless it is down: then each is closed at once."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.down = False
        self.refused = 0
        self._address = address
        self._open = set[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def take_down(self) -> None:
        self.down = True
        for connection in tuple(self._open):
            _shut(connection)

    def close(self) -> None:
        self.take_down()
        _shut(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if self.down:
                    self.refused += 1
                    connection.close()
                    continue
                server = socket.create_connection(self._address)
                self._open |= {connection, server}
                for one, other in ((connection, server), (server, connection)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        _shut(other)
        self._open.discard(one)
        one.close()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(seaweedfs_server: S3Server) -> Iterator[Relay]:
    found = urlsplit(seaweedfs_server.endpoint_url)
    relay = Relay((str(found.hostname), int(found.port or 80)))
    yield relay
    relay.close()


def test_a_target_that_was_down_has_everything_afterwards_whoever_was_killed(
    tmp_path: Path, seaweedfs_server: S3Server, relay: Relay
) -> None:
    bucket = seaweedfs_server.make_bucket()
    settings = {**keys_of(seaweedfs_server), "bucket": bucket, "endpoint_url": relay.url}
    with world_on_disk(tmp_path, "one") as world:
        world.add_kind("s3", "two", settings)
        migration = migration_of(world)

        def stored() -> set[str]:
            found = seaweedfs_server.client().list_objects_v2(Bucket=bucket).get("Contents", [])
            return {str(entry.get("Key", "")).removeprefix(f"{ACME}/") for entry in found} - {""}

        with mirroring_process(tmp_path):
            world.upload(0)
            until(lambda: key_of(0) in stored())
            run = mirror_run(migration)
            assert run is not None
            until(lambda: migration.journal.count_pending(run) == 0)
            relay.take_down()
            receipt = world.upload(1)
            world.upload(2)
            until(lambda: relay.refused > 0)
        assert 2 == migration.journal.count_pending(run)
        world.upload(3)  # while nobody mirrors, and the target is down still
        with mirroring_process(tmp_path):
            refused = relay.refused
            until(lambda: relay.refused > refused)
            assert 3 == migration.journal.count_pending(run)
            relay.down = False
            until(lambda: migration.journal.count_pending(run) == 0)

        assert {key_of(number) for number in range(4)} == stored()
        assert IntegrityState.INTACT is world.documents.check(receipt)
        assert {content(number) for number in range(4)} == {
            migration.target.storage.get_bytes(key_of(number)) for number in range(4)
        }


def test_two_mirrors_at_once_bring_everything_once(world: World) -> None:
    with watching(migration_of(world)), watching(migration_of(world)):
        for number in range(20):
            world.upload(number)
        until(lambda: len(there(world)) == 20)
        run = mirror_run(migration_of(world))
        assert run is not None
        until(lambda: migration_of(world).journal.count_pending(run) == 0)

    counts = migration_of(world).journal.counts(run)
    assert 20 == sum(counts[state].objects for state in (EntryState.COPIED, EntryState.SAME) if state in counts)


def test_a_cut_over_ends_a_mirror_and_the_register_follows(world: World) -> None:
    for number in range(3):
        world.upload(number)
    migration = migration_of(world)
    with watching(migration):
        until(lambda: (run := mirror_run(migration)) is not None and run.state is RunState.DONE)
        report = cut_over(migration)

    late = world.upload(9)
    assert (True, 0) == (report.default, report.left)
    assert {world.ids["two"]} == {
        record.provider
        for number in (0, 1, 2, 9)
        if (record := world.resolver.revisions.revision(document(number))) is not None
    }
    assert IntegrityState.INTACT is world.documents.check(late)
    assert 3 == prune(migration, True).pruned.objects
    with pytest.raises(SettingsError, match="was cut over"):
        mirror(migration)


def _is_done(run: Run) -> bool:
    return run.state is RunState.DONE


def test_uploads_during_the_cut_over_of_a_mirror_are_all_on_the_target_afterwards(world: World) -> None:
    migration, uploaded, ended = migration_of(world), list[int](), threading.Event()

    def upload() -> None:
        for number in range(100, 1000):
            world.upload(number)
            uploaded.append(number)
            if ended.is_set():
                return

    uploader = threading.Thread(target=upload)
    with watching(migration):
        uploader.start()
        try:
            until(lambda: len(uploaded) > 5 and (run := mirror_run(migration)) is not None and _is_done(run))
            cut_over(migration)
        finally:
            ended.set()
            uploader.join()
    again = cut_over(migration)

    records = [world.resolver.revisions.revision(document(number)) for number in uploaded]
    assert 0 == again.left
    assert {world.ids["two"]} == {record.provider for record in records if record is not None}
    assert {key_of(number) for number in uploaded} <= there(world)


def test_a_mirror_that_has_ended_queues_nothing(world: World) -> None:
    migration = migration_of(world)
    run = mirror(migration).run
    ended = end_mirror(migration)
    world.upload(1)

    assert RunState.ENDED is ended.state
    assert 0 == migration.journal.count_pending(run)
    assert set() == there(world)
    with pytest.raises(SettingsError, match="nothing mirrors"):
        end_mirror(migration)
