"""What a command costs before it does anything: a fresh process each time.

Judged by processor time, which is the wall clock of a machine that does nothing else: a start waits for nobody.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .import_time import compiling_once
from .results import Log
from .rounds import Contender, alternate, heading, show
from .sizes import Sizes

HELP = "kazinex-storage --help"
LIST = "kazinex-storage ls"
_WORDS: Mapping[str, tuple[str, ...]] = {HELP: ("--help",), LIST: ("ls", "acme/bridge/", "--recursive")}


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading("Commands: a fresh process each time, wall clock; a catalogue in SQLite, a document on local disk")
    variables = {
        **compiling_once(folder / "bytecode"),
        "KAZINEX_STORAGE_HOME": str(folder / "home"),
        "KAZINEX_STORAGE_ORGANISATION": "acme",
    }
    (folder / "documents").mkdir()
    (folder / "plan.pdf").write_bytes(b"%PDF-1.7")
    for words in (
        ("provider", "add", "local", "archive", "--set", f"root={folder / 'documents'}"),
        ("provider", "verify", "archive"),
        ("provider", "set-default", "archive"),
        ("put", str(folder / "plan.pdf"), "acme/bridge/DRG-0042/P01"),
    ):
        command(words, variables)
    contenders = [
        Contender(name=name, work=functools.partial(command, words, variables)) for name, words in _WORDS.items()
    ]
    samples = alternate(contenders, sizes.starts)
    show("one command", samples)
    log.keep("command", samples)


def command(words: tuple[str, ...], variables: Mapping[str, str]) -> None:
    """Run one command line, whatever it prints."""
    program = [sys.executable, "-m", "kazinex_storage.cli", *words]
    subprocess.run(program, check=True, env=dict(variables), capture_output=True)
