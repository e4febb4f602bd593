"""Settings -> Storage as the guides walk through it: Configure, Save, Test Connection, Set as Default, override."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import CorsRule
from playwright.sync_api import expect

from kazinex_storage import ManagedProvider, Organisations
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.testing.emulators.cloudflare import r2_front
from kazinex_storage.testing.servers import azurite

from ...services import azure_options, r2_options
from ..serving import serving
from .conftest import upload, visiting

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Locator

    from kazinex_storage.testing.emulators.cloudflare import R2Front
    from kazinex_storage.testing.servers import AzuriteServer, S3Server

    from ..serving import Service
    from .conftest import Visit


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


@pytest.fixture
def front(ministack_server: S3Server) -> Iterator[R2Front]:
    """R2 as strict as it is."""
    with r2_front(ministack_server) as running:
        yield running


def configure(visit: Visit, card: str, fields: dict[str, str]) -> None:
    """Fill in the form of a kind and save it; fields are named as people read them."""
    page = visit.page
    page.get_by_role("button", name=f"Configure {card}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("More settings").click()
    enter(dialog, fields)
    dialog.get_by_role("button", name="Save").click()
    dialog.wait_for(state="detached")


def enter(dialog: Locator, fields: dict[str, str]) -> None:
    for name, value in fields.items():
        dialog.get_by_label(re.compile(rf"^{name}( \(optional\))?$")).fill(value)


def run_test(visit: Visit, label: str) -> Locator:
    """Press Test Connection and return the dialog once the report is there."""
    visit.card(label).get_by_role("button", name="Test Connection").click()
    dialog = visit.page.get_by_role("dialog", name="Test Connection")
    dialog.get_by_text(re.compile(r"The connection (works|does not work)")).wait_for()
    return dialog


def test_r2_is_configured_as_the_guide_says(browser: Browser, service: Service, front: R2Front, look: Any) -> None:
    """A wrong secret first: the failed step says what is wrong and how to mend it, and the badge turns red."""
    bucket = front.make_bucket("kazinex-documents")
    options = r2_options(front, [bucket])
    right = options["secret_access_key"]
    wrong = right[::-1]
    with visiting(browser, service) as visit:
        page = visit.page
        look(visit, "storage-empty")
        page.get_by_role("button", name="Configure R2 Cloudflare").click()
        dialog = page.get_by_role("dialog")
        names = {
            "Label": "Our R2",
            "Account ID": options["account_id"],
            "Access Key ID": options["access_key_id"],
            "Secret Access Key": wrong,
            "Bucket name": bucket,
        }
        enter(dialog, names)
        look(visit, "r2-configure")
        dialog.get_by_text("More settings").click()
        enter(dialog, {"Endpoint URL": options["endpoint_url"]})
        dialog.get_by_role("button", name="Save").click()
        expect(visit.card("Our R2").get_by_text("Pending")).to_be_visible()
        look(visit, "r2-pending")

        dialog = run_test(visit, "Our R2")
        expect(dialog.get_by_text("The connection does not work")).to_be_visible()
        expect(dialog.locator(".failed .notice").first).to_contain_text("the secret access key does not belong to it")
        look(visit, "r2-failed")
        dialog.get_by_role("button", name="Close").click()
        card = visit.card("Our R2")
        expect(card.get_by_text("Failed", exact=True)).to_be_visible()
        expect(card.get_by_role("button", name="Set as Default")).to_have_count(0)

        card.get_by_role("button", name="Configure").click()
        dialog = page.get_by_role("dialog")
        secret = dialog.get_by_label("Secret Access Key")
        assert "" == secret.input_value(), "secrets go in and never come out"
        secret.fill(right)
        dialog.get_by_role("button", name="Save").click()
        dialog.wait_for(state="detached")

        dialog = run_test(visit, "Our R2")
        expect(dialog.get_by_text("The connection works")).to_be_visible()
        expect(dialog.get_by_text("Write a test object")).to_be_visible()
        look(visit, "r2-verified")
        dialog.get_by_role("button", name="Set as Default").click()
        expect(visit.card("Our R2").get_by_text("Default", exact=True)).to_be_visible()
        expect(page.locator(".flow")).to_contain_text("Our R2")
        look(visit, "r2-default")

        visit.card("Our R2").get_by_role("button", name="Configure").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Secret Access Key").fill(wrong)
        dialog.get_by_role("button", name="Prove and Switch").click()
        expect(dialog.get_by_role("alert")).to_contain_text("what was in use stays in use")
        dialog.get_by_role("button", name="Cancel").click()
        expect(visit.card("Our R2").get_by_text("Verified", exact=True)).to_be_visible()

        shown = page.content() + page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        )
        assert right not in shown
        assert wrong not in shown
    assert (
        service.organisations.organisation("acme").default_provider == service.organisations.find("acme", "Our R2").id
    )


@pytest.fixture
def own_azurite() -> Iterator[AzuriteServer]:
    """One whose rules for browsers are this test's."""
    with azurite() as server:
        yield server


def test_azure_is_configured_and_takes_files_from_the_browser(
    browser: Browser, service: Service, own_azurite: AzuriteServer, tmp_path: Path
) -> None:
    options = azure_options(own_azurite)
    with closing(own_azurite.client()) as witness:
        rule = CorsRule([service.address], ["GET", "PUT"], allowed_headers=["*"], exposed_headers=["*"])
        witness.set_service_properties(cors=[rule])
    file = tmp_path / "Plan 1:50.pdf"
    file.write_bytes(b"%PDF-1.7 plan" * 1_000_000)
    with visiting(browser, service) as visit:
        configure(
            visit,
            "Azure Blob",
            {
                "Account": options["account"],
                "Container": own_azurite.make_container(),
                "Account Key": options["account_key"],
                "Endpoint URL": options["endpoint_url"],
            },
        )
        dialog = run_test(visit, "Azure Blob")
        dialog.get_by_role("button", name="Set as Default").click()
        expect(visit.page.locator(".flow")).to_contain_text("Azure Blob")
        visit.go("projects/river-bridge")
        expect(upload(visit, file, "DRG-0042").get_by_text("Stored · 12.4 MB")).to_be_visible()


def test_wrong_settings_are_explained_at_their_fields(browser: Browser, service: Service) -> None:
    with visiting(browser, service) as visit:
        page = visit.page
        page.get_by_role("button", name="Configure R2 Cloudflare").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.get_by_label("Account ID")).to_be_focused()
        fields = {"Account ID": "not an id", "Access Key ID": "a" * 32, "Bucket name": "Documents"}
        enter(dialog, {**fields, "Secret Access Key": "b" * 64})
        dialog.get_by_role("button", name="Save").click()

        bucket = dialog.get_by_label("Bucket name")
        expect(bucket).to_have_attribute("aria-invalid", "true")
        expect(dialog.get_by_text("R2 has no bucket with a capital letter in its name").first).to_be_visible()
        assert "b" * 64 not in page.content()


def test_a_project_gets_a_provider_of_its_own(browser: Browser, service: Service, tmp_path: Path) -> None:
    with visiting(browser, service) as visit:
        page = visit.page
        for label in ("Office", "Archive"):
            folder = tmp_path / label
            folder.mkdir()
            configure(visit, "Local", {"Label": label, "Root": str(folder)})
            dialog = run_test(visit, label)
            dialog.get_by_role("button", name="Close").click()
        visit.card("Office").get_by_role("button", name="Configure").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("More settings").click()
        enter(dialog, {"Lock Timeout.*": "7"})
        dialog.get_by_role("button", name="Prove and Switch").click()
        dialog.wait_for(state="detached")
        expect(visit.card("Office").get_by_text("Verified", exact=True)).to_be_visible()
        visit.card("Office").get_by_role("button", name="Set as Default").click()
        expect(page.locator(".flow")).to_contain_text("Office")

        visit.go("projects/station-east")
        page.get_by_label("Provider", exact=True).select_option(label="Archive (Local)")
        page.get_by_role("region", name="Storage provider of this project").get_by_role("button", name="Save").click()
        expect(page.get_by_text("go to their own provider")).to_be_visible()

        visit.go("storage")
        expect(visit.card("Archive")).to_contain_text("station-east")
        visit.card("Archive").get_by_label("More for Archive").click()
        page.get_by_role("button", name="Remove provider").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove provider").click()
        expect(page.get_by_role("dialog", name="It was not removed")).to_contain_text("station-east")


def test_file_types_are_restricted(browser: Browser, service: Service, look: Any) -> None:
    with visiting(browser, service) as visit:
        page = visit.page
        visit.go("restrictions")
        expect(page.get_by_text("Every type of file is accepted")).to_be_visible()
        page.get_by_label("Add Type", exact=True).fill("exe")
        page.keyboard.press("Enter")
        expect(page.get_by_text("never allowed").first).to_be_visible()
        page.get_by_label("Add Type", exact=True).fill(".rvt")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Add the recommended types").click()
        page.get_by_role("button", name="Remove .zip").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("The allowed types were saved")).to_be_visible()
        look(visit, "file-restrictions")

    allowed = service.organisations.organisation("acme").allowlist
    assert {"rvt", "pdf", "ifc"} <= set(allowed)
    assert not {"zip", "exe"} & set(allowed)


def test_the_provider_of_the_platform_is_shown_and_cannot_be_configured(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    managed = ManagedProvider(kind="local", label="Supabase", settings={"root": str(tmp_path / "platform")})
    organisations = Organisations(MemoryCatalogue(), managed=managed)
    with serving(organisations=organisations) as service, visiting(browser, service) as visit:
        card = visit.card("Supabase")
        for text in ("Verified", "Default", "Managed", "Standard", "50 MB", "contact support"):
            expect(card).to_contain_text(text)
        expect(card.get_by_role("button")).to_have_count(0)
        assert "platform" not in visit.page.inner_text("main").replace("Managed by the platform", "")
