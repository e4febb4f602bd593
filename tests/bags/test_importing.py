"""Imports: nothing of a bag that is not whole or not ours is stored, and what is stored came through the usual door."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import bagit
import pytest

from kazinex_storage import AccessDeniedError, IntegrityError, NotFoundError, Storage, StoredDocument
from kazinex_storage.keys import DocumentKey, ObjectKey
from kazinex_storage.migration.bags.exporting import export_bags
from kazinex_storage.migration.bags.importing import ImportReport, import_bags
from kazinex_storage.migration.bags.options import ImportOptions
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.types import PutOptions

from .conftest import DOCUMENTS, Home, fill

PLAN = "acme/bridge/DRG-1/P01/plan.pdf"


@pytest.fixture(scope="session")
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bags of acme; a test gets a copy."""
    root = tmp_path_factory.mktemp("bags")
    with closing(Home(root / "home")) as home:
        fill(home)
        gone = home.upload("acme/bridge/DRG-0/P01/gone.pdf", b"gone")
        home.documents.remove(gone, by="ann", reason="wrong drawing")
        export_bags(home.resolver, "acme", root / "out")
    return root / "out"


@pytest.fixture
def out(bags: Path, tmp_path: Path) -> Path:
    shutil.copytree(bags, tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Home]:
    """Another catalogue, with the same organisation and nothing in it."""
    found = Home(tmp_path / "fresh")
    found.add_disk("acme")
    yield found
    found.close()


def stored(home: Home, organisation: str = "acme") -> dict[str, bytes]:
    storage = home.provider(organisation)
    return {
        f"{organisation}/{info.key}": storage.get_bytes(info.key)
        for info in storage.list()
        if not info.key.startswith(".kazinex")
    }


def states(report: ImportReport) -> dict[EntryState, int]:
    return {state: count.objects for state, count in report.counts.items() if count.objects}


def test_what_was_exported_comes_back_with_receipts_and_removals(out: Path, fresh: Home) -> None:
    receipts: list[StoredDocument] = []

    report = import_bags(fresh.resolver, "acme", out, on_receipt=receipts.append)

    assert report.whole
    assert {**DOCUMENTS, "acme/notes/readme.txt": b"read me"} == stored(fresh)
    assert set(DOCUMENTS) == {receipt.key for receipt in receipts}
    for receipt in receipts:
        assert DOCUMENTS[receipt.key] == fresh.documents.get_bytes(receipt)
    assert 1 == report.removals
    with pytest.raises(Exception, match="wrong drawing"):
        fresh.upload("acme/bridge/DRG-0/P01/gone.pdf", b"other bytes")


def test_properties_of_objects_and_types_of_documents_are_kept(filled: Home, fresh: Home, tmp_path: Path) -> None:
    options = PutOptions(content_type="text/x-log", content_language="de", metadata={"colour": "blue"})
    filled.resolver.storage_for("acme").put("logs/today", b"...", options)
    filled.documents.upload(DocumentKey.parse("acme/bridge/T/1/odd.bin"), b"1", content_type="model/ifc")
    export_bags(filled.resolver, "acme", tmp_path / "out")

    import_bags(fresh.resolver, "acme", tmp_path / "out")

    found = fresh.provider("acme").head("logs/today")
    assert ("text/x-log", "de", {"colour": "blue"}) == (found.content_type, found.content_language, found.metadata)
    assert "model/ifc" == fresh.provider("acme").head("bridge/T/1/odd.bin").content_type


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of the payload": (lambda bag: flip(bag / "data" / PLAN), "was altered"),
    "a shorter payload": (lambda bag: (bag / "data" / PLAN).write_bytes(b"%PDF"), "Payload-Oxum"),
    "no payload": (lambda bag: (bag / "data" / PLAN).unlink(), "is missing"),
    "another payload": (lambda bag: (bag / "data/acme/bridge/DRG-1/P01/b.pdf").write_bytes(b"%PDF"), "in no manifest"),
    "the manifest": (lambda bag: flip(bag / "manifest-sha256.txt"), "manifest"),
    "no manifest": (lambda bag: (bag / "manifest-sha256.txt").unlink(), "no manifest"),
    "a receipt": (lambda bag: flip(bag / "kazinex/objects/00000000.jsonl"), "was altered"),
    "a removal": (lambda bag: flip(bag / "kazinex/removals.jsonl"), "was altered"),
    "one more tag file": (lambda bag: (bag / "kazinex/more.jsonl").write_bytes(b"{}"), "in no manifest of tag"),
    "no manifest of tag files": (lambda bag: (bag / "tagmanifest-sha256.txt").unlink(), "in no manifest of tag"),
    "no end": (lambda bag: (bag / "bagit.txt").unlink(), "an export that has not ended"),
    "another version": (lambda bag: (bag / "bagit.txt").write_bytes(b"BagIt-Version: 9\n"), "version"),
    "files elsewhere": (lambda bag: (bag / "fetch.txt").write_bytes(b"http://x/ 1 data/a\n"), "elsewhere"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_of_an_altered_bag_nothing_is_stored_and_nothing_of_those_beside_it(what: str, out: Path, fresh: Home) -> None:
    tamper, why = TAMPERED[what]
    tamper(out / "bridge")

    with pytest.raises(IntegrityError, match=why):
        import_bags(fresh.resolver, "acme", out)

    assert {} == stored(fresh)
    assert 0 == fresh.runs("acme")


@pytest.mark.parametrize("path", ["data/../../secret.pdf", "../secret.pdf", "/etc/passwd", "data/acme/a/b/c/%0A.pdf"])
def test_a_manifest_that_leads_out_of_its_bag_is_refused(path: str, tmp_path: Path, fresh: Home) -> None:
    (tmp_path / "secret.pdf").write_bytes(b"secret")
    bag = tmp_path / "bags" / "bad"
    (bag / "data").mkdir(parents=True)
    (bag / "bagit.txt").write_bytes(b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    (bag / "manifest-sha256.txt").write_text(f"{hashlib.sha256(b'secret').hexdigest()}  {path}\n")

    with pytest.raises(IntegrityError, match=r"cannot be stored|not below data"):
        import_bags(fresh.resolver, "acme", tmp_path / "bags")

    assert {} == stored(fresh)


def test_the_bag_of_another_organisation_is_refused_unless_it_is_renamed(out: Path, fresh: Home) -> None:
    fresh.add_disk("globex")

    with pytest.raises(AccessDeniedError, match="of the organisation 'acme' and not of 'globex'"):
        import_bags(fresh.resolver, "globex", out)
    assert {} == stored(fresh, "globex")
    assert 0 == fresh.runs("globex")

    report = import_bags(fresh.resolver, "globex", out, options=ImportOptions(renamed_from="acme"))
    assert report.whole
    assert {key.replace("acme/", "globex/", 1) for key in DOCUMENTS} <= stored(fresh, "globex").keys()
    assert {} == stored(fresh, "acme")


def test_keys_of_another_organisation_in_a_bag_of_ours_are_refused(tmp_path: Path, fresh: Home) -> None:
    """A bag that claims to be ours, made by other tools, with a document of somebody else in it."""
    for key in (PLAN, "globex/bridge/DRG-1/P01/plan.pdf"):
        file = tmp_path / "bag" / key
        file.parent.mkdir(parents=True)
        file.write_bytes(b"%PDF")
    bagit.make_bag(str(tmp_path / "bag"))

    with pytest.raises(AccessDeniedError, match="not below 'data/acme/'"):
        import_bags(fresh.resolver, "acme", tmp_path / "bag")

    assert {} == stored(fresh)


def test_a_bag_of_other_tools_is_imported_if_its_paths_are_keys(tmp_path: Path, fresh: Home) -> None:
    for key, data in DOCUMENTS.items():
        file = tmp_path / "bag" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    bagit.make_bag(str(tmp_path / "bag"), checksums=["sha256", "sha512", "md5"])

    report = import_bags(fresh.resolver, "acme", tmp_path / "bag")

    assert report.whole
    assert DOCUMENTS == stored(fresh)


def test_large_documents_and_objects_are_streamed(filled: Home, fresh: Home, tmp_path: Path) -> None:
    large = bytes(range(256)) * 4096 * 5
    filled.upload("acme/bridge/BIG/P01/model.ifc", large)
    filled.provider("acme").put("scans/large.bin", large)
    export_bags(filled.resolver, "acme", tmp_path / "out")
    receipts: list[StoredDocument] = []

    report = import_bags(fresh.resolver, "acme", tmp_path / "out", on_receipt=receipts.append)

    assert report.whole
    assert large == stored(fresh)["acme/scans/large.bin"]
    (receipt,) = [each for each in receipts if each.key.endswith("model.ifc")]
    assert large == fresh.documents.get_bytes(receipt)
    again = import_bags(fresh.resolver, "acme", tmp_path / "out")
    assert {EntryState.SAME: 7} == states(again)


def test_names_with_line_breaks_are_refused_by_name(tmp_path: Path, fresh: Home) -> None:
    file = tmp_path / "bag/acme/bridge/DRG-1/P01/a\nb\r.pdf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"%PDF")
    bagit.make_bag(str(tmp_path / "bag"))

    with pytest.raises(IntegrityError, match="cannot be stored"):
        import_bags(fresh.resolver, "acme", tmp_path / "bag")

    assert {} == stored(fresh)


def test_the_same_bytes_are_left_alone_and_other_bytes_are_refused(out: Path, fresh: Home) -> None:
    fresh.upload(PLAN, DOCUMENTS[PLAN])
    fresh.upload("acme/tunnel/DRG-1/P01/section.dwg", b"other bytes")
    fresh.upload("acme/bridge/DRG-2/P01/another.txt", b"")
    fresh.provider("acme").put("notes/readme.txt", b"other")

    report = import_bags(fresh.resolver, "acme", out)

    assert {EntryState.STORED: 1, EntryState.SAME: 1, EntryState.REFUSED: 3} == states(report)
    assert not report.whole
    found = stored(fresh)
    assert (b"other bytes", b"other") == (found["acme/tunnel/DRG-1/P01/section.dwg"], found["acme/notes/readme.txt"])
    reasons = " ".join(entry.reason or "" for entry in report.failures)
    assert "other bytes" in reasons
    assert "has the file 'another.txt'" in reasons


def test_what_was_removed_after_the_export_stays_removed_unless_it_is_restored(filled: Home, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_bags(filled.resolver, "acme", out)
    filled.documents.remove(DocumentKey.parse(PLAN))

    refused = import_bags(filled.resolver, "acme", out)
    assert {EntryState.SAME: 4, EntryState.REFUSED: 1} == states(refused)
    assert PLAN not in stored(filled)

    restored = import_bags(filled.resolver, "acme", out, options=ImportOptions(restore_removed=True))
    assert {EntryState.SAME: 4, EntryState.STORED: 1} == states(restored)
    assert DOCUMENTS[PLAN] == stored(filled)[PLAN]


def test_what_the_organisation_does_not_allow_is_refused_before_anything_is_stored(out: Path, fresh: Home) -> None:
    fresh.organisations.set_allowlist("acme", ["pdf", "txt"])

    planned = import_bags(fresh.resolver, "acme", out, options=ImportOptions(dry_run=True))
    assert {EntryState.PLANNED: 4, EntryState.REFUSED: 1} == states(planned)
    assert ({}, 0) == (stored(fresh), fresh.runs("acme"))

    report = import_bags(fresh.resolver, "acme", out)
    assert ["tunnel/DRG-1/P01/section.dwg"] == [entry.key for entry in report.failures]
    assert 4 == len(stored(fresh))


def test_a_quota_holds_for_what_is_imported(out: Path, fresh: Home) -> None:
    fresh.organisations.set_quota("acme", max_bytes=64)

    report = import_bags(fresh.resolver, "acme", out)

    assert EntryState.FAILED in states(report)
    assert sum(len(data) for data in stored(fresh).values()) <= 64
    fresh.organisations.set_quota("acme")
    assert import_bags(fresh.resolver, "acme", out).whole


def test_a_bag_that_changes_after_it_was_checked_is_found_out_when_it_is_stored(out: Path, fresh: Home) -> None:
    reads = list[str]()

    class Changing(LocalProvider):
        """A disk on which a file changes after it was read once."""

        def get(self, key: ObjectKey, *arguments: Any) -> Any:
            found = super().get(key, *arguments)
            if key.endswith("section.dwg") and not reads:
                reads.append(key)
                flip(out / key)
            return found

    report = import_bags(fresh.resolver, "acme", Storage(Changing(LocalSettings(root=out))))

    assert 1 == len(reads)
    assert ["tunnel/DRG-1/P01/section.dwg"] == [entry.key for entry in report.failures]
    assert "acme/tunnel/DRG-1/P01/section.dwg" not in stored(fresh)


def test_a_folder_without_a_bag_is_no_import(tmp_path: Path, fresh: Home) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(NotFoundError, match="no bag"):
        import_bags(fresh.resolver, "acme", tmp_path / "empty")


def test_two_bags_with_the_same_key_are_refused(out: Path, fresh: Home) -> None:
    shutil.copytree(out / "bridge", out / "copy")

    with pytest.raises(IntegrityError, match="another bag has too"):
        import_bags(fresh.resolver, "acme", out)

    assert {} == stored(fresh)
