"""Workers of a service as processes of their own, so that they may be killed and measured.

They are forked from one process that has imported everything (``worker.py``): a start costs a second otherwise.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

PROGRAM = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Worker:
    """One running process, and where it listens."""

    url: str
    pid: int

    @property
    def peak_bytes(self) -> int:
        """The most memory that it ever had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))

    def client(self) -> httpx.Client:
        headers = {"Authorization": "Test user_xyz:org_admin"}
        return httpx.Client(base_url=f"{self.url}/storage", headers=headers, timeout=60)

    def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        with suppress(ProcessLookupError):
            while True:
                os.kill(self.pid, signal.SIGKILL)
                time.sleep(0.01)


@dataclass(frozen=True)
class Nursery:
    """The process that workers are forked from."""

    process: subprocess.Popen[bytes]

    @contextmanager
    def worker(self, place: str, key: str, *, killed_at: str = "") -> Iterator[Worker]:
        """Run a worker on the catalogue *place*, whose secrets are sealed under *key*, until the block ends."""
        environ = {"KAZINEX_STORAGE_KEY": key, "KAZINEX_STORAGE_DATABASE": place, "KILLED_AT": killed_at}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(environ)}\n".encode())
        self.process.stdin.flush()
        found = Worker(**json.loads(self.process.stdout.readline()))
        try:
            yield found
        finally:
            found.kill()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with subprocess.Popen([sys.executable, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()
