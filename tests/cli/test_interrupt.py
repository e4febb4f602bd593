"""Ctrl-C and a polite kill end a command in one line and leave nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from .conftest import PATIENCE_S

if TYPE_CHECKING:
    from .conftest import CommandLine

REVISION = "org-1/bridge/DRG-1/P01"
GIB = 1024**3


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, b"interrupted\n"), (signal.SIGTERM, 143, b""), (signal.SIGHUP, 129, b"")],
    ids=["ctrl-c", "terminate", "hang up"],
)
def test_a_put_that_waits_for_its_input_is_interrupted(
    cli: CommandLine, number: signal.Signals, code: int, said: bytes
) -> None:
    root, spool = cli.add_disk(), cli.folder / "spool"
    spool.mkdir()
    process = cli.start("put", "-", f"{REVISION}/model.ifc", TMPDIR=str(spool))
    assert process.stdin is not None
    # The memory of the spool, a pipe, and some pieces more: when the last one is taken the command has its file. In the
    # moment before, tempfile tries out the folder by a file of its own, and a signal in that moment leaves it.
    process.stdin.write(bytes(12 * 1024 * 1024))
    process.stdin.flush()

    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)

    assert (code, b"", said) == (process.returncode, out, err)
    assert [] == [found for found in root.rglob("*") if found.name.startswith("model")]
    assert [] == list(spool.iterdir())


def test_ctrl_c_in_the_middle_of_a_text_that_is_executed_ends_a_command_as_any_other(cli: CommandLine) -> None:
    """Dataclasses and SQLAlchemy execute texts, and Python would end by the signal whatever the command makes of it."""
    information = cli.folder / "fake" / "interrupting_kind-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: interrupting-kind\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[kazinex_storage.providers]\nx = interrupting_kind:KIND\n")
    text = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    (cli.folder / "fake" / "interrupting_kind.py").write_text(f"exec({text!r})\n")

    done = cli("kinds", PYTHONPATH=str(cli.folder / "fake"))

    assert (130, b"", "interrupted\n") == (done.code, done.out, done.err)


def test_ctrl_c_during_a_long_put_publishes_nothing_and_the_revision_is_still_free(cli: CommandLine) -> None:
    root = cli.add_disk(max_file_bytes=64 * GIB)
    large = cli.work / "model.ifc"
    subprocess.run(["truncate", "-s", str(32 * GIB), large], check=True)

    terminal = cli.on_terminal("put", large, REVISION, TERM="xterm-256color")
    terminal.wait_for("GiB")  # the bar: bytes are moving
    terminal.interrupt()

    assert 130 == terminal.end(), terminal.shown
    assert terminal.shown.rstrip().endswith("interrupted")
    locks = root / ".~kazinex" / "locks"  # may hold the note of an earlier write
    files = [found for found in root.rglob("*") if found.is_file() and found.parent != locks]
    assert [] == [found for found in files if found.stat().st_size]
    os.truncate(large, 10)
    assert 0 == cli("put", large, REVISION).code


def test_ctrl_c_during_a_long_get_leaves_no_file(cli: CommandLine) -> None:
    root = cli.add_disk()
    (root / REVISION).mkdir(parents=True)
    subprocess.run(["truncate", "-s", str(32 * GIB), root / REVISION / "model.ifc"], check=True)

    terminal = cli.on_terminal("get", REVISION, TERM="xterm-256color")
    terminal.wait_for("GiB")
    terminal.interrupt()

    assert 130 == terminal.end(), terminal.shown
    assert [] == list(cli.work.iterdir())
