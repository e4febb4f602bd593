"""How many system calls an operation on a local disk makes: counted, since time says nothing on a busy machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kazinex_storage.providers.local.beneath import open_beneath

# Wraps what makes system calls in a process of its own, and counts opens that pass by the wrappers as well.
_SCRIPT = r"""
import fcntl, json, os, sys
from collections import Counter

calls, audited = Counter(), Counter()

def counted(name, function):
    def call(*arguments, **named):
        calls[name] += 1
        return function(*arguments, **named)
    return call

for name in "close fchmod fstat fsync link listdir lseek mkdir open posix_fadvise pread preadv pwrite read rename \
rmdir scandir stat unlink utime write".split():
    setattr(os, name, counted(name, getattr(os, name)))
fcntl.flock = counted("flock", fcntl.flock)
sys.addaudithook(lambda event, _: audited.update([event]) if event == "open" else None)

from kazinex_storage import Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings, beneath, resident, tree

found_calls = resident.resident_calls()
if found_calls is not None:
    found_calls = found_calls._replace(open=counted("openat2", found_calls.open))
    resident.resident_calls = lambda: found_calls

def open_beneath(root):
    function = beneath.open_beneath(root)
    return function and counted("openat2", function)

tree.open_beneath = open_beneath
with Storage(LocalProvider(LocalSettings(root=sys.argv[1], durable=True))) as storage:
    operations = {
        "put": lambda: storage.put("a/b/c.pdf", b"1" * 4096),
        "get": lambda: storage.get_bytes("a/b/c.pdf"),
        "head": lambda: storage.head("a/b/c.pdf"),
    }
    found = {}
    for name, operation in operations.items():
        operation()  # makes folders, locks and modules
        calls.clear(), audited.clear()
        operation()
        reads = {"any read": sum(calls.pop(read, 0) for read in ("read", "pread", "preadv"))}
        found[name] = {**calls, **reads, "passed by": audited["open"] - calls["open"]}
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, int]]:
    """Return the calls of each operation."""
    root = tmp_path_factory.mktemp("root")
    descriptor = os.open(root, os.O_RDONLY)
    quick = open_beneath(descriptor) is not None
    os.close(descriptor)
    if not quick:
        pytest.skip("this system opens files folder by folder")
    ran = subprocess.run([sys.executable, "-c", _SCRIPT, root], capture_output=True, text=True, timeout=60)
    assert 0 == ran.returncode, ran.stderr
    found: dict[str, dict[str, int]] = json.loads(ran.stdout)
    return found


def test_a_sidecar_is_opened_by_one_call_and_read_by_one(calls: dict[str, dict[str, int]]) -> None:
    assert {"openat2": 2, "fstat": 1, "any read": 1, "close": 2, "passed by": 0} == calls["head"]


def test_a_small_read_makes_eight_calls(calls: dict[str, dict[str, int]]) -> None:
    assert {"openat2": 2, "fstat": 2, "any read": 2, "close": 2, "passed by": 0} == calls["get"]


def test_a_durable_put_waits_four_times_and_makes_at_most_40_calls(calls: dict[str, dict[str, int]]) -> None:
    assert 4 == calls["put"]["fsync"]
    assert 0 == calls["put"]["passed by"]
    assert 40 >= sum(calls["put"].values())


def test_what_is_published_was_on_the_disk_before(tmp_path: Path) -> None:
    trace = r"""
import os, sys
from kazinex_storage import Storage
from kazinex_storage.providers.local import LocalProvider, LocalSettings

steps = []

def noted(name, function):
    def call(*arguments, **named):
        if name == "fsync":
            steps.append(("fsync", os.readlink(f"/proc/self/fd/{arguments[0]}")))
        elif name == "link":
            steps.append(("publish", str(arguments[1])))
        return function(*arguments, **named)
    return call

with Storage(LocalProvider(LocalSettings(root=sys.argv[1]))) as storage:
    storage.put("a/b.pdf", b"0")
    for name in ("fsync", "link"):
        setattr(os, name, noted(name, getattr(os, name)))
    storage.put("a/c.pdf", b"1")
print("\n".join(f"{step} {path}" for step, path in steps))
"""
    ran = subprocess.run([sys.executable, "-c", trace, tmp_path], capture_output=True, text=True, timeout=60)
    assert 0 == ran.returncode, ran.stderr
    steps = ran.stdout.splitlines()
    published = next(index for index, step in enumerate(steps) if step.startswith("publish"))

    before, after = steps[:published], steps[published + 1 :]

    assert any("(deleted)" in step for step in before), steps  # the object has no name yet
    assert any("/.~kazinex/objects/" in step and "." in step.rpartition("/")[2] for step in before), steps
    assert [f"fsync {tmp_path}/a"] == after
