"""Types by content: every door of an organisation compares bytes, declared types and names; the host may say how."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kazinex_storage import (
    NO_FILE_RULES,
    BulkError,
    DocumentKey,
    FileRules,
    FileTypeRefusedError,
    PresignOptions,
    PutOptions,
    Storage,
    UploadPolicy,
)
from kazinex_storage.file_rules import PRESET
from kazinex_storage.migration.endpoints import endpoint_of
from kazinex_storage.policy import TIB
from kazinex_storage.providers.memory import MemoryProvider

from .conftest import World

PROGRAM = b"MZ\x90\x00" + bytes(60)
PDF = b"%PDF-1.7 a plan"

DOORS: dict[str, Callable[[Storage, Path], object]] = {
    "bytes": lambda storage, _: storage.put("plan.pdf", PROGRAM),
    "a file": lambda storage, file: storage.put("plan.pdf", file),
    "an iterable": lambda storage, _: storage.put("plan.pdf", iter([PROGRAM[:1], PROGRAM[1:]])),
    "a long stream": lambda storage, _: storage.put("plan.pdf", iter([PROGRAM, *[bytes(2**20)] * 9])),
    "many": lambda storage, _: storage.put_many([("plan.pdf", PROGRAM)]),
    "a copy": lambda storage, _: storage.copy("tool.bin", "plan.pdf"),
    "a move": lambda storage, _: storage.move("tool.bin", "plan.pdf"),
    "parts": lambda storage, _: storage.resume_upload(storage.begin_upload("plan.pdf", len(PROGRAM)), PROGRAM),
    "a declared type": lambda storage, _: storage.put("plan.pdf", PDF, PutOptions(content_type="text/html")),
    "parts of a declared type": lambda storage, _: storage.begin_upload(
        "plan.pdf", len(PDF), PutOptions(content_type="text/html")
    ),
    "a signed type": lambda storage, _: storage.presign(
        "plan.pdf", PresignOptions(method="PUT", size=4, content_type="text/html")
    ),
    "a name": lambda storage, _: storage.put("plan.pdf.exe", PDF),
    "a name to copy to": lambda storage, _: storage.copy("tool.bin", "p\u0430y.bin"),
}


@pytest.fixture
def places() -> Iterator[tuple[Storage, Storage]]:
    """The same objects with rules for files, and without."""
    policy = UploadPolicy.make(kind="memory", ceiling=TIB, files=PRESET)
    with Storage(MemoryProvider()) as anything:
        anything.put("tool.bin", PROGRAM)
        yield anything.with_policy(policy), anything


@pytest.mark.parametrize("door", [name for name in DOORS if name != "a signed type"])
def test_no_door_takes_what_is_not_what_it_says(door: str, places: tuple[Storage, Storage], tmp_path: Path) -> None:
    storage, anything = places
    (tmp_path / "body").write_bytes(PROGRAM)

    with pytest.raises((FileTypeRefusedError, BulkError)) as refused:
        DOORS[door](storage, tmp_path / "body")

    errors = refused.value.failures if isinstance(refused.value, BulkError) else [refused.value]
    assert all(isinstance(error, FileTypeRefusedError) for error in errors)
    assert ["tool.bin"] == [info.key for info in anything.list(recursive=True)]


def test_parts_that_others_sent_are_looked_at_when_they_are_completed(places: tuple[Storage, Storage]) -> None:
    storage, anything = places
    state = storage.begin_upload("plan.pdf", len(PROGRAM))
    operations = storage.operations.context
    storage.transport.run(operations.exchanges.put_part(state, 1, PROGRAM))

    with pytest.raises(FileTypeRefusedError, match="a program"):
        storage.complete_upload(state)

    assert not anything.exists("plan.pdf")


def test_what_is_stored_already_is_read_whatever_it_is(places: tuple[Storage, Storage]) -> None:
    storage, anything = places
    anything.put("old\u200b.pdf", PROGRAM)

    assert PROGRAM == storage.get_bytes("old\u200b.pdf")


def test_organisations_refuse_deceiving_files_until_they_say_otherwise(world: World) -> None:
    world.add("org-1", "disk", default=True)
    plan = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")

    with pytest.raises(FileTypeRefusedError, match="a program"):
        world.documents.upload(plan, PROGRAM)
    with pytest.raises(FileTypeRefusedError, match="never allowed"):
        world.documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P01", "setup.exe"), PROGRAM)

    world.organisations.set_file_rules("org-1", NO_FILE_RULES)
    receipt = world.documents.upload(plan, PROGRAM)

    world.organisations.set_file_rules("org-1", FileRules(content="required"))
    with pytest.raises(FileTypeRefusedError, match="does not begin"):
        world.documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P02", "plan.pdf"), b"no header")
    assert PROGRAM == world.documents.get_bytes(receipt)


def test_the_allowlist_of_an_organisation_takes_mime_types(world: World) -> None:
    world.add("org-1", "disk", default=True)

    record = world.organisations.set_allowlist("org-1", ["image/*", "application/pdf"])

    assert {"png", "pdf"} <= set(record.allowlist)
    world.documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.png"), b"\x89PNG\r\n\x1a\n")
    with pytest.raises(FileTypeRefusedError):
        world.documents.upload(DocumentKey("org-1", "bridge", "DRG-1", "P02", "plan.dgn"), b"\x08\x09")


def test_a_document_that_was_let_in_on_its_day_is_moved_to_another_provider(world: World) -> None:
    world.add("org-1", "disk", default=True)
    other = world.add("org-1", "archive", "archive")
    world.organisations.set_file_rules("org-1", NO_FILE_RULES)
    old = DocumentKey("org-1", "bridge", "DRG-1", "P01", "tool\u200b.exe")
    world.documents.upload(old, PROGRAM)
    world.organisations.set_file_rules("org-1", None)

    target = endpoint_of(world.resolver, "org-1", other).storage

    assert PROGRAM == world.documents.get_bytes(old)
    assert len(PROGRAM) == target.put(old.build().removeprefix("org-1/"), PROGRAM).size
