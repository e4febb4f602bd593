"""Documents put, listed, read and removed from the shell."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from kazinex_storage import StoredDocument

from .conftest import PATIENCE_S

if TYPE_CHECKING:
    from .conftest import CommandLine

NAME = "Übersicht 1 [A].pdf"
BODY = b"%PDF-1.7 drawing"
REVISION = "org-1/bridge/DRG-1/P01"


def stored(cli: CommandLine) -> Path:
    root = cli.add_disk()
    (cli.work / NAME).write_bytes(BODY)
    assert 0 == cli("put", NAME, REVISION).code
    (cli.work / NAME).unlink()
    return root


def test_put_prints_a_receipt_that_programs_understand(cli: CommandLine) -> None:
    root = cli.add_disk()
    (cli.work / NAME).write_bytes(BODY)

    done = cli("put", NAME, REVISION, "--json")

    receipt = StoredDocument.from_dict(done.json)
    assert (f"{REVISION}/{NAME}", hashlib.sha256(BODY).hexdigest()) == (receipt.key, receipt.sha256)
    assert BODY == (root / receipt.key).read_bytes()


def test_the_same_revision_again_is_refused(cli: CommandLine) -> None:
    root = stored(cli)

    done = cli("put", "-", f"kazinex://{REVISION}/{NAME}", "--json", stdin=b"other")

    assert (5, "AlreadyExistsError", 5) == (done.code, done.error["type"], done.error["exit_code"])
    assert BODY == (root / REVISION / NAME).read_bytes()


def test_a_document_goes_in_and_out_through_pipes(cli: CommandLine) -> None:
    cli.add_disk()
    body = bytes(range(256)) * 4096

    put = cli("put", "-", f"{REVISION}/model.ifc", "--sha256", hashlib.sha256(body).hexdigest(), stdin=body)

    assert 0 == put.code, put.err
    assert body == cli("cat", REVISION).out
    assert body == cli("get", f"kazinex://{REVISION}/model.ifc", "-").out


def test_get_writes_a_file_under_its_own_name_and_replaces_one_only_by_force(cli: CommandLine) -> None:
    stored(cli)
    folder = cli.work / "here"
    folder.mkdir()

    first = cli("get", REVISION)
    second = cli("get", REVISION)
    elsewhere = cli("get", REVISION, folder, "--json")
    (cli.work / NAME).write_bytes(b"old")
    forced = cli("get", REVISION, NAME, "--force")

    assert (0, 5, 0, 0) == (first.code, second.code, elsewhere.code, forced.code)
    assert "--force" in second.err
    assert str(folder / NAME) == elsewhere.json["file"]
    assert [BODY, BODY] == [(folder / NAME).read_bytes(), (cli.work / NAME).read_bytes()]


def test_ls_shows_each_level_and_everything_below(cli: CommandLine) -> None:
    stored(cli)

    shown = [cli("ls", path).text for path in ("org-1", "org-1/bridge/", f"kazinex://{REVISION}")]
    below = cli("ls", "org-1", "--recursive", "--json").json
    long = cli("ls", "-l", f"{REVISION}/{NAME}").text.splitlines()

    assert ["bridge/\n", "DRG-1/\n", f"{NAME}\n"] == shown
    assert [("file", f"{REVISION}/{NAME}", len(BODY))] == [
        (entry["type"], entry["key"], entry["size"]) for entry in below["entries"]
    ]
    assert ["BYTES", "STORED", "PROVIDER", "NAME"] == long[0].split()
    assert long[1].split()[0] == str(len(BODY))
    assert long[1].endswith(NAME)


def test_ls_of_an_organisation_without_documents_is_empty(cli: CommandLine) -> None:
    cli.add_disk()

    done = cli("ls", "org-1")

    assert (0, b"") == (done.code, done.out)


def test_documents_are_found_where_they_are_after_the_default_changed(cli: CommandLine) -> None:
    stored(cli)
    cli.add_disk("Second")

    assert BODY == cli("cat", REVISION).out
    assert "bridge/\n" == cli("ls", "org-1").text


def test_a_provider_that_is_known_to_fail_is_passed_over_with_a_warning(cli: CommandLine) -> None:
    lost = cli.add_disk("Lost")
    stored(cli)
    lost.rename(cli.folder / "unmounted")
    assert 3 == cli("provider", "verify", "Lost", "--quiet").code

    listed, quiet = cli("ls", "org-1"), cli("ls", f"{REVISION}/{NAME}", "--quiet")

    assert (0, "bridge/\n") == (listed.code, listed.text)
    assert listed.err.startswith("warning: ")
    assert (0, f"{NAME}\n", "") == (quiet.code, quiet.text, quiet.err)


def test_stat_shows_the_receipt_of_a_stored_document(cli: CommandLine) -> None:
    stored(cli)

    done = cli("stat", REVISION, "--json")

    assert hashlib.sha256(BODY).hexdigest() == StoredDocument.from_dict(done.json).sha256
    assert f"kazinex://{REVISION}/{NAME}" in cli("stat", REVISION).text


def test_rm_asks_and_then_removes(cli: CommandLine) -> None:
    root = stored(cli)

    terminal = cli.on_terminal("rm", REVISION)
    terminal.wait_for("[y/N]")
    terminal.type("y\n")

    assert 0 == terminal.end(), terminal.shown
    assert not (root / REVISION / NAME).exists()
    assert 4 == cli("rm", f"{REVISION}/{NAME}", "--yes").code


def test_a_reader_that_goes_away_is_no_error_message(cli: CommandLine) -> None:
    cli.add_disk()
    assert 0 == cli("put", "-", f"{REVISION}/model.ifc", stdin=bytes(4 * 1024 * 1024)).code

    process = cli.start("cat", REVISION)
    assert process.stdout is not None
    process.stdout.read(1)
    process.stdout.close()

    assert 141 == process.wait(PATIENCE_S)
    assert process.stderr is not None
    assert b"" == process.stderr.read()
    process.stderr.close()
    assert process.stdin is not None
    process.stdin.close()


def test_a_short_transfer_has_no_bar_and_a_long_one_has_unless_it_is_quiet(cli: CommandLine) -> None:
    cli.add_disk()
    for name, size in (("short.bin", 1024), ("long.bin", 64 * 1024 * 1024)):
        subprocess.run(["truncate", "-s", str(size), cli.work / name], check=True)

    shown = []
    for number, arguments in enumerate((("short.bin",), ("long.bin",), ("long.bin", "--quiet"))):
        terminal = cli.on_terminal("put", *arguments, f"org-1/bridge/DRG-1/P{number}", TERM="xterm-256color")
        assert 0 == terminal.end(), terminal.shown
        shown.append("MiB" in terminal.shown)

    assert [False, True, False] == shown


def test_cat_and_json_exclude_each_other(cli: CommandLine) -> None:
    done = cli("cat", REVISION, "--json")

    assert 2 == done.code
    assert "stat --json" in done.error["message"]


def test_check_tells_by_a_receipt_whether_a_document_was_altered(cli: CommandLine) -> None:
    root = cli.add_disk()
    (cli.work / NAME).write_bytes(BODY)
    receipt = cli("put", NAME, REVISION, "--json").out

    intact = cli("check", "-", "--json", stdin=receipt)
    (root / REVISION / NAME).write_bytes(BODY[::-1])
    (cli.work / "receipt.json").write_bytes(receipt)
    altered = cli("check", "receipt.json", "--json")

    assert (0, "intact") == (intact.code, intact.json["state"])
    assert (3, "tampered") == (altered.code, altered.json["state"])


def forge(path: Path, body: bytes) -> None:
    """Write in place and restore the time, so that the version mark is that of the receipt."""
    times = path.stat()
    with path.open("r+b") as file:
        file.write(body)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_check_by_version_reads_nothing_and_never_says_intact(cli: CommandLine) -> None:
    root = cli.add_disk()
    (cli.work / NAME).write_bytes(BODY)
    receipt = cli("put", NAME, REVISION, "--json").out
    forge(root / REVISION / NAME, BODY[::-1])

    by_version = cli("check", "-", "--by", "version", "--json", stdin=receipt)
    by_bytes = cli("check", "-", "--json", stdin=receipt)

    assert (0, "same-version") == (by_version.code, by_version.json["state"])
    assert (3, "tampered") == (by_bytes.code, by_bytes.json["state"])
    assert 2 == cli("check", "-", "--by", "time", stdin=receipt).code


def test_check_of_a_receipt_without_a_sha256_proves_nothing_and_says_so_by_its_exit_code(cli: CommandLine) -> None:
    cli.add_disk()
    (cli.work / NAME).write_bytes(BODY)
    receipt = {**cli("put", NAME, REVISION, "--json").json, "sha256": None}

    done = cli("check", "-", "--json", stdin=json.dumps(receipt).encode())

    assert (3, "unknown") == (done.code, done.json["state"])


def test_get_and_cat_by_a_receipt_deliver_nothing_altered(cli: CommandLine) -> None:
    root = cli.add_disk()
    (cli.work / NAME).write_bytes(BODY)
    (cli.work / "receipt.json").write_bytes(cli("put", NAME, REVISION, "--json").out)
    by_receipt = ("--receipt", "receipt.json")
    assert BODY == cli("cat", REVISION, *by_receipt).out
    assert 2 == cli("cat", "org-1/bridge/DRG-1/P99", *by_receipt).code

    forge(root / REVISION / NAME, BODY[::-1])

    for more in ((), ("--accept-rewritten",)):  # a disk writes nothing anew
        shown, fetched = cli("cat", REVISION, *by_receipt, *more), cli("get", REVISION, "copy.pdf", *by_receipt, *more)
        assert (1, b"") == (shown.code, shown.out)
        assert 1 == fetched.code
    assert not (cli.work / "copy.pdf").exists()


def test_check_wants_a_receipt(cli: CommandLine) -> None:
    for body in (b"", b"[]", b"{}", b'{"document": {"a": 1}}', b"plan"):
        assert 2 == cli("check", "-", stdin=body).code


def test_check_names_the_field_of_a_receipt_that_is_wrong(cli: CommandLine) -> None:
    stored(cli)
    receipt = cli("stat", REVISION, "--json").json
    wrong = {
        "'size' (bytes)": {**receipt, "size": "large"},
        "'sise' (unknown here)": {**receipt, "sise": 1},
        "the project id 'a b' is not": {**receipt, "document": {**receipt["document"], "project": "a b"}},
        "it is no JSON": "plan",
    }

    for field, body in wrong.items():
        done = cli("check", "-", stdin=(body if isinstance(body, str) else json.dumps(body)).encode())

        assert 2 == done.code
        assert field in done.err
        assert done.err.endswith("; give what put --json printed, unchanged\n")


def test_get_writes_into_a_device_and_leaves_it_there(cli: CommandLine) -> None:
    stored(cli)
    (cli.work / "null").symlink_to("/dev/null")

    done = cli("get", REVISION, "null")

    assert 0 == done.code, done.err
    assert (cli.work / "null").is_char_device()


def test_what_another_program_left_is_adopted_once(cli: CommandLine) -> None:
    root = cli.add_disk()
    left = root / REVISION / NAME
    left.parent.mkdir(parents=True)
    left.write_bytes(BODY)

    first, again = cli("adopt", "org-1/bridge", "--json").json, cli("adopt", "org-1").text

    assert (1, len(BODY), 0) == (first["hashed"], first["hashed_bytes"], first["failed"])
    assert "0 hashed (0 bytes), 1 known\n" == again
    assert hashlib.sha256(BODY).hexdigest() == cli("stat", f"{REVISION}/{NAME}", "--json").json["sha256"]
