"""What other programs, other locales and other machines leave below a local root."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kazinex_storage import AlreadyExistsError, NotFoundError, PutMode, PutOptions, Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings

# Races between another program and a put.
_ROUNDS = 300

# Everything that a script does with keys, in a process whose locale knows ASCII alone.
_SCRIPT = r"""
import json, sys
from kazinex_storage import Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings

root = json.loads(sys.stdin.read())
with Storage(LocalProvider(LocalSettings(root=root, create=True))) as storage:
    storage.put("B\u00fcro/neu.pdf", b"2")
    storage.copy("B\u00fcro/neu.pdf", "B\u00fcro/\u65e5\u672c.pdf")
    read = storage.get_bytes("B\u00fcro/pl\u00e4n.pdf").decode()
    storage.delete("B\u00fcro/pl\u00e4n.pdf")
    assert LocalSettings(root=root).place.path[-1] == root.rpartition("/")[2]
    print(json.dumps([sorted(info.key for info in storage.list()), read]))
"""


@pytest.mark.parametrize("locale", ["C", "POSIX"])
@pytest.mark.parametrize("name", ["root", "Wurzel-ü"])
def test_keys_are_utf8_on_the_disk_in_every_locale(tmp_path: Path, locale: str, name: str) -> None:
    (tmp_path / name / "Büro").mkdir(parents=True)
    (tmp_path / name / "Büro" / "plän.pdf").write_bytes(b"1")
    environ = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        input=json.dumps(str(tmp_path / name)),
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert [["Büro/neu.pdf", "Büro/日本.pdf"], "1"] == json.loads(ran.stdout or "null"), ran.stderr
    assert b"2" == (tmp_path / name / "Büro" / "neu.pdf").read_bytes()


def test_what_is_no_plain_file_is_no_object(root: Path, storage: Storage) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket"))
        os.mkfifo(root / "pipe")
        (root / "folder").mkdir()

        for name in ("socket", "pipe", "folder"):
            assert not storage.exists(name)
            with pytest.raises(NotFoundError):
                storage.get_bytes(name)

        assert [] == [*storage.list()]


def test_a_file_whose_time_no_datetime_holds_is_an_object_like_others(tmp_path: Path) -> None:
    shared_memory = Path("/dev/shm")  # keeps 64 bits, where ext4 keeps 34
    with tempfile.TemporaryDirectory(dir=shared_memory if shared_memory.is_dir() else tmp_path) as folder:
        storage = Storage(LocalProvider(LocalSettings(root=Path(folder))))
        expected: dict[str, datetime | None] = {}
        for name, seconds in (("a", 0), ("b", 910_692_730_085), ("c", -910_692_730_085)):
            storage.put(name, name.encode())
            os.utime(Path(folder, name), (seconds, seconds))
            kept = Path(folder, name).stat().st_mtime
            expected[name] = datetime.fromtimestamp(kept, UTC) if abs(kept) < 2**35 else None

        found = {info.key: info.last_modified for info in storage.list()}

        assert expected == found == {name: storage.head(name).last_modified for name in found}
        assert [b"a", b"b", b"c"] == [storage.get_bytes(name) for name in found]


def test_of_another_program_and_a_create_only_put_exactly_one_makes_the_file(root: Path, storage: Storage) -> None:
    """The other program knows no locks: the step that publishes has to refuse a name that was taken in between."""
    both = threading.Barrier(2, timeout=60)
    made: list[bool] = []

    def make() -> None:
        for index in range(_ROUNDS):
            both.wait()
            for _ in range(index % 50):  # a little later each time
                os.getpid()
            try:
                with (root / f"{index}").open("xb") as file:
                    file.write(b"theirs")
                made.append(True)
            except FileExistsError:
                made.append(False)

    thread = threading.Thread(target=make)
    thread.start()
    ours = []
    for index in range(_ROUNDS):
        both.wait()
        try:
            storage.put(f"{index}", b"ours", PutOptions(mode=PutMode.CREATE))
            ours.append(True)
        except AlreadyExistsError:
            ours.append(False)
    thread.join()

    assert [not theirs for theirs in made] == ours
    assert all((root / f"{index}").read_bytes() == (b"ours" if won else b"theirs") for index, won in enumerate(ours))
