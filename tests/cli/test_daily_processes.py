"""Batches as processes: Ctrl-C on a narrow terminal, a full disk, a reader that goes away, a plain locale."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from .conftest import PATIENCE_S, PROGRAM

if TYPE_CHECKING:
    from .conftest import CommandLine

PROJECT = "org-1/bridge"
GIB = 1024**3


def test_ctrl_c_during_a_get_of_a_folder_leaves_nothing_half_and_says_how_to_go_on(cli: CommandLine) -> None:
    root = cli.add_disk()
    (root / PROJECT / "DRG-1" / "P01").mkdir(parents=True)
    subprocess.run(["truncate", "-s", str(4 * GIB), root / PROJECT / "DRG-1" / "P01" / "model.ifc"], check=True)

    terminal = cli.on_terminal("get", f"{PROJECT}/", "out", "--recursive", TERM="xterm-256color", COLUMNS="40")
    terminal.wait_for("GiB")
    terminal.interrupt()

    assert 130 == terminal.end(), terminal.shown
    assert "--skip-existing goes on" in terminal.shown
    assert terminal.shown.rstrip().endswith("interrupted")
    assert [] == [found for found in (cli.work / "out").rglob("*") if found.is_file()]


def test_a_disk_that_is_full_fails_what_does_not_fit_and_the_rest_is_whole(cli: CommandLine) -> None:
    root = cli.add_disk()
    for document, size in (("DRG-1", 100), ("DRG-2", 400_000), ("DRG-3", 100)):
        folder = root / PROJECT / document / "P01"
        folder.mkdir(parents=True)
        (folder / "a.pdf").write_bytes(bytes(size))
    limited = 'ulimit -f 200; exec "$@"'  # a limit of one file ends a write as a full disk does

    done = subprocess.run(
        ["sh", "-c", limited, "sh", *PROGRAM, "get", f"{PROJECT}/", "out", "--recursive"],
        env=cli.environment,
        cwd=cli.work,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    written = {path.relative_to(cli.work / "out").as_posix() for path in (cli.work / "out").rglob("*.pdf")}
    assert (1, {"DRG-1/P01/a.pdf", "DRG-3/P01/a.pdf"}) == (done.returncode, written), done.stderr
    assert "the free space" in done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_plain_locale_names_are_stored_and_a_reader_that_goes_away_ends_the_command(cli: CommandLine) -> None:
    cli.add_disk()
    for number in range(40):
        folder = cli.work / "in" / f"DRG-{number}" / "P01"
        folder.mkdir(parents=True)
        (folder / "Übersicht.pdf").write_bytes(b"%PDF")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "COLUMNS": "40"}

    stored = cli("put", "in/", f"{PROJECT}/", "-R", stdin=b"", **locale)
    reader, writer = os.pipe()
    os.close(reader)
    listed = subprocess.run(
        [*PROGRAM, "get", f"{PROJECT}/", "out", "-R", "--dry-run"],
        env=cli.environment | locale,
        cwd=cli.work,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=PATIENCE_S,
        check=False,
    )
    os.close(writer)

    assert (0, 40) == (stored.code, len(stored.text.splitlines())), stored.err
    assert "40 of 40 stored" in stored.err
    assert (141, b"") == (listed.returncode, listed.stderr)
