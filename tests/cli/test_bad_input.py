"""Whatever is wrong, it is one or two lines, an exit code that tells the sort, and never a traceback."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import CommandLine

DISK = ("provider", "add", "local", "New")

CASES = {
    "unknown command": (("frobnicate",), 2, "no such command"),
    "unknown option": (("ls", "org-1", "--frob"), 2, "no such option"),
    "no arguments": (("put",), 2, "missing argument"),
    "unknown kind": (("provider", "add", "locl", "New"), 6, "did you mean 'local'?"),
    "unknown setting": ((*DISK, "--set", "rot=/srv"), 6, "did you mean 'root'?"),
    "missing setting": (DISK, 6, "'root' is missing"),
    "wrong type of setting": ((*DISK, "--set", "root=/srv", "--set", "create=perhaps"), 6, "'create'"),
    "relative root": ((*DISK, "--set", "root=files"), 6, "give an absolute path"),
    "setting without value": ((*DISK, "--set", "root"), 2, "NAME=VALUE"),
    "setting as a whole and in part": ((*DISK, "--set", "root=/srv", "--set", "root.a=1"), 2, "choose one"),
    "secret that is none": ((*DISK, "--secret", "root"), 2, "no secret of that name"),
    "settings file that is missing": ((*DISK, "--settings-file", "nope.json"), 1, "no such file"),
    "settings file that is a list": ((*DISK, "--settings-file", "-"), 6, "no JSON object"),
    "malformed size": ((*DISK, "--set", "root=/srv", "--max-file-size", "big"), 2, "250MB"),
    "size of nothing": (("provider", "update", "Disk", "--max-file-size", "0"), 5, "positive"),
    "size over the ceiling": (("provider", "update", "Disk", "--max-file-size", "99999999TB"), 5, "ceiling"),
    "label in use": (("provider", "add", "local", "disk", "--set", "root=/srv"), 6, "choose another label"),
    "missing provider": (("provider", "verify", "Nope"), 4, "provider list --organisation org-1"),
    "default without a provider": (
        (
            "provider",
            "set-default",
        ),
        2,
        "or --none",
    ),
    "override with both": (("provider", "override", "Disk", "--clear", "-p", "bridge"), 2, "or --clear"),
    "illegal organisation": (("provider", "list", "-o", "../org-2"), 2, "organisation id"),
    "organisation without providers": (("put", "plan.pdf", "org-9/a/b/c"), 6, "kazinex-storage provider add"),
    "missing file": (("put", "nope.pdf", "org-1/a/b/c"), 2, "does not exist"),
    "folder": (("put", ".", "org-1/a/b/c"), 2, "is a folder"),
    "standard input without a name": (("put", "-", "org-1/a/b/c"), 2, "revision[/filename]"),
    "traversal": (("put", "plan.pdf", "org-1/../b/c/plan.pdf"), 2, "'..' segment"),
    "encoded traversal": (("put", "plan.pdf", "org-1/%2e%2e/b/c"), 2, "project id"),
    "another scheme": (("cat", "s3://bucket/key"), 2, "kazinex://"),
    "too few parts": (("cat", "org-1/a"), 2, "2 parts"),
    "control character": (("put", "plan.pdf", "org-1/a/b/c/pl\x1ban.pdf"), 2, "control character"),
    "over the limit": (("put", "plan.pdf", "org-1/a/b/c"), 5, "the limit is 8 bytes"),
    "refused type": (("put", "plan.exe", "org-1/a/b/c"), 5, "type .exe"),
    "other sha256": (("put", "-", "org-1/a/b/c/a.pdf", "--sha256", "00"), 1, "was declared"),
    "missing document": (("get", "org-1/a/b/c/plan.pdf"), 4, "no provider"),
    "missing revision": (("stat", "org-1/a/b/c"), 4, "kazinex-storage ls"),
    "missing folder": (("ls", "org-1/nope"), 4, "nothing"),
    "target in a missing folder": (("get", "org-1/a/b/kept", "nope/plan.pdf"), 1, "no such file or directory"),
}


@pytest.mark.parametrize(("arguments", "code", "said"), CASES.values(), ids=CASES.keys())
def test_bad_input_is_answered_in_a_line(
    cli: CommandLine, arguments: tuple[str, ...], code: int, said: str, prepared: None
) -> None:
    done = cli(*arguments, stdin=b"[]")

    assert (code, b"") == (done.code, done.out), done.err
    assert said in done.err.lower() or said in done.err
    assert len(done.err.splitlines()) <= 2
    assert done.err.startswith("error: ")


@pytest.fixture
def prepared(cli: CommandLine) -> None:
    """Have a disk that takes 8 bytes of PDF, and files to put."""
    from kazinex_storage import DocumentKey, DocumentStore, Resolver, open_organisations

    cli.add_disk(max_file_bytes=8)
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": str(cli.home)})
    organisations.set_allowlist("org-1", ["pdf"])
    resolver = Resolver(organisations)
    DocumentStore(resolver).upload(DocumentKey("org-1", "a", "b", "kept", "plan.pdf"), b"%PDF")
    resolver.close()
    organisations.close()
    (cli.work / "plan.pdf").write_bytes(b"%PDF-1.7 of more than 8 bytes")
    (cli.work / "plan.exe").write_bytes(b"MZ")


def test_an_error_as_json_is_one_document_on_standard_error(cli: CommandLine) -> None:
    usage, missing = cli("ls", "--json"), cli("--json", "provider", "show", "Nope")

    assert (2, 2) == (usage.code, usage.error["exit_code"])
    assert (4, "RecordNotFoundError", False) == (missing.code, missing.error["type"], missing.error["retryable"])
    assert 1 == len(missing.err.splitlines())


def test_a_root_that_is_gone_is_a_matter_of_settings(cli: CommandLine) -> None:
    root = cli.add_disk()
    root.rename(cli.folder / "unmounted")
    (cli.work / "plan.pdf").write_bytes(b"%PDF")

    done = cli("put", "plan.pdf", "org-1/a/b/c")

    assert 6 == done.code
    assert "mount the disk" in done.err


def test_a_wrong_sealing_key_is_reported_and_the_data_stays(cli: CommandLine) -> None:
    keys = [base64.b64encode(os.urandom(32)).decode() for _ in range(2)]
    added = cli(
        *("provider", "add", "vault", "Vault", "--set", "bucket=plans"),
        KAZINEX_STORAGE_KEY=keys[0],
        KAZINEX_STORAGE_VAULT_TOKEN="example-not-real",  # noqa: S106  # as it says
    )
    assert 0 == added.code, added.err

    changed = cli("provider", "update", "Vault", "--set", "retries=4", KAZINEX_STORAGE_KEY=keys[1])
    verified = cli("provider", "verify", "Vault", KAZINEX_STORAGE_KEY=keys[1])

    assert (6, 3) == (changed.code, verified.code)
    assert "key" in changed.err
    assert keys[1] not in changed.err + verified.err
    assert 0 == cli("provider", "verify", "Vault", KAZINEX_STORAGE_KEY=keys[0]).code


def test_a_home_that_cannot_be_made_is_reported(cli: CommandLine) -> None:
    cli.home.write_text("a file")

    done = cli("provider", "list")

    assert 6 == done.code
    assert 1 == len(done.err.splitlines())


def test_debug_shows_the_traceback_of_an_error(cli: CommandLine) -> None:
    done = cli("provider", "show", "Nope", "--debug")

    assert 4 == done.code
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("error: ")


def test_flags_after_two_dashes_are_names(cli: CommandLine) -> None:
    done = cli("provider", "show", "--", "--json")

    assert 4 == done.code
    assert "no provider '--json'" in done.err
