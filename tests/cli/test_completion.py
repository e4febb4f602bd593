"""What a shell offers: names of the catalogue and keys, quickly, and nothing when something is wrong."""

from __future__ import annotations

import socket
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from kazinex_storage.cli.completing import kinds, labels, organisations
from kazinex_storage.cli.completing_keys import remote
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.storage.sync import Storage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .conftest import CommandLine, InProcess

SECRET = "example-not-real"  # noqa: S105  # as it says


def completed(cli: CommandLine, words: str, environment: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return what bash is offered for the last of *words*."""
    count = len(words.split(" ")) - 1
    asked = {"_KAZINEX_STORAGE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    done = cli(stdin=b"", **{**asked, **environment})
    assert ("", 0) == (done.err, done.code)
    return done.text.split()


@pytest.fixture
def stored(line: InProcess) -> InProcess:
    line.add_disk("Archive")
    for document in ("org-1/bridge/DRG-1/P01/a.pdf", "org-1/bridge/DRG-1/P02/a.pdf", "org-1/tunnel/DRG-2/P01/b.pdf"):
        assert 0 == line("put", "-", document, stdin=b"%PDF").code
    return line


def test_a_shell_is_offered_labels_and_keys(cli: CommandLine) -> None:
    cli.add_disk("Archive")
    assert 0 == cli("put", "-", "org-1/bridge/DRG-1/P01/a.pdf", stdin=b"%PDF").code

    assert ["Archive"] == completed(cli, "kazinex-storage provider verify A")
    assert ["org-1/bridge/", "org-1/bridge/DRG-1/"] == completed(cli, "kazinex-storage get org-1/b")


def test_names_come_from_the_catalogue(stored: InProcess) -> None:
    assert ["s3", "sharepoint", "supabase"] == kinds("s")
    assert ["org-1"] == organisations("o")
    assert (["Archive"], []) == (labels("org-1", "arch"), labels("org-2", ""))


@pytest.mark.parametrize(
    ("begun", "offered"),
    [
        ("or", ["org-1/", "org-1/bridge/", "org-1/tunnel/"]),
        ("org-1/", ["org-1/bridge/", "org-1/tunnel/"]),
        ("kazinex://org-1/t", ["kazinex://org-1/tunnel/", "kazinex://org-1/tunnel/DRG-2/"]),
        ("org-1/bridge/DRG-1/", ["org-1/bridge/DRG-1/P01/", "org-1/bridge/DRG-1/P02/"]),
        ("org-1/bridge/DRG-1/P02/", ["org-1/bridge/DRG-1/P02/a.pdf"]),
        ("org-1/nope/", []),
        ("../x", []),
        ("s3://bucket/", []),
    ],
)
def test_keys_are_offered_level_by_level(stored: InProcess, begun: str, offered: list[str]) -> None:
    assert offered == remote(begun)


def test_keys_behind_a_url_are_asked_of_their_storage(line: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    with Storage(MemoryProvider(MemorySettings(name="offered"))) as storage:
        storage.put("plans/a.pdf", b"x")
        storage.put("plans/b.pdf", b"x")
        found = remote("kazinexmemory://offered/pl"), remote("kazinexmemory://offered/plans/")
        monkeypatch.setenv("_KAZINEX_STORAGE_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "kazinex-storage cat kazinexmemory : //offered/plans/a")
        monkeypatch.setenv("COMP_CWORD", "4")
        by_bash = remote("//offered/plans/a")
        storage.delete_many(["plans/a.pdf", "plans/b.pdf"])

    place = "kazinexmemory://offered/plans/"
    assert ([place, f"{place}a.pdf", f"{place}b.pdf"], [f"{place}a.pdf", f"{place}b.pdf"]) == found
    assert ["//offered/plans/a.pdf"] == by_bash


def test_without_a_catalogue_nothing_is_offered_and_none_is_made(line: InProcess) -> None:
    assert ([], [], []) == (organisations(""), labels("org-1", ""), remote("org-1/"))
    assert not line.home.exists()


def test_a_service_that_does_not_answer_is_waited_for_a_second_only(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {
            "ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "ACCESS_KEY_ID": "example",
            "SECRET_ACCESS_KEY": SECRET,
            "REGION": "us-east-1",
        }
        environment = {f"KAZINEX_STORAGE_S3_{name}": text for name, text in settings.items()}
        begun = time.monotonic()

        found = completed(cli, "kazinex-storage cat kazinexs3://plans/a", environment)

    assert [] == found
    assert time.monotonic() - begun < 20, "the transport itself would wait far longer"
