"""What the provider for local disks leaves when a writer dies or the disk fills up."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kazinex_storage.errors import AlreadyExistsError, QuotaExceededError
from kazinex_storage.providers.local import LocalProvider, LocalSettings, temporary
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing.bench import CREATE, in_child, pattern
from kazinex_storage.types import PutOptions

_CAMPAIGN = Path(__file__).with_name("crash_campaign.py")

# Fills a disk that is much smaller than the body, then says what happened and what was left.
_FILL = """
import json, os, subprocess, sys
from pathlib import Path
from kazinex_storage.errors import StorageError
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.storage.sync import Storage

root = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", root], check=True)
storage = Storage(LocalProvider(LocalSettings(root=root)))
storage.put("folder/kept", b"old")
free = os.statvfs(root).f_bavail
errors = []
large = bytearray(8_000_000)
for key, body in (("folder/new", large), ("folder/kept", large), ("a/b/c", iter([large]))):
    try:
        storage.put(key, body)
    except StorageError as error:
        errors.append(type(error).__name__)
lost = free - os.statvfs(root).f_bavail
storage.put("folder/after", b"works")
keys = sorted(info.key for info in storage.list())
print(json.dumps([errors, keys, storage.get_bytes("folder/kept").decode(), lost]))
"""


# Mounts the root for reading alone, then reads and verifies.
_READ_ONLY = """
import json, subprocess, sys
from pathlib import Path
from kazinex_storage import verify
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.storage.sync import Storage

root = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root], check=True)
Storage(LocalProvider(LocalSettings(root=root))).put("kept", b"old")
subprocess.run(["mount", "-o", "remount,ro", root], check=True)
storage = Storage(LocalProvider(LocalSettings(root=root)))
print(json.dumps([storage.get_bytes("kept").decode(), verify(storage).failure]))
"""


# Hides /proc, then writes; the parent judges.
_WITHOUT_PROC = """
import subprocess, sys
from pathlib import Path
from kazinex_storage.errors import AlreadyExistsError
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.storage.sync import Storage
from kazinex_storage.types import PutMode, PutOptions

subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/proc"], check=True)
storage = Storage(LocalProvider(LocalSettings(root=Path(sys.argv[1]))))
storage.put("a", b"old")
storage.put("a", b"new")
storage.put("b", b"created", PutOptions(mode=PutMode.CREATE))
try:
    storage.put("b", b"again", PutOptions(mode=PutMode.CREATE))
except AlreadyExistsError:
    sys.exit(0)
sys.exit("created twice")
"""


def _campaign(root: Path, kills: int, seed: int, *more: str) -> None:
    done = subprocess.run(
        [sys.executable, _CAMPAIGN, root, str(kills), str(seed), *more], capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("how", ["unnamed", "named"])
def test_a_killed_writer_leaves_the_old_object_or_the_new_one(tmp_path: Path, how: str) -> None:
    _campaign(tmp_path, 25, 1, how)


@pytest.mark.soak
@pytest.mark.parametrize("how", ["unnamed", "named"])
@pytest.mark.parametrize("seed", range(2, 6))
def test_a_thousand_killed_writers_leave_whole_objects(tmp_path: Path, seed: int, how: str) -> None:
    _campaign(tmp_path, 1_000, seed, how)


def _privately(*command: str | Path) -> list[str | Path]:
    """Return *command* in a mount namespace of its own, as root there."""
    return ["unshare", *(["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]), *command]


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = _privately("mount", "-t", "tmpfs", "tmpfs", "/mnt")
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _may_mount(), reason="a small disk of one's own needs the right to mount; see the next test")
def test_a_full_disk_is_reported_and_nothing_is_left_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        _privately(sys.executable, "-c", _FILL, tmp_path), capture_output=True, text=True, check=False
    )

    assert "" == done.stderr
    errors, keys, kept, lost = json.loads(done.stdout)
    assert ["QuotaExceededError"] * 3 == errors
    assert (["folder/after", "folder/kept"], "old") == (keys, kept)
    assert lost <= 4  # pages of lock files at the most


@pytest.mark.skipif(not _may_mount(), reason="a disk of one's own needs the right to mount")
def test_a_disk_that_is_mounted_read_only_is_named_as_that(tmp_path: Path) -> None:
    done = subprocess.run(
        _privately(sys.executable, "-c", _READ_ONLY, tmp_path), capture_output=True, text=True, check=False
    )

    assert "" == done.stderr
    read, failure = json.loads(done.stdout)
    assert "old" == read
    assert failure.startswith("write: the disk is mounted read-only")
    assert "credentials" not in failure


@pytest.mark.parametrize("kind", ["bytes", "path"])
def test_a_file_size_limit_is_reported_and_nothing_is_left_behind(tmp_path: Path, kind: str) -> None:
    """RLIMIT_FSIZE makes the kernel refuse to write on, on every machine and without any right."""
    root, body = tmp_path / "root", tmp_path / "body"
    root.mkdir()
    body.write_bytes(bytes(3_000_000))
    storage = Storage(LocalProvider(LocalSettings(root=root)))
    storage.put("folder/kept", b"old")
    before = sorted(root.rglob("*"))

    def child() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        for key in ("folder/new", "folder/kept", "a/b/c"):
            with pytest.raises(QuotaExceededError):
                storage.put(key, body if kind == "path" else bytearray(3_000_000))

    assert 0 == in_child(child)
    assert ["folder/kept"] == [info.key for info in storage.list()]
    assert b"old" == storage.get_bytes("folder/kept")
    locks = root / ".~kazinex" / "locks"
    assert before == [path for path in sorted(root.rglob("*")) if path.parent != locks or path in before]


def test_of_creators_in_several_processes_exactly_one_wins(tmp_path: Path) -> None:
    storage = Storage(LocalProvider(LocalSettings(root=tmp_path, durable=False)))
    bodies = [pattern(500_000 + index, index) for index in range(4)]
    for round_ in range(10):
        ready, go = os.pipe()
        children = []
        for body in bodies:
            child = os.fork()
            if not child:
                status = 2
                try:
                    os.close(go)
                    os.read(ready, 1)  # all start when the parent closes its end
                    storage.put(f"race/{round_}", body, CREATE)
                    status = 0
                except AlreadyExistsError:
                    status = 1
                finally:
                    os._exit(status)
            children.append(child)
        os.close(ready)

        os.close(go)

        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert [0, 1, 1, 1] == sorted(statuses)
        assert bodies[statuses.index(0)] == storage.get_bytes(f"race/{round_}")


@pytest.mark.skipif(not _may_mount(), reason="hiding /proc needs the right to mount; TestWithoutUnnamedFiles patches")
def test_a_system_without_proc_publishes_by_named_files(tmp_path: Path) -> None:
    """Linking an unnamed file goes through /proc, which a bare container may lack."""
    done = subprocess.run(
        _privately(sys.executable, "-c", _WITHOUT_PROC, tmp_path), capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert ["a", "b"] == sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("."))
    assert (b"new", b"created") == ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes())


def test_a_temporary_file_of_a_living_writer_is_not_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "_UNNAMED", 0)
    storage = Storage(LocalProvider(LocalSettings(root=tmp_path, durable=False)))
    seen: list[list[str]] = []

    def look(*_: int | None) -> None:
        list(storage.list())  # sweeps
        seen.append([path.name[:10] for path in tmp_path.iterdir() if path.name.startswith(".~kazinex-")])

    storage.put("a", bytearray(3_000_000), on_progress=look)

    assert [[".~kazinex-"]] * len(seen) == seen
    assert 3_000_000 == storage.head("a").size


def test_a_temporary_file_of_a_dead_writer_is_swept(tmp_path: Path) -> None:
    storage = Storage(LocalProvider(LocalSettings(root=tmp_path, durable=False)))
    storage.put("folder/a", b"1")
    dead = tmp_path / "folder" / ".~kazinex-0123456789abcdef"
    dead.write_bytes(b"a part")

    found = [info.key for info in storage.list()]

    assert ["folder/a"] == found
    assert not dead.exists()


def test_no_sidecar_of_an_old_version_is_kept(tmp_path: Path) -> None:
    storage = Storage(LocalProvider(LocalSettings(root=tmp_path, durable=False)))
    for index in range(20):
        storage.put("a", f"{index}".encode(), PutOptions(metadata={"index": f"{index}"}))

    assert 1 == sum(1 for path in (tmp_path / ".~kazinex" / "objects").rglob("*") if path.is_file())

    storage.delete("a")
    assert 0 == sum(1 for path in (tmp_path / ".~kazinex" / "objects").rglob("*") if path.is_file())
