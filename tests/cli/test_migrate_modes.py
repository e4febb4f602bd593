"""What comes after a copy, from the shell: audits and their evidence, cut-over, prune, roll-back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kazinex_storage.organisations import ProviderStatus

from .conftest import CommandLine
from .test_migrate import COPY, disks, files, opened, store

ENDS = COPY[1:]

__all__ = ["disks"]  # the fixture


def default_of(cli: CommandLine) -> str:
    organisations = opened(cli)
    default = organisations.organisation("org-1").default_provider
    label = next(record.label for record in organisations.providers("org-1") if record.id == default)
    organisations.close()
    return label


def test_an_organisation_moves_and_only_what_is_proven_leaves_the_source(
    cli: CommandLine, disks: tuple[Path, Path]
) -> None:
    old, new = disks
    store(cli, {"bridge/DRG-1": b"%PDF one", "bridge/DRG-2": b"%PDF two"})
    cli(*COPY)
    store(cli, {"bridge/DRG-3": b"%PDF three, that came later"})
    early = cli("migrate", "prune", *ENDS, "--yes")

    moved = cli("migrate", "cut-over", *ENDS, "--json")
    unasked = cli("migrate", "prune", *ENDS)
    regretted = cli.on_terminal("migrate", "prune", *ENDS)
    regretted.wait_for_question("[y/N]: ")
    regretted.interrupt()
    code = regretted.end()
    still = len(files(old))
    kept = cli("migrate", "prune", *ENDS, "--keep-days", "1", "--yes", "--json")
    pruned = cli("migrate", "prune", *ENDS, "--yes", "--json")

    assert (6, True) == (early.code, "cut over first" in early.err)
    assert (True, 1, 0) == (moved.json["default"], moved.json["stragglers"], moved.json["left"])
    assert "New" == default_of(cli)
    assert (2, True) == (unasked.code, "add --yes" in unasked.err)
    assert (130, 3) == (code, still)
    assert (0, 3) == (kept.json["pruned"]["objects"], kept.json["retained"])
    assert 3 == pruned.json["pruned"]["objects"]
    assert ({}, 3) == (files(old), len(files(new)))
    assert b"%PDF one" == cli("cat", "org-1/bridge/DRG-1/P01").out


def test_a_cut_over_is_taken_back(cli: CommandLine, disks: tuple[Path, Path]) -> None:
    assert disks[0].is_dir()
    store(cli, {"bridge/DRG-1": b"%PDF one"})
    cli(*COPY)
    cli("migrate", "cut-over", *ENDS)
    store(cli, {"bridge/DRG-2": b"%PDF two, on the target alone"})

    back = cli("migrate", "roll-back", *ENDS)

    assert 0 == back.code
    assert "1 documents are read from Old again" in back.text
    assert "1 documents are only on New" in back.err
    assert "Old" == default_of(cli)
    assert b"%PDF two, on the target alone" == cli("cat", "org-1/bridge/DRG-2/P01").out


def test_a_mirror_brings_what_comes_later_until_it_is_ended(cli: CommandLine, disks: tuple[Path, Path]) -> None:
    _, new = disks
    store(cli, {"bridge/DRG-1": b"%PDF one", "bridge/DRG-2": b"%PDF two"})
    first = cli("migrate", "mirror", *ENDS, "--json")
    store(cli, {"bridge/DRG-3": b"%PDF three"})
    cli("rm", "org-1/bridge/DRG-2/P01", "--yes")
    watching = cli.on_terminal("migrate", "mirror", *ENDS, "--watch", "--interval", "0.2")
    end = time.monotonic() + 60
    while len(files(new)) != 2 or "bridge/DRG-2/P01/plan.pdf" in files(new):
        assert time.monotonic() < end, files(new)
        time.sleep(0.05)
    watching.interrupt()
    code = watching.end()
    ended = cli("migrate", "mirror", *ENDS, "--end")
    store(cli, {"bridge/DRG-4": b"%PDF four, which nobody mirrors"})

    assert (0, True, 0) == (first.code, first.json["complete"], first.json["pending"])
    assert 130 == code
    assert "has ended" in ended.text
    assert {"bridge/DRG-1/P01/plan.pdf", "bridge/DRG-3/P01/plan.pdf"} == set(files(new))
    assert "Old" == default_of(cli)


def test_processes_of_this_machine_copy_and_audit(cli: CommandLine, disks: tuple[Path, Path]) -> None:
    old, new = disks
    store(cli, {f"bridge/DRG-{place}": b"%PDF" + bytes(place) for place in range(4)})

    done = cli(*COPY, "--workers", "1", "--json")
    audited = cli("migrate", "audit", *ENDS, "--workers", "1", "--json")

    assert (0, {"objects": 4, "bytes": 22}) == (done.code, done.json["counts"]["copied"])
    assert (0, {"objects": 4, "bytes": 22}) == (audited.code, audited.json["counts"]["matched"])
    assert files(old) == files(new)


@pytest.mark.soak
def test_a_cluster_of_dask_copies(cli: CommandLine, disks: tuple[Path, Path]) -> None:
    old, new = disks
    store(cli, {"bridge/DRG-1": b"%PDF one"})

    done = cli(*COPY, "--dask", "local", "--workers", "2", PYTHONWARNINGS="default")

    assert (0, True) == (done.code, "dashboard" in done.err)
    assert files(old) == files(new)


def test_a_cluster_has_workers_of_its_own(cli: CommandLine, disks: tuple[Path, Path]) -> None:
    assert disks[0].is_dir()
    done = cli(*COPY, "--workers", "2", "--dask", "tcp://scheduler.example:8786")

    assert (2, True) == (done.code, "has its own" in done.err)


def test_an_audit_finds_what_is_missing_and_its_evidence_is_checked_offline(
    cli: CommandLine, disks: tuple[Path, Path]
) -> None:
    _, new = disks
    store(cli, {"bridge/DRG-1": b"%PDF one", "bridge/DRG-2": b"%PDF two"})
    cli(*COPY)
    before = cli("migrate", "audit", "--from", "Old", "--to", "New", "--json")
    (new / "org-1" / "bridge/DRG-2/P01/plan.pdf").unlink()

    found = cli("migrate", "audit", "--to", "New", "--level", "size", "--report", "audit.html", "--json")
    cli("migrate", "evidence", found.json["run"], "audit.jsonl")
    (cli.work / "key.pem").write_bytes(cli("migrate", "evidence-key").out)
    elsewhere = str(cli.folder / "elsewhere")
    good = cli("migrate", "check-evidence", "audit.jsonl", "--key", "key.pem", KAZINEX_STORAGE_HOME=elsewhere)
    text = (cli.work / "audit.jsonl").read_bytes()
    (cli.work / "audit.jsonl").write_bytes(text.replace(b"missing", b"matched"))
    forged = cli("migrate", "check-evidence", "audit.jsonl", "--key", "key.pem", "--json")

    assert (0, True) == (before.code, before.json["ok"])
    assert (3, False) == (found.code, found.json["ok"])
    assert [("bridge/DRG-2/P01/plan.pdf", "missing")] == [
        (each["key"], each["state"]) for each in found.json["findings"]
    ]
    assert "Missing, different or not compared: 1 of 2 objects." in (cli.work / "audit.html").read_text(
        encoding="utf-8"
    )
    assert (0, True) == (good.code, "are as they were signed" in good.text)
    assert (3, False) == (forged.code, forged.json["ok"])
    assert not Path(elsewhere).exists()


def test_what_was_never_copied_is_neither_pruned_nor_cut_over(cli: CommandLine, disks: tuple[Path, Path]) -> None:
    assert disks[0].is_dir()
    for mode in (("prune", *ENDS, "--yes"), ("cut-over", *ENDS), ("roll-back", *ENDS)):
        refused = cli("migrate", *mode)
        assert (6, True) == (refused.code, "copy first" in refused.err), refused.err
    organisations = opened(cli)
    assert {ProviderStatus.VERIFIED} == {record.status for record in organisations.providers("org-1")}
    organisations.close()
