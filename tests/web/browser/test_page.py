"""The page itself: who may open it, how it looks to a screen reader, what it weighs, and what it never shows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import expect

from kazinex_storage import DocumentStore, Organisations, web
from kazinex_storage.cli import sample
from kazinex_storage.organisations import AuditLog, MemoryCatalogue
from kazinex_storage.web import Action, Caller, PageSession, Role, settings_page, storage_router
from kazinex_storage.web.access import ALLOWED

from ..conftest import serving as running
from ..serving import serving
from .conftest import findings, visited, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from ..serving import Service

VIEWS = ("storage", "projects", "projects/river-bridge", "restrictions", "usage", "audit")

PICTURES = {"storage": "storage", "projects/river-bridge": "documents", "usage": "usage", "audit": "audit"}
"""What the guide shows of the sample organisation."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service of ``serve --demo``."""
    catalogue = MemoryCatalogue()
    organisations = Organisations(catalogue, on_event=AuditLog(catalogue)).acting("olga")
    with serving([sample.ORGANISATION], organisations=organisations) as service:
        sample.fill(service.organisations, DocumentStore(service.served.resolver), tmp_path_factory.mktemp("demo"))
        yield service


def test_a_link_opens_the_page_once(browser: Browser, demo: Service) -> None:
    link = demo.link()
    first, second = browser.new_context(), browser.new_context()

    opened = visited(first, link)
    late = visited(second, link)

    assert "Storage" == opened.page.get_by_role("heading", level=1).inner_text()
    assert "This page is locked" == late.page.get_by_role("heading", level=1).inner_text()
    assert "token" not in opened.page.url
    cookie = first.cookies()[0]
    assert (True, "Strict") == (cookie["httpOnly"], cookie["sameSite"])
    first.close()
    second.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1180), ("dark", 390)], ids=["light desk", "dark phone"])
def test_axe_finds_nothing_serious_in_any_view(
    browser: Browser, demo: Service, scheme: Any, width: int, look: Any
) -> None:
    with visiting(browser, demo, color_scheme=scheme, viewport={"width": width, "height": 860}) as visit:
        for view in VIEWS:
            visit.go(view)
            if "/" in view:
                visit.page.get_by_role("button", name="Revisions of DRG-0042").click()
                visit.page.get_by_role("link", name="revision C01").scroll_into_view_if_needed()
            assert [] == findings(visit), view
            if scheme == "light" and view in PICTURES:
                look(visit, PICTURES[view])
            overflow = visit.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert 0 == overflow, f"{view} is wider than the screen"


def test_axe_finds_nothing_serious_in_the_dialogs(browser: Browser, demo: Service) -> None:
    with visiting(browser, demo) as visit:
        page = visit.page
        page.get_by_role("button", name="Configure R2 Cloudflare").click()
        assert [] == findings(visit)
        page.keyboard.press("Escape")
        visit.card(sample.ARCHIVE).get_by_role("button", name="Test Connection").click()
        page.get_by_text("The connection works").wait_for()
        assert [] == findings(visit)


def test_everything_can_be_reached_by_keyboard(browser: Browser, demo: Service) -> None:
    with visiting(browser, demo) as visit:
        page = visit.page
        page.keyboard.press("Tab")
        assert "Skip to the content" == page.evaluate("document.activeElement.textContent")
        names = []
        for _ in range(40):
            page.keyboard.press("Tab")
            names.append(
                page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
            )
            if "Configure R2 Cloudflare" in names:
                break
        page.keyboard.press("Enter")
        page.get_by_role("dialog", name="Configure R2 Cloudflare").wait_for()
        assert "Label" == page.evaluate("document.activeElement.labels[0].textContent")
        page.keyboard.press("Escape")
        assert "Configure R2 Cloudflare" == page.evaluate("document.activeElement.getAttribute('aria-label')")


def test_the_audit_trail_says_who_did_what_and_proves_itself(browser: Browser, demo: Service) -> None:
    with visiting(browser, demo) as visit:
        page = visit.page
        visit.go("restrictions")
        page.get_by_role("button", name="Remove .zip").click()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("The allowed types were saved").wait_for()
        visit.go("audit")
        first = page.locator("tbody tr").first
        for text in ("File types changed", "local operator", "→"):
            expect(first).to_contain_text(text)
        page.get_by_label("Show").select_option(label="Document uploaded")
        expect(page.locator("tbody tr")).to_have_count(8)
        expect(page.locator("tbody tr").first).to_contain_text("olga")
        page.get_by_role("button", name="Check the chain").click()
        expect(page.get_by_text("The chain is whole")).to_be_visible()
        with page.expect_download() as got:
            page.get_by_role("link", name="Export").click()
        assert 17 < len(got.value.path().read_text(encoding="utf-8").splitlines())


def test_a_quota_is_set_and_shown(browser: Browser, demo: Service) -> None:
    with visiting(browser, demo) as visit:
        page = visit.page
        visit.go("usage")
        page.get_by_role("button", name="Quota of river-bridge").click()
        dialog = page.get_by_role("dialog", name="Quota of river-bridge")
        dialog.get_by_label("Stored").fill("2")
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_role("row", name="river-bridge")).to_contain_text("2 GB")
    quota = demo.organisations.quota(sample.ORGANISATION, "river-bridge")
    assert 2 * 1024**3 == quota.max_bytes


def test_who_may_only_upload_sees_only_projects(browser: Browser, demo: Service) -> None:
    """A host says what its users may do; what is left out would be refused by the API as well."""
    uploader = ALLOWED[Role.UPLOADER]
    caller = Caller(name="paul", cookie=True, csrf="an example")

    def authorise(_request: object, action: Action, _organisation: object, _project: object) -> Caller | None:
        return caller if action in uploader else None

    app = FastAPI()
    router = storage_router(demo.organisations, resolver=demo.served.resolver, authorise=authorise)
    app.include_router(router, prefix="/storage")
    session = PageSession(caller=caller, organisations=demo.served.names, actions=uploader)
    app.include_router(settings_page(lambda _: session, api="/storage"), prefix="/settings")
    with running(app) as address:
        context = browser.new_context()
        visit = visited(context, f"{address}/settings/")
        page = visit.page
        assert ["Projects"] == page.locator("#tabs a").all_inner_texts()
        visit.go("projects/river-bridge")
        expect(page.get_by_role("heading", name="Upload a document")).to_be_visible()
        expect(page.get_by_role("heading", name="Storage provider of this project")).to_have_count(0)
        context.close()
        assert [] == visit.complaints


def test_the_first_view_is_small_and_quick(browser: Browser, demo: Service) -> None:
    """Bytes are exact; the time on loopback is the goal of the benchmark, and here only nothing is waited for."""
    context = browser.new_context()
    got = list[int]()
    page = context.new_page()
    page.on("response", lambda response: got.append(response.request.sizes()["responseBodySize"]))
    page.goto(demo.link())
    page.wait_for_selector(".provider")

    assert sum(got) < 100 * 1024
    begun = time.perf_counter()
    page.reload()
    page.wait_for_selector(".provider")
    assert time.perf_counter() - begun < 20
    context.close()


def test_no_file_of_the_page_names_another_host() -> None:
    folder = Path(web.__file__).with_name("page")

    named = {
        (path.name, address)
        for path in folder.iterdir()
        for address in re.findall(r"https?://[^\s\"'`]+", path.read_text(encoding="utf-8"))
    }

    assert {"http://www.w3.org/2000/svg"} == {address for _, address in named}, "a name of XML, which nobody asks for"
