"""``migrate`` from the shell: planned, copied, interrupted, killed, gone on with, and reported."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from kazinex_storage import DocumentKey, open_organisations
from kazinex_storage.documents.store import DocumentStore
from kazinex_storage.organisations import Organisations, Resolver

from .conftest import CommandLine

COPY = ("migrate", "--organisation", "org-1", "--from", "Old", "--to", "New")


def opened(cli: CommandLine) -> Organisations:
    return open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})


def store(cli: CommandLine, bodies: dict[str, bytes]) -> None:
    """Upload documents ``project/document`` to the default provider."""
    organisations = opened(cli)
    resolver = Resolver(organisations)
    documents = DocumentStore(resolver)
    for name, body in bodies.items():
        project, document = name.split("/")
        documents.upload(DocumentKey("org-1", project, document, "P01", "plan.pdf"), body)
    resolver.close()
    organisations.close()


@pytest.fixture
def disks(cli: CommandLine) -> tuple[Path, Path]:
    """Two disks, of which the first is the default."""
    old, new = cli.folder / "old", cli.folder / "new"
    organisations = opened(cli)
    for label, root in (("Old", old), ("New", new)):
        root.mkdir()
        record = organisations.add_provider("org-1", "local", label, {"root": str(root), "durable": False})
        organisations.record_verification(record, ok=True)
    organisations.set_default("org-1", "Old")
    organisations.close()
    return old, new


def files(root: Path) -> dict[str, bytes]:
    """Return what is stored, without what is kept of what was removed."""
    return {
        str(path.relative_to(root / "org-1")): path.read_bytes()
        for path in root.rglob("plan.pdf")
        if ".trash" not in path.parts
    }


def test_a_copy_is_planned_made_reported_and_listed(cli: CommandLine, disks: tuple[Path, Path]) -> None:
    old, new = disks
    store(cli, {"bridge/DRG-1": b"%PDF one", "bridge/DRG-2": b"%PDF two", "tunnel/DRG-3": b"%PDF three"})
    report = cli.work / "report.html"

    plan = cli(*COPY, "--dry-run", "--json")
    untouched = files(new)
    done = cli(*COPY, "--report", report, "--json")
    again = cli(*COPY, "--json").json

    assert (True, {"planned": {"objects": 3, "bytes": 26}}) == (plan.json["dry_run"], plan.json["counts"])
    assert {} == untouched
    assert (0, "done", {"copied": {"objects": 3, "bytes": 26}}) == (done.code, done.json["state"], done.json["counts"])
    assert files(old) == files(new), "and the source keeps all"
    assert (done.json["run"], done.json["counts"]) == (again["run"], again["counts"])
    progress = [json.loads(line)["progress"] for line in done.err.splitlines()]
    assert {"objects": 3, "bytes": 26} == progress[-1]["done"]
    assert "It ended, and nothing failed" in report.read_text(encoding="utf-8")
    (listed,) = cli("migrate", "list", "--json").json["runs"]
    assert (done.json["run"], "copy", {"objects": 3, "bytes": 26}) == (listed["id"], listed["kind"], listed["done"])
    assert b"%PDF one" == cli("cat", "org-1/bridge/DRG-1/P01").out


def test_one_project_alone_is_copied(cli: CommandLine, disks: tuple[Path, Path]) -> None:
    _, new = disks
    store(cli, {"bridge/DRG-1": b"%PDF one", "tunnel/DRG-3": b"%PDF three"})

    done = cli(*COPY, "--project", "tunnel")
    run = done.text.split()[1].rstrip(",")

    assert "1" == done.text.splitlines()[1].split()[0]
    assert [0, 4, 4] == [
        cli("migrate", "status", name, "--organisation", organisation).code
        for name, organisation in ((run, "org-1"), (run, "org-2"), ("evidence", "org-1"))
    ], "no run of another organisation is there, and no record of ours"
    assert {"tunnel/DRG-3/P01/plan.pdf"} == set(files(new))


def test_what_the_target_cannot_hold_is_named_before_anything_moves(cli: CommandLine, disks: tuple[Path, Path]) -> None:
    _, new = disks
    cli("provider", "update", "New", "--max-file-size", "1000")
    store(cli, {"bridge/DRG-1": bytes(1001), "bridge/DRG-2": b"%PDF two"})

    plan = cli(*COPY, "--dry-run")
    done = cli(*COPY, "--verify", "size", "--concurrency", "2", "--json")
    run = done.json["run"]
    shown = cli("migrate", "status", run)
    report = cli.work / "report.json"
    cli("migrate", "report", run, report)

    assert (3, 3) == (plan.code, done.code)
    assert "refused: bridge/DRG-1/P01/plan.pdf: " in plan.err
    assert ["bridge/DRG-1/P01/plan.pdf"] == [entry["key"] for entry in done.json["refused"]]
    assert {"bridge/DRG-2/P01/plan.pdf"} == set(files(new))
    assert "refused: bridge/DRG-1/P01/plan.pdf: " in shown.text
    filed = json.loads(report.read_text(encoding="utf-8"))
    assert ("size", 2) == (filed["run"]["options"]["verify"], filed["run"]["options"]["concurrency"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)], ids=["ctrl-c", "kill -9"])
def test_a_copy_that_was_cut_off_goes_on_where_it_was(
    cli: CommandLine, disks: tuple[Path, Path], number: signal.Signals, code: int
) -> None:
    old, new = disks
    store(cli, {f"bridge/DRG-{place}": bytes([place]) * 100_000 for place in range(20)})
    process = cli.start(*COPY, "--bandwidth", "200kB/s", "--concurrency", "1", "--json")
    end = time.monotonic() + 60
    while not files(new):
        assert time.monotonic() < end, "nothing was copied"
        time.sleep(0.02)

    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    half = len(files(new))
    done = cli(*COPY, "--bandwidth", "1GB/s", "--json")

    assert (code, b"") == (process.returncode, out)
    assert 0 < half < 20
    counts = done.json["counts"]
    assert (0, 20) == (done.code, sum(count["objects"] for count in counts.values()))
    assert {"copied", "same"} >= set(counts)
    assert files(old) == files(new)


def test_a_terminal_shows_bars(cli: CommandLine, disks: tuple[Path, Path]) -> None:
    assert disks[0].is_dir()
    store(cli, {"bridge/DRG-1": b"%PDF one"})
    terminal = cli.on_terminal(*COPY)

    terminal.wait_for("copied: copied, and proven on the target")

    assert 0 == terminal.end()
    assert "Old to New" in terminal.shown
    assert "1 of 1 objects" in terminal.shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("migrate", "--to", "New"), "missing option '--from'"),
        (("migrate", "--from", "Old", "--to", "New", "list"), "write the options after the command"),
        ((*COPY[:-1], "Old"), "name the same provider"),
        ((*COPY, "--verify", "half"), "is not one of"),
        ((*COPY, "--report", "nowhere/report.html"), "is in no folder that exists"),
    ],
    ids=["no source", "options before", "one provider", "verify", "report"],
)
def test_a_command_line_that_makes_no_sense_is_a_mistake(
    cli: CommandLine, disks: tuple[Path, Path], arguments: tuple[str, ...], said: str
) -> None:
    assert disks[0].is_dir()
    done = cli(*arguments)

    assert (2, True) == (done.code, said in done.err), done.err
