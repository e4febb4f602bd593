"""A provider is retired from the shell, and another tool is told how to reach its place."""

from __future__ import annotations

import configparser
import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazinex_storage import open_organisations

if TYPE_CHECKING:
    from .conftest import CommandLine

SECRET = "00112233445566778899aabbccddeeff" * 2
SETTINGS = {
    "account_id": "0123456789abcdef0123456789abcdef",
    "access_key_id": "fedcba9876543210fedcba9876543210",
    "secret_access_key": SECRET,
    "bucket": "kazinex-documents",
}


@pytest.fixture
def bucket(cli: CommandLine) -> None:
    organisations = open_organisations(cli.environment)
    organisations.record_verification(organisations.add_provider("org-1", "r2", "Bucket", SETTINGS), ok=True)
    organisations.close()


def test_a_provider_is_retired_and_brought_back(cli: CommandLine, bucket: None) -> None:
    retired = cli("provider", "retire", "Bucket", "--json")
    refused = cli("provider", "set-default", "Bucket")
    listed = cli("provider", "list")
    undone = cli("provider", "retire", "--undo", "Bucket", "--json")
    chosen = cli("provider", "set-default", "Bucket")
    in_use = cli("provider", "retire", "Bucket")

    assert retired.json["retired_at"]
    assert refused.code == 6
    assert "retire --undo Bucket" in refused.err
    assert b"VERIFIED, retired" in listed.out
    assert undone.json["retired_at"] is None
    assert (0, 6) == (chosen.code, in_use.code)
    assert "is the default; first choose another" in in_use.err


def test_what_is_printed_holds_no_secret_and_what_is_written_is_for_this_user_alone(
    cli: CommandLine, bucket: None, tmp_path: Path
) -> None:
    file = tmp_path / "rclone.conf"

    printed = cli("provider", "export", "rclone", "Bucket", "--name", "site")
    options = cli("provider", "export", "s3fs", "Bucket", "--json")
    written = cli("provider", "export", "rclone", "Bucket", "--secrets", "--to", str(file))
    again = cli("provider", "export", "rclone", "Bucket", "--secrets", "--to", str(file))
    shown = cli("provider", "export", "rclone", "Bucket", "--secrets")

    assert printed.out.startswith(b"[site]\ntype = s3\n")
    assert b"<secret_access_key>" in printed.out
    assert json.dumps(options.json["options"]).count("<secret_access_key>") == 1
    parser = configparser.ConfigParser()
    parser.read(file)
    assert SECRET == parser["kazinex"]["secret_access_key"]
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert (0, 5, 2) == (written.code, again.code, shown.code)
    for result in (printed, options, written, again, shown):
        assert SECRET not in result.out.decode() + result.err


def test_a_tool_that_is_not_known_is_refused_with_those_that_are(cli: CommandLine, bucket: None) -> None:
    unknown = cli("provider", "export", "filezilla", "Bucket")
    objects = cli("provider", "export", "boto3", "Bucket")

    assert unknown.code != 0
    assert "rclone" in unknown.err
    assert "Python objects" in objects.err
