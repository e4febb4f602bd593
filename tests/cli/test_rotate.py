"""Credentials rotated from the shell: proven first, and a wrong one changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kazinex_storage import open_organisations
from kazinex_storage.testing.servers import S3Server

if TYPE_CHECKING:
    from .conftest import CommandLine


@pytest.fixture
def bucket(cli: CommandLine, seaweedfs_server: S3Server) -> S3Server:
    settings = {
        "bucket": seaweedfs_server.make_bucket(),
        "endpoint_url": seaweedfs_server.endpoint_url,
        "access_key_id": seaweedfs_server.access_key_id,
        "secret_access_key": seaweedfs_server.secret_access_key,
    }
    organisations = open_organisations(cli.environment)
    record = organisations.add_provider("org-1", "s3", "Bucket", settings)
    organisations.record_verification(record, ok=True)
    organisations.close()
    return seaweedfs_server


def test_credentials_are_proven_and_then_used(cli: CommandLine, bucket: S3Server) -> None:
    wrong = json.dumps({"access_key_id": "example-not-real", "secret_access_key": "example-not-real"})
    refused = cli("provider", "rotate", "Bucket", "--settings-file", "-", "--json", stdin=wrong.encode())
    key = {"access_key_id": bucket.access_key_id, "secret_access_key": bucket.secret_access_key}
    right = {**key, "addressing": "path"}  # the server has one key; what differs is told apart by another field
    held = cli(
        "provider", "rotate", "Bucket", "--settings-file", "-", "--hold", "--json", stdin=json.dumps(right).encode()
    )
    used = cli("provider", "rotate", "Bucket", "--activate", "--grace", "2", "--json")
    dropped = cli("provider", "rotate", "Bucket", "--drop", "--version", "1", "--json")

    assert (3, ["FAILED", "ACTIVE"]) == (refused.code, [found["status"] for found in refused.json["versions"]])
    assert "example-not-real" not in refused.err
    assert (0, ["PROVEN", "ACTIVE"]) == (held.code, [found["status"] for found in held.json["versions"]])
    assert (0, ["ACTIVE", "RETIRED"]) == (used.code, [found["status"] for found in used.json["versions"]])
    assert (0, [2]) == (dropped.code, [found["version"] for found in dropped.json["versions"]])


def test_options_that_contradict_each_other_are_refused(cli: CommandLine, bucket: S3Server) -> None:
    both = cli("provider", "rotate", "Bucket", "--verify", "--activate")
    without = cli("provider", "rotate", "Bucket", "--drop")

    assert (2, 2) == (both.code, without.code)
