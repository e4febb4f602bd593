"""What verify() says reaches the person at the shell, and the catalogue."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage.providers.s3.target import Credentials, Target

PATIENCE_S = 300  # for what hangs: a machine that is busy takes a minute for one command line

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(tmp_path: Path, ready_python: Sequence[str]) -> Run:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KAZINEX_STORAGE_")}
        home = {"KAZINEX_STORAGE_HOME": str(tmp_path), "KAZINEX_STORAGE_ORGANISATION": "org-1", "COLUMNS": "400"}
        return subprocess.run(
            [*ready_python, "-m", "kazinex_storage.cli", *arguments],
            env=kept | home | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    return run


def added(cli: Run, target: Target, secret: str, **settings: str) -> None:
    keys = target.credentials
    assert isinstance(keys, Credentials)
    given = {
        "account_id": "0123456789abcdef0123456789abcdef",
        "access_key_id": keys.access_key_id,
        "bucket": target.bucket,
        "prefix": target.prefix.rstrip("/"),
        "endpoint_url": target.endpoint_url,
        **settings,
    }
    words = [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
    done = cli("provider", "add", "r2", "Bucket", *words, KAZINEX_STORAGE_R2_SECRET_ACCESS_KEY=secret)
    assert 0 == done.returncode, done.stderr


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_a_secret_of_another_key_is_explained_and_recorded_without_it(cli: Run, seaweedfs_target: Target) -> None:
    hidden = "example-secret-not-real"
    added(cli, seaweedfs_target, hidden)

    drawn = cli("provider", "verify", "Bucket")
    shown = cli("provider", "verify", "Bucket", "--json")

    assert (3, 3) == (drawn.returncode, shown.returncode)
    assert "the secret access key does not belong to it" in drawn.stdout
    assert "without a blank or line break at its end" in drawn.stdout
    assert "Manage API tokens" in checks(shown)["list"]["fix"]
    assert "FAILED" == json.loads(cli("provider", "show", "Bucket", "--json").stdout)["status"]
    assert hidden not in drawn.stdout + drawn.stderr + shown.stdout + shown.stderr


def test_a_warning_reaches_the_shell_and_the_provider_is_verified(cli: Run, seaweedfs_target: Target) -> None:
    keys = seaweedfs_target.credentials
    assert isinstance(keys, Credentials)
    added(cli, seaweedfs_target, keys.secret_access_key, jurisdiction="eu")

    drawn = cli("provider", "verify", "Bucket")
    shown = cli("provider", "verify", "Bucket", "--json")

    assert (0, 0) == (drawn.returncode, shown.returncode)
    assert "cannot be proved through an address other than Cloudflare's own" in drawn.stdout
    assert ("warning", "passed") == (checks(shown)["residency"]["status"], checks(shown)["delete"]["status"])
