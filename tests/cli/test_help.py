"""What can be learned without doing anything, and how fast."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kazinex_storage
from kazinex_storage.cli import main

if TYPE_CHECKING:
    from .conftest import CommandLine


def test_help_names_every_command_the_flags_and_the_exit_codes(cli: CommandLine) -> None:
    done = cli("--help")

    assert 0 == done.code
    for command in ("demo", "kinds", "put", "get", "cat", "ls", "stat", "rm", "check", "provider", "allowlist"):
        assert f"\n  {command} " in done.text
    assert "--json" in done.text
    assert "3 verification failed" in " ".join(done.text.split())
    assert not cli.home.exists()


def test_help_loads_nothing_heavy(cli: CommandLine) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "kazinex_storage.cli", "--help"]

    done = subprocess.run(command, capture_output=True, text=True, env=cli.environment, check=True)

    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert set() == loaded & {"rich", "sqlalchemy", "cryptography", "pydantic", "fsspec", "pycurl", "asyncio"}


def test_the_program_is_installed_under_its_name(cli: CommandLine) -> None:
    program = Path(sys.executable).with_name("kazinex-storage")

    done = subprocess.run([program, "--version"], capture_output=True, text=True, env=cli.environment, check=True)

    assert kazinex_storage.__version__ == done.stdout.strip()


def test_without_the_extra_one_line_names_what_to_install(cli: CommandLine) -> None:
    missing = cli.folder / "missing"
    missing.mkdir()
    (missing / "typer.py").write_text("raise ModuleNotFoundError('No module named typer', name='typer')\n")

    done = cli("kinds", PYTHONPATH=str(missing))

    assert (6, "error: the command line needs typer; pip install 'kazinex-storage[cli]'\n") == (done.code, done.err)


def test_a_command_line_can_be_run_from_python(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--version"])

    assert (0, kazinex_storage.__version__) == (code, capsys.readouterr().out.strip())


def test_kinds_lists_every_kind_with_its_fields(cli: CommandLine) -> None:
    shown, drawn = cli("kinds", "--json").json, cli("kinds").text

    kinds = {kind["kind"]: {field["name"]: field for field in kind["fields"]} for kind in shown["kinds"]}
    assert (True, False) == (kinds["local"]["root"]["required"], kinds["local"]["root"]["secret"])
    assert (True, True) == (kinds["vault"]["token"]["required"], kinds["vault"]["token"]["secret"])
    assert "auth.client_secret~" in drawn
