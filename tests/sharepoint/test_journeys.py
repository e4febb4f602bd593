"""What documents go through on SharePoint alone; ``tests/journeys/test_services.py`` has what every service owes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kazinex_storage import (
    DocumentKey,
    DocumentStore,
    IntegrityError,
    IntegrityState,
    NotFoundError,
    Organisations,
    ReconnectRequiredError,
    Resolver,
    StoredDocument,
    verify_provider,
)
from kazinex_storage.errors import InvalidKeyError
from kazinex_storage.organisations import MemoryCatalogue, ProviderStatus
from kazinex_storage.providers.sharepoint.hashing import quickxor_of
from kazinex_storage.testing.emulators.graph import App, GraphEmulator, graph_emulator
from kazinex_storage.testing.emulators.tls import CertificateAuthority, certificate_authority

PDF = b"%PDF-1.7 drawing"


class World:
    """Organisations that share one library, each below its own folder."""

    def __init__(self, emulator: GraphEmulator, authority: CertificateAuthority) -> None:
        self.emulator = emulator
        self.site = emulator.add_site("sites/projects", ["Documents", "Plans"])
        self.app: App = emulator.add_app(secret="example-secret")  # noqa: S106  # no real one
        self.settings: dict[str, object] = {
            "tenant_id": emulator.tenant,
            "client_id": self.app.client_id,
            "client_secret": "example-secret",
            "site_url": self.site.url,
            "library": "Plans",
            "root_folder": "Kazinex",
            "login_url": emulator.login_url,
            "graph_url": emulator.graph_url,
            "ca_file": authority.ca_file,
        }
        self.organisations = Organisations(MemoryCatalogue())
        self.resolver = Resolver(self.organisations)
        self.documents = DocumentStore(self.resolver)

    def add(self, organisation: str, **settings: object) -> str:
        record = self.organisations.add_provider(organisation, "sharepoint", "library", {**self.settings, **settings})
        report = verify_provider(self.organisations, organisation, record.id)
        assert report.ok, report.failure
        self.organisations.set_default(organisation, record.id)
        return record.id


@pytest.fixture(scope="module")
def authority() -> Iterator[CertificateAuthority]:
    with certificate_authority() as found:
        yield found


@pytest.fixture
def world(authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    with graph_emulator(authority) as emulator:
        world = World(emulator, authority)
        yield world
        world.resolver.close()
        world.organisations.close()


def document(organisation: str = "acme", revision: str = "P01") -> DocumentKey:
    return DocumentKey(organisation, "bridge", "DRG-1", revision, "Plan Ü 1.pdf")


def test_a_document_is_in_the_library_under_its_name(world: World) -> None:
    world.add("acme")

    world.documents.upload(document(), PDF)

    assert PDF == world.site.drives[1].find("Kazinex/acme/bridge/DRG-1/P01/Plan Ü 1.pdf").content


def test_a_drawing_that_the_service_rewrites_is_kept_and_can_be_read(world: World) -> None:
    world.add("acme")
    world.site.drives[1].rewrites = True

    receipt = world.documents.upload(document(), PDF)

    assert hashlib.sha256(PDF).hexdigest() == receipt.sha256
    with pytest.raises(IntegrityError):
        world.documents.open(receipt).read()
    with pytest.raises(IntegrityError):
        world.documents.get_bytes(receipt)
    with world.documents.open(receipt, accept_rewritten=True) as file:
        assert file.read().startswith(PDF)
    assert world.documents.get_bytes(receipt, accept_rewritten=True).startswith(PDF)
    assert b"".join(world.documents.stream(receipt, accept_rewritten=True)).startswith(PDF)


def test_an_organisation_that_differs_in_case_gets_nothing(world: World) -> None:
    world.add("ACME")
    world.documents.upload(document("ACME"), PDF)
    record = world.organisations.add_provider("acme", "sharepoint", "library", world.settings)
    world.organisations.record_verification(record, ok=True)
    world.organisations.set_default("acme", record.id)

    with pytest.raises(InvalidKeyError, match="ignores case"):
        world.documents.upload(document("acme"), b"%PDF-1.7 mine")
    with pytest.raises(NotFoundError):
        world.documents.open(document("acme"))

    with world.documents.open(document("ACME")) as file:
        assert PDF == file.read()


def test_a_person_connects_and_the_refresh_token_moves_on_in_the_catalogue(world: World) -> None:
    first = world.emulator.state.issue_refresh(world.app.client_id)
    provider = world.add("acme", refresh_token=first)

    world.documents.upload(document(), PDF)

    record = world.organisations.find("acme", provider)
    kept = record.secrets.reveal()["refresh_token"]
    assert first != kept
    assert kept in world.emulator.state.refresh_tokens
    assert ProviderStatus.VERIFIED is record.status


def test_a_connection_that_was_revoked_asks_for_a_person(world: World) -> None:
    world.add("acme", refresh_token=world.emulator.state.issue_refresh(world.app.client_id))
    world.emulator.state.refresh_tokens.clear()
    world.emulator.state.expire_tokens()
    fresh = DocumentStore(Resolver(world.organisations))

    with pytest.raises(ReconnectRequiredError, match="connect again"):
        fresh.upload(document(), PDF)


def test_settings_with_their_secrets_are_not_shown(world: World) -> None:
    provider = world.add("acme")
    record = world.organisations.find("acme", provider)

    assert "example-secret" not in repr(record)
    assert "example-secret" not in repr(world.organisations.settings(record))
    assert "example-secret" not in repr(world.organisations.open(record).library.target)  # type: ignore[union-attr]


def changed(world: World, content: bytes, author: str | None) -> None:
    """Replace the stored drawing behind everybody's back."""
    drive = world.site.drives[1]
    node = drive.find("Kazinex/acme/bridge/DRG-1/P01/Plan Ü 1.pdf")
    drive.store(node.parent or node, node.name, node, content, "application/pdf")
    node.author = author


def test_a_drawing_is_intact_until_the_service_rewrites_it(world: World, tmp_path: Path) -> None:
    world.add("acme")
    receipt = world.documents.upload(document(), PDF)
    assert IntegrityState.INTACT is world.documents.check(receipt)

    changed(world, PDF + b" promoted", world.app.client_id)

    assert IntegrityState.PROVIDER_MUTATED is world.documents.check(receipt)
    for read in (world.documents.open, world.documents.stream, world.documents.get_bytes):
        with pytest.raises(IntegrityError, match="accept_rewritten"):
            read(receipt)
    with pytest.raises(IntegrityError, match="accept_rewritten"):
        world.documents.download(receipt, tmp_path / "plan.pdf")
    assert [] == list(tmp_path.iterdir())
    with world.documents.open(receipt, accept_rewritten=True) as file:
        assert PDF + b" promoted" == file.read()
    assert PDF + b" promoted" == b"".join(world.documents.stream(receipt, accept_rewritten=True))
    world.documents.download(receipt, tmp_path / "plan.pdf", accept_rewritten=True)
    assert PDF + b" promoted" == (tmp_path / "plan.pdf").read_bytes()


def _forged(paper: bytes) -> bytes:
    """Return other bytes of the same size and the same quickXorHash."""
    found = bytearray(paper.replace(b"1000", b"9999"))
    for place in [place for place, byte in enumerate(paper) if found[place] != byte]:
        found[place + 160] ^= paper[place] ^ found[place]
    assert quickxor_of(paper) == quickxor_of(found)
    return bytes(found)


PAPER = b"%PDF-1.7 PAY 1000 EUR to A" + b"x" * 900


@pytest.mark.parametrize("accept", [False, True], ids=["", "rewritten files are accepted"])
@pytest.mark.parametrize("how", ["another author", "days later", "another file", "before the upload"])
def test_a_forgery_of_the_same_quickxorhash_is_tampering(world: World, tmp_path: Path, how: str, accept: bool) -> None:
    world.add("acme")
    receipt = world.documents.upload(document(), PAPER)
    assert receipt.stored_at is not None
    drive = world.site.drives[1]
    node = drive.find("Kazinex/acme/bridge/DRG-1/P01/Plan Ü 1.pdf")
    if how == "another file":
        folder = node.parent
        assert folder is not None
        drive.delete(node, for_ever=True)
        node = drive.store(folder, node.name, None, _forged(PAPER), "application/pdf")
    else:
        changed(world, _forged(PAPER), world.app.client_id)
    node.author = "someone-else" if how == "another author" else world.app.client_id
    if how == "days later":
        node.modified = receipt.stored_at + timedelta(days=3)
    elif how == "before the upload":
        node.modified = receipt.stored_at - timedelta(days=3)

    assert IntegrityState.TAMPERED is world.documents.check(receipt)
    for read in (world.documents.open, world.documents.stream, world.documents.get_bytes):
        with pytest.raises(IntegrityError):
            read(receipt, accept_rewritten=accept)
    with pytest.raises(IntegrityError):
        world.documents.download(receipt, tmp_path / "plan.pdf", accept_rewritten=accept)
    assert [] == list(tmp_path.iterdir())


def test_a_drawing_that_was_rewritten_at_the_upload_is_reported_as_such(world: World) -> None:
    world.add("acme")
    world.site.drives[1].rewrites = True

    receipt = world.documents.upload(document(), PDF)

    assert IntegrityState.PROVIDER_MUTATED is world.documents.check(receipt)
    assert IntegrityState.PROVIDER_MUTATED is world.documents.check(StoredDocument.from_dict(receipt.to_dict()))


def test_a_drawing_that_a_person_changed_is_tampered_with_and_stays(world: World, tmp_path: Path) -> None:
    world.add("acme")
    receipt = world.documents.upload(document(), PDF)

    changed(world, b"%PDF-1.7 forgery", "someone-else")

    assert IntegrityState.TAMPERED is world.documents.check(receipt)
    with pytest.raises(IntegrityError):
        world.documents.download(receipt, tmp_path / "plan.pdf")
    assert not (tmp_path / "plan.pdf").exists()
    assert b"%PDF-1.7 forgery" == world.site.drives[1].find("Kazinex/acme/bridge/DRG-1/P01/Plan Ü 1.pdf").content
