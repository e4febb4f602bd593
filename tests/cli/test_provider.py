"""Providers administered from the shell, as another process would see it."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import CommandLine


def test_a_provider_is_added_verified_chosen_and_listed(cli: CommandLine) -> None:
    root = cli.folder / "files"
    root.mkdir()

    added = cli(
        "provider", "add", "local", "Office disk", "--set", f"root={root}", "--max-file-size", "250MB", "--json"
    )
    verified = cli("--json", "provider", "verify", "office DISK")
    chosen = cli("provider", "set-default", "Office disk", "--json")
    listed = cli("provider", "list", "--json").json

    assert ("PENDING", 250 * 1024 * 1024) == (added.json["status"], added.json["max_file_bytes"])
    assert (0, True, "VERIFIED") == (verified.code, verified.json["ok"], verified.json["status"])
    assert ["list", "write", "read", "compare", "create-only", "delete", "owner"] == [
        check["name"] for check in verified.json["checks"]
    ]
    assert added.json["id"] == chosen.json["default"] == listed["default"] == listed["providers"][0]["id"]
    assert listed["providers"][0]["last_verified_at"] is not None


def test_a_table_without_a_terminal_is_plain_columns(cli: CommandLine) -> None:
    cli.add_disk()

    lines = cli("provider", "list").text.splitlines()

    assert ["LABEL", "KIND", "STATUS"] == lines[0].split()[:3]
    assert ["Disk", "local", "VERIFIED", "default"] == lines[1].split()[:4]


def test_the_limit_that_applies_is_listed_with_where_it_comes_from(cli: CommandLine) -> None:
    cli.add_disk("Own", max_file_bytes=1024**2)
    cli.add_disk("Usual")

    text = cli("provider", "list").text
    listed = cli("provider", "list", "--json").json["providers"]

    assert "1 MB (own)" in text
    assert " MB (kind)" in text
    assert [("own", 1024**2), ("kind", 500 * 1024**2)] == [
        (found["limit"]["from"], found["limit"]["bytes"]) for found in listed
    ]


def test_what_is_missing_is_asked_for_in_the_order_of_the_guide_and_checked_at_once(cli: CommandLine) -> None:
    terminal = cli.on_terminal("provider", "add", "vault", "Vault", "--set", "auth.tenant=acme", COLUMNS="40")
    terminal.wait_for("bucket: ")
    terminal.type("\n")
    terminal.wait_for("an answer is needed")
    terminal.type("plans\n")
    terminal.wait_for("token (not shown): ")
    terminal.type("example-not-real\n")
    terminal.wait_for("auth.client_secret (not shown): ")
    terminal.type("example-not-real-too\n")

    assert 0 == terminal.end(), terminal.shown
    shown = cli("provider", "show", "Vault", "--json").json
    assert ({"bucket": "plans", "auth": {"tenant": "acme"}}, ["auth/client_secret", "token"]) == (
        shown["settings"],
        shown["secrets"],
    )


def test_without_a_terminal_everything_that_is_missing_is_named_at_once(cli: CommandLine) -> None:
    done = cli("provider", "add", "r2", "Bucket", "--set", "bucket=plans")

    assert 6 == done.code
    for name in ("--set account_id=", "--set access_key_id=", "KAZINEX_STORAGE_R2_SECRET_ACCESS_KEY"):
        assert name in done.err


def test_a_table_on_a_terminal_is_drawn(cli: CommandLine) -> None:
    cli.add_disk()

    terminal = cli.on_terminal("provider", "list", TERM="xterm-256color")

    assert 0 == terminal.end()
    assert "\x1b[" in terminal.shown
    assert "VERIFIED" in terminal.shown


def test_a_failed_verification_has_its_own_exit_code_says_why_and_is_recorded(cli: CommandLine) -> None:
    root = cli.add_disk()
    root.rename(cli.folder / "gone")

    drawn = cli("provider", "verify", "Disk")
    shown = cli("provider", "verify", "Disk", "--json")

    assert (3, 3) == (drawn.code, shown.code)
    headline, cause, fix, *_ = drawn.text.splitlines()
    assert "is FAILED" in headline
    assert cause.startswith("  cause  ")
    assert fix.startswith("  fix  ")
    assert 1 == drawn.text.count("does not exist")
    assert "" == drawn.err
    failed = [check for check in shown.json["checks"] if check["status"] == "failed"]
    assert all(failed[0][name] for name in ("error", "diagnosis", "fix"))
    assert "FAILED" == cli("provider", "show", "Disk", "--json").json["status"]


def test_new_settings_make_a_provider_pending_again_and_the_command_says_so(cli: CommandLine) -> None:
    cli.add_disk()
    cli("provider", "set-default", "--none")
    other = cli.folder / "other"
    other.mkdir()

    changed = cli("provider", "update", "Disk", "--set", f"root={other}")
    limited = cli("provider", "update", "Disk", "--max-file-size", "1.5GB", "--json")
    unlimited = cli("provider", "update", "Disk", "--max-file-size", "default", "--unset", "durable", "--json")

    assert "PENDING again; next: kazinex-storage provider verify Disk --organisation org-1" in changed.err
    assert 3 * 512 * 1024 * 1024 == limited.json["max_file_bytes"]
    assert None is unlimited.json["max_file_bytes"]
    assert {"root": str(other)} == unlimited.json["settings"]


def test_settings_of_the_default_are_verified_before_they_replace_those_that_work(cli: CommandLine) -> None:
    root = cli.add_disk()
    other = cli.folder / "other"

    refused = cli("provider", "update", "Disk", "--set", f"root={other}", "--label", "New")
    kept = cli("provider", "show", "Disk", "--json").json
    other.mkdir()
    changed = cli("provider", "update", "Disk", "--set", f"root={other}", "--label", "New", "--json")

    assert 3 == refused.code
    assert "was not changed: the new settings fail (--force stores them)" in refused.text
    assert 1 == refused.text.count("does not exist")
    assert (str(root), "VERIFIED", 1) == (kept["settings"]["root"], kept["status"], kept["settings_version"])
    assert (0, "VERIFIED", "New", True) == (
        changed.code,
        changed.json["status"],
        changed.json["label"],
        changed.json["default"],
    )
    assert str(other) == changed.json["settings"]["root"]


def test_settings_that_fail_are_stored_by_force(cli: CommandLine) -> None:
    cli.add_disk()
    missing = cli.folder / "missing"

    forced = cli("provider", "update", "Disk", "--set", f"root={missing}", "--force", "--json")

    assert (0, "PENDING", str(missing)) == (forced.code, forced.json["status"], forced.json["settings"]["root"])


def test_settings_are_tested_and_nothing_is_stored(cli: CommandLine) -> None:
    root = cli.add_disk()
    other = cli.folder / "other"

    fails = cli("provider", "test", "Disk", "--set", f"root={other}", "--json")
    other.mkdir()
    works = cli("provider", "test", "Disk", "--set", f"root={other}")
    as_it_is = cli("provider", "test", "Disk")

    assert (3, False, "VERIFIED") == (fails.code, fails.json["ok"], fails.json["status"])
    assert (0, 0) == (works.code, as_it_is.code)
    assert f"Disk ({other}) would be VERIFIED; nothing was stored" == works.text.splitlines()[0]
    assert f"Disk ({root}) is found to be VERIFIED; nothing was stored" == as_it_is.text.splitlines()[0]
    assert [] == list(other.glob("org-1/*"))
    shown = cli("provider", "show", "Disk", "--json").json
    assert (str(root), 1) == (shown["settings"]["root"], shown["settings_version"])


def test_only_a_verified_provider_can_be_chosen_and_the_fix_works(cli: CommandLine) -> None:
    cli("provider", "add", "local", "New disk", "--set", f"root={cli.make_folder()}")

    refused = cli("provider", "set-default", "New disk")
    fix = shlex.split(refused.err.rpartition("run ")[2])

    assert 6 == refused.code
    assert ["kazinex-storage", "provider", "verify"] == fix[:3]
    assert 0 == cli(*fix[1:]).code
    assert 0 == cli("provider", "set-default", "New disk").code


def test_a_provider_in_use_is_not_removed_and_the_fix_works(cli: CommandLine) -> None:
    cli.add_disk()
    assert 0 == cli("provider", "override", "Disk", "--project", "bridge").code

    as_default = cli("provider", "remove", "Disk", "--yes")
    assert 0 == cli(*shlex.split(as_default.err.rpartition("none: ")[2])[1:]).code
    as_override = cli("provider", "remove", "Disk", "--yes")
    assert 0 == cli(*shlex.split(as_override.err.rpartition("first: ")[2])[1:]).code
    removed = cli("provider", "remove", "Disk", "--yes", "--json")

    assert (6, 6, 0) == (as_default.code, as_override.code, removed.code)
    assert [] == cli("provider", "list", "--json").json["providers"]


def test_an_override_is_listed_shown_and_cleared(cli: CommandLine) -> None:
    cli.add_disk()

    override = cli("provider", "override", "Disk", "-p", "bridge", "--json").json

    assert [{"project": "bridge", "provider": override["provider"]}] == cli("provider", "list", "--json").json[
        "overrides"
    ]
    assert ["bridge"] == cli("provider", "show", "Disk", "--json").json["overrides"]
    assert None is cli("provider", "override", "--clear", "-p", "bridge", "--json").json["provider"]


def test_removing_asks_and_takes_no_for_an_answer(cli: CommandLine) -> None:
    cli("provider", "add", "local", "Disk", "--set", f"root={cli.make_folder()}")

    terminal = cli.on_terminal("provider", "remove", "Disk")
    terminal.wait_for("[y/N]")
    terminal.type("n\n")

    assert 1 == terminal.end()
    unanswered = cli("provider", "remove", "Disk")
    assert 2 == unanswered.code
    assert "--yes" in unanswered.err
    assert 1 == len(cli("provider", "list", "--json").json["providers"])


def test_the_allowlist_is_set_shown_and_cleared(cli: CommandLine) -> None:
    assert ["dwg", "pdf"] == cli("allowlist", "set", "PDF", ".dwg", "--json").json["allowlist"]
    assert "allowed: dwg pdf\n" == cli("allowlist", "show").text
    assert [] == cli("allowlist", "clear", "--json").json["allowlist"]
    assert "every type of file is allowed, but for what allowlist rules shows\n" == cli("allowlist", "show").text


def test_what_is_refused_whatever_the_list_says_is_shown_and_set(cli: CommandLine) -> None:
    before = cli("allowlist", "rules", "--json").json
    changed = cli("allowlist", "rules", "--content", "required", "--never", "exe,.BAT", "--any-names", "--json").json
    shown = cli("allowlist", "rules").text.splitlines()
    wrong = cli("allowlist", "rules", "--content", "sometimes")

    assert ("recognised", True) == (before["content"], before["plain_names"])
    assert "exe" in before["never"]
    assert ("required", ["bat", "exe"], False) == (changed["content"], changed["never"], changed["plain_names"])
    assert ["contents: required", "never allowed: bat exe", "names that deceive: taken"] == shown
    assert (5, "off, recognised or required") == (
        wrong.code,
        wrong.err[wrong.err.index("off,") :].partition(", not")[0],
    )


def test_a_provider_of_the_platform_is_shown_and_used_and_changed_by_nobody(cli: CommandLine) -> None:
    root, file = cli.make_folder(), cli.folder / "managed.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"kind": "local", "label": "Supabase", "settings": {"root": str(root)}}))
    cli.environment["KAZINEX_STORAGE_MANAGED"] = str(file)

    listed = cli("provider", "list").text.splitlines()[1].split()
    shown = cli("provider", "show", "supabase").text
    verified = cli("provider", "verify", "Supabase", "--json")
    refused = [
        cli("provider", *arguments)
        for arguments in (("update", "Supabase", "--label", "Ours"), ("remove", "Supabase", "--yes"))
    ]

    assert ["Supabase", "local", "(managed)", "VERIFIED", "default", "50", "MB"] == listed[:7]
    assert "plan           Standard" in shown
    assert str(root) not in shown
    assert (0, True) == (verified.code, verified.json["ok"])
    assert [6, 6] == [found.code for found in refused]
    assert all("managed by the platform; contact support" in found.err for found in refused)
