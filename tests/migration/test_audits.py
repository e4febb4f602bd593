"""Audits: whatever is missing, extra, different or rewritten is found, nothing is written, and a killed one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kazinex_storage import Event, Resolver, StoredDocument
from kazinex_storage.documents.events import AuditEnded
from kazinex_storage.errors import RecordNotFoundError, SettingsError
from kazinex_storage.migration.auditing import audit_job
from kazinex_storage.migration.audits import AuditPlan, AuditResult, audit, audit_storages, begin_audit, run_audit
from kazinex_storage.migration.comparing import AuditLevel
from kazinex_storage.migration.evidence_checking import check_evidence
from kazinex_storage.migration.evidence_writing import evidence
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.migration.rates import RateLimits
from kazinex_storage.organisations import KeyRing, MemoryCatalogue, Sealer, SqlCatalogue
from kazinex_storage.organisations.signing import evidence_key
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing.emulators.faults import Kind, RequestFault
from kazinex_storage.testing.emulators.graph.drive import Drive
from kazinex_storage.testing.emulators.http import Answer
from kazinex_storage.testing.servers import S3Server

from ..services import Tenant, keys_of, tenant
from .worlds import ACME, World, content, document, key_of, world_on_disk

LEVELS: tuple[AuditLevel, ...] = ("size", "checksum", "full")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, MemoryCatalogue(), "one", "two")
    yield world
    world.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Tenant]:
    with tenant() as found:
        yield found


def both(world: World, *numbers: int) -> None:
    for number in numbers:
        for label in ("one", "two"):
            path = world.path(label, key_of(number))
            path.parent.mkdir(parents=True)
            path.write_bytes(content(number))


def states(result: AuditResult) -> dict[str, str]:
    return {found.key: found.state.value for found in result.findings}


def counted(result: AuditResult) -> dict[str, int]:
    return {state.value: count.objects for state, count in result.counts.items() if count.objects}


@pytest.mark.parametrize("level", LEVELS)
def test_two_places_with_the_same_objects_match(world: World, level: AuditLevel) -> None:
    both(world, *range(5))

    result = audit(world.resolver, ACME, AuditPlan(source="one", target="two", level=level))

    assert result.ok
    assert {"matched": 5} == counted(result)


@pytest.mark.parametrize("level", LEVELS)
def test_each_difference_between_two_places_is_found(world: World, level: AuditLevel) -> None:
    both(world, 0, 1, 2, 3)
    world.storage("one").put(key_of(4), b"on one side alone")
    world.storage("two").put(key_of(5), b"on the other")
    world.path("two", key_of(1)).write_bytes(b"other")
    world.path("two", key_of(2)).write_bytes(content(2)[::-1])  # as many bytes

    result = audit(world.resolver, ACME, AuditPlan(source="one", target="two", level=level))

    found = {key_of(1): "different", key_of(4): "missing", key_of(5): "extra"}
    assert found | ({} if level == "size" else {key_of(2): "different"}) == states(result)
    assert not result.ok


def test_what_is_different_is_told_with_both_hashes(world: World) -> None:
    both(world, 1)
    world.path("two", key_of(1)).write_bytes(content(1)[::-1])

    result = audit(world.resolver, ACME, AuditPlan(source="one", target="two"))

    reason = str(result.findings[0].reason)
    assert reason.startswith("sha256 ")
    assert 2 == len({word for word in reason.replace(",", "").split() if len(word) == 64})


@pytest.mark.parametrize("level", LEVELS)
def test_a_place_is_compared_with_the_register(world: World, level: AuditLevel) -> None:
    for number in range(5):
        world.upload(number)
    world.path("one", key_of(1)).unlink()
    world.path("one", key_of(2)).write_bytes(b"shorter")
    world.path("one", key_of(3)).write_bytes(content(3)[::-1])
    world.storage("one").put("bridge/D-9/P01/planted.pdf", b"nobody uploaded it")
    world.documents.remove(document(4), reason="a test")

    result = audit(world.resolver, ACME, AuditPlan(target="one", level=level))

    found = {key_of(1): "missing", key_of(2): "different", "bridge/D-9/P01/planted.pdf": "extra"}
    assert found | ({} if level == "size" else {key_of(3): "different"}) == states(result)


def test_documents_that_the_register_has_elsewhere_are_not_missing_here(world: World) -> None:
    world.upload(1)
    world.organisations.set_default(ACME, "two")
    world.upload(2)

    assert {"matched": 1} == counted(audit(world.resolver, ACME, AuditPlan(target="two")))


def test_only_the_project_that_was_asked_for_is_compared(world: World) -> None:
    world.upload(1)
    world.upload(2, project="tunnel")
    world.path("one", key_of(1)).unlink()

    assert audit(world.resolver, ACME, AuditPlan(target="one", project="tunnel")).ok
    assert not audit(world.resolver, ACME, AuditPlan(target="one", project="bridge")).ok


def test_an_audit_writes_nothing_to_either_side(world: World) -> None:
    both(world, 1, 2)
    world.storage("one").put(key_of(3), b"missing")

    def tree() -> list[tuple[str, int, int]]:
        found = [path for label in ("one", "two") for path in (world.folder / label).rglob("*")]
        return sorted((str(path), path.stat().st_mtime_ns, path.stat().st_ino) for path in found)

    before = tree()
    for level in LEVELS:
        audit(world.resolver, ACME, AuditPlan(source="one", target="two", level=level))

    assert before == tree()


def test_a_document_that_comes_while_the_listings_run_is_no_finding(world: World) -> None:
    both(world, 1)
    came = iter([2])

    def stop() -> bool:
        for number in came:
            both(world, number)
        return False

    result = audit(world.resolver, ACME, AuditPlan(source="one", target="two", level="size"), stop=stop)

    assert {"matched": 2} == counted(result)


def test_an_object_that_went_on_both_sides_while_it_was_audited_has_vanished(world: World) -> None:
    both(world, 1, 2)
    listed = 0

    def stop() -> bool:
        nonlocal listed
        listed += 1
        if listed == 3:  # after both listings
            for label in ("one", "two"):
                world.storage(label).delete(key_of(2))
        return False

    result = audit(world.resolver, ACME, AuditPlan(source="one", target="two"), stop=stop)

    assert result.ok
    assert {"matched": 1, "vanished": 1} == counted(result)


def test_an_audit_that_was_stopped_goes_on(world: World) -> None:
    both(world, *range(20))
    plan = AuditPlan(source="one", target="two", concurrency=1)
    asked = Counter[str]()

    def stop() -> bool:
        asked["asked"] += 1
        return asked["asked"] > 10

    first = audit(world.resolver, ACME, plan, stop=stop)
    second = audit(world.resolver, ACME, plan)
    third = audit(world.resolver, ACME, plan)

    assert (False, False, True) == (first.finished, first.ok, second.finished)
    assert 0 < counted(first)["matched"] < 20
    assert {"matched": 20} == counted(second)
    assert first.run.id == second.run.id != third.run.id
    assert all(entry.attempts == 1 for entry in world.organisations.catalogue.journal.entries(second.run))


def test_what_a_side_does_not_answer_is_tried_again_by_the_next_call(tmp_path: Path, site: Tenant) -> None:
    world = World(tmp_path, MemoryCatalogue(), "one")
    world.add_kind("sharepoint", "down", {**site.options, "root_folder": "Down"})
    for label in ("one", "down"):
        world.storage(label).put(key_of(1), content(1))
    plan = AuditPlan(source="one", target="down")
    asked = Counter[str]()

    def stop() -> bool:
        asked["asked"] += 1
        if asked["asked"] == 3:  # after both listings
            answer = Answer(status=403, body=b"{}", headers={"Content-Type": "application/json"})
            site.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="GET", contains="D-1", answer=answer))
        return False

    failed = audit(world.resolver, ACME, plan, stop=stop)
    again = audit(world.resolver, ACME, plan)

    assert ({"failed": 1}, {"matched": 1}) == (counted(failed), counted(again))
    assert failed.run.id == again.run.id
    world.close()


def changed(drive: Drive, number: int, body: bytes, author: str) -> None:
    """Replace a stored drawing behind everybody's back."""
    node = drive.find(f"{ACME}/{key_of(number)}")
    drive.store(node.parent or node, node.name, node, body, "application/pdf")
    node.author = author


def test_what_sharepoint_changed_by_itself_is_told_from_what_others_changed(tmp_path: Path, site: Tenant) -> None:
    world = World(tmp_path, MemoryCatalogue(), "one")
    world.add_kind("sharepoint", "library", dict(site.options))
    world.organisations.set_default(ACME, "library")
    drive = site.site.drives[0]
    receipts: dict[str, StoredDocument] = {}
    for number in range(4):
        receipt = world.upload(number)
        receipts[receipt.key] = receipt
    changed(drive, 1, content(1) + b" promoted", str(site.options["client_id"]))
    changed(drive, 2, content(2) + b" forged", "someone-else")
    node = drive.find(f"{ACME}/{key_of(3)}")
    drive.delete(node, for_ever=True)
    drive.store(node.parent or node, node.name, None, content(3) + b" anew", "application/pdf")

    told = audit(world.resolver, ACME, AuditPlan(target="library"), receipts=receipts.get)
    untold = audit(world.resolver, ACME, AuditPlan(target="library"))

    found = {key_of(1): "rewritten", key_of(2): "different", key_of(3): "different"}
    assert found == states(told)
    assert dict.fromkeys(found, "different") == states(untold)
    world.close()


def test_sides_without_a_checksum_in_common_are_read(tmp_path: Path, seaweedfs_server: S3Server) -> None:
    world = World(tmp_path, MemoryCatalogue(), "one")
    world.add_kind("s3", "bucket", {**keys_of(seaweedfs_server), "bucket": seaweedfs_server.make_bucket()})
    for number in range(3):
        world.storage("one").put(key_of(number), content(number))
        world.storage("bucket").put(key_of(number), content(number)[:: -1 if number == 1 else 1])

    levels: tuple[AuditLevel, ...] = ("checksum", "full")
    for level in levels:
        result = audit(world.resolver, ACME, AuditPlan(source="one", target="bucket", level=level))

        assert {key_of(1): "different"} == states(result)
    world.close()


def test_two_storages_of_no_organisation_are_compared(tmp_path: Path) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(Storage(MemoryProvider())) for _ in range(2))
        for storage in (one, other):
            storage.put("plans/a.pdf", b"a")
        one.put("plans/b.pdf", b"b")

        result = audit_storages(one, other, prefix="plans/")

    assert {"b.pdf": "missing"} == states(result)


def test_the_end_of_an_audit_is_an_event_that_says_what_was_found(tmp_path: Path) -> None:
    events: list[Event] = []
    world = World(tmp_path, MemoryCatalogue(), "one", "two")
    resolver = Resolver(world.organisations, on_event=events.append).acting("müller")
    both(world, 1)
    world.path("two", key_of(1)).unlink()

    result = audit(resolver, ACME, AuditPlan(source="one", target="two", level="size"))

    told = [event for event in events if isinstance(event, AuditEnded)]
    assert [(result.run.id, "size", 1, "failed", "müller")] == [
        (event.run, event.level, event.missing, event.outcome, event.by) for event in told
    ]
    assert "müller" == result.run.begun_by
    resolver.close()
    world.close()


def test_an_audit_keeps_to_limits_whoever_works_on_it(world: World) -> None:
    both(world, *range(3))
    limits = RateLimits(bandwidth=1_000_000, target_requests=500.0)

    job = begin_audit(world.resolver, ACME, AuditPlan(source="one", target="two", limits=limits))
    kept = world.organisations.catalogue.journal.run(ACME, job.run.id)
    result = run_audit(job)

    assert kept is not None
    assert limits == audit_job(world.resolver, kept).limits
    assert result.ok


def test_an_audit_of_a_place_with_itself_or_of_none_is_refused(world: World) -> None:
    with pytest.raises(SettingsError, match="are both 'one'"):
        audit(world.resolver, ACME, AuditPlan(source="one", target="one"))
    with pytest.raises(RecordNotFoundError):
        audit(world.resolver, ACME, AuditPlan(target="three"))
    with pytest.raises(RecordNotFoundError):
        audit(world.resolver, "other", AuditPlan(target="one"))


AUDITOR = """
import sys
from pathlib import Path
from worlds import ACME, world_on_disk
from kazinex_storage.migration.audits import AuditPlan, audit

with world_on_disk(Path(sys.argv[1]), "one", "two") as world:
    print("ready", flush=True)
    audit(world.resolver, ACME, AuditPlan(source="one", target="two", concurrency=2))
"""


def auditor(folder: Path) -> subprocess.Popen[str]:
    path = os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parent.parent)))
    process = subprocess.Popen(
        [sys.executable, "-c", AUDITOR, str(folder)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    return process


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        threading.Event().wait(0.002)


def test_an_audit_that_is_killed_goes_on_and_compares_everything(tmp_path: Path) -> None:
    with world_on_disk(tmp_path, "one", "two") as world:
        both(world, *range(400))
        world.path("two", key_of(77)).unlink()
        journal = world.organisations.catalogue.journal
        with auditor(tmp_path) as process:
            until(lambda: any(journal.counts(run).get(EntryState.MATCHED) for run in journal.runs(ACME)))
            process.send_signal(signal.SIGKILL)
        killed = journal.runs(ACME)[0]
        left = journal.counts(killed)[EntryState.PLANNED].objects

        result = audit(world.resolver, ACME, AuditPlan(source="one", target="two", concurrency=2))
        report = evidence(world.resolver, ACME, result.run.id, tmp_path / "audit.jsonl")

        assert 0 < left < 400
        assert killed.id == result.run.id
        assert {"matched": 399, "missing": 1} == counted(result)
        assert 400 == report.entries
        assert check_evidence(report.path, evidence_key(world.organisations.catalogue, ACME).pem).ok


def test_several_threads_audit_one_run(tmp_path: Path) -> None:
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
    world = World(tmp_path, catalogue, "one", "two")
    both(world, *range(100))
    plan = AuditPlan(source="one", target="two", level="full")
    results = list[AuditResult]()
    threads = [
        threading.Thread(target=lambda: results.append(audit(world.resolver, ACME, plan, stop=lambda: False)))
        for _ in range(2)
    ]

    first = audit(world.resolver, ACME, plan, stop=lambda: True)  # plans nothing, and is there for both
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [{"matched": 100}] * 2 == [counted(result) for result in results]
    assert {first.run.id} == {result.run.id for result in results}
    world.close()
