"""Encryption that the settings of a provider ask for: of an organisation, of the command line, of file systems."""

from __future__ import annotations

from pathlib import Path

import pyrage
import pytest

from kazinex_storage.documents.store import DocumentStore
from kazinex_storage.encryption.age import recipient_of
from kazinex_storage.encryption.bech32 import encode
from kazinex_storage.errors import SealError, SettingsError
from kazinex_storage.fs import LocalDiskFileSystem
from kazinex_storage.keys import DocumentKey
from kazinex_storage.organisations.keyfile import KeyFile
from kazinex_storage.organisations.resolver import Resolver
from kazinex_storage.organisations.sealing import Sealer
from kazinex_storage.organisations.service import Organisations
from kazinex_storage.organisations.sql import SqlCatalogue
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.registry import default_registry
from kazinex_storage.storage.sync import Storage
from kazinex_storage.types import ByteRange
from kazinex_storage.verification.verify import verify_provider

IDENTITY, OTHER = (encode("age-secret-key-", bytes([digit] * 32)).upper() for digit in (5, 6))  # fake
BODY = b"%PDF-1.7 secret"


@pytest.fixture
def organisations(tmp_path: Path) -> Organisations:
    (tmp_path / "objects").mkdir()
    catalogue = SqlCatalogue(f"sqlite:///{tmp_path / 'catalogue.db'}", Sealer(KeyFile(tmp_path / "sealing.key")))
    return Organisations(catalogue)


def test_an_organisation_encrypts_what_one_of_its_providers_holds(organisations: Organisations, tmp_path: Path) -> None:
    settings = {"root": str(tmp_path / "objects"), "age_identities": f"{IDENTITY} {OTHER}"}
    record = organisations.add_provider("org1", "local", "disk", settings)
    assert verify_provider(organisations, "org1", record.id).ok
    organisations.set_default("org1", record.id)
    documents = DocumentStore(Resolver(organisations))
    key = DocumentKey(organisation="org1", project="P-1", document="DRG-1", revision="A", filename="a.pdf")

    receipt = documents.upload(key, BODY)

    assert BODY == documents.open(receipt).read()
    assert (len(BODY), documents.check(receipt).value) == (receipt.size, "intact")
    held = (tmp_path / "objects" / receipt.key).read_bytes()
    assert BODY == pyrage.decrypt(held, [pyrage.x25519.Identity.from_str(OTHER)])


def test_a_ticket_leads_through_the_route_of_the_host(organisations: Organisations, tmp_path: Path) -> None:
    settings = {"root": str(tmp_path / "objects"), "age_identities": IDENTITY}
    record = organisations.add_provider("org1", "local", "disk", settings)
    assert verify_provider(organisations, "org1", record.id).ok
    organisations.set_default("org1", record.id)
    documents = DocumentStore(Resolver(organisations), upload_route="https://host.example/direct")
    key = DocumentKey(organisation="org1", project="P-1", document="DRG-1", revision="A", filename="a.pdf")

    ticket = documents.begin_direct_upload(key, len(BODY))
    documents.receive_direct_upload(str(ticket.parts[0].request.url).rpartition("/")[2], BODY)
    receipt = documents.confirm_direct_upload(ticket)

    assert BODY == documents.open(receipt).read()
    assert BODY not in (tmp_path / "objects" / receipt.key).read_bytes()


def test_identities_are_sealed_in_the_catalogue_and_shown_nowhere(organisations: Organisations, tmp_path: Path) -> None:
    settings = {"root": str(tmp_path / "objects"), "age_identities": IDENTITY, "age_recipients": recipient_of(OTHER)}

    record = organisations.add_provider("org1", "local", "disk", settings)

    assert ("age_identities",) == record.secrets.names
    assert IDENTITY not in str(record.public()) + repr(record)
    assert IDENTITY.encode() not in (tmp_path / "catalogue.db").read_bytes()
    organisations.update_provider("org1", record.id, settings={"age_recipients": recipient_of(IDENTITY)})


def test_settings_that_ask_for_encryption_never_open_without_it(tmp_path: Path) -> None:
    settings = LocalSettings.model_validate({"root": str(tmp_path), "age_identities": IDENTITY})

    with pytest.raises(SettingsError, match="ask for encryption"):
        LocalProvider(settings)
    with Storage(default_registry().open("local", settings)) as storage:
        storage.put("a", BODY)
    assert BODY not in (tmp_path / "a").read_bytes()


@pytest.mark.parametrize("field", ["age_identities", "age_recipients"])
def test_keys_that_are_none_are_refused_with_the_settings(tmp_path: Path, field: str) -> None:
    with pytest.raises(SettingsError, match="of age begins with") as caught:
        default_registry().parse_settings("local", {"root": str(tmp_path), field: "AGE-SECRET-KEY-1WRONG"})

    assert "1WRONG" not in str(caught.value)


def test_a_file_system_encrypts_and_reads_spans(tmp_path: Path) -> None:
    fs = LocalDiskFileSystem(root=str(tmp_path), age_identities=IDENTITY)

    fs.pipe("a", BODY)

    assert b"secret" == fs.cat_file("a", start=9)
    assert len(BODY) == fs.info("a")["size"]
    with pytest.raises(SealError):
        LocalDiskFileSystem(root=str(tmp_path), age_identities=OTHER).cat_file("a")
    assert BODY != LocalDiskFileSystem(root=str(tmp_path)).cat_file("a")
    with fs.open("b", "wb") as file:
        file.write(BODY)
    assert BODY[:4] == Storage(default_registry().open("local", _settings(tmp_path))).get_bytes("b", ByteRange(end=4))


def _settings(root: Path) -> LocalSettings:
    return LocalSettings.model_validate({"root": str(root), "age_identities": IDENTITY})
