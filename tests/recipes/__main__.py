"""Airflow, DVC and FUSE do what docs/recipes.md says, on a real server: ``make recipes``.

They need packages that other tests cannot have beside them, so this is a program and no test of pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kazinex_storage.testing.servers import S3Server, seaweedfs

KEY_ID, SECRET = "fedcba9876543210fedcba9876543210", "00112233445566778899aabbccddeeff" * 2


def airflow(bucket: str, server: S3Server, folder: Path) -> None:
    """``ObjectStoragePath`` over an attached file system."""
    os.environ["AIRFLOW_HOME"] = str(folder)
    import fsspec
    from airflow.sdk import ObjectStoragePath  # type: ignore[import-not-found]  # not beside other tests
    from airflow.sdk.io import attach  # type: ignore[import-not-found]

    attach(protocol="r2", fs=fsspec.filesystem("r2"))
    path = ObjectStoragePath(f"r2://{bucket}/registers/a.csv")
    path.write_text("drawing,revision\n")

    assert ["a.csv"] == [found.name for found in path.parent.iterdir()]
    assert "drawing,revision\n" == path.read_text()
    assert server.client().head_object(Bucket=bucket, Key="registers/a.csv")["ContentLength"] == 17


def dvc(bucket: str, server: S3Server, folder: Path) -> None:
    """A remote of DVC, whose settings are those that the page names."""
    program = str(Path(sys.executable).with_name("dvc"))

    def run(*words: str) -> None:
        subprocess.run([program, *words], cwd=folder, check=True, timeout=120)

    run("init", "--no-scm", "--quiet")
    run("remote", "add", "--default", "documents", f"s3://{bucket}/dvc")
    run("remote", "modify", "documents", "endpointurl", server.endpoint_url)
    run("remote", "modify", "documents", "region", server.region)
    run("remote", "modify", "--local", "documents", "access_key_id", server.access_key_id)
    run("remote", "modify", "--local", "documents", "secret_access_key", server.secret_access_key)
    (folder / "model.bin").write_bytes(b"model" * 1000)
    run("add", "--quiet", "model.bin")
    run("push")
    (folder / "model.bin").unlink()
    shutil.rmtree(folder / ".dvc" / "cache")
    run("pull")

    assert b"model" * 1000 == (folder / "model.bin").read_bytes()


def fuse(bucket: str, server: S3Server, folder: Path) -> None:
    """A mounted folder is read like files."""
    server.client().put_object(Bucket=bucket, Key="registers/b.csv", Body=b"drawing\nDRG-0042\n")
    mounted = folder / "plans"
    mounted.mkdir()
    words = ["-m", "fsspec.fuse", f"r2://{bucket}/registers", f"{bucket}/registers", str(mounted)]
    with subprocess.Popen([sys.executable, *words]) as program:
        try:
            deadline = time.monotonic() + 30
            while not mounted.is_mount() and time.monotonic() < deadline:
                time.sleep(0.1)
            assert ["b.csv"] == [path.name for path in mounted.iterdir()]
            assert b"drawing\nDRG-0042\n" == (mounted / "b.csv").read_bytes()
        finally:
            subprocess.run(["fusermount", "-u", str(mounted)], check=False)
            program.terminate()


RECIPES: dict[str, Callable[[str, S3Server, Path], None]] = {"airflow": airflow, "dvc": dvc, "fuse": fuse}


def main(name: str | None = None) -> None:
    """Run one recipe, or each in a process of its own: Airflow changes the one that it is loaded in."""
    if name is not None:
        server = S3Server(
            endpoint_url=os.environ["KAZINEX_STORAGE_R2_ENDPOINT_URL"], access_key_id=KEY_ID, secret_access_key=SECRET
        )
        with tempfile.TemporaryDirectory(prefix="recipe-") as folder:
            RECIPES[name](server.make_bucket(), server, Path(folder))
        print(f"{name}: {RECIPES[name].__doc__}")
        return
    with seaweedfs(KEY_ID, SECRET) as server:
        os.environ.update(
            KAZINEX_STORAGE_R2_ENDPOINT_URL=server.endpoint_url,
            KAZINEX_STORAGE_R2_ACCOUNT_ID="0123456789abcdef0123456789abcdef",
            KAZINEX_STORAGE_R2_ACCESS_KEY_ID=KEY_ID,
            KAZINEX_STORAGE_R2_SECRET_ACCESS_KEY=SECRET,
        )
        for each in RECIPES:
            subprocess.run([sys.executable, "-m", "tests.recipes", each], check=True, timeout=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
