"""Secrets go in by prompt, environment, file or standard input, and come out nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import CommandLine

HIDDEN = "example-token-not-real"
OTHER = "another-example-not-real"
ADD = ("provider", "add", "vault", "Vault", "--set", "bucket=plans")


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_secret_on_the_command_line_is_refused_with_the_fix_and_not_repeated(cli: CommandLine) -> None:
    done = cli(*ADD, "--set", f"token={HIDDEN}", "--debug")

    assert 2 == done.code
    assert "--secret token" in done.err
    assert "KAZINEX_STORAGE_VAULT_TOKEN" in done.err
    assert HIDDEN not in done.err + done.text
    nested = cli(*ADD, "--set", f"auth.client_secret={HIDDEN}")
    assert (2, False) == (nested.code, HIDDEN in nested.err)
    with_blank = cli(*ADD, "--set", "token=abc", HIDDEN)
    assert (2, False) == (with_blank.code, HIDDEN in with_blank.err)


@pytest.mark.parametrize(
    "words",
    [
        ("--secret", f"token={HIDDEN}"),
        (f"--secret=token={HIDDEN}",),
        ("--secret", HIDDEN),
        ("--secret", f"auth.client_secret={HIDDEN}"),
        ("--secret", f"tokne={HIDDEN}"),
        (f"--set=token={HIDDEN}",),
        ("--set", f"token ={HIDDEN}"),
        ("--set", f"TOKEN={HIDDEN}"),
        (f"--token={HIDDEN}",),
        (f"token={HIDDEN}",),
        ("--token", HIDDEN),
        ("--max-file-size", "7MB", f"--secrets=token={HIDDEN}"),
    ],
    ids=lambda words: " ".join(words).replace(HIDDEN, "VALUE"),
)
def test_a_secret_on_the_command_line_is_never_repeated_however_it_was_written(
    cli: CommandLine, words: tuple[str, ...]
) -> None:
    done = cli(*ADD, *words, "--debug", KAZINEX_STORAGE_VAULT_TOKEN=OTHER)  # which prints more than the others do

    assert 0 != done.code
    assert HIDDEN not in done.err + done.text


def test_a_secret_given_as_a_name_with_a_value_is_answered_with_the_fix(cli: CommandLine) -> None:
    for command in (ADD, ("provider", "update", "Vault")):
        cli(*ADD, KAZINEX_STORAGE_VAULT_TOKEN=OTHER)

        done = cli(*command, "--secret", f"token={HIDDEN}", "--json")

        assert 2 == done.code
        assert "takes the name alone" in done.err
        assert "KAZINEX_STORAGE_VAULT_TOKEN" in done.err
        assert HIDDEN not in done.err


def test_a_secret_in_place_of_a_command_is_not_repeated(cli: CommandLine) -> None:
    word = f"secret_access_key={HIDDEN}"
    for words in ((word,), ("provider", word), ("provider", "add", word, "Vault")):
        done = cli(*words)

        assert 0 != done.code
        assert HIDDEN not in done.err + done.text


def test_a_missing_secret_is_taken_from_the_environment(cli: CommandLine) -> None:
    done = cli(*ADD, "--json", KAZINEX_STORAGE_VAULT_TOKEN=HIDDEN)

    assert (0, ["token"], {"bucket": "plans"}) == (done.code, done.json["secrets"], done.json["settings"])
    shown = cli("provider", "show", "Vault")
    assert "***" in shown.text
    assert HIDDEN not in shown.text + cli("provider", "list", "--json").text
    assert HIDDEN.encode() not in everything_in(cli.home)


def test_settings_with_secrets_come_through_standard_input_and_options_win(cli: CommandLine) -> None:
    settings = {"bucket": "other", "retries": 5, "token": HIDDEN, "auth": {"tenant": "t", "client_secret": OTHER}}

    done = cli(*ADD, "--settings-file", "-", "--set", "auth.tenant=t2", "--json", stdin=json.dumps(settings).encode())

    assert 0 == done.code, done.err
    assert {"bucket": "plans", "retries": 5, "auth": {"tenant": "t2"}} == done.json["settings"]
    assert ["auth/client_secret", "token"] == done.json["secrets"]


def test_a_missing_secret_is_asked_for_and_what_is_typed_is_not_shown(cli: CommandLine) -> None:
    terminal = cli.on_terminal(*ADD, "--secret", "spare_token")
    terminal.wait_for("spare_token (not shown): ")
    arguments = Path(f"/proc/{terminal.process.pid}/cmdline").read_bytes()
    terminal.type(f"{OTHER}\n")
    terminal.wait_for("\ntoken (not shown): ")
    terminal.type(f"  {HIDDEN} \n")

    assert 0 == terminal.end(), terminal.shown
    assert HIDDEN not in terminal.shown
    assert OTHER not in terminal.shown
    assert b"token" not in arguments.replace(b"spare_token", b"")
    assert ["spare_token", "token"] == cli("provider", "show", "Vault", "--json").json["secrets"]


def test_ctrl_c_at_the_question_ends_in_one_line_and_adds_nothing(cli: CommandLine) -> None:
    terminal = cli.on_terminal(*ADD)
    terminal.wait_for_question("token (not shown): ")

    terminal.interrupt()

    assert 130 == terminal.end()
    assert ["interrupted"] == terminal.shown.partition("(not shown): ")[2].split()
    assert [] == cli("provider", "list", "--json").json["providers"]


def test_without_a_terminal_a_missing_secret_is_an_error_that_names_the_variable(cli: CommandLine) -> None:
    done = cli(*ADD)

    assert 6 == done.code
    assert "KAZINEX_STORAGE_VAULT_TOKEN" in done.err


def test_new_secrets_replace_old_ones_and_variables_left_over_do_not(cli: CommandLine) -> None:
    assert 0 == cli(*ADD, KAZINEX_STORAGE_VAULT_TOKEN=HIDDEN).code

    left_over = cli("provider", "update", "Vault", "--set", "retries=4", "--json", KAZINEX_STORAGE_VAULT_TOKEN=OTHER)
    same = cli("provider", "update", "Vault", "--secret", "token", KAZINEX_STORAGE_VAULT_TOKEN=HIDDEN)
    new = cli("provider", "update", "Vault", "--secret", "token", KAZINEX_STORAGE_VAULT_TOKEN=OTHER)

    assert 2 == left_over.json["settings_version"]
    assert "nothing was different" in same.err
    assert "PENDING again" in new.err


@pytest.mark.parametrize("flags", [(), ("--json",), ("--debug",), ("--json", "--debug")], ids=" ".join)
def test_a_provider_that_quotes_its_token_in_an_error_does_not_show_it(
    cli: CommandLine, flags: tuple[str, ...]
) -> None:
    assert 0 == cli(*ADD, "--set", "careless=true", KAZINEX_STORAGE_VAULT_TOKEN=HIDDEN).code

    done = cli("provider", "verify", "Vault", *flags)

    assert 3 == done.code
    assert "401 for the token ***" in done.err + done.text
    assert HIDDEN not in done.err + done.text
    assert HIDDEN not in cli("provider", "list", "--json").text


def test_a_malformed_settings_file_is_not_quoted(cli: CommandLine) -> None:
    done = cli(*ADD, "--settings-file", "-", "--debug", stdin=f'{{"token": "{HIDDEN}" "bucket": 1}}'.encode())

    assert 6 == done.code
    assert "are not JSON: expecting ',' delimiter at line 1" in done.err
    assert HIDDEN not in done.err
