"""The package is imported and used where nothing POSIX-only is left, and where files behave as on Windows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kazinex_storage.testing.servers import S3Server

FOLDER = Path(__file__).parent


def run(program: str, *words: str | Path, folder: Path) -> str:
    command = [sys.executable, "-W", "error", FOLDER / "windows_like.py", FOLDER / "programs" / program, *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, timeout=120)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "" == done.stderr
    return done.stdout


def test_a_local_disk_keeps_its_promises(tmp_path: Path) -> None:
    run("local_disk.py", tmp_path, folder=tmp_path)


def test_remote_kinds_need_nothing_of_posix(seaweedfs_server: S3Server, tmp_path: Path) -> None:
    seaweedfs_server.client().create_bucket(Bucket="windows-like")
    words = (seaweedfs_server.endpoint_url, "windows-like", seaweedfs_server.access_key_id)

    shown = run("remote.py", *words, seaweedfs_server.secret_access_key, tmp_path / "home", folder=tmp_path)

    assert "Usage:" in shown
