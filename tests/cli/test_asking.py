"""Questions for settings: in the order of the guide, checked at once, with what an address says taken apart."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kazinex_storage.cli.asking import Question, ask, ask_which
from kazinex_storage.cli.command import RunningCommand
from kazinex_storage.cli.filling import Form
from kazinex_storage.cli.output import Output
from kazinex_storage.errors import SettingsError

Type = Callable[..., None]
TENANT, APP = "11111111-2222-3333-4444-555555555555", "aaaaaaaa-0000-4000-8000-000000000000"
KEYS = {"access_key_id": "fedcba9876543210" * 2, "secret_access_key": "0011223344556677" * 4}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def type_lines(monkeypatch: pytest.MonkeyPatch) -> Type:
    def type_lines(*lines: str) -> None:
        monkeypatch.setattr(sys, "stdin", _Terminal("".join(f"{line}\n" for line in lines)))

    return type_lines


@pytest.fixture
def command(tmp_path: Path) -> Iterator[RunningCommand]:
    command = RunningCommand(Output(), {"KAZINEX_STORAGE_HOME": str(tmp_path / "home")})
    yield command
    command.close()


def test_an_answer_is_given_up_after_three_wrong_ones(type_lines: Type, capsys: pytest.CaptureFixture[str]) -> None:
    type_lines("a", "b", "c", "d")

    with pytest.raises(SettingsError, match="'size' was not right 3 times: too small"):
        ask(Question(name="size"), lambda _: "too small")

    assert 3 == capsys.readouterr().err.count("no: too small")
    assert "d\n" == sys.stdin.readline()


def test_a_menu_takes_numbers_and_names(type_lines: Type) -> None:
    options = [("r2", "Cloudflare R2"), ("s3", "S3")]
    type_lines("2", "R2", "0", "3", "1")

    assert ["s3", "r2", "r2"] == [ask_which("Where?", options) for _ in range(3)]


def test_an_address_that_says_several_settings_answers_for_all_of_them(
    type_lines: Type, command: RunningCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    form = Form(command, "r2", KEYS)
    type_lines(f"https://{'0123456789abcdef' * 2}.eu.r2.cloudflarestorage.com/plans")

    form.complete(thorough=True)

    assert {"account_id": "0123456789abcdef" * 2, "jurisdiction": "eu", "bucket": "plans"} == {
        name: form.settings[name] for name in ("account_id", "jurisdiction", "bucket")
    }
    shown = capsys.readouterr().err
    assert "Where: Cloudflare dashboard > R2 > Overview > Account Details" in shown
    assert "from that: bucket = plans" in shown


def test_what_is_wrong_is_said_before_the_next_question(
    type_lines: Type, command: RunningCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    form = Form(command, "r2", KEYS)
    type_lines("my account", "0123456789abcdef" * 2, "Plans", "plans")

    form.complete()

    shown = capsys.readouterr().err
    assert "no: the account id is 32 hexadecimal digits" in shown
    assert "no: R2 has no bucket with a capital letter" in shown
    assert "plans" == form.settings["bucket"]


def test_a_way_to_prove_who_one_is_is_chosen_and_its_fields_alone_are_asked_for(
    type_lines: Type, command: RunningCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    person = Form(command, "sharepoint", {})
    type_lines(TENANT, TENANT, APP, "3", "https://contoso.sharepoint.com/sites/projects/Plans/Forms/AllItems.aspx", "")
    person.complete(thorough=True)
    shown = capsys.readouterr().err
    machine = Form(command, "azure_blob", {})
    type_lines("6", "kazinexexample", "documents", "managed")
    machine.complete(thorough=True)

    assert person.signs_in
    assert "Plans" == person.settings["library"]
    assert "this is the tenant" in shown
    assert {"account": "kazinexexample", "container": "documents", "identity": "managed"} == machine.settings


def test_what_is_given_already_chooses_the_way_and_is_not_asked_for(type_lines: Type, command: RunningCommand) -> None:
    type_lines()
    secret = Form(
        command,
        "sharepoint",
        {
            "tenant_id": TENANT,
            "client_id": APP,
            "client_secret": "example-secret",
            "site_url": "https://contoso.sharepoint.com/sites/projects",
        },
    )
    chain = Form(command, "s3", {"bucket": "plans", "region": "eu-central-1"})

    secret.complete()
    chain.complete()  # right without a key pair: that of the machine

    assert secret.way is not None
    assert ("client_secret",) == secret.way.fields
    assert chain.way is None


def test_more_settings_are_listed_and_chosen_by_name(
    type_lines: Type, command: RunningCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    form = Form(command, "local", {"root": "/srv"})
    type_lines("y", "speed", "access", "all", "group", "")

    form.offer_more()

    shown = capsys.readouterr().err
    assert "there is no such setting" in shown
    assert "One of owner, group, umask." in shown
    assert {"root": "/srv", "access": "group"} == form.settings


def test_corrections_keep_what_enter_keeps_and_leave_out_what_a_hyphen_leaves_out(
    type_lines: Type, command: RunningCommand
) -> None:
    form = Form(command, "local", {"root": "/srv", "keep_deleted_days": "30"})
    type_lines("", "-")

    form.correct()

    assert {"root": "/srv", "keep_deleted_days": None} == form.settings


def test_another_way_is_chosen_and_what_belonged_to_the_first_is_gone(
    type_lines: Type, command: RunningCommand
) -> None:
    given = {"account": "kazinexexample", "container": "documents", "account_key": "ZXhhbXBsZQ=="}
    form = Form(command, "azure_blob", given)
    type_lines("6", "", "", "managed")

    form.correct()

    assert {**given, "account_key": None, "identity": "managed"} == form.settings


def test_a_certificate_is_taken_from_a_file(type_lines: Type, command: RunningCommand, tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\nexample\n-----END CERTIFICATE-----\n")
    given = {"tenant_id": TENANT, "client_id": APP, "site_url": "https://contoso.sharepoint.com/sites/projects"}
    form = Form(command, "sharepoint", {**given, "private_key": "example"})
    type_lines(f"@{file}.missing", f"@{file}")

    form.complete()

    assert str(form.settings["certificate"]).startswith("-----BEGIN CERTIFICATE-----\nexample")


def test_every_kind_has_what_a_person_is_told(command: RunningCommand) -> None:
    registry = command.organisations.registry
    for kind in ("r2", "s3", "supabase", "azure_blob", "sharepoint"):
        asked = {name for way in registry.ways(kind) for name in way.fields}
        for field in registry.fields(kind):
            if field.required or field.name in asked - {"identity", "private_key"}:
                assert field.where, f"{kind}.{field.name}: where is it found?"
                assert field.summary
