"""The view "Runs": how far they are while they work, what failed, and the report of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from kazinex_storage import DocumentStore, Organisations
from kazinex_storage.cli import sample
from kazinex_storage.migration.journal import Entry, EntryState, Run, RunKind, RunState
from kazinex_storage.organisations import AuditLog, MemoryCatalogue

from ..serving import serving
from .conftest import findings, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from ..serving import Service

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOSTILE = "river-bridge/DRG-0118/P01/Plan <draft>.ifc"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The sample organisation, with nothing moved yet."""
    catalogue = MemoryCatalogue()
    organisations = Organisations(catalogue, on_event=AuditLog(catalogue)).acting("olga")
    with serving([sample.ORGANISATION, "nothing-moved"], organisations=organisations) as service:
        sample.fill(service.organisations, DocumentStore(service.served.resolver), tmp_path_factory.mktemp("demo"))
        yield service


@pytest.fixture(scope="module")
def running(service: Service) -> Run:
    """A copy that was done yesterday but for two objects, and one that is half way."""
    organisations = service.organisations
    journal = organisations.catalogue.journal
    office, archive = (organisations.find(sample.ORGANISATION, name).id for name in (sample.OFFICE, sample.ARCHIVE))
    found = {}
    for name, source, target, objects in (("copy-1", office, archive, 120), ("copy-2", archive, office, 200)):
        begun = NOON - timedelta(days=1) if name == "copy-1" else NOON
        run = Run(
            organisation=sample.ORGANISATION,
            id=name,
            kind=RunKind.COPY,
            source=source,
            target=target,
            state=RunState.RUNNING,
            options={"verify": "full", "concurrency": 16},
            begun_at=begun,
            begun_by="olga",
        )
        found[name] = journal.add_run(run)
        journal.add_entries(
            found[name],
            [
                Entry(
                    number=0,
                    key=f"river-bridge/DRG-{place:04}/P01/Plan.pdf",
                    size=1_000_000 + place * 7_919_717 % 9_000_000,
                )
                for place in range(objects - 2)
            ],
        )
        journal.add_entries(
            found[name],
            [Entry(number=0, key=HOSTILE, size=77), Entry(number=0, key="river-bridge/DRG-0119/P01/con.ifc", size=88)],
        )
    first = found["copy-1"]
    finish(service, first, 118)
    bad = journal.entries(first, first=118)
    journal.record(
        first,
        [
            replace(entry, state=state, reason=reason, attempts=attempts, changed_at=first.begun_at)
            for entry, state, reason, attempts in (
                (bad[0], EntryState.FAILED, "the source is not what was uploaded", 5),
                (bad[1], EntryState.REFUSED, "'con' is no name on this disk", 0),
            )
        ],
    )
    journal.replace_run(replace(first, state=RunState.DONE, ended_at=first.begun_at + timedelta(seconds=59)))
    finish(service, found["copy-2"], 80)
    return found["copy-2"]


def finish(service: Service, run: Run, count: int, first: int = 0) -> None:
    """Let *count* objects have been copied, slower and slower."""
    journal = service.organisations.catalogue.journal
    entries = journal.entries(run, first=first, last=first + count - 1)
    journal.record(
        run,
        [
            replace(entry, state=EntryState.COPIED, changed_at=run.begun_at + timedelta(seconds=int(place**1.2) // 5))
            for place, entry in enumerate(entries, first)
        ],
    )


def card(page: Any, run: str) -> Any:
    return page.locator(f"[data-run='{run}']")


def test_a_run_is_followed_while_it_works_and_its_end_is_seen(
    browser: Browser, service: Service, running: Run, look: Any
) -> None:
    journal = service.organisations.catalogue.journal
    with visiting(browser, service) as visit:
        page = visit.page
        visit.go("runs")
        works = card(page, running.id)
        expect(works).to_contain_text("Copy: Head office archive → Site office disk")
        expect(works).to_contain_text("80 of 200 objects")
        finish(service, running, 60, first=80)
        expect(works).to_contain_text("140 of 200 objects")
        expect(works).to_contain_text("left")
        assert [] == findings(visit)
        card(page, "copy-1").get_by_text("2 objects to look at").click()
        expect(card(page, "copy-1")).to_contain_text("The source is not what was uploaded", ignore_case=True)
        look(visit, "runs")

        finish(service, running, 60, first=140)
        current = journal.run(running.organisation, running.id)
        assert current is not None
        journal.replace_run(replace(current, state=RunState.DONE, ended_at=datetime.now(UTC)))
        expect(works).to_contain_text("200 of 200 objects")
        expect(works).to_contain_text("Done")


def test_what_failed_is_text_and_looks_right_on_a_phone(browser: Browser, service: Service, running: Run) -> None:
    with visiting(browser, service, color_scheme="dark", viewport={"width": 390, "height": 860}) as visit:
        page = visit.page
        visit.go("runs")
        done = card(page, "copy-1")
        expect(done).to_contain_text("Done, with failures")
        done.get_by_text("2 objects to look at").click()
        expect(done.get_by_text(HOSTILE)).to_be_visible()
        assert 0 == done.locator("td draft").count()
        assert [] == findings(visit)
        assert 0 == page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_the_report_of_a_run_opens_and_can_be_filed(
    browser: Browser, service: Service, running: Run, tmp_path: Path, look: Any
) -> None:
    with visiting(browser, service) as visit:
        page = visit.page
        visit.go("runs")
        link = page.get_by_role("link", name="Report of copy-1")
        # Scripts are off in the report, those that Playwright looks with as well; so it is looked at as a file.
        answer = page.request.get(f"{service.address}{link.get_attribute('href')}")
        assert "sandbox" in answer.headers["content-security-policy"]
        file = tmp_path / "report.html"
        file.write_bytes(answer.body())
        page.goto(file.as_uri())
        expect(page.get_by_role("heading", name=f"Copy of {sample.ORGANISATION}")).to_be_visible()
        expect(page.get_by_role("img", name="Throughput")).to_be_visible()
        expect(page.get_by_text("Failed: 1 of 120 objects.")).to_be_visible()
        assert [] == findings(visit)
        look(visit, "run-report", full_page=True)


def test_without_runs_the_view_says_how_to_begin(browser: Browser, service: Service) -> None:
    with visiting(browser, service) as visit:
        visit.page.get_by_label("Organisation").select_option("nothing-moved")
        visit.settled()
        visit.go("runs")
        expect(visit.page.get_by_text("Nothing was moved yet")).to_be_visible()
        expect(visit.page.get_by_text("kazinex-storage migrate")).to_be_visible()
        assert [] == findings(visit)
