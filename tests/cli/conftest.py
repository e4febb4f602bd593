"""The command line as people and scripts meet it: a process of its own, its streams, its exit code, a terminal."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import open_organisations, verify_provider
from kazinex_storage.cli.app import run

MODULE = ("-m", "kazinex_storage.cli")
PROGRAM = (sys.executable, *MODULE)
PLUGINS = Path(__file__).with_name("plugins")
PATIENCE_S = 300  # for what hangs: a machine that is busy takes a minute for one command line

# Makes the terminal the controlling one, so that Ctrl-C is a key and questions go to /dev/tty.
ON_TERMINAL = (
    sys.executable,
    "-c",
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])",
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How one command line ended."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        """The only JSON document on standard output."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The JSON document in the last line of standard error."""
        return json.loads(self.err.splitlines()[-1])["error"]


class Terminal:
    """A command line on a terminal of its own; what it shows is collected."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=folder, start_new_session=True
        )
        os.close(theirs)
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Wait until *text* has been shown."""
        while text not in self.shown:
            if not self._read():
                raise AssertionError(f"{text!r} never came; shown was:\n{self.shown}")

    def wait_for_question(self, text: str) -> None:
        """Wait until *text* has been shown and the answer is waited for.

        Python notes a Ctrl-C that comes between its last look and the read of a line, and acts on it after that line:
        whoever asks in vain presses it again.
        """
        self.wait_for(text)
        asleep = 0
        while asleep < 5:
            state = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
            asleep = asleep + 1 if state == "S" else 0
            time.sleep(0.02)

    def type(self, text: str) -> None:
        """Press the keys of *text*."""
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.type("\x03")

    def end(self) -> int:
        """Wait for the end and return the exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)

    def _read(self) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._ours, selectors.EVENT_READ)
            ready = selector.select(PATIENCE_S)
        assert ready, f"nothing was shown for {PATIENCE_S} s; before:\n{self.shown}"
        try:
            found = os.read(self._ours, 65536)
        except OSError:  # Linux: the other side is closed
            return False
        self.shown += found.decode(errors="replace")
        return bool(found)


class CommandLine:
    """Runs command lines against one home of its own."""

    def __init__(self, folder: Path, ready_python: Sequence[str]) -> None:
        self.folder = folder
        self._warm_program = (*ready_python, *MODULE)
        self.home = folder / "home"
        self.work = folder / "work"
        self.work.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KAZINEX_STORAGE_")}
        self.environment = {
            **kept,
            "KAZINEX_STORAGE_HOME": str(self.home),
            "KAZINEX_STORAGE_ORGANISATION": "org-1",
            "PYTHONPATH": str(PLUGINS),
            "PYTHONWARNINGS": "error",
            "COLUMNS": "200",
        }
        self.terminals: list[Terminal] = []

    def __call__(self, *arguments: str | Path, stdin: bytes = b"", **environment: str) -> Result:
        """Run one command line to its end; the three checks hold for every one of them."""
        program = PROGRAM if "PYTHONPATH" in environment else self._warm_program
        done = subprocess.run(
            [*program, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env={**self.environment, **environment},
            cwd=self.work,
            timeout=PATIENCE_S,
            check=False,
        )
        result = Result(code=done.returncode, out=done.stdout, err=done.stderr.decode())
        if "--debug" not in arguments:
            assert "Traceback" not in result.err
        if "--json" in arguments:
            assert (result.code in (0, 3)) == bool(result.out), "one document on success, none on error"
        return result

    def start(self, *arguments: str | Path, **environment: str) -> subprocess.Popen[bytes]:
        """Start one command line and return its process."""
        return subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **environment},
            cwd=self.work,
        )

    def on_terminal(self, *arguments: str | Path, **environment: str) -> Terminal:
        """Start one command line on a terminal."""
        terminal = Terminal(
            [*ON_TERMINAL, *PROGRAM, *map(str, arguments)], {**self.environment, **environment}, self.work
        )
        self.terminals.append(terminal)
        return terminal

    def make_folder(self, name: str = "disk") -> Path:
        """Make a folder for documents, beside that of the catalogue."""
        made = self.folder / name
        made.mkdir()
        return made

    def add_disk(self, label: str = "Disk", *, max_file_bytes: int | None = None) -> Path:
        """Add a verified local disk, make it the default, and return its root. Without processes, which take time."""
        root = self.folder / label
        root.mkdir()
        organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(self.home)})
        settings = {"root": str(root), "durable": False}
        organisations.add_provider("org-1", "local", label, settings, max_file_bytes=max_file_bytes)
        assert verify_provider(organisations, "org-1", label).ok
        organisations.set_default("org-1", label)
        organisations.close()
        return root


class InProcess(CommandLine):
    """Runs command lines in this process, where nothing depends on streams, signals or a terminal."""

    def __init__(
        self,
        folder: Path,
        ready_python: Sequence[str],
        monkeypatch: pytest.MonkeyPatch,
        captured: pytest.CaptureFixture[bytes],
    ) -> None:
        super().__init__(folder, ready_python)
        self._monkeypatch = monkeypatch
        self._captured = captured
        for name in os.environ:
            if name.startswith("KAZINEX_STORAGE_"):
                monkeypatch.delenv(name)
        for name in ("KAZINEX_STORAGE_HOME", "KAZINEX_STORAGE_ORGANISATION"):
            monkeypatch.setenv(name, self.environment[name])
        monkeypatch.chdir(self.work)

    def __call__(self, *arguments: str | Path, stdin: bytes = b"", **environment: str) -> Result:
        """Run one command line to its end."""
        for name, text in environment.items():
            self._monkeypatch.setenv(name, text)
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run([str(argument) for argument in arguments])
        out, err = self._captured.readouterr()
        assert b"Traceback" not in err
        return Result(code=code, out=out, err=err.decode())


@pytest.fixture
def line(
    tmp_path: Path,
    ready_python: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> Iterator[InProcess]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    logger = logging.getLogger("kazinex_storage")
    logs = logger.handlers, logger.propagate, logger.level
    yield InProcess(tmp_path, ready_python, monkeypatch, capsysbinary)
    logger.handlers, logger.propagate, logger.level = logs
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def cli(tmp_path: Path, ready_python: Sequence[str]) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path, ready_python)
    yield line
    for terminal in line.terminals:
        terminal.close()
