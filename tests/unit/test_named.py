"""Storages and document stores that are opened by name: a pickle has the name, and never a secret."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from kazinex_storage import (
    DiskCache,
    DocumentKey,
    NamedDocumentStore,
    ReadOnlyError,
    SettingsError,
    UploadPolicy,
    open_named,
    verify_provider,
)
from kazinex_storage.errors import FileTypeRefusedError
from kazinex_storage.organisations import open_organisations

SECRET = "ab" * 32

again_of = pickle.loads


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "plans").mkdir()
    monkeypatch.setenv("KAZINEX_STORAGE_PLANS_KIND", "local")
    monkeypatch.setenv("KAZINEX_STORAGE_PLANS_ROOT", str(tmp_path / "plans"))
    return tmp_path / "plans"


@pytest.mark.usefixtures("plans")
def test_a_storage_is_opened_again_where_its_pickle_arrives(tmp_path: Path) -> None:
    with open_named("plans") as storage:
        storage.put("p/a.pdf", b"%PDF")
        sent = tmp_path / "sent"
        sent.write_bytes(pickle.dumps(storage.scoped("p").read_only()))
    program = """
import pickle, sys
storage = pickle.load(open(sys.argv[1], "rb"))
assert storage.get_bytes("a.pdf") == b"%PDF"
try:
    storage.delete("a.pdf")
except PermissionError:
    storage.close()
else:
    sys.exit("it was removed")
"""

    run = subprocess.run([sys.executable, "-c", program, str(sent)], capture_output=True, text=True, check=False)

    assert (0, "") == (run.returncode, run.stderr)


@pytest.mark.usefixtures("plans")
def test_each_view_travels_as_it_is(tmp_path: Path) -> None:
    storage = open_named("plans")
    policy = UploadPolicy.make(kind="local", ceiling=10, extensions=frozenset({"pdf"}))
    view = storage.with_policy(policy).with_digest("sha256").limited(bandwidth="50MB/s")
    view = view.cached(DiskCache(tmp_path / "cache", 1000), space="x").scoped("p")

    again = again_of(pickle.dumps(view))

    with pytest.raises(FileTypeRefusedError):
        again.put("a.exe", b"1")
    again.put("a.pdf", b"1")
    assert again.get_bytes("a.pdf") == again.get_bytes("a.pdf") == storage.get_bytes("p/a.pdf") == b"1"
    with pytest.raises(ReadOnlyError):
        again_of(pickle.dumps(again.read_only())).put("b.pdf", b"1")


def test_no_secret_is_in_the_pickle_and_none_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_S3_SECRET_ACCESS_KEY", SECRET)
    public = {"bucket": "docs", "region": "eu-central-1", "access_key_id": "AKIDEXAMPLE"}
    storage = open_named("s3", public)

    sent = pickle.dumps(storage)

    assert SECRET.encode() not in sent
    assert storage.info.place == again_of(sent).info.place
    with pytest.raises(SettingsError, match="KAZINEX_STORAGE_S3_SECRET_ACCESS_KEY"):
        open_named("s3", {**public, "secret_access_key": SECRET})
    monkeypatch.delenv("KAZINEX_STORAGE_S3_SECRET_ACCESS_KEY")
    with pytest.raises(SettingsError):
        again_of(sent)
    with pytest.raises(SettingsError):
        open_named("../s3")


def test_a_document_store_is_opened_again_with_the_catalogue_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_HOME", str(tmp_path / "home"))
    (tmp_path / "root").mkdir()
    with contextlib.closing(open_organisations()) as organisations:
        record = organisations.add_provider("org-1", "local", "disk", {"root": str(tmp_path / "root")})
        assert verify_provider(organisations, "org-1", record.id).ok
        organisations.set_default("org-1", record.id)
    document = DocumentKey("org-1", "bridge", "DRG-1", "P01", "a.pdf")

    with NamedDocumentStore(organisation="org-1", by="importer") as documents:
        receipt = documents.upload(document, b"%PDF")
        sent, reading = pickle.dumps(documents.acting("somebody")), pickle.dumps(documents.read_only())

    with again_of(sent) as again:
        assert b"%PDF" == again.get_bytes(receipt)
    with again_of(reading) as again, pytest.raises(ReadOnlyError):
        again.remove(receipt)
