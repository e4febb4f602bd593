"""Evidence: a signed report that shows every change, checked here and by openssl and a few lines of shell."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest

from kazinex_storage import AlreadyExistsError, RecordNotFoundError, SettingsError
from kazinex_storage.migration.evidence_checking import check_evidence
from kazinex_storage.migration.evidence_lines import START, hash_of
from kazinex_storage.migration.evidence_writing import Evidence, write_evidence
from kazinex_storage.migration.journal import Entry, EntryState, Journal, Run, RunKind, RunState
from kazinex_storage.migration.memory_journal import MemoryJournal
from kazinex_storage.organisations import KeyRing, MemoryCatalogue, OrganisationKeys, Sealer, SqlCatalogue, open_journal
from kazinex_storage.organisations.signing import EvidenceSigner, evidence_key, evidence_signer, is_signed, same_key

DAY = datetime(2026, 11, 1, tzinfo=UTC)
STATES = (EntryState.MATCHED, EntryState.MATCHED, EntryState.MISSING, EntryState.REWRITTEN)


def signer(organisation: str = "acme", ring: KeyRing | None = None) -> EvidenceSigner:
    return EvidenceSigner(organisation, *OrganisationKeys(ring or KeyRing.generate(), organisation).sealing())


def audited(journal: Journal, run: str = "run-1", entries: int = 4) -> Run:
    """Keep an audit that is done."""
    kept = journal.add_run(
        Run(
            organisation="acme",
            id=run,
            kind=RunKind.AUDIT,
            source="one",
            target="other",
            state=RunState.DONE,
            options={"level": "full"},
            facts={"source": {"kind": "local", "label": "Office", "location": "/srv/plans"}},
            begun_at=DAY,
            ended_at=DAY + timedelta(hours=1),
        )
    )
    journal.add_entries(
        kept,
        (
            Entry(number=0, key=f"bridge/D-{number}/P01/plän {number}.pdf", size=10 + number, state=STATES[number % 4])
            for number in range(entries)
        ),
    )
    return kept


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(scope="module")
def key() -> EvidenceSigner:
    return signer()


@pytest.fixture
def report(journal: MemoryJournal, key: EvidenceSigner, tmp_path: Path) -> Path:
    audited(journal)
    write_evidence(journal, "acme", "run-1", tmp_path / "audit.jsonl", key)
    return tmp_path / "audit.jsonl"


def test_a_report_is_what_was_signed(report: Path, key: EvidenceSigner) -> None:
    found = check_evidence(report, key.key.pem)

    assert found.ok
    assert (4, key.key_id) == (found.entries, found.key_id)
    assert {"objects": 2, "bytes": 21} == found.totals["matched"]
    assert {"id": "one", "kind": "local", "label": "Office", "location": "/srv/plans"} == found.header["source"]
    assert hash_of(report.read_bytes().splitlines()[-2]) == found.hash


def test_memory_stays_out_of_it_for_more_entries_than_a_page(
    journal: MemoryJournal, key: EvidenceSigner, tmp_path: Path
) -> None:
    audited(journal, entries=2500)

    made = write_evidence(journal, "acme", "run-1", tmp_path / "audit.jsonl", key)

    assert (2500, 2503) == (made.entries, len((tmp_path / "audit.jsonl").read_bytes().splitlines()))
    assert check_evidence(made.path, key.key.pem).ok


def change(lines: list[bytes]) -> list[bytes]:
    lines[3] = lines[3].replace(b'"state": "missing"', b'"state": "matched"')
    return lines


def change_the_header(lines: list[bytes]) -> list[bytes]:
    lines[0] = lines[0].replace(b'"label": "Office"', b'"label": "Archive"')
    return lines


def take_out(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], *lines[3:]]


def take_out_the_last_entry(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], *lines[5:]]


def put_in(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[1], *lines[2:]]


def swap(lines: list[bytes]) -> list[bytes]:
    lines[1], lines[2] = lines[2], lines[1]
    return lines


def cut_off(lines: list[bytes]) -> list[bytes]:
    return lines[:-2]


def cut_off_the_signature(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


def add_to_the_end(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[1]]


def spell_otherwise(lines: list[bytes]) -> list[bytes]:
    lines[1] = json.dumps(json.loads(lines[1]), ensure_ascii=False).encode()
    return lines


def no_json(lines: list[bytes]) -> list[bytes]:
    lines[2] = b"\xff{"
    return lines


def write_it_again(lines: list[bytes]) -> list[bytes]:
    """Do all that one can without the key: a new chain of hashes and new totals."""
    found = [json.loads(line) for line in lines]
    found[3]["state"] = "matched"
    found[-2]["totals"] = {
        "matched": {"objects": 3, "bytes": 33},
        "rewritten": {"objects": 1, "bytes": 13},
    }
    for before, line in pairwise(found[:-1]):
        line["before"] = hash_of(json.dumps(before).encode())
    return [json.dumps(line).encode() for line in found]


@pytest.mark.parametrize(
    "tamper",
    [
        *(change, change_the_header, take_out, take_out_the_last_entry, put_in, swap, cut_off, cut_off_the_signature),
        *(add_to_the_end, spell_otherwise, no_json, write_it_again),
    ],
    ids=lambda tamper: tamper.__name__,
)
def test_every_change_of_a_report_is_found(
    tamper: Callable[[list[bytes]], list[bytes]], report: Path, key: EvidenceSigner
) -> None:
    lines = report.read_bytes().splitlines()
    report.write_bytes(b"".join(line + b"\n" for line in tamper(lines)))

    assert not check_evidence(report, key.key.pem).ok


def test_no_byte_of_a_report_can_be_changed(journal: MemoryJournal, key: EvidenceSigner, tmp_path: Path) -> None:
    audited(journal, entries=1)
    whole = write_evidence(journal, "acme", "run-1", tmp_path / "audit.jsonl", key).path.read_bytes()
    changed = tmp_path / "changed.jsonl"

    for place in range(0, len(whole), 7):
        changed.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert not check_evidence(changed, key.key.pem).ok, whole[max(0, place - 20) : place + 20]


def test_a_file_that_ends_anywhere_is_no_report(report: Path, key: EvidenceSigner) -> None:
    whole = report.read_bytes()

    for length in range(0, len(whole), 61):
        report.write_bytes(whole[:length])
        assert not check_evidence(report, key.key.pem).ok


def test_the_key_of_another_organisation_signs_nothing_of_this_one(report: Path) -> None:
    ring = KeyRing.generate()
    one, other = signer("acme", ring), signer("other", ring)

    assert one.key.pem != other.key.pem
    assert not check_evidence(report, other.key.pem).ok
    with pytest.raises(SettingsError, match="no public key"):
        check_evidence(report, "nonsense")


def test_openssl_and_a_few_lines_of_shell_check_a_report(report: Path, key: EvidenceSigner, tmp_path: Path) -> None:
    (tmp_path / "acme.pem").write_text(key.key.pem)
    script = """
        set -e
        tail -n 2 audit.jsonl | head -n 1 | tr -d '\\n' > signed
        tail -n 1 audit.jsonl | sed 's/.*"signature": "\\([^"]*\\)".*/\\1/' | base64 -d > signature
        openssl pkeyutl -verify -pubin -inkey acme.pem -rawin -in signed -sigfile signature
        before=$(head -n 1 audit.jsonl | tr -d '\\n' | sha256sum | cut -c 1-64)
        tail -n +2 audit.jsonl | head -n -1 | while read -r line; do
            case "$line" in *"\\"before\\": \\"$before\\"}") ;; *) echo "broken: $line"; exit 1 ;; esac
            before=$(printf %s "$line" | sha256sum | cut -c 1-64)
        done
    """

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    untouched = run()
    lines = report.read_bytes().splitlines()
    report.write_bytes(b"".join(line + b"\n" for line in change(lines)))

    assert (0, "Signature Verified Successfully") == (untouched.returncode, untouched.stdout.strip()), untouched
    assert 0 != run().returncode


def test_the_reports_of_an_organisation_are_a_chain(
    journal: MemoryJournal, key: EvidenceSigner, tmp_path: Path
) -> None:
    audited(journal, "run-1")
    audited(journal, "run-2")

    first = write_evidence(journal, "acme", "run-1", tmp_path / "1.jsonl", key)
    second = write_evidence(journal, "acme", "run-2", tmp_path / "2.jsonl", key)

    assert ((1, START), (2, first.hash)) == ((first.number, first.previous), (second.number, second.previous))
    assert check_evidence(second.path, key.key.pem, previous=first.hash).ok
    assert not check_evidence(second.path, key.key.pem, previous=START).ok


def test_a_report_is_written_again_byte_by_byte_as_long_as_its_run_stays_as_it_is(
    journal: MemoryJournal, key: EvidenceSigner, tmp_path: Path
) -> None:
    run = audited(journal)
    first = write_evidence(journal, "acme", "run-1", tmp_path / "1.jsonl", key)
    again = write_evidence(journal, "acme", "run-1", tmp_path / "2.jsonl", key)
    journal.record(run, [replace(journal.entries(run)[2], state=EntryState.MATCHED)])
    changed = write_evidence(journal, "acme", "run-1", tmp_path / "3.jsonl", key)

    assert first.path.read_bytes() == again.path.read_bytes()
    assert (1, 1, 2) == (first.number, again.number, changed.number)
    assert first.hash == changed.previous


def test_a_report_takes_the_place_of_no_other_file(journal: MemoryJournal, key: EvidenceSigner, tmp_path: Path) -> None:
    audited(journal)
    path = tmp_path / "audit.jsonl"
    write_evidence(journal, "acme", "run-1", path, key)
    write_evidence(journal, "acme", "run-1", path, key)  # the same
    audited(journal, "run-2")

    with pytest.raises(AlreadyExistsError, match="name another path"):
        write_evidence(journal, "acme", "run-2", path, key)

    assert ["audit.jsonl"] == [found.name for found in tmp_path.iterdir()]
    assert "run-1" == json.loads(path.read_bytes().splitlines()[0])["run"]


def test_a_run_that_is_not_done_is_no_evidence(journal: MemoryJournal, key: EvidenceSigner, tmp_path: Path) -> None:
    run = audited(journal)
    journal.record(run, [replace(journal.entries(run)[0], state=EntryState.PLANNED)])

    with pytest.raises(SettingsError, match="not done"):
        write_evidence(journal, "acme", "run-1", tmp_path / "audit.jsonl", key)
    with pytest.raises(RecordNotFoundError):
        write_evidence(journal, "other", "run-1", tmp_path / "audit.jsonl", key)

    assert [] == list(tmp_path.iterdir())


def test_the_public_key_of_an_earlier_sealing_key_is_known_as_long_as_that_is(tmp_path: Path) -> None:
    old, new = KeyRing.generate(), KeyRing.generate()
    before = SqlCatalogue(tmp_path / "catalogue.db", Sealer(old))
    first = evidence_key(before, "acme")
    before.close()
    after = SqlCatalogue(tmp_path / "catalogue.db", Sealer(old.with_first(new)))

    now = evidence_key(after, "acme")

    assert first != now
    assert first == evidence_key(after, "acme", first.id)
    assert same_key(first.pem, first.pem.replace("\n", "\r\n"))
    with pytest.raises(SettingsError, match="not at hand"):
        evidence_key(after, "acme", "0" * 16)
    after.close()


def test_a_catalogue_without_keys_signs_nothing() -> None:
    with pytest.raises(SettingsError, match="no keys"):
        evidence_signer(MemoryCatalogue(), "acme")


def test_a_signer_shows_no_key() -> None:
    ring = KeyRing.generate()
    made = signer("acme", ring)

    assert f"EvidenceSigner('acme', {ring.current})" == repr(made)
    assert is_signed(b"text", made.sign(b"text"), made.key.pem)
    assert not is_signed(b"text", "no signature", made.key.pem)


def test_reports_that_are_made_at_once_follow_each_other_and_of_one_run_there_is_one(
    key: EvidenceSigner, tmp_path: Path
) -> None:
    """A journal in memory undoes nothing, so it is one that lasts."""
    runs = ("run-1", "run-1", "run-2", "run-3", "run-3")
    with closing(open_journal(tmp_path / "journal.db")) as journal:
        for run in sorted(set(runs)):
            audited(journal, run)
        made = list[Evidence]()
        threads = [
            Thread(
                target=lambda number, run: made.append(
                    write_evidence(journal, "acme", run, tmp_path / f"{number}.jsonl", key)
                ),
                args=(number, run),
            )
            for number, run in enumerate(runs)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    chain = {report.number: report for report in made}
    assert 5 == len(made)
    assert {1, 2, 3} == set(chain)
    assert 3 == len({report.hash for report in made}) == len({report.run for report in chain.values()})
    assert [START, chain[1].hash, chain[2].hash] == [chain[number].previous for number in (1, 2, 3)]
