"""``setup``: an admin gets from nothing to a verified provider, by questions and by options alone."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from kazinex_storage.testing.emulators.cloudflare import R2Front, Token, r2_front
from kazinex_storage.testing.servers import S3Server

from .conftest import PROGRAM

if TYPE_CHECKING:
    from .conftest import CommandLine, InProcess

WRONG = "00112233445566778899aabbccddeeff" * 2
MOST_S = 180
"""What the person of the issue has."""


@pytest.fixture(scope="module")
def front(seaweedfs_server: S3Server) -> Iterator[R2Front]:
    with r2_front(seaweedfs_server) as front:
        yield front


@pytest.fixture
def token(cli: CommandLine, front: R2Front) -> Token:
    """The credentials of a bucket of an account that is emulated: its address is all that the environment says."""
    cli.environment["KAZINEX_STORAGE_R2_ENDPOINT_URL"] = front.endpoint_url
    return front.token([front.make_bucket()])


def test_an_admin_gets_from_nothing_to_a_verified_default_by_answering_questions(
    cli: CommandLine, front: R2Front, token: Token
) -> None:
    """On a terminal of 40 columns in the locale C, with a secret that is wrong at first."""
    del cli.environment["KAZINEX_STORAGE_ORGANISATION"]
    bucket = "".join(token.buckets or ())
    begin = time.monotonic()
    terminal = cli.on_terminal("setup", COLUMNS="40", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    answers = [
        ("organisation: ", "org 1"),
        ("organisation: ", "org-1"),  # asked again with the reason
        ("1-", "r2"),
        ("label [Cloudflare R2]: ", "Our R2"),
        ("account_id: ", front.account_id),
        ("access_key_id: ", token.access_key_id),
        ("secret_access_key (not shown): ", WRONG),
        ("bucket: ", bucket),
        ("jurisdiction [none]: ", ""),
        ("More settings? [y/N]: ", ""),
        ("try again? [Y/n]: ", ""),
        *((f"{name} [", "") for name in ("account_id", "access_key_id")),
        ("Enter keeps what was entered): ", token.secret_access_key),
        *((f"{name} [", "") for name in ("bucket", "jurisdiction", "endpoint_url")),
        ("Our R2? [Y/n]: ", "y"),
    ]
    for question, answer in answers:
        terminal.wait_for(question)
        terminal.shown = terminal.shown.partition(question)[2]
        terminal.type(f"{answer}\n")

    assert 0 == terminal.end(), terminal.shown
    took = time.monotonic() - begin
    assert took < MOST_S
    assert "Our R2" in terminal.shown
    assert "next: kazinex-storage put" in terminal.shown
    listed = cli("provider", "list", "--json", "-o", "org-1").json
    (made,) = listed["providers"]
    assert ("VERIFIED", "Our R2", made["id"]) == (made["status"], made["label"], listed["default"])


def test_the_same_by_options_alone(cli: CommandLine, front: R2Front, token: Token) -> None:
    bucket = "".join(token.buckets or ())
    given = {"account_id": front.account_id, "bucket": bucket, "access_key_id": token.access_key_id}
    sets = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
    begin = time.monotonic()

    done = cli(
        *("setup", "r2", "--label", "Our R2", *sets, "--secret", "secret_access_key", "--default", "--yes", "--json"),
        KAZINEX_STORAGE_R2_SECRET_ACCESS_KEY=token.secret_access_key,
    )

    assert 0 == done.code, done.err
    assert time.monotonic() - begin < MOST_S
    assert ("VERIFIED", True, True) == (done.json["status"], done.json["default"], done.json["report"]["ok"])
    assert token.secret_access_key not in done.text + done.err
    assert done.json["next"][0].startswith("kazinex-storage put ")


def test_without_a_terminal_all_that_is_missing_is_named_and_nothing_is_stored(line: InProcess) -> None:
    some = line("setup", "r2", "--set", "bucket=plans")
    both = line("setup", "local", "--set", "root=/srv", "--default", "--no-verify")
    unknown = line("setup", "r3", "--yes")
    listed = line("provider", "list", "--json").json
    nothing = line("setup", KAZINEX_STORAGE_ORGANISATION="")

    assert (6, 6, 2, 6) == (nothing.code, some.code, both.code, unknown.code)
    assert "--organisation ID and KIND are missing" in nothing.err
    for name in ("--set account_id=...", "--set access_key_id=...", "KAZINEX_STORAGE_R2_SECRET_ACCESS_KEY"):
        assert name in some.err
    assert "there is no kind of provider 'r3'" in unknown.err
    assert [] == listed["providers"]


def test_a_failed_verification_of_a_script_says_cause_fix_and_what_to_do_next(line: InProcess) -> None:
    words = ("setup", "local", "--label", "Disk", "--set", f"root={line.folder / 'missing'}", "--default")
    done = line(*words)

    assert 3 == done.code
    headline, cause, fix, *rest = done.text.splitlines()
    assert "is FAILED" in headline
    assert cause.startswith("  cause  ")
    assert fix.startswith("  fix  ")
    assert "next: kazinex-storage provider update Disk --organisation org-1 --set <name>=<value>" in rest
    assert "passed" not in done.err
    assert None is line("provider", "list", "--json").json["default"]


def test_ctrl_c_before_the_end_of_the_questions_stores_nothing(cli: CommandLine) -> None:
    terminal = cli.on_terminal("setup", "local", "--label", "Disk")
    terminal.wait_for_question("root: ")
    terminal.interrupt()

    assert 130 == terminal.end()
    assert "nothing was stored" in terminal.shown
    assert "interrupted" in terminal.shown.splitlines()[-1]
    assert [] == cli("provider", "list", "--json").json["providers"]


def test_ctrl_c_after_that_names_the_provider_and_how_to_go_on(cli: CommandLine) -> None:
    root = cli.folder / "missing"
    terminal = cli.on_terminal("setup", "local", "--label", "Disk")
    terminal.wait_for("root: ")
    terminal.type(f"{root}\n")
    terminal.wait_for("create [false]: ")
    terminal.type("\n")
    terminal.wait_for("More settings? [y/N]: ")
    terminal.type("\n")
    terminal.wait_for_question("try again? [Y/n]: ")
    terminal.interrupt()

    assert 130 == terminal.end()
    assert 1 == terminal.shown.count("does not exist")
    assert "Disk stays, FAILED; kazinex-storage provider update Disk --organisation org-1" in terminal.shown
    root.mkdir()
    assert 0 == cli("provider", "verify", "Disk").code


def test_output_that_the_disk_does_not_take_ends_in_a_line_and_the_provider_is_there(cli: CommandLine) -> None:
    words = ["setup", "local", "--label", "Disk", "--set", f"root={cli.make_folder()}", "--default"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, *words], env=cli.environment, cwd=cli.work, stdout=full, stderr=subprocess.PIPE, check=False
        )

    assert 1 == done.returncode, done.stderr
    assert b"Traceback" not in done.stderr
    (made,) = cli("provider", "list", "--json").json["providers"]
    assert "VERIFIED" == made["status"]
