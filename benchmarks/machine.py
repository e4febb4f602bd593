"""The facts without which no figure means anything: machine, kernel, file system, versions."""

from __future__ import annotations

import os
import platform
import ssl
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("kazinex-storage", "pydantic", "fsspec", "pycurl")


def describe(folder: Path) -> dict[str, str]:
    """Return facts by name; *folder* is where files will be written."""
    return {
        "machine": f"{_processor()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} cores, {_memory()} of memory",
        "kernel": f"{platform.system()} {platform.release()}",
        "disk": f"{_file_system(folder)} at {folder.parent}",
        "python": f"{platform.python_implementation()} {platform.python_version()}, {ssl.OPENSSL_VERSION}",
        "versions": ", ".join(f"{package} {_version(package)}" for package in PACKAGES),
        "load": load(),
    }


def load() -> str:
    """Return how busy the machine is: processes that want to run, over 1, 5 and 15 minutes."""
    return ", ".join(f"{value:.2f}" for value in os.getloadavg())


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
