"""The evidence of receipts: a signed line for each change of the register, and no way to hide one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from kazinex_storage import DocumentKey, SettingsError
from kazinex_storage.documents.events import OverrideChanged
from kazinex_storage.documents.register import Removal, RevisionRecord, new_token
from kazinex_storage.organisations import (
    AuditLog,
    KeyRing,
    KeyService,
    MemoryCatalogue,
    Organisations,
    Resolver,
    Sealer,
    SqlCatalogue,
)
from kazinex_storage.organisations.evidence.checking import ChainReport, Trust, check_lines, check_receipts
from kazinex_storage.organisations.evidence.lines import START, SignedLine, hash_of
from kazinex_storage.organisations.evidence.log import ReceiptEvidence
from kazinex_storage.organisations.key_sources import RingKeys
from kazinex_storage.organisations.signing import evidence_key
from kazinex_storage.testing.bench import in_child

AT = datetime(2026, 11, 1, tzinfo=UTC)


def stored(number: int = 0, project: str = "bridge", organisation: str = "acme") -> RevisionRecord:
    return RevisionRecord(
        document=DocumentKey(organisation, project, f"D-{number}", "P01", "plän.pdf"),
        provider="office",
        sha256=f"{number:064x}",
        size=10 + number,
        recorded_at=AT,
    )


def lines(catalogue: SqlCatalogue, project: str = "bridge", organisation: str = "acme") -> list[dict[str, Any]]:
    with catalogue.receipts.chain(organisation, project) as (_, found):
        return [line.read() for line in found]


def exported(catalogue: SqlCatalogue, project: str = "bridge") -> list[bytes]:
    return [line[:-1] for line in ReceiptEvidence(catalogue).lines("acme", project)]


def pem(catalogue: SqlCatalogue, organisation: str = "acme") -> str:
    return evidence_key(catalogue, organisation).pem


def check(catalogue: SqlCatalogue, found: list[bytes] | None = None) -> ChainReport:
    return check_lines(exported(catalogue) if found is None else found, Trust(keys=(pem(catalogue),)))


def filled(catalogue: SqlCatalogue, count: int = 3) -> SqlCatalogue:
    for number in range(count):
        assert catalogue.revisions.swap_revision(None, stored(number))
    return catalogue


@pytest.fixture
def sqlite(tmp_path: Path, sealer: Sealer) -> SqlCatalogue:
    return filled(SqlCatalogue(tmp_path / "catalogue.db", sealer))


def test_whatever_happens_to_a_revision_is_a_signed_line(sql_catalogue: SqlCatalogue) -> None:
    register, first = sql_catalogue.revisions, stored()
    moved = replace(first, provider="archive", token=new_token())
    removed = replace(moved, removal=Removal(at=AT, by="müller", reason="wrong drawing"), token=new_token())
    restored = replace(removed, removal=None, token=new_token())
    sized = replace(restored, size=11, token=new_token())
    steps = [None, first, moved, removed, restored, sized, None]

    for before, after in pairwise(steps):
        assert register.swap_revision(before, after)

    found = lines(sql_catalogue)
    kinds = ["key", "stored", "moved", "removed", "restored", "changed", "withdrawn"]
    assert kinds == [line["kind"] for line in found]
    assert [*range(1, 8)] == [line["number"] for line in found]
    assert START == found[0]["before"]
    assert ("plän.pdf", "office", 10, "0" * 64) == tuple(
        found[1][name] for name in ("filename", "provider", "size", "sha256")
    )
    assert ("müller", "wrong drawing") == (found[3]["by"], found[3]["reason"])
    report = check(sql_catalogue)
    assert report.ok
    assert (7, 7) == (report.lines, report.number)


def test_a_swap_that_is_refused_leaves_no_line(sql_catalogue: SqlCatalogue) -> None:
    filled(sql_catalogue, 1)

    assert not sql_catalogue.revisions.swap_revision(None, stored())
    with pytest.raises(RuntimeError), sql_catalogue.together():
        sql_catalogue.revisions.swap_revision(None, stored(1))
        raise RuntimeError

    assert ["key", "stored"] == [line["kind"] for line in lines(sql_catalogue)]


def test_projects_and_organisations_have_chains_of_their_own(sqlite: SqlCatalogue) -> None:
    sqlite.revisions.swap_revision(None, stored(project="tunnel"))
    sqlite.revisions.swap_revision(None, stored(organisation="other"))

    assert ("bridge", "tunnel") == ReceiptEvidence(sqlite).projects("acme")
    assert [2, 2] == [len(lines(sqlite, "tunnel")), len(lines(sqlite, organisation="other"))]
    foreign = [line[:-1] for line in ReceiptEvidence(sqlite).lines("other", "bridge")]
    assert not check(sqlite, foreign).ok  # another organisation signs with another key


def test_lines_of_many_writers_have_no_gaps(sql_catalogue: SqlCatalogue) -> None:
    outcomes: list[bool] = []
    barrier = threading.Barrier(4)

    def write(first: int) -> None:
        barrier.wait()
        outcomes.extend(sql_catalogue.revisions.swap_revision(None, stored(n)) for n in range(first, first + 5))

    threads = [threading.Thread(target=write, args=(first,)) for first in range(0, 20, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [True] * 20 == outcomes
    report = check(sql_catalogue)
    assert report.ok
    assert 21 == report.lines


def test_a_writer_killed_at_any_statement_leaves_both_or_neither(tmp_path: Path, sealer: Sealer) -> None:
    place = tmp_path / "catalogue.db"
    SqlCatalogue(place, sealer).close()

    def write(number: int, step: int) -> None:
        catalogue = SqlCatalogue(place, sealer)
        left = step

        def counted(*_: object) -> None:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

        event.listen(catalogue._database._changing, "after_cursor_execute", counted)
        event.listen(catalogue._database._changing, "commit", counted)
        catalogue.revisions.swap_revision(None, stored(number))

    killed = number = 0
    for number in range(40):
        if in_child(lambda number=number: write(number, number)) == 0:  # type: ignore[misc]
            break
        killed += 1

    catalogue = SqlCatalogue(place, sealer)
    recorded = {n for n in range(number + 1) if catalogue.revisions.revision(stored(n).document) is not None}
    assert killed >= 7  # after each statement of the transaction, and before it is kept
    assert {number} == recorded
    assert [f"D-{number}"] == [line["document"] for line in lines(catalogue) if line["kind"] == "stored"]
    assert check(catalogue).ok
    catalogue.close()


def test_changes_in_the_tables_are_found(sqlite: SqlCatalogue) -> None:
    def found(statement: str, **bound: str) -> str:
        with sqlite._database.changing() as connection:
            connection.exec_driver_sql(statement, bound)
        report = ReceiptEvidence(sqlite).verify("acme", "bridge", known)
        assert not report.ok
        return report.problems[0].problem

    report = ReceiptEvidence(sqlite).verify("acme", "bridge")
    known = (report.number, report.hash)
    assert report.ok
    assert ReceiptEvidence(sqlite).verify("acme", "bridge", known).ok

    with sqlite.receipts.chain("acme", "bridge") as (_, chain):
        third = [line.hash for line in chain][2]
    assert "the last one here is 3" in found("delete from kazinex_storage_receipt_lines where number = 4")
    assert "rolled back" in found("update kazinex_storage_receipt_heads set number = 3, hash = :hash", hash=third)
    altered = "update kazinex_storage_receipt_lines set line = replace(line, '\"size\": 10', '\"size\": 99')"
    assert "no key that is trusted has signed" in found(altered)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("update kazinex_storage_revisions set sha256 = 'ff' where document = 'D-1'", "says otherwise of D-1/P01"),
        ("update kazinex_storage_revisions set removed_at = recorded_at", "D-0/P01 is stored by its last line"),
        ("delete from kazinex_storage_revisions where document = 'D-2'", "knows nothing of D-2/P01"),
        (
            "update kazinex_storage_receipt_lines set document = 'D-9' where document = 'D-1'",
            "no line is of D-1/P01, which the register has",
        ),
        (
            "update kazinex_storage_receipt_lines set document = 'D-' || (4 - number)",
            "the last one of D-0/P01 is of another revision",
        ),
    ],
)
def test_changes_in_the_register_are_found(sql_catalogue: SqlCatalogue, statement: str, problem: str) -> None:
    filled(sql_catalogue)
    evidence = ReceiptEvidence(sql_catalogue)
    removed = replace(stored(3), removal=Removal(at=AT))
    assert sql_catalogue.revisions.swap_revision(None, removed)
    again = replace(removed, removal=None, recorded_at=datetime.now(UTC), token=new_token())
    assert sql_catalogue.revisions.swap_revision(removed, again)
    assert sql_catalogue.revisions.swap_revision(again, removed)  # taken back
    assert evidence.verify("acme", "bridge").ok

    with sql_catalogue._database.changing() as connection:
        connection.exec_driver_sql(statement)

    report = evidence.verify("acme", "bridge")
    assert not report.ok
    assert any(problem in each.problem for each in report.problems), report.problems


def change(found: list[bytes]) -> list[bytes]:
    return [line.replace(b'"size": 11', b'"size": 12') for line in found]


def take_out(found: list[bytes]) -> list[bytes]:
    return [*found[:5], *found[7:]]


def put_in(found: list[bytes]) -> list[bytes]:
    return [*found[:5], *found[3:5], *found[5:]]


def swap(found: list[bytes]) -> list[bytes]:
    return [*found[:3], *found[5:7], *found[3:5], *found[7:]]


def cut(found: list[bytes]) -> list[bytes]:
    return found[:7]


def cut_with_the_end(found: list[bytes]) -> list[bytes]:
    return [*found[:7], *found[-2:]]


def go_on(found: list[bytes]) -> list[bytes]:
    return [*found, b"", b"{}"]


def leave_unsigned(found: list[bytes]) -> list[bytes]:
    return [*found[:4], *found[5:]]


def begin_later(found: list[bytes]) -> list[bytes]:
    return [found[0], *found[3:]]


def rename(found: list[bytes]) -> list[bytes]:
    return [found[0].replace(b"bridge", b"tunnel"), *found[1:]]


@pytest.mark.parametrize(
    "alter", [change, take_out, put_in, swap, cut, cut_with_the_end, go_on, leave_unsigned, begin_later, rename]
)
def test_no_change_of_a_file_stays_hidden(sqlite: SqlCatalogue, alter: Callable[[list[bytes]], list[bytes]]) -> None:
    found = exported(sqlite)
    assert check(sqlite, found).ok

    assert not check(sqlite, alter(found)).ok


def test_a_chain_signed_with_another_key_is_not_believed(sqlite: SqlCatalogue, tmp_path: Path) -> None:
    forged = filled(SqlCatalogue(tmp_path / "forged.db", Sealer(KeyRing.generate())))

    assert not check(sqlite, exported(forged)).ok


def test_after_a_rotation_the_old_key_vouches_for_the_new_one(tmp_path: Path) -> None:
    old, place = KeyRing.generate(), tmp_path / "catalogue.db"
    before = filled(SqlCatalogue(place, Sealer(old)))
    first = pem(before)
    before.close()
    rotated = SqlCatalogue(place, Sealer(old.with_first(KeyRing.generate())))
    found = exported(rotated)  # nothing was stored since, and the end is signed with the new key

    report = check_lines(found, Trust(keys=(first,)))

    assert report.ok
    assert 2 == len(report.key_ids)
    assert ReceiptEvidence(rotated).verify("acme", "bridge").ok
    rotated.close()
    lost = filled(SqlCatalogue(place, Sealer(KeyRing.generate())), 0)  # the old keys are not at hand any more
    assert not check_lines(exported(lost), Trust(keys=(first,))).ok
    assert check_lines(exported(lost), Trust(keys=(first, pem(lost)))).ok


def test_data_keys_are_made_before_the_transaction_that_signs(tmp_path: Path, sealer: Sealer) -> None:
    time = [AT]
    service = KeyService(source=RingKeys(KeyRing.generate()), life=timedelta(days=1), clock=lambda: time[0])
    catalogue = SqlCatalogue(tmp_path / "catalogue.db", sealer, service)
    organisations = Organisations(catalogue, on_event=AuditLog(catalogue))
    resolver = Resolver(organisations)

    for number in range(3):  # each day has another key
        record = stored(number)
        event = OverrideChanged(organisation="acme", project="bridge", before=None, after=f"{number}")
        change = partial(catalogue.revisions.swap_revision, None, record)
        assert resolver.announced(change, event) if number else change()
        time[0] += timedelta(days=2)

    report = check_lines(exported(catalogue), Trust(keys=(pem(catalogue),)))
    assert {"key": 4, "stored": 3} == report.kinds  # the last names the key of the end
    assert not report.ok  # by the last key alone: the first had to be given away
    assert organisations.evidence.verify("acme", "bridge").ok
    resolver.close()
    organisations.close()


def test_a_part_goes_on_from_what_was_known(sqlite: SqlCatalogue, tmp_path: Path) -> None:
    evidence = ReceiptEvidence(sqlite)
    with open(tmp_path / "one.jsonl", "wb") as file:
        first = evidence.export("acme", "bridge", file)
    sqlite.revisions.swap_revision(None, stored(9))
    with open(tmp_path / "other.jsonl", "wb") as file:
        other = evidence.export("acme", "bridge", file, after=first.number)
    known = (first.number, first.hash)

    report = check_receipts(tmp_path / "other.jsonl", Trust(keys=(pem(sqlite),), known=known))

    assert report.ok
    assert (4, 4, 1, 5) == (first.lines, first.number, other.lines, other.number)
    assert {"stored": 1} == report.kinds
    wrong = check_receipts(tmp_path / "other.jsonl", Trust(keys=(pem(sqlite),), known=(4, "f" * 64)))
    assert not wrong.ok
    assert not check_receipts(tmp_path / "one.jsonl", Trust(keys=(pem(sqlite),), known=(5, other.hash))).ok


def test_a_catalogue_without_keys_keeps_no_evidence() -> None:
    with pytest.raises(SettingsError, match="keeps no evidence"):
        ReceiptEvidence(MemoryCatalogue()).projects("acme")


def test_the_hash_of_a_line_is_that_of_its_bytes() -> None:
    assert hash_of(b"{}") == SignedLine(text=b"{}", signature="").hash
