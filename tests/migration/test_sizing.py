"""What the sizing counts is what real servers counted, and the page is what the script writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from kazinex_storage import Organisations, Resolver
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.migration.migrations import Migration
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.migration.sizing import (
    AZURE,
    R2,
    TB,
    Fleet,
    Service,
    estimate,
    sharepoint,
    source_load,
    target_load,
)
from kazinex_storage.migration.sizing_page import main, page
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.testing.emulators.cloudflare import R2Front, r2_front
from kazinex_storage.testing.emulators.graph import GraphEmulator
from kazinex_storage.transport import Observation
from kazinex_storage.types import MIB

from ..services import azure_options, r2_options, tenant

PAGE = Path(__file__).parents[2] / "docs/sizing.md"
SHAREPOINT = sharepoint(1000)
LARGE = 20 * MIB
FLEET = Fleet(objects=11, bytes=10_000 + LARGE, large=1, large_bytes=LARGE, documents=4, projects=1)
KEYS = [f"D-{number // 3}/P{number % 3}/a.bin" for number in range(9)] + ["model/P00/a.bin", "model/P01/a.bin"]
BODIES = {key: (bytes(LARGE) if key == KEYS[-1] else b"x" * 1000) for key in KEYS}


class Places:
    """One organisation on R2, Azure and SharePoint, and what each was asked since the last time."""

    def __init__(self, front: R2Front, emulator: GraphEmulator) -> None:
        self.organisations = Organisations(MemoryCatalogue())
        self.resolver = Resolver(self.organisations)
        self.front, self.emulator = front, emulator
        self.azure: Counter[str] = Counter()

    def asked(self, kind: str) -> Counter[str]:
        """The requests to a service by verb, as it logged them, and forget them; of Azure as they were sent."""
        found: Counter[str] = Counter()
        if kind == "r2":
            found.update(of_r2(seen.method, seen.path, str(seen.query)) for seen in self.front.log)
            self.front.log.clear()
        elif kind == "sharepoint":
            found.update(of_graph(method, path) for method, path, _ in self.emulator.log)
            self.emulator.log.clear()
        else:
            found, self.azure = self.azure, found
        del found["start"]
        return found

    def note(self, seen: Observation) -> None:
        """Count what is asked of Azure, whose server keeps no log: a block and a blob are both a PUT."""
        self.azure[{"GET": "list" if seen.operation == "list" else "get", "HEAD": "head"}.get(seen.method, "put")] += 1


def of_r2(method: str, path: str, query: str) -> str:
    if method == "GET":
        return "list" if "list-type" in query else "get"
    if method == "POST":
        return "begin" if "uploadId" not in query else "complete"
    return "head" if method == "HEAD" else "part" if "partNumber" in query else "put"


def of_graph(method: str, path: str) -> str:
    if method == "POST":
        return "begin"
    if method == "PUT":
        return "put" if path.endswith("/content") else "part"
    if path.endswith("children"):
        return "list"
    return "get" if path.startswith("/download") else "head" if "/root:" in path else "start"


@pytest.fixture(scope="module")
def places(request: pytest.FixtureRequest) -> Iterator[Places]:
    azurite = request.getfixturevalue("azurite_server")
    with r2_front(request.getfixturevalue("ministack_server")) as front, tenant() as found:
        made = Places(front, found.emulator)
        bucket = front.make_bucket()
        settings = {
            "r2": {"bucket": bucket, **r2_options(front, [bucket])},
            "azure_blob": {"container": azurite.make_container(), **azure_options(azurite)},
            "sharepoint": dict(found.options),
        }
        for kind, given in settings.items():
            made.organisations.add_provider("acme", kind, kind, given)
        yield made
        made.resolver.close()
        made.organisations.close()


@pytest.mark.parametrize(
    ("source", "target"), [(R2, AZURE), (AZURE, SHAREPOINT), (SHAREPOINT, R2)], ids=lambda service: service.kind
)
def test_servers_count_the_requests_that_the_sizing_counts(places: Places, source: Service, target: Service) -> None:
    project = f"from-{source.kind}"
    # One after another: what is done at once may look for the same folder twice.
    options = CopyOptions(concurrency=1)
    migration = Migration(places.resolver, "acme", source.kind, target.kind, project=project, options=options)
    documents = places.resolver.storage_of("acme", migration.source.provider)  # which tells the register
    documents.put_many((f"{project}/{key}", data) for key, data in BODIES.items())
    for end in (migration.source, migration.target):
        if end.kind == AZURE.kind:
            end.storage.operations.context.notice = places.note
    for service in (source, target):
        places.asked(service.kind)

    report = migration.copy()

    assert {EntryState.COPIED: len(KEYS)} == {
        state: count.objects for state, count in report.counts.items() if count.objects
    }
    assert together(source, source_load(FLEET, source, target)) == places.asked(source.kind)
    assert together(target, target_load(FLEET, target)) == places.asked(target.kind)


def together(service: Service, load: Counter[str]) -> Counter[str]:
    """Count as ``Places.asked`` does."""
    if service is AZURE:
        load["put"] += load.pop("part", 0) + load.pop("complete", 0)
    return +load


def test_the_narrowest_limit_says_how_long_it_takes() -> None:
    fleet = Fleet()

    slow, fast = (estimate(fleet, source, R2, 1e9) for source in (sharepoint(1000), sharepoint(100_000)))
    by_line = estimate(fleet, AZURE, R2, 1e9)

    assert slow.source_units / 1_200_000 == pytest.approx(slow.seconds / 86400)
    assert 250.0 == pytest.approx(fast.seconds / 3600), "400 GB an hour"
    assert ("the line", 800_000) == (by_line.bound, by_line.seconds)


def test_money_is_for_requests_and_for_what_leaves() -> None:
    fleet = Fleet(objects=1_000_000, bytes=TB, large=0, large_bytes=0)

    found = estimate(fleet, AZURE, R2, 1e9)

    # A million reads, 200 pages of a listing, 1,000 GB that leave, a million writes.
    assert 0.44 + 200 * 5.5e-6 + 87 + 4.5 == pytest.approx(found.dollars)


def test_the_page_is_what_the_script_writes() -> None:
    assert page(Fleet()) == PAGE.read_text(), "run: python -m kazinex_storage.migration.sizing_page > docs/sizing.md"


def test_another_fleet_has_a_page_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--objects", "1000", "--bytes", "1000000000", "--large", "0", "--large-bytes", "0", "--line", "10"])

    written = capsys.readouterr().out
    assert "sizing_page --objects 1000" in written
    assert re.search(r"a line of 10 Gbit/s", written)
