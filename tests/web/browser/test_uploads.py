"""Uploads by ticket in the browser: straight to the service or to the signed route, with progress, resumed, refused."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from kazinex_storage import DocumentKey, verify_provider
from kazinex_storage.testing.emulators.cloudflare import Kind, RequestFault, r2_front

from ...services import r2_options
from ..serving import serving
from .conftest import until, upload, visiting

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from kazinex_storage.testing.emulators.cloudflare import R2Front
    from kazinex_storage.testing.servers import S3Server

    from ..serving import Service

MIB = 1024 * 1024
LARGE = 200 * MIB


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


@pytest.fixture
def front(ministack_server: S3Server) -> Iterator[R2Front]:
    with r2_front(ministack_server) as running:
        yield running


def has_default(service: Service, kind: str, settings: dict[str, Any]) -> str:
    """Give the organisation a verified default; return its id."""
    organisations = service.organisations
    record = organisations.add_provider("acme", kind, "Place", settings)
    report = verify_provider(organisations, "acme", record.id)
    assert report.ok, report.failure
    organisations.set_default("acme", record.id)
    return record.id


def on_r2(service: Service, front: R2Front) -> str:
    front.rules.browser_origins = (service.address,)
    bucket = front.make_bucket()
    return has_default(service, "r2", {"bucket": bucket, **r2_options(front, [bucket])})


def large(folder: Path, size: int) -> tuple[Path, str]:
    """Write a file of *size* bytes, each MiB different; return its sha256 as well."""
    file, digest = folder / "Point cloud.pdf", hashlib.sha256()
    with file.open("wb") as target:
        for number in range(size // MIB):
            block = (b"%PDF-1.7" if number == 0 else b"%8d" % number) * (MIB // 8)
            digest.update(block)
            target.write(block)
    return file, digest.hexdigest()


def test_200_mb_go_straight_to_r2_with_progress_and_come_back(
    browser: Browser, service: Service, front: R2Front, tmp_path: Path, look: Any
) -> None:
    on_r2(service, front)
    file, sha256 = large(tmp_path, LARGE)
    with visiting(browser, service) as visit:
        page = visit.page
        visit.go("projects/river-bridge")
        before = len(front.log)

        shown = upload(visit, file, "SCN-0001")
        expect(shown.get_by_text(re.compile(r"of 200 MB · [1-9]\d? %"))).to_be_visible()
        look(visit, "upload-progress")
        expect(shown.get_by_text("Stored · 200 MB")).to_be_visible(timeout=60_000)

        parts = [seen for seen in front.log[before:] if seen.method == "PUT" and "partNumber" in seen.query]
        assert len(parts) > 10, "the browser sent the parts to the service itself"
        page.get_by_role("button", name="Revisions of SCN-0001").click()
        with page.expect_download() as got:
            page.get_by_role("link", name="Download Point cloud.pdf").click()
        assert "Point cloud.pdf" == got.value.suggested_filename
        assert sha256 == hashlib.sha256(got.value.path().read_bytes()).hexdigest()


def test_a_part_that_breaks_off_is_sent_again(
    browser: Browser, service: Service, front: R2Front, tmp_path: Path
) -> None:
    on_r2(service, front)
    file, _ = large(tmp_path, 24 * MIB)
    front.faults.add(RequestFault(kind=Kind.CUT_BEFORE, method="PUT", contains="partNumber=2&"))
    with visiting(browser, service) as visit:
        visit.go("projects/river-bridge")

        shown = upload(visit, file, "SCN-0002")

        expect(shown.get_by_text("Stored · 24 MB")).to_be_visible(timeout=30_000)


def test_a_local_disk_gets_files_by_the_signed_route(browser: Browser, service: Service, tmp_path: Path) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    has_default(service, "local", {"root": str(root)})
    file = tmp_path / "Brücke Übersicht Ø 12 m 橋梁.pdf"
    file.write_bytes(b"%PDF-1.7 plan")
    with visiting(browser, service) as visit:
        page = visit.page
        visit.go("projects/river-bridge")

        expect(upload(visit, file, "DRG-0042").get_by_text("Stored · 13 bytes")).to_be_visible()
        expect(upload(visit, file, "DRG-0042", "P02").get_by_text("Stored · 13 bytes")).to_be_visible()

        page.get_by_role("button", name="Revisions of DRG-0042").click()
        expect(page.locator(".revision")).to_have_count(2)
        with page.expect_download() as got:
            page.get_by_role("link", name="revision P02").click()
        assert file.name == got.value.suggested_filename
        assert b"%PDF-1.7 plan" == got.value.path().read_bytes()


def test_refusals_are_explained_and_nothing_is_sent(
    browser: Browser, service: Service, tmp_path: Path, look: Any
) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    has_default(service, "local", {"root": str(root)})
    service.organisations.set_allowlist("acme", ["pdf"])
    program, plan = tmp_path / "setup.exe", tmp_path / "plan.pdf"
    program.write_bytes(b"MZ")
    plan.write_bytes(b"%PDF-1.7 plan")
    with visiting(browser, service) as visit:
        visit.go("projects/river-bridge")

        refused = upload(visit, program, "PRG-1")
        expect(refused.get_by_role("alert")).to_contain_text("allowed are .pdf")
        look(visit, "upload-refused")
        expect(upload(visit, plan, "DRG-1").get_by_text("Stored")).to_be_visible()
        again = upload(visit, plan, "DRG-1")
        expect(again.get_by_role("alert")).to_be_visible()

    assert [] == list(root.rglob("*.exe"))


def test_what_does_not_fit_its_name_is_removed_again(browser: Browser, service: Service, tmp_path: Path) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    has_default(service, "local", {"root": str(root)})
    service.organisations.set_allowlist("acme", ["pdf"])
    file = tmp_path / "plan.pdf"
    file.write_bytes(b"MZ\x90\x00 a program")
    with visiting(browser, service) as visit:
        visit.go("projects/river-bridge")

        shown = upload(visit, file, "DRG-2")

        expect(shown.get_by_role("alert")).to_be_visible()
    assert [] == list(root.rglob("plan.pdf"))


def test_an_upload_can_be_cancelled(browser: Browser, service: Service, front: R2Front, tmp_path: Path) -> None:
    on_r2(service, front)
    file, _ = large(tmp_path, 32 * MIB)
    with visiting(browser, service) as visit:
        visit.go("projects/river-bridge")
        # The service stalls, so that there is something to cancel.
        front.faults.add(RequestFault(kind=Kind.STALL, method="PUT", contains="partNumber=3&"))

        shown = upload(visit, file, "SCN-0003")
        expect(shown.get_by_text(re.compile(r"of 32 MB"))).to_be_visible()
        shown.get_by_role("button", name="Cancel").click()
        expect(shown.get_by_text("Cancelled")).to_be_visible()
        tickets = service.organisations.catalogue.tickets
        key = DocumentKey("acme", "river-bridge", "SCN-0003", "P01", file.name)
        until(lambda: {"aborted"} == {found.status for found in tickets.tickets_of(key)})
    front.faults.release()
