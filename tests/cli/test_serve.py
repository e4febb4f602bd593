"""``serve``: the link, the demo, and what it refuses to listen at."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from kazinex_storage import open_organisations

from .conftest import PROGRAM

if TYPE_CHECKING:
    from .conftest import CommandLine


@contextmanager
def served(cli: CommandLine, *arguments: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """Run ``serve`` with *arguments*; give the document that it prints, and the process."""
    command = [*PROGRAM, "--json", "serve", "--no-open", "--port", "0", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cli.environment, cwd=cli.work
    ) as process:
        try:
            yield _document(process), process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _document(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            break
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_demo_opens_with_its_link_and_shows_documents(cli: CommandLine) -> None:
    with served(cli, "--demo") as (shown, process):
        with httpx.Client(trust_env=False) as client:
            link = httpx.URL(shown["url"])
            assert 303 == client.get(link).status_code
            base = f"http://{link.host}:{link.port}/api/organisations/demo-organisation"
            providers = client.get(f"{base}/providers").json()["providers"]
            revisions = client.get(f"{base}/projects/river-bridge/documents/DRG-0042/revisions").json()["revisions"]
        next_link = _document(process)["url"]

    assert {("Site office disk", True), ("Head office archive", False), ("Platform storage", False)} == {
        (each["label"], each["is_default"]) for each in providers
    }
    assert {"VERIFIED"} == {each["status"] for each in providers}
    assert ["C01", "P01", "P02"] == sorted(each["revision"] for each in revisions)
    assert shown["url"] != next_link, "a link works once, so the next one follows"
    assert 0 == process.returncode
    assert Path(cli.work / "demo" / "data" / "catalogue.db").is_file()
    assert not cli.home.exists(), "the catalogue of the environment is not touched"
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.work / "demo" / "data")})
    assert organisations.catalogue.checks.next_due() is not None, "its providers are looked after meanwhile"
    organisations.close()


def test_without_providers_it_says_what_to_do(cli: CommandLine) -> None:
    done = cli("serve", "--no-open", "--port", "0", KAZINEX_STORAGE_ORGANISATION="")

    assert 2 == done.code
    assert "--organisation" in done.err
    assert "--demo" in done.err


def test_it_listens_on_this_machine_only(cli: CommandLine) -> None:
    done = cli("serve", "--no-open", "--host", "192.0.2.1", "--organisation", "acme")

    assert 2 == done.code
    assert "proxy with TLS" in done.err


def test_a_taken_port_is_named(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = cli("serve", "--no-open", "--port", str(port), "--organisation", "acme")

    assert 6 == done.code
    assert f"port {port} of 127.0.0.1 cannot be used" in done.err
