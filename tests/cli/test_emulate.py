"""``emulate``: services that anyone can use, until Ctrl-C, or as long as a command lasts."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kazinex_storage import Storage, open_organisations
from kazinex_storage.cli.app import run
from kazinex_storage.organisations import ProviderStatus
from kazinex_storage.registry import default_registry

from .conftest import PATIENCE_S, CommandLine

# The kit's libraries are for its tests alone: whoever installs the emulators has neither.
WITHOUT_PYTEST = textwrap.dedent(
    """
    import sys

    class Hidden:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in ("pytest", "hypothesis"):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    sys.meta_path.insert(0, Hidden())
    from kazinex_storage.cli import main
    sys.argv[0] = "kazinex-storage"
    main()
    """
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KAZINEX_STORAGE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def announced(process: subprocess.Popen[str]) -> Any:
    """Read the one document that a command writes when the service is there."""
    assert process.stdout is not None
    text = ""
    while not text.startswith("{") or not text.endswith("\n}\n"):
        line = process.stdout.readline()
        assert line, "it ended"
        text += line
    return json.loads(text)


def test_what_is_printed_can_be_pasted_while_a_tenant_is_served_until_it_is_interrupted(cli: CommandLine) -> None:
    """In 40 columns; the secrets are in a file of the user, not on the line."""
    process = cli.start("emulate", "graph", "--library", "Plans", COLUMNS="40")
    assert process.stderr is not None
    command = ""
    while "provider add" not in command:
        line = process.stderr.readline()
        assert line, "it ended"
        command = line.decode()
    file = Path(command.split("--settings-file ")[1].split()[0])
    settings, mode = json.loads(file.read_text(encoding="utf-8")), file.stat().st_mode & 0o777

    words = command.replace("kazinex-storage", " ".join([sys.executable, "-m", "kazinex_storage.cli"]))
    done = subprocess.run(["sh", "-c", words], env=cli.environment, capture_output=True, text=True, check=False)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)

    assert 0 == done.returncode, done.stderr
    assert "VERIFIED" in done.stdout + done.stderr
    assert settings["client_secret"] not in command
    assert (0, "Plans", 0o600) == (process.returncode, settings["library"], mode)
    assert not file.exists()
    assert not Path(settings["ca_file"]).exists()


def test_a_kept_bucket_is_a_provider_while_it_is_served_and_the_same_in_the_next_run(
    home: Path, tmp_path: Path
) -> None:
    """Without pytest; ended by SIGTERM the first time."""
    options = ["emulate", "s3", "--register", "acme", "--keep", str(tmp_path / "kept")]
    with subprocess.Popen(
        [sys.executable, "-c", WITHOUT_PYTEST, *options, "--json"], stdout=subprocess.PIPE, text=True
    ) as process:
        document = announced(process)
        settings = document["settings"]
        with Storage(default_registry().open("s3", default_registry().parse_settings("s3", settings))) as storage:
            storage.put("a.txt", b"kept")
        process.terminate()
        process.wait(PATIENCE_S)

    assert (143, "VERIFIED") == (process.returncode, document["provider"]["status"])
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", urlsplit(settings["endpoint_url"]).port or 0)).close()
    organisations = open_organisations()
    record = organisations.find("acme", "emulated-s3")
    assert ProviderStatus.FAILED is record.status
    assert "emulate s3 --register acme" in (record.last_error or "")
    assert record.id == organisations.organisation("acme").default_provider

    program = (
        "import sys; from kazinex_storage import Storage; from kazinex_storage.named import open_named\n"
        "with open_named('s3') as storage: sys.exit(7 if storage.get_bytes('a.txt') == b'kept' else 1)"
    )
    code = run([*options, "--forget", "--", sys.executable, "-c", program])

    assert 7 == code, "that of the command, which found the object by its environment"
    assert [] == list(organisations.providers("acme"))
    assert organisations.organisation("acme").default_provider is None
    organisations.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["s3", "--label", "a"], "--register"),
        (["s3", "--forget"], "--register"),
        (["graph", "--register", "acme", "--label", "Disk"], "another --label"),
        (["graph", "--", "no-such-program"], "cannot be run"),
        (["r2", "--keep", "FILE"], "another folder"),
        (["s3", "--keep", "OTHER"], "of `emulate azure`"),
        (["azure", "--azurite", "no/such/main.js"], "no Azurite at"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_served_is_refused(
    arguments: list[str], words: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "emulator.json").write_text('{"emulates": "azure"}')
    places = {"FILE": str(tmp_path / "file"), "OTHER": str(tmp_path / "other")}
    if "Disk" in arguments:
        organisations = open_organisations()
        organisations.add_provider("acme", "local", "Disk", {"root": str(tmp_path / "disk"), "create": True})
        organisations.close()

    code = run(["emulate", *(places.get(argument, argument) for argument in arguments)])

    assert code in (2, 6)
    assert words in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = run(["emulate", "r2", "--port", str(port)])

    assert 6 == code
    assert f"port {port} of 127.0.0.1 is taken" in capsys.readouterr().err
