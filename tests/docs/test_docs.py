"""README and docs say what is true: links lead somewhere, snippets compile, marked ones run, commands exist.

A block after the line ``<!-- run -->`` is carried out, python and sh alike: those of one page one after another, in one
process and one temporary home; ``<!-- run fresh -->`` begins a new home, ``<!-- save NAME -->`` writes the block into a
file for those after it, a block after ``<!-- output -->`` has to be printed, wherever lines break. ``/srv/documents``
stands for a folder of the home.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from kazinex_storage.cli.app import build, take_flags
from kazinex_storage.testing.emulators.graph import graph_emulator
from kazinex_storage.testing.emulators.graph.server import HOST
from kazinex_storage.testing.emulators.tls import certificate_authority
from kazinex_storage.testing.servers import S3Server, azurite, seaweedfs

from ..time_stamps import TimeStampService, time_stamp_service

_ROOT = Path(__file__).parents[2]
_PAGES = sorted(
    [
        *(
            _ROOT / name
            for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/07_write_a_provider/README.md")
        ),
        *(_ROOT / "docs").rglob("*.md"),
    ]
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- (run|run fresh|save (?P<file>[\w.]+)) -->\n\Z")
_OUTPUT = re.compile(r"^<!-- output -->\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_ORGANISATION = "acme"

# Where pages speak of R2, they mean this bucket and these keys, and a server on this machine answers.
_BUCKET = "kazinex-documents"
_KEY_ID = "fedcba9876543210fedcba9876543210"
_SECRET = "00112233445566778899aabbccddeeff" * 2  # of the examples

# The same for Azure.
_CONTAINER = "kazinex-container"
_ACCOUNT = "kazinexexample"
_ACCOUNT_KEY = "ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZSBleGFtcGxlIQ=="

# The same for SharePoint, whose tenant is emulated.
_SITE = "contoso.sharepoint.com"
_TENANT = "11111111-2222-3333-4444-555555555555"
_APP = "aaaaaaaa-0000-4000-8000-000000000000"
_APP_SECRET = "example-secret"  # noqa: S105  # of the examples

# The same for time stamps, and the certificate of their authority.
_STAMPS = "https://stamps.example/"
_STAMPS_ROOT = "stamps.pem"

# Runs in an interpreter of its own: blocks of one page share their names, as a reader who types them would.
_RUNNER = textwrap.dedent(
    """
    import json, os, shutil, subprocess, sys, tempfile

    page, blocks = sys.argv[1], json.load(sys.stdin)
    namespace = sys.modules["__main__"].__dict__

    def begin():
        home = tempfile.mkdtemp(dir=os.environ["TRY"])
        os.makedirs(home + "/home")
        os.makedirs(home + "/srv/documents")
        os.environ["HOME"] = home + "/home"
        os.chdir(home)
        for name, data in (("plan.pdf", b"%PDF-1.7 plan"), ("register.csv", b"drawing,revision\\nDRG-0042,1\\n")):
            with open(name, "wb") as file:
                file.write(data)
        return home

    home = begin()
    for kind, fresh, file, line, text in blocks:
        if fresh:
            home = begin()
        text = text.replace("/srv/documents", home + "/srv/documents")
        if file:
            with open(file, "w", encoding="utf-8") as target:
                target.write(text)
        elif kind == "sh":
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], stdin=subprocess.DEVNULL)
            if done.returncode:
                sys.exit(f"{page}, line {line}: the commands ended with {done.returncode}")
            # What a shell exports counts for the blocks after it.
            for assignment in text.splitlines():
                if assignment.startswith("export "):
                    name, _, value = assignment.removeprefix("export ").partition("=")
                    os.environ[name] = value.strip("'\\"")
        else:
            exec(compile("\\n" * line + text, page, "exec"), namespace)
    """
)


@pytest.fixture(scope="session")
def r2_server() -> Iterator[S3Server]:
    with seaweedfs(_KEY_ID, _SECRET) as server:
        yield server


@pytest.fixture(scope="session")
def azure_endpoint() -> Iterator[str]:
    with azurite(account=_ACCOUNT, account_key=_ACCOUNT_KEY) as server:
        server.make_container(_CONTAINER)
        yield server.account_url


@pytest.fixture(scope="session")
def sharepoint_environment() -> Iterator[dict[str, str]]:
    with certificate_authority() as authority, graph_emulator(authority) as emulator:
        emulator.state.tenant = _TENANT
        emulator.add_site("sites/projects", ["Plans"])
        emulator.add_app(_APP, _APP_SECRET)
        yield {
            "KAZINEX_STORAGE_SHAREPOINT_LOGIN_URL": emulator.login_url,
            "KAZINEX_STORAGE_SHAREPOINT_GRAPH_URL": emulator.graph_url,
            "KAZINEX_STORAGE_SHAREPOINT_CA_FILE": str(authority.ca_file),
            "SSL_CERT_FILE": str(authority.ca_file),
        }


@pytest.fixture(scope="session")
def stamps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeStampService]:
    with time_stamp_service(tmp_path_factory.mktemp("stamps") / "service") as service:
        yield service


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str
    line: int
    """Of the fence."""
    runs: bool
    fresh: bool
    file: str | None
    """What it is saved as instead of being run."""


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for fence in _FENCE.finditer(text):
        mark = _MARK.search(text, 0, fence.start())
        yield Block(
            language=fence[1],
            text=fence[2],
            line=text.count("\n", 0, fence.start()) + 1,
            runs=mark is not None,
            fresh=mark is not None and mark[1] == "run fresh",
            file=mark["file"] if mark is not None else None,
        )


def _name(page: Path) -> str:
    return str(page.relative_to(_ROOT))


def _commands(block: Block) -> Iterator[list[str]]:
    """Yield the arguments of every ``kazinex-storage`` in a block of shell commands."""
    for line in block.text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        while "kazinex-storage" in words:
            words = words[words.index("kazinex-storage") + 1 :]
            end = next((at for at, word in enumerate(words) if set(word) <= set("();<>|&")), len(words))
            # `2> file`: the number belongs to the redirection.
            yield words[: end - 1] if end < len(words) and ">" in words[end] and words[end - 1] in "12" else words[:end]


@cache
def _program() -> Any:
    return get_command(build())


def _parse(arguments: list[str]) -> None:
    """Parse a command line as the program would, without carrying it out."""
    command: Any = _program()
    rest, context = list(take_flags(arguments).arguments), None
    while hasattr(command, "commands"):
        if command.invoke_without_command and rest[:1] and rest[0].startswith("-"):
            break  # the options of a group that does something by itself
        context = command.make_context("kazinex-storage", rest[:1], parent=context)
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context("kazinex-storage", rest, parent=context)


def _anchors(page: Path) -> set[str]:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    kept = re.compile(r"[^\w\- ]")
    return {
        kept.sub("", unicodedata.normalize("NFC", title.lower())).replace(" ", "-") for title in _HEADING.findall(text)
    }


def _programs(folder: Path, ready_python: Sequence[str]) -> Path:
    """Make a folder with the program that pages call."""
    made = folder / "programs"
    made.mkdir()
    program = made / "kazinex-storage"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(ready_python)} -m kazinex_storage.cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return made


_COMMANDS = [
    pytest.param(arguments, id=f"{_name(page)}:{block.line} {shlex.join(arguments)}")
    for page in _PAGES
    for block in _blocks(page)
    if block.language == "sh"
    for arguments in _commands(block)
]


@pytest.mark.parametrize("page", _PAGES, ids=_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))

    for link in links:
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{_name(page)} links to {link}"
        assert not anchor or anchor in _anchors(target), f"{_name(page)} links to {link}; {sorted(_anchors(target))}"


@pytest.mark.parametrize("page", _PAGES, ids=_name)
def test_every_python_block_compiles(page: Path) -> None:
    for block in _blocks(page):
        if block.language == "python":
            compile("\n" * block.line + block.text, _name(page), "exec", dont_inherit=True)


@pytest.mark.parametrize("page", [page for page in _PAGES if any(block.runs for block in _blocks(page))], ids=_name)
def test_the_marked_blocks_of_a_page_run_in_order(
    page: Path, tmp_path: Path, ready_python: Sequence[str], request: pytest.FixtureRequest
) -> None:
    blocks = [
        [block.language, block.fresh, block.file, block.line, block.text]
        for block in _blocks(page)
        if block.runs and block.language in ("python", "sh")
    ]
    service = {}
    if any(_BUCKET in str(block[-1]) for block in blocks):
        server = request.getfixturevalue("r2_server")
        url, bucket = server.endpoint_url, server.make_bucket(f"{_BUCKET}-{page.stem.lower()}")
        service = {"KAZINEX_STORAGE_R2_ENDPOINT_URL": url, "KAZINEX_STORAGE_S3_ENDPOINT_URL": url}
        for block in blocks:
            text = str(block[-1]).replace(f'bucket="{_BUCKET}"', f'bucket="{_BUCKET}", endpoint_url="{url}"')
            text = text.replace(f'"bucket": "{_BUCKET}"', f'"bucket": "{_BUCKET}", "endpoint_url": "{url}"')
            block[-1] = text.replace(_BUCKET, bucket)  # of its own: pages store the same documents
    if any(_CONTAINER in str(block[-1]) for block in blocks):
        url = request.getfixturevalue("azure_endpoint")
        service["KAZINEX_STORAGE_AZURE_BLOB_ENDPOINT_URL"] = url
        for block in blocks:
            given = f'container="{_CONTAINER}"'
            block[-1] = str(block[-1]).replace(given, f'{given}, endpoint_url="{url}"')
    if any(_SITE in str(block[-1]) for block in blocks):
        service |= request.getfixturevalue("sharepoint_environment")
        for block in blocks:
            block[-1] = str(block[-1]).replace(_SITE, HOST)
    if any(_STAMPS in str(block[-1]) for block in blocks):
        found: TimeStampService = request.getfixturevalue("stamps")
        for block in blocks:
            block[-1] = str(block[-1]).replace(_STAMPS, found.url).replace(_STAMPS_ROOT, str(found.root))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("KAZINEX_", "XDG_"))}
    inherited["PYTEST_ADDOPTS"] = "-k bare"  # of the kit, which tests/contract/test_example_provider.py runs whole
    programs = [str(_programs(tmp_path, ready_python)), str(Path(sys.executable).parent), inherited.get("PATH", "")]

    done = subprocess.run(
        [*ready_python, "-c", _RUNNER, _name(page)],
        input=json.dumps(blocks),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**inherited, **service, "PATH": os.pathsep.join(programs), "TRY": str(tmp_path), "PYTHONUTF8": "1"},
        timeout=300,
    )

    assert 0 == done.returncode, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    printed = " ".join(f"{done.stdout} {done.stderr}".split())
    shown = [" ".join(text.split()) for text in _OUTPUT.findall(page.read_text(encoding="utf-8"))]
    assert [] == [text for text in shown if text not in printed], printed


@pytest.mark.parametrize("arguments", _COMMANDS)
def test_a_command_line_is_one_that_the_program_takes(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_ORGANISATION", _ORGANISATION)

    try:
        _parse(arguments)
    except Exception as error:
        if type(error).__name__ != "Exit":  # --help and --version end the program
            raise


def test_a_wrong_command_line_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_ORGANISATION", _ORGANISATION)

    for line in ("provider ad local a", "provider add local a --sett x=1", "get", "ls acme --colour"):
        with pytest.raises(Exception, match=r"."):
            _parse(shlex.split(line))
