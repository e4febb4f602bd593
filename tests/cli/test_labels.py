"""``tags`` and ``storage-class`` from the shell."""

from __future__ import annotations

from pathlib import Path

from tests.services import azure_options, keys_of

from kazinex_storage import DocumentKey, open_organisations
from kazinex_storage.documents.store import DocumentStore
from kazinex_storage.organisations import Resolver
from kazinex_storage.testing.servers import AzuriteServer, S3Server

from .conftest import CommandLine
from .test_usage import disk as disk  # the fixture

DOCUMENT = "org-1/bridge/DRG-1/P01"
KEY = f"{DOCUMENT}/plan.pdf"


def store(cli: CommandLine, kind: str, settings: dict[str, object]) -> None:
    """Make a place the verified default of org-1, with one document."""
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})
    record = organisations.add_provider("org-1", kind, "Place", settings)
    organisations.record_verification(record, ok=True)
    organisations.set_default("org-1", "Place")
    resolver = Resolver(organisations)
    DocumentStore(resolver).upload(DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf"), b"%PDF-1.7")
    resolver.close()
    organisations.close()


def test_tags_are_set_and_removed_one_by_one(cli: CommandLine, ministack_server: S3Server) -> None:
    server, bucket = ministack_server, ministack_server.make_bucket()
    store(cli, "s3", {"bucket": bucket, "region": server.region, **keys_of(server)})

    empty = cli("tags", DOCUMENT)
    cli("tags", DOCUMENT, "--set", "state=draft", "--set", "sheet=1")
    changed = cli("tags", DOCUMENT, "--set", "state=approved=yes", "--remove", "sheet", "--remove", "absent", "--json")
    refused = cli("storage-class", DOCUMENT, "STANDARD_IA", "--json")
    wrong = cli("tags", DOCUMENT, "--set", "zustand=geprüft", "--json")

    assert (0, f"{KEY} has no tags") == (empty.code, empty.err.strip())
    assert {"key": KEY, "tags": {"state": "approved=yes"}} == changed.json
    assert ["state", "approved=yes"] == cli("tags", DOCUMENT).text.splitlines()[1].split()
    assert "written once" in refused.error["message"]
    assert (2, "the tag 'zustand' cannot") == (wrong.code, wrong.error["message"][:24])
    found = server.client().get_object_tagging(Bucket=bucket, Key=KEY)["TagSet"]
    assert [{"Key": "state", "Value": "approved=yes"}] == found


def test_a_storage_class_is_changed_in_place_and_shown(cli: CommandLine, azurite_server: AzuriteServer) -> None:
    store(cli, "azure_blob", {"container": azurite_server.make_container(), **azure_options(azurite_server)})

    assert {"key": KEY, "storage_class": "Cool"} == cli("storage-class", DOCUMENT, "Cool", "--json").json
    assert f"{KEY}: Cool\n" == cli("storage-class", DOCUMENT).text


def test_what_cannot_be_done_is_said(cli: CommandLine, disk: Path) -> None:
    assert disk.is_dir()

    assert "NotSupportedError" == cli("tags", DOCUMENT, "--json").error["type"]
    assert "NotSupportedError" == cli("storage-class", DOCUMENT, "COLD", "--json").error["type"]
    assert 2 == cli("tags", DOCUMENT, "--set", "state").code
    assert 2 == cli("tags", DOCUMENT, "--set", "a=1", "--remove", "a").code
    assert 4 == cli("tags", "org-1/bridge/DRG-9/P01").code
