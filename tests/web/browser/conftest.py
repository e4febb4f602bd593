"""The page in a real browser: Debian's chromium, or the one that KAZINEX_TEST_BROWSER names, driven by Playwright.

The service is the one of ``kazinex-storage serve``, on loopback. Screenshots go below ``docs/images`` when
KAZINEX_SCREENSHOTS is set, for the guide; otherwise they are looked at by nobody and go to a temporary folder.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from ..serving import Service

_ROOT = Path(__file__).parents[3]
IMAGES = _ROOT / "docs" / "images"
AXE = Path(sys.prefix) / "browser" / "node_modules" / "axe-core" / "axe.min.js"

SERIOUS = ("serious", "critical")

expect.set_options(timeout=20_000)  # a busy machine is no defect


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser; it ends with the module, because Playwright's event loop stands in the way of asyncio's tests."""
    names = (os.environ.get("KAZINEX_TEST_BROWSER") or "chromium", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    assert program is not None, "install chromium, or name a browser in KAZINEX_TEST_BROWSER"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program)
        yield running
        running.close()


@dataclass(kw_only=True)
class Visit:
    """A page that somebody has open, and what went wrong in it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    """What the browser said on its console, and scripts that failed."""

    def go(self, view: str) -> None:
        """Open a view by its address, and wait until it is drawn."""
        self.page.evaluate("(hash) => { location.hash = hash }", f"#/{view}")
        self.settled()

    def settled(self) -> None:
        """Wait until the view is drawn."""
        self.page.wait_for_selector("main:not([aria-busy]) h1")

    def card(self, label: str) -> Any:
        """Return the card of a provider."""
        return self.page.locator(".provider", has=self.page.get_by_role("heading", name=label, exact=True))


def visited(context: BrowserContext, link: str) -> Visit:
    """Open *link* in a new page."""
    page = context.new_page()
    visit = Visit(page=page)
    page.on("console", lambda message: _heard(visit, message))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.goto(link)
    visit.settled()
    return visit


def _heard(visit: Visit, message: Any) -> None:
    if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
        visit.complaints.append(message.text)


@contextmanager
def visiting(browser: Browser, service: Service, **options: Any) -> Iterator[Visit]:
    """Open the page by a fresh link; nothing may have been complained about when the context ends."""
    context = browser.new_context(**{"viewport": {"width": 1180, "height": 900}, "locale": "en-GB", **options})
    context.set_default_timeout(15_000)
    try:
        visit = visited(context, service.link())
        yield visit
        assert [] == visit.complaints
    finally:
        context.close()


@pytest.fixture
def look(tmp_path: Path) -> Any:
    """Return what takes a screenshot: of the page, or of one element of it."""
    folder = IMAGES if os.environ.get("KAZINEX_SCREENSHOTS") else tmp_path

    def take(visit: Visit, name: str, of: Any = None, **options: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        visit.page.wait_for_timeout(150 if folder is IMAGES else 0)
        (of if of is not None else visit.page).screenshot(path=folder / f"{name}.png", **options)

    return take


def upload(visit: Visit, file: Path, document: str, revision: str = "P01") -> Any:
    """Choose *file*, name the document and press Upload; return what shows how far it is."""
    page = visit.page
    page.locator("#file").set_input_files(file)
    page.get_by_label("Document", exact=True).fill(document)
    page.get_by_label("Revision", exact=True).fill(revision)
    page.get_by_role("button", name="Upload", exact=True).click()
    return page.locator(".transfer").first


def findings(visit: Visit) -> list[str]:
    """Return what axe finds serious or worse, each with the element."""
    # Evaluated by the debugger, because the policy of the page lets no other script in.
    visit.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: Mapping[str, Any] = visit.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 10, "it looked at something"
    return [
        f"{each['id']}: {each['help']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for each in found["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def until(condition: Any, patience_s: float = 30) -> None:
    """Wait until *condition* holds."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
