"""A fleet of small objects from this machine to a bucket, in one process with a ceiling on its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kazinex_storage.testing.servers import S3Server

OBJECTS = int(os.environ.get("FLEET_OBJECTS", "100000"))
MEMORY_MIB = 160
"""An idle process with SQLAlchemy and libcurl takes some 80 MiB; what is under way at most 64 MiB of small bodies."""


@pytest.mark.soak
def test_a_fleet_is_copied_in_flat_memory(
    tmp_path: Path, seaweedfs_server: S3Server, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "root"
    for number in range(OBJECTS):
        folder = root / f"{number // 1000:03}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number}.bin").write_bytes(b"%d " % number * (number % 300))
    place = {
        "endpoint_url": seaweedfs_server.endpoint_url,
        "bucket": seaweedfs_server.make_bucket(),
        "region": seaweedfs_server.region,
        "access_key_id": seaweedfs_server.access_key_id,
        "secret": seaweedfs_server.secret_access_key,
    }
    command = [
        sys.executable,
        "-m",
        "tests.soak.copying_process",
        str(root),
        str(tmp_path / "run.db"),
        json.dumps(place),
    ]

    found = json.loads(
        subprocess.run(command, cwd=Path(__file__).parents[2], check=True, stdout=subprocess.PIPE).stdout
    )

    with capsys.disabled():
        sys.stdout.write(
            f"\n{OBJECTS:,} objects in {found['wall_s']:.0f} s, {found['cpu_s'] / OBJECTS * 1000:.2f} ms of processor "
            f"time each, {found['rss_mib']:.0f} MiB at most\n"
        )
    assert (True, OBJECTS) == (found["complete"], found["counts"]["copied"]["objects"])
    assert found["rss_mib"] < MEMORY_MIB
