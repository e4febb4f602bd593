"""The facts without which no figure means anything: machine, date, commit, kernel, file system, versions."""

from __future__ import annotations

import json
import os
import platform
import ssl
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "kazinex-storage",
    "pydantic",
    "fsspec",
    "pycurl",
    "obstore",
    "azure-storage-blob",
    "adlfs",
    "office365-rest-python-client",
)
"""In the environment that measures."""
PEERS = ("obstore", "opendal", "minio", "boto3", "s3fs", "aiobotocore")
"""In the environment of the clients that ours is measured against on S3."""

_ASK = """
import json, sys
from importlib.metadata import PackageNotFoundError, version
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        found[name] = "not installed"
print(json.dumps(found))
"""


def describe(folder: Path, size: str, peer_python: Path) -> dict[str, str]:
    """Return facts by name; *folder* is where files will be written, *size* the name of the sizes."""
    return {
        "run": {"full": "full run (`make bench`)", "quick": "quick run (`make bench BENCH=--quick`)"}.get(size, size),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": _commit(),
        "machine": f"{_processor()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} cores, {_memory()} of memory",
        "kernel": f"{platform.system()} {platform.release()}",
        "disk": _file_system(folder),
        "python": f"{platform.python_implementation()} {platform.python_version()}, {ssl.OPENSSL_VERSION}",
        "versions": ", ".join(f"{package} {_version(package)}" for package in PACKAGES),
        "peers on S3": _peers(peer_python),
        "load before": load(),
    }


def load() -> str:
    """Return how busy the machine is: processes that want to run, over 1, 5 and 15 minutes."""
    return ", ".join(f"{value:.2f}" for value in os.getloadavg())


def _commit() -> str:
    """Return the commit that is measured, and whether the files differ from it."""
    home = Path(__file__).parent
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        found = subprocess.run(command, cwd=home, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def _peers(python: Path) -> str:
    if not python.exists():
        return "not installed"
    found = subprocess.run([python, "-c", _ASK, *PEERS], capture_output=True, text=True, check=True)
    return ", ".join(f"{name} {number}" for name, number in json.loads(found.stdout).items())


def _processor() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _file_system(folder: Path) -> str:
    """Return the type of the file system with the longest mount point above *folder*."""
    path, best, kind = str(folder.resolve()), "", "unknown"
    for line in _lines(Path("/proc/mounts")):
        _, mount, found, *_ = line.split()
        if (path == mount or path.startswith(mount.rstrip("/") + "/")) and len(mount) >= len(best):
            best, kind = mount, found
    return kind


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
