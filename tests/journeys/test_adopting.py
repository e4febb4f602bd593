"""Adopting: files that the register knows nothing of, or no sha256 of, are read once and recorded."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from kazinex_storage import AlreadyExistsError, DocumentKey, NotFoundError
from kazinex_storage.documents.adopting import adopt_below
from kazinex_storage.documents.register import new_token

from .conftest import World

PLAN = DocumentKey("org-1", "bridge", "DRG-1", "P01", "plan.pdf")
BODY = b"%PDF-1.7 from another program"


def left_by_another(world: World, document: DocumentKey = PLAN, body: bytes = BODY) -> None:
    path = world.root / "shared" / document.build()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def test_a_file_of_another_program_becomes_a_document_with_its_sha256(world: World) -> None:
    world.add("org-1", "disk", default=True)
    left_by_another(world)

    receipt = world.documents.adopt(PLAN)

    record = world.resolver.revisions.revision(PLAN)
    assert record is not None
    assert sha256(BODY).hexdigest() == receipt.sha256 == record.sha256
    assert "intact" == world.documents.check(receipt).value
    with pytest.raises(AlreadyExistsError):
        world.documents.upload(PLAN, b"%PDF-1.7 another")


def test_what_is_recorded_with_its_sha256_is_not_read_again(world: World) -> None:
    world.add("org-1", "disk", default=True)
    uploaded = world.documents.upload(PLAN, BODY)
    (world.root / "shared" / PLAN.build()).write_bytes(b"x" * len(BODY))

    assert uploaded.sha256 == world.documents.adopt(PLAN).sha256


def test_a_record_without_a_sha256_is_completed(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.documents.upload(PLAN, BODY)
    register = world.resolver.revisions
    before = register.revision(PLAN)
    assert before is not None
    register.swap_revision(before, replace(before, sha256=None, size=None, token=new_token()))

    world.documents.adopt(PLAN)

    after = register.revision(PLAN)
    assert after is not None
    assert (sha256(BODY).hexdigest(), len(BODY)) == (after.sha256, after.size)


def test_a_removed_revision_is_not_brought_back_by_it(world: World) -> None:
    world.add("org-1", "disk", default=True)
    world.documents.remove(world.documents.upload(PLAN, BODY))
    with pytest.raises(NotFoundError):
        world.documents.adopt(PLAN)

    left_by_another(world)
    with pytest.raises(AlreadyExistsError):
        world.documents.adopt(PLAN)


def test_everything_of_an_organisation_is_adopted_and_a_second_run_reads_nothing(world: World) -> None:
    world.add("org-1", "disk", default=True)
    others = [replace(PLAN, revision=f"P{number:02}") for number in range(3)]
    for document in others:
        left_by_another(world, document)
    world.documents.upload(replace(PLAN, revision="P09"), BODY)

    first = adopt_below(world.documents.adopt, world.resolver, "org-1/bridge/")
    again = adopt_below(world.documents.adopt, world.resolver, "org-1/")

    assert (3, 3 * len(BODY), 1, 0) == (first.hashed, first.hashed_bytes, first.known, first.failed)
    assert (0, 4) == (again.hashed, again.known)
