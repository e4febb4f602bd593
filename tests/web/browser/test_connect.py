"""SharePoint as its guide walks through it: Connect, Microsoft's page of consent, site and library, Test Connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from kazinex_storage import Organisations
from kazinex_storage.organisations import KeyRing, Sealer, SqlCatalogue
from kazinex_storage.testing.emulators.graph import GraphEmulator, graph_emulator
from kazinex_storage.testing.emulators.tls import certificate_authority
from kazinex_storage.web.app import ConnectApp

from ..serving import serving
from .conftest import upload, visiting
from .test_providers import run_test

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from ..serving import Service


@pytest.fixture
def emulator() -> Iterator[tuple[GraphEmulator, str]]:
    """A tenant with two sites, and the file of the authority of its certificates."""
    with (
        certificate_authority() as authority,
        graph_emulator(authority) as running,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("SSL_CERT_FILE", str(authority.ca_file))
        running.add_site("sites/projects", ["Documents", "KazinexDocuments"])
        running.add_site("sites/office", ["Documents"])
        yield running, str(authority.ca_file)


@pytest.fixture
def service(emulator: tuple[GraphEmulator, str], tmp_path: Path) -> Iterator[Service]:
    tenant, authority = emulator
    app = tenant.add_app(secret="example-secret")  # noqa: S106  # no real one
    connect = ConnectApp(
        client_id=app.client_id,
        client_secret="example-secret",  # noqa: S106  # no real one
        further={"login_url": tenant.login_url, "graph_url": tenant.graph_url, "ca_file": authority},
    )
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
    with serving(organisations=Organisations(catalogue), connect=connect) as running:
        yield running


def test_sharepoint_is_connected_as_the_guide_says(
    browser: Browser, service: Service, tmp_path: Path, look: Any
) -> None:
    with visiting(browser, service, ignore_https_errors=True) as visit:
        page = visit.page
        page.get_by_role("button", name="Connect SharePoint Online").click()
        look(visit, "sharepoint-connect")
        page.get_by_role("button", name="Connect to Microsoft 365").click()
        page.get_by_role("heading", name="Permissions requested").wait_for()
        page.get_by_role("button", name="Accept").click()

        dialog = page.get_by_role("dialog", name="Choose a site and a library")
        expect(dialog.get_by_label("Site", exact=True).locator("option")).not_to_have_count(0)
        dialog.get_by_label("Search sites").fill("projects")
        dialog.get_by_role("button", name="Search").click()
        expect(dialog.get_by_label("Site", exact=True).locator("option")).to_have_count(1)
        dialog.get_by_label("Document library").select_option(label="KazinexDocuments")
        dialog.get_by_label("Folder").fill("Drawings")
        look(visit, "sharepoint-site")
        dialog.get_by_role("button", name="Save").click()
        expect(visit.card("SharePoint Online")).to_contain_text("projects / KazinexDocuments / Drawings")

        dialog = run_test(visit, "SharePoint Online")
        expect(dialog.get_by_text("The connection works")).to_be_visible()
        look(visit, "sharepoint-verified")
        dialog.get_by_role("button", name="Set as Default").click()
        expect(page.locator(".flow")).to_contain_text("SharePoint Online")

        file = tmp_path / "plan.pdf"
        file.write_bytes(b"%PDF-1.7 plan" * 200_000)
        visit.go("projects/river-bridge")
        shown = upload(visit, file, "DRG-0042")
        expect(shown.get_by_text("Stored · 2.5 MB")).to_be_visible()
        page.get_by_role("button", name="Revisions of DRG-0042").click()
        with page.expect_download() as got:
            page.get_by_role("link", name="Download plan.pdf").click()
        assert file.read_bytes() == got.value.path().read_bytes()

        stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        assert '[{},{"organisation":"acme"},""]' == stored, "no token, no code"


def test_who_declines_at_microsoft_is_told_so(browser: Browser, service: Service) -> None:
    with visiting(browser, service, ignore_https_errors=True) as visit:
        page = visit.page
        page.get_by_role("button", name="Connect SharePoint Online").click()
        page.get_by_role("button", name="Connect to Microsoft 365").click()
        page.get_by_role("heading", name="Permissions requested").wait_for()  # our dialog has a Cancel too
        page.get_by_role("button", name="Cancel").click()

        expect(page.get_by_role("dialog", name="SharePoint Online was not connected")).to_contain_text(
            "did not grant access"
        )
