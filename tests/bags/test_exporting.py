"""Exports: everything an organisation has, in bags that the independent validator accepts, from and to any service."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import bagit
import pytest

from kazinex_storage import (
    AlreadyExistsError,
    LocationNotFoundError,
    RecordConflictError,
    Resolver,
    Storage,
    StoredDocument,
)
from kazinex_storage.documents.events import Event, RunBegun, RunEnded
from kazinex_storage.keys import DocumentKey
from kazinex_storage.migration.bags.exporting import ExportReport, export_bags
from kazinex_storage.migration.bags.importing import import_bags
from kazinex_storage.migration.bags.options import ExportOptions, ImportOptions
from kazinex_storage.migration.bags.places import bags_on
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.migration.rates import RateLimits
from kazinex_storage.providers.local import LocalProvider, LocalSettings

from ..journeys.services import service_of
from ..services import tenant
from .conftest import DOCUMENTS, Home, payload_of, validate


def test_an_organisation_is_packed_whole_a_bag_for_each_project(filled: Home, tmp_path: Path) -> None:
    report = export_bags(filled.resolver, "acme", tmp_path / "out")

    assert report.whole
    assert ["bridge", "tunnel", "+objects"] == [bag.name for bag in report.bags]
    assert {**DOCUMENTS, "acme/notes/readme.txt": b"read me"} == payload_of(tmp_path / "out")
    for bag in report.bags:
        found = validate(tmp_path / "out" / bag.name)
        assert "acme" == found.info["Source-Organization"]
        assert f"{bag.bytes}.{bag.objects}" == found.info["Payload-Oxum"]
        tags = (tmp_path / "out" / bag.name / "tagmanifest-sha256.txt").read_bytes()
        assert bag.tag_manifest == hashlib.sha256(tags).hexdigest()
    assert {"bridge", "tunnel", "+objects"} == {path.name for path in (tmp_path / "out").iterdir()}


def test_a_bag_has_the_receipts_of_its_documents_and_what_was_removed(filled: Home, tmp_path: Path) -> None:
    filled.documents.remove(DocumentKey.parse("acme/bridge/DRG-1/P01/plan.pdf"), by="ann", reason="superseded")

    export_bags(filled.resolver, "acme", tmp_path / "out")

    tags = tmp_path / "out" / "bridge" / "kazinex"
    lines = [json.loads(line) for line in (tags / "objects" / "00000000.jsonl").read_text().splitlines()]
    receipts = [StoredDocument.from_dict(line["receipt"]) for line in lines]
    assert sorted(key for key in DOCUMENTS if "bridge" in key and "plan.pdf" not in key) == [
        receipt.key for receipt in receipts
    ]
    for receipt in receipts:
        assert DOCUMENTS[receipt.key] == filled.documents.get_bytes(receipt)
    (removal,) = [json.loads(line) for line in (tags / "removals.jsonl").read_text().splitlines()]
    assert ("bridge/DRG-1/P01/plan.pdf", "ann", "superseded") == (removal["key"], removal["by"], removal["reason"])


def test_large_objects_are_streamed_and_small_ones_cut_into_bags_of_a_size(home: Home, tmp_path: Path) -> None:
    home.add_disk("acme")
    large = bytes(range(256)) * 4096 * 5
    home.upload("acme/bridge/BIG/P01/model.ifc", large)
    for number in range(6):
        home.upload(f"acme/bridge/DRG-{number}/P01/plan.pdf", b"x" * 400)

    report = export_bags(home.resolver, "acme", tmp_path / "out", options=ExportOptions(max_bag_bytes=1000))

    assert [("bridge", 1), ("bridge+2", 2), ("bridge+3", 2), ("bridge+4", 2)] == [
        (bag.name, bag.objects) for bag in report.bags
    ]
    assert large == payload_of(tmp_path / "out")["acme/bridge/BIG/P01/model.ifc"]
    for number, bag in enumerate(report.bags, 1):
        assert f"{number} of 4" == validate(tmp_path / "out" / bag.name).info["Bag-Count"]


def test_an_export_and_an_import_are_told_once_each(filled: Home, tmp_path: Path) -> None:
    told: list[Event] = []
    resolver = Resolver(filled.organisations.acting("ann"), on_event=told.append).acting("ann")

    export_bags(resolver, "acme", tmp_path / "out")
    import_bags(resolver, "acme", tmp_path / "out")

    runs = [event for event in told if isinstance(event, RunBegun | RunEnded)]
    assert [("run.begun", "export"), ("run.ended", "export"), ("run.begun", "import"), ("run.ended", "import")] == [
        (event.name, event.kind) for event in runs
    ]
    assert [5, 5] == [event.objects for event in runs[:2]]
    assert {"ann"} == {event.by for event in runs}


def test_one_project_is_exported_alone(filled: Home, tmp_path: Path) -> None:
    filled.provider("acme").put("tunnel/notes.txt", b"no document")

    report = export_bags(filled.resolver, "acme", tmp_path / "out", project="tunnel")

    assert ["tunnel", "tunnel+objects"] == [bag.name for bag in report.bags]
    assert export_bags(filled.resolver, "acme", tmp_path / "out", project="bridge").whole
    assert import_bags(filled.resolver, "acme", tmp_path / "out").whole


def test_an_organisation_of_which_nothing_is_left_still_says_what_was_removed(home: Home, tmp_path: Path) -> None:
    home.add_disk("acme")
    assert () == export_bags(home.resolver, "acme", tmp_path / "none").bags
    home.documents.remove(home.upload("acme/bridge/DRG-1/P01/plan.pdf", b"plan"))

    report = export_bags(home.resolver, "acme", tmp_path / "out")

    assert ["+removals"] == [bag.name for bag in report.bags]
    validate(tmp_path / "out" / "+removals")
    assert b"bridge/DRG-1/P01/plan.pdf" in (tmp_path / "out/+removals/kazinex/removals.jsonl").read_bytes()


def test_percent_signs_are_escaped_as_the_rfc_says(home: Home, tmp_path: Path) -> None:
    """bagit.py leaves them as they are (1.9), so these names are read here by the letter of RFC 8493, 2.1.3."""
    home.add_disk("acme")
    names = {"acme/p/d/1/100 %.pdf": b"1", "acme/p/d/2/a%0Ab.pdf": b"2", "acme/p/d/3/%25.pdf": b"3"}
    for key, data in names.items():
        home.upload(key, data)

    export_bags(home.resolver, "acme", tmp_path / "out")

    found = dict(_read_manifest(tmp_path / "out" / "p"))
    assert {f"data/{key}": hashlib.sha256(data).hexdigest() for key, data in names.items()} == found
    assert names == payload_of(tmp_path / "out")
    home.add_disk("globex")
    options = ImportOptions(renamed_from="acme")
    assert import_bags(home.resolver, "globex", tmp_path / "out", options=options).whole
    assert {key.partition("/")[2]: data for key, data in names.items()} == _stored(home, "globex")


def test_names_of_every_sort_leave_and_come_back(home: Home, tmp_path: Path) -> None:
    home.add_disk("acme")
    names = (
        *(
            "%",
            "%%25",
            "%0D%0a",
            "100 %",
            " a  b ",
            "-x",
            "~x",
            "*?[a]",
            "#1&2+3=4;5",
            "a'b\"c`$(d)",
            "data",
            "manifest-sha256.txt",
        ),
        *(
            "\u00e9\u00e8",
            "\u56f3\u9762",
            "\U0001f3d7 site",
            "\u05d0\u05d1 \u0628",
            "\ufb01",
            "a\u00a0b",
            "x" * 255,
            "\u00e9" * 127,
        ),
    )
    contents = {f"acme/p/d/{number}/{name}": f"{number}".encode() for number, name in enumerate(names)}
    for key, data in contents.items():
        home.upload(key, data)
    home.add_disk("globex")

    assert export_bags(home.resolver, "acme", tmp_path / "out").whole
    assert import_bags(home.resolver, "globex", tmp_path / "out", options=ImportOptions(renamed_from="acme")).whole

    assert contents == payload_of(tmp_path / "out")
    assert len(contents) == len(dict(_read_manifest(tmp_path / "out/p")))
    assert {key.partition("/")[2]: data for key, data in contents.items()} == _stored(home, "globex")


def test_what_no_register_knows_is_packed_and_what_is_hidden_by_another_place_is_told(
    filled: Home, tmp_path: Path
) -> None:
    filled.add_disk("acme", "second", default=False)
    for label, data in (("disk", b"first"), ("second", b"hidden")):
        filled.provider("acme", label).put("notes/both.txt", data)
    filled.provider("acme", "second").put("bridge/DRG-9/P01/found.pdf", b"by another tool")
    filled.provider("acme", "second").put(".kazinex-verify/probe", b"ours")

    report = export_bags(filled.resolver, "acme", tmp_path / "out")

    found = payload_of(tmp_path / "out")
    assert (b"first", b"by another tool") == (
        found["acme/notes/both.txt"],
        found["acme/bridge/DRG-9/P01/found.pdf"],
    )
    assert len(DOCUMENTS) + 3 == len(found)
    assert (1, False) == (report.shadowed, report.whole)


def test_bytes_that_were_altered_leave_their_bag_unfinished_until_they_are_left_out(
    filled: Home, tmp_path: Path
) -> None:
    altered = filled.root / "acme-disk/acme/tunnel/DRG-1/P01/section.dwg"
    altered.write_bytes(b"something else")

    report = export_bags(filled.resolver, "acme", tmp_path / "out")

    assert (("tunnel",), False) == (report.unfinished, report.whole)
    assert ["tunnel/DRG-1/P01/section.dwg"] == [entry.key for entry in report.failures]
    assert "was uploaded" in (report.failures[0].reason or "")
    assert not (tmp_path / "out/tunnel/bagit.txt").exists()
    again = export_bags(filled.resolver, "acme", tmp_path / "out", options=ExportOptions(leave_out_failed=True))
    assert ((), False) == (again.unfinished, again.whole)
    validate(tmp_path / "out/tunnel")
    (line,) = (tmp_path / "out/tunnel/kazinex/left-out.jsonl").read_text().splitlines()
    assert "tunnel/DRG-1/P01/section.dwg" == json.loads(line)["key"]


def test_what_failed_is_tried_again_by_the_same_export(filled: Home, tmp_path: Path) -> None:
    file = filled.root / "acme-disk/acme/tunnel/DRG-1/P01/section.dwg"
    aside = file.rename(tmp_path / "aside")
    first = export_bags(filled.resolver, "acme", tmp_path / "out")
    aside.rename(file)

    second = export_bags(filled.resolver, "acme", tmp_path / "out")

    assert (("tunnel",), ()) == (first.unfinished, second.unfinished)
    assert first.run.id == second.run.id
    assert second.whole
    assert DOCUMENTS.keys() < payload_of(tmp_path / "out").keys()


def test_nothing_is_written_over(filled: Home, tmp_path: Path) -> None:
    export_bags(filled.resolver, "acme", tmp_path / "out")
    before = payload_of(tmp_path / "out")

    with pytest.raises(AlreadyExistsError, match="never written over"):
        export_bags(filled.resolver, "acme", tmp_path / "out")

    assert before == payload_of(tmp_path / "out")
    assert 1 == filled.runs("acme")


def test_exports_that_begin_at_once_are_one_or_the_other_is_refused(filled: Home, tmp_path: Path) -> None:
    """Two processes with one command work on one run; while one of them plans it, the other is told so."""
    ends: list[object] = []

    def export() -> None:
        resolver = Resolver(filled.organisations)
        try:
            ends.append(export_bags(resolver, "acme", tmp_path / "out"))
        except (RecordConflictError, AlreadyExistsError) as error:
            ends.append(error)
        resolver.close()

    threads = [Thread(target=export) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 3 == len(ends)
    assert any(isinstance(end, ExportReport) and end.whole for end in ends)
    for name in ("bridge", "tunnel", "+objects"):
        validate(tmp_path / "out" / name)
    assert len(DOCUMENTS) + 1 == len(payload_of(tmp_path / "out"))


def test_the_folder_of_a_bag_that_another_export_has_claimed_is_left_alone(filled: Home, tmp_path: Path) -> None:
    claimed = tmp_path / "out/tunnel/kazinex/export.json"
    claimed.parent.mkdir(parents=True)
    claimed.write_text('{"run": "another"}')

    with pytest.raises(AlreadyExistsError, match="'tunnel' already"):
        export_bags(filled.resolver, "acme", tmp_path / "out")

    assert [claimed] == [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_a_provider_that_does_not_answer_ends_an_export_unless_it_is_left_out(filled: Home, tmp_path: Path) -> None:
    second = filled.add_disk("acme", "second", default=False)
    second.rename(tmp_path / "unmounted")
    filled.resolver = type(filled.resolver)(filled.organisations)

    with pytest.raises(LocationNotFoundError):
        export_bags(filled.resolver, "acme", tmp_path / "out")
    report = export_bags(filled.resolver, "acme", tmp_path / "out", options=ExportOptions(leave_out_failed=True))

    assert (("second",), False) == (report.unlisted, report.whole)
    assert DOCUMENTS.keys() < payload_of(tmp_path / "out").keys()


def test_a_document_that_is_removed_meanwhile_is_in_no_bag(filled: Home, tmp_path: Path) -> None:
    class Removing(LocalProvider):
        """A disk on which the first put is the moment at which somebody removes a document."""

        def put(self, key: Any, source: Any, options: Any) -> Any:
            filled.documents.remove(DocumentKey.parse("acme/tunnel/DRG-1/P01/section.dwg"))
            return super().put(key, source, options)

    target = Storage(Removing(LocalSettings(root=tmp_path / "out", create=True)))
    report = export_bags(filled.resolver, "acme", target, options=ExportOptions(concurrency=1))

    assert {EntryState.PACKED: 4, EntryState.VANISHED: 1} == {
        state: count.objects for state, count in report.counts.items() if count.objects
    }
    assert report.whole
    assert "acme/tunnel/DRG-1/P01/section.dwg" not in payload_of(tmp_path / "out")
    validate(tmp_path / "out/bridge")


def test_what_the_service_rewrote_is_packed_as_it_is_only_if_that_is_accepted(home: Home, tmp_path: Path) -> None:
    with tenant() as found:
        for drive in found.site.drives:
            drive.rewrites = True
        home.add("acme", "sharepoint", {**found.options, "root_folder": "kazinex"}, "service")
        home.upload("acme/bridge/LTR-1/P01/letter.docx", b"PK letter")

        refused = export_bags(home.resolver, "acme", tmp_path / "out")
        taken = export_bags(home.resolver, "acme", tmp_path / "out", options=ExportOptions(accept_rewritten=True))

        assert ("bridge",) == refused.unfinished
        assert "accept_rewritten packs it" in (refused.failures[0].reason or "").replace(" (--accept-rewritten)", "")
        assert taken.whole
        data = home.provider("acme", "service").get_bytes("bridge/LTR-1/P01/letter.docx")
        assert {"acme/bridge/LTR-1/P01/letter.docx": data} == payload_of(tmp_path / "out")
        assert data != b"PK letter"
        validate(tmp_path / "out/bridge")


def test_a_run_holds_to_its_bandwidth(home: Home, tmp_path: Path) -> None:
    """What is larger than a second's worth is paid for by those after it, so a few kilobytes a second take a while."""
    home.add_disk("acme")
    for number in range(4):
        home.upload(f"acme/bridge/D-{number}/P01/plan.pdf", b"x" * 20_000)
    options = ExportOptions(limits=RateLimits(bandwidth=100_000), concurrency=1)
    begun = time.monotonic()

    report = export_bags(home.resolver, "acme", tmp_path / "out", options=options)

    assert report.whole
    assert time.monotonic() - begun >= 0.35


@pytest.mark.parametrize("name", ["seaweedfs", "azure", "sharepoint"])
def test_a_service_is_left_and_bags_on_it_are_imported_into_it(
    name: str, request: pytest.FixtureRequest, home: Home, tmp_path: Path
) -> None:
    names = {**DOCUMENTS, "acme/tunnel/DRG-2/P01/caf\u00e9 #1 [a] 100%.pdf": b"unusual"}
    with service_of(name, request) as service:
        settings = {**service.settings, service.folder: "kazinex"}
        home.add("acme", service.kind, settings, "service")
        for key, data in names.items():
            home.upload(key, data)

        to_folder = export_bags(home.resolver, "acme", tmp_path / "out")
        on_service = bags_on(home.resolver.chosen("acme"), "leaving")
        to_service = export_bags(home.resolver, "acme", on_service)
        home.add("globex", service.kind, {**service.settings, service.folder: "other"}, "disk")
        renamed = ImportOptions(renamed_from="acme")
        imported = import_bags(home.resolver, "globex", on_service, options=renamed)

        assert (True, True, True) == (to_folder.whole, to_service.whole, imported.whole)
        assert names == payload_of(tmp_path / "out")
        assert validate(tmp_path / "out/bridge").is_valid()
        assert {key.partition("/")[2]: data for key, data in names.items()} == _stored(home, "globex")
        # Bags of an organisation on its own provider are no objects of a later export.
        again = export_bags(home.resolver, "acme", tmp_path / "again")
        assert len(names) == again.counts[EntryState.PACKED].objects


def _stored(home: Home, organisation: str) -> dict[str, bytes]:
    storage = home.provider(organisation)
    return {info.key: storage.get_bytes(info.key) for info in storage.list() if not info.key.startswith(".kazinex")}


def _read_manifest(bag: Path) -> Iterator[tuple[str, str]]:
    """Read a manifest by the letter of the RFC, and compare every file; without code of the package or of bagit.py."""
    assert bagit.VERSION.startswith("1."), "see whether it escapes percent signs by now"
    for line in (bag / "manifest-sha256.txt").read_text(encoding="utf-8").splitlines():
        checksum, path = line.split(maxsplit=1)
        path = re.sub("%(0D|0A|25)", lambda found: chr(int(found[1], 16)), path, flags=re.IGNORECASE)
        assert checksum == hashlib.sha256((bag / path).read_bytes()).hexdigest()
        yield path, checksum
